package cloudformation_test

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"premiumhls/local/cloudformation"
	"premiumhls/local/s3"
)

// assembly is a cloud assembly with the assets "site", a directory, "config",
// a file with two markers, and "packed" and "slip", zip files.
func assembly(t *testing.T) *cloudformation.Assets {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("asset.site/index.html", "<<marker:0xbaba:0>>")
	write("asset.site/js/app.js", "app")
	write("asset.site/js/app.js.map", "map")
	write("asset.site/seg.ts", "ts")
	write("asset.config/config.json", `{"host":<<marker:0xbaba:0>>,"n":<<marker:0xbaba:1>>}`)
	write("asset.config/index.html", "over the site's")
	for name, entry := range map[string]string{"asset.packed.zip": "video/a.m3u8", "asset.slip.zip": "../a"} {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		archive := zip.NewWriter(file)
		w, err := archive.Create(entry)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Write([]byte("zipped <<marker:0xbaba:0>>"))
		if err := errors.Join(err, archive.Close(), file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "asset.link"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "asset.link", "x")); err != nil {
		t.Fatal(err)
	}
	var files []string
	for id, packaging := range map[string]string{"site": "zip", "config": "zip", "link": "zip", "packed": "file", "slip": "file"} {
		path := "asset." + id
		if packaging == "file" {
			path += ".zip"
		}
		files = append(files, fmt.Sprintf(`%q: {"displayName": "x", "source": {"path": %q, "packaging": %q}, "destinations": {"current_account-current_region-1": {"bucketName": "cdk-${AWS::Region}", "objectKey": "%s.zip"}}}`, id, path, packaging, id))
	}
	write("PremiumHls.assets.json", `{"version": "54.0.0", "files": {`+strings.Join(files, ",")+`}, "dockerImages": {}}`)
	assets, err := cloudformation.ReadAssets(filepath.Join(dir, "PremiumHls.assets.json"))
	if err != nil {
		t.Fatal(err)
	}
	return assets
}

type laidOut struct {
	bucket      *s3.Bucket
	provider    cloudformation.BucketDeployment
	invalidated []string
}

func newLaidOut(t *testing.T) *laidOut {
	t.Helper()
	l := &laidOut{bucket: s3.New("media", nil)}
	l.provider = cloudformation.BucketDeployment{
		Assets: assembly(t),
		Bucket: func(name string) (*s3.Bucket, error) {
			if name != "media" {
				return nil, errors.New("no such bucket")
			}
			return l.bucket, nil
		},
		Invalidate: func(_ context.Context, id string, paths []string) error {
			l.invalidated = append(l.invalidated, id+" "+strings.Join(paths, " "))
			return nil
		},
	}
	return l
}

// deploy lays out sources with some properties, which are JSON as in a
// template.
func (l *laidOut) deploy(t *testing.T, properties string) error {
	t.Helper()
	s := cloudformation.New(cloudformation.Options{
		Environment: environment, Providers: map[string]cloudformation.Provider{"Custom::CDKBucketDeployment": l.provider},
	})
	return s.Deploy(t.Context(), parse(t, `"D": {"Type": "Custom::CDKBucketDeployment", "Properties": {
		"ServiceToken": "arn:aws:lambda:x", "DestinationBucketName": "media", `+properties+`}}`))
}

func (l *laidOut) get(t *testing.T, key string) (string, http.Header) {
	t.Helper()
	recorder := httptest.NewRecorder()
	l.bucket.ServeHTTP(recorder, httptest.NewRequest("GET", "/"+key, nil))
	if recorder.Code != 200 {
		t.Fatalf("GET %s = %d", key, recorder.Code)
	}
	return recorder.Body.String(), recorder.Header()
}

func TestBucketDeployment(t *testing.T) {
	const config = `"SourceObjectKeys": ["site.zip", "config.zip", "packed.zip"], "SourceBucketNames": ["b", "b", "b"],
		"SourceMarkers": [{}, {"<<marker:0xbaba:0>>": {"Fn::Join": ["", ["\"", "d111.cloudfront.net", "\""]]}, "<<marker:0xbaba:1>>": 7}, {"<<marker:0xbaba:0>>": "a\"b"}],
		"SourceMarkersConfig": [{}, {}, {"jsonEscape": true}]`
	tests := []struct {
		name, properties string
		want             map[string]string // content and content type by key
	}{
		{"sources and their markers", config + `, "DestinationBucketKeyPrefix": "public"`, map[string]string{
			"public/config.json":   `{"host":"d111.cloudfront.net","n":7} application/json`,
			"public/index.html":    "over the site's text/html",
			"public/js/app.js":     "app text/javascript",
			"public/js/app.js.map": "map binary/octet-stream",
			"public/seg.ts":        "ts binary/octet-stream",
			"public/video/a.m3u8":  `zipped a\"b application/vnd.apple.mpegurl`,
			"publicity/kept":       "kept binary/octet-stream",
			"premium/kept":         "kept binary/octet-stream",
		}},
		{"a later source is over an earlier", `"SourceObjectKeys": ["config.zip", "site.zip"], "Prune": true, "Exclude": ["*"], "Include": ["index.html"], "DestinationBucketKeyPrefix": "public/"`, map[string]string{
			"public/index.html": "<<marker:0xbaba:0>> text/html",
			"public/old":        "old binary/octet-stream",
			"publicity/kept":    "kept binary/octet-stream",
			"premium/kept":      "kept binary/octet-stream",
		}},
		{"no pruning", `"SourceObjectKeys": ["packed.zip"], "Prune": false, "DestinationBucketKeyPrefix": "public"`, map[string]string{
			"public/old":          "old binary/octet-stream",
			"public/video/a.m3u8": "zipped <<marker:0xbaba:0>> application/vnd.apple.mpegurl",
			"publicity/kept":      "kept binary/octet-stream",
			"premium/kept":        "kept binary/octet-stream",
		}},
		{"pruning leaves out what is excluded", `"SourceObjectKeys": ["packed.zip"], "Exclude": ["premium/*", "public/o*"]`, map[string]string{
			"public/old":   "old binary/octet-stream",
			"video/a.m3u8": "zipped <<marker:0xbaba:0>> application/vnd.apple.mpegurl",
			"premium/kept": "kept binary/octet-stream",
		}},
		{"the whole bucket", `"SourceObjectKeys": ["packed.zip"], "DestinationBucketKeyPrefix": "/"`, map[string]string{
			"video/a.m3u8": "zipped <<marker:0xbaba:0>> application/vnd.apple.mpegurl",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLaidOut(t)
			for key, content := range map[string]string{"public/old": "old", "publicity/kept": "kept", "premium/kept": "kept"} {
				if err := l.bucket.Put(key, s3.Object{Content: []byte(content)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.deploy(t, test.properties); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, key := range l.bucket.List("") {
				content, header := l.get(t, key)
				got[key] = content + " " + header.Get("Content-Type")
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("objects\n%v, want\n%v", got, test.want)
			}
		})
	}
}

func TestBucketDeploymentMetadata(t *testing.T) {
	l := newLaidOut(t)
	err := l.deploy(t, `"SourceObjectKeys": ["site.zip"], "SystemMetadata": {"Cache-Control": "max-age=60", "content-type": "text/x", "storage-class": "STANDARD"},
		"UserMetadata": {"course": "1"}, "DistributionId": "E1", "DestinationBucketKeyPrefix": "public"`)
	if err != nil {
		t.Fatal(err)
	}
	_, header := l.get(t, "public/js/app.js")
	for name, want := range map[string]string{"Cache-Control": "max-age=60", "Content-Type": "text/x", "X-Amz-Meta-Course": "1"} {
		if got := header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if want := []string{"E1 /public/*"}; !reflect.DeepEqual(l.invalidated, want) {
		t.Errorf("invalidated %q, want %q", l.invalidated, want)
	}
}

func TestBucketDeploymentRefuses(t *testing.T) {
	const site = `"SourceObjectKeys": ["site.zip"], `
	tests := []struct{ name, properties, want string }{
		{"an unknown asset", `"SourceObjectKeys": ["other.zip"]`, `has no asset with the object key "other.zip"`},
		{"no sources", `"Prune": true`, "SourceObjectKeys is missing"},
		{"markers of another length", site + `"SourceMarkers": [{}, {}]`, "SourceMarkers has 2 entries for 1 sources"},
		{"a marker that is a list", site + `"SourceMarkers": [{"m": ["x"]}]`, "SourceMarkers[0]: the value of m is not a string"},
		{"no extraction", site + `"Extract": false`, "Extract must be true"},
		{"no retention", site + `"RetainOnDelete": false`, "RetainOnDelete must be true"},
		{"other metadata", site + `"SystemMetadata": {"website-redirect": "/x"}`, "website-redirect is not supported"},
		{"patterns that are no list", site + `"Exclude": "x"`, "Exclude is not a list"},
		{"an unknown bucket", site + `"DestinationBucketName": "other"`, "finding the bucket other: no such bucket"},
		{"a zip file that leaves its directory", `"SourceObjectKeys": ["slip.zip"]`, `invalid entry "../a"`},
		{"a link out of the asset", `"SourceObjectKeys": ["link.zip"]`, "escapes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLaidOut(t)
			err := l.deploy(t, test.properties)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if keys := l.bucket.List(""); len(keys) != 0 {
				t.Errorf("the bucket has %v", keys)
			}
		})
	}
}

func TestReadAssets(t *testing.T) {
	dir := t.TempDir()
	manifest := filepath.Join(dir, "S.assets.json")
	for name, test := range map[string][2]string{
		"no JSON":           {`x`, "reading the asset manifest"},
		"a path outside":    {`{"files": {"a": {"source": {"path": "../x", "packaging": "file"}}}}`, "the path of asset a is outside the assembly"},
		"another packaging": {`{"files": {"a": {"source": {"path": "x", "packaging": "tar"}}}}`, `unknown packaging "tar"`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(manifest, []byte(test[0]), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := cloudformation.ReadAssets(manifest); err == nil || !strings.Contains(err.Error(), test[1]) {
				t.Errorf("error %v, want one with %q", err, test[1])
			}
		})
	}
	asset, err := assembly(t).Find("packed.zip")
	if err != nil || asset.Packaging != "file" || !strings.HasSuffix(asset.Path, "asset.packed.zip") {
		t.Errorf("Find = %v, %v", asset, err)
	}
}
