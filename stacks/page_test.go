package stacks_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"premiumhls/local/iam"
)

// uploadedKeys returns what the uploader may write: keys, some ending in *.
func uploadedKeys(t *testing.T, a assembly) (keys []string) {
	t.Helper()
	for _, r := range a.Resources("AWS::IAM::Policy") {
		for _, s := range get(t, r.Properties, "PolicyDocument", "Statement").([]any) {
			s := s.(map[string]any)
			if s["Sid"] != "WriteOwnObjects" {
				continue
			}
			if got := text(s["Action"]); got != `"s3:PutObject"` {
				t.Errorf("the uploader may %s", got)
			}
			for _, resource := range s["Resource"].([]any) {
				keys = append(keys, strings.TrimPrefix(short(resource), "Videos.Arn/"))
			}
		}
	}
	return keys
}

// Whatever is deployed, with or without the sample, the function that uploads
// can write nothing that an owner has put into the bucket.
func TestUploaderCannotWriteOwnersObjects(t *testing.T) {
	for name, changes := range map[string]map[string]any{
		"sample": nil, "no sample": {"sample": false}, "another path": {"premiumPath": "paid"},
	} {
		t.Run(name, func(t *testing.T) {
			keys := uploadedKeys(t, synthesize(t, changes))
			writes := func(key string) bool {
				return slices.ContainsFunc(keys, func(k string) bool { return iam.Match(k, key) })
			}
			premium := "premium"
			if p, ok := changes["premiumPath"]; ok {
				premium = p.(string)
			}
			for _, key := range []string{
				"public/catalog.json", "public/posters/mine.jpg", "public/trailers/mine/master.m3u8", "public/index.html.bak", "public/sample.json",
				premium + "/mine/master.m3u8", premium + "/course-1/master.m3u8", premium + "/course-10/sample/master.m3u8", premium + "/master.m3u8", "other/file",
			} {
				if writes(key) {
					t.Errorf("writes %s: %v", key, keys)
				}
			}
			for _, key := range []string{"public/index.html", "public/config.json", "public/vendor/vue.js"} {
				if !writes(key) {
					t.Errorf("cannot write %s: %v", key, keys)
				}
			}
			for _, key := range []string{"public/sample/catalog.json", "public/trailers/sample/master.m3u8", premium + "/course-1/sample/master.m3u8"} {
				if want := changes["sample"] != false; writes(key) != want {
					t.Errorf("writes %s is %t, want %t", key, !want, want)
				}
			}
		})
	}
}

// Every object that a deploy writes has a caching rule, and nothing is removed.
func TestUploadsCarryCachingRules(t *testing.T) {
	const forever = "max-age=0, must-revalidate, s-maxage=31536000"
	want := map[string]string{"Page": "no-cache", "Probe": "no-cache", "SamplePlaylists": forever, "SampleSegments": forever,
		"SampleCatalog": "max-age=0, must-revalidate, s-maxage=10"}
	for id, r := range synthesize(t, nil).Resources("Custom::CDKBucketDeployment") {
		name := strings.TrimSuffix(named(id), "CustomResource")
		name = strings.TrimSuffix(strings.TrimSuffix(name, "-"), "CustomResource256MiB")
		rule := ""
		for upload, expected := range want {
			if strings.HasPrefix(name, upload) {
				rule = expected
				delete(want, upload)
				break
			}
		}
		if got := get(t, r.Properties, "SystemMetadata", "cache-control"); rule == "" || got != rule {
			t.Errorf("%s has Cache-Control %v, want %q", id, got, rule)
		}
		if r.Properties["Prune"] != false {
			t.Errorf("%s removes objects", id)
		}
	}
	if len(want) > 0 {
		t.Errorf("no upload of %v", want)
	}
}

// CloudFront caches the sample's videos for a year, so that none may change
// under its name. Put a changed video into a folder with another name.
func TestSampleVideosDoNotChange(t *testing.T) {
	const want = "3c1f2e59cce156da059d7efdcbac96ca765dc1e92358c239d91ea93d5215e149"
	h := sha256.New()
	videos := os.DirFS("../player/sample")
	for _, root := range []string{"premium", "public/trailers"} {
		err := fs.WalkDir(videos, root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := fs.ReadFile(videos, path)
			fmt.Fprintf(h, "%s %d\n", path, len(content))
			h.Write(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("the sample's videos have the digest %s, want %s", got, want)
	}
}
