package s3_test

import (
	"bytes"
	"crypto/md5"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"premiumhls/local/s3"
)

// served is a bucket with a few objects behind a real server.
func served(t *testing.T) (*s3.Bucket, *httptest.Server) {
	t.Helper()
	b := s3.New("media", nil)
	file := filepath.Join(t.TempDir(), "seg.ts")
	if err := os.WriteFile(file, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for key, object := range map[string]s3.Object{
		"premium/a.ts":      {File: file, ContentType: "video/mp2t"},
		"premium/m.m3u8":    {Content: []byte("#EXTM3U\n"), ContentType: "application/vnd.apple.mpegurl", CacheControl: "max-age=2", UserMetadata: map[string]string{"course": "1"}},
		"empty":             {Content: []byte{}},
		"a b+c%ü":           {Content: []byte("named")},
		"public/../x":       {Content: []byte("dots")},
		"public//x":         {Content: []byte("slashes")},
		"public/%2e%2e/x":   {Content: []byte("encoded")},
		"/premium/m.m3u8":   {Content: []byte("leading slash")},
		"<script>&\"'.html": {Content: []byte("xml")},
	} {
		if err := b.Put(key, object); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return b, server
}

type answer struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, server *httptest.Server, method, path string, header map[string]string) answer {
	t.Helper()
	request, err := http.NewRequest(method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

func TestGet(t *testing.T) {
	_, server := served(t)
	tests := []struct {
		name, path string
		status     int
		body       string
	}{
		{"a file", "/premium/a.ts", 200, "0123456789"},
		{"content", "/premium/m.m3u8", 200, "#EXTM3U\n"},
		{"empty content", "/empty", 200, ""},
		{"the query is not part of the key", "/premium/m.m3u8?x=y", 200, "#EXTM3U\n"},
		{"decoded once", "/a%20b+c%25%C3%BC", 200, "named"},
		{"dots are literal", "/public/../x", 200, "dots"},
		{"encoded dots are the same dots", "/public/%2e%2e/x", 200, "dots"},
		{"dots encoded twice are decoded once", "/public/%252e%252e/x", 200, "encoded"},
		{"slashes are literal", "/public//x", 200, "slashes"},
		{"a leading slash is part of the key", "//premium/m.m3u8", 200, "leading slash"},
		{"dots do not lead elsewhere", "/public/../premium/a.ts", 404, ""},
		{"slashes are not joined", "/premium//a.ts", 404, ""},
		{"an encoded slash is a slash", "/premium%2Fa.ts", 200, "0123456789"},
		{"keys have a case", "/Premium/a.ts", 404, ""},
		{"a directory is no key", "/premium/", 404, ""},
		{"not UTF-8", "/%ff", 400, ""},
		{"too long", "/" + strings.Repeat("x", 1025), 400, ""},
		{"as long as can be", "/" + strings.Repeat("x", 1024), 404, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t, server, "GET", test.path, nil)
			if got.status != test.status || (test.status == 200 && got.body != test.body) {
				t.Errorf("%d %q, want %d %q", got.status, got.body, test.status, test.body)
			}
			head := ask(t, server, "HEAD", test.path, nil)
			if head.status != test.status || head.body != "" {
				t.Errorf("HEAD: %d %q, want %d without a body", head.status, head.body, test.status)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	_, server := served(t)
	got := ask(t, server, "HEAD", "/premium/m.m3u8", nil).header
	for name, want := range map[string]string{
		"Content-Type": "application/vnd.apple.mpegurl", "Cache-Control": "max-age=2", "Content-Length": "8",
		"Accept-Ranges": "bytes", "Etag": fmt.Sprintf(`"%x"`, md5.Sum([]byte("#EXTM3U\n"))), "X-Amz-Meta-Course": "1",
	} {
		if got.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Get(name), want)
		}
	}
	if _, err := http.ParseTime(got.Get("Last-Modified")); err != nil {
		t.Errorf("Last-Modified: %v", err)
	}
	if got.Get("X-Amz-Request-Id") == "" {
		t.Error("no X-Amz-Request-Id")
	}
	if got := ask(t, server, "GET", "/empty", nil).header.Get("Content-Type"); got != "binary/octet-stream" {
		t.Errorf("Content-Type = %q, want S3's default", got)
	}
}

type document struct {
	XMLName                                           xml.Name
	Code, Message, Key, RangeRequested, Method        string
	ActualObjectSize, Condition, RequestId, URI, Name string
	Contents                                          []struct{ Key string }
}

func TestErrors(t *testing.T) {
	_, server := served(t)
	tests := []struct {
		name, method, path string
		header             map[string]string
		status             int
		want               document
	}{
		{"a missing key", "GET", "/premium/none.ts", nil, 404, document{Code: "NoSuchKey", Message: "The specified key does not exist.", Key: "premium/none.ts"}},
		{"a key that is markup", "GET", "/%3Cb%3E&", nil, 404, document{Code: "NoSuchKey", Message: "The specified key does not exist.", Key: "<b>&"}},
		{"a range past the end", "GET", "/premium/a.ts", map[string]string{"Range": "bytes=10-"}, 416,
			document{Code: "InvalidRange", Message: "The requested range is not satisfiable", RangeRequested: "bytes=10-", ActualObjectSize: "10"}},
		{"a failed condition", "GET", "/premium/a.ts", map[string]string{"If-Match": `"x"`}, 412,
			document{Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold", Condition: "If-Match"}},
		{"POST", "POST", "/premium/a.ts", nil, 405, document{Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource.", Method: "POST"}},
		{"PUT", "PUT", "/premium/a.ts", nil, 405, document{Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource.", Method: "PUT"}},
		{"DELETE", "DELETE", "/premium/a.ts", nil, 405, document{Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource.", Method: "DELETE"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t, server, test.method, test.path, test.header)
			var parsed document
			if err := xml.Unmarshal([]byte(got.body), &parsed); err != nil {
				t.Fatalf("%q: %v", got.body, err)
			}
			if parsed.XMLName.Local != "Error" || parsed.RequestId != got.header.Get("X-Amz-Request-Id") {
				t.Errorf("document %+v, want an Error with the request id", parsed)
			}
			parsed.XMLName, parsed.RequestId = xml.Name{}, ""
			if got.status != test.status || !reflect.DeepEqual(parsed, test.want) {
				t.Errorf("%d %+v, want %d %+v", got.status, parsed, test.status, test.want)
			}
			if got.header.Get("Content-Type") != "application/xml" || got.header.Get("Etag") != "" || got.header.Get("Cache-Control") != "" {
				t.Errorf("headers %v, want XML without the object's headers", got.header)
			}
		})
	}
}

func TestRange(t *testing.T) {
	_, server := served(t)
	tests := []struct {
		name, path, asked string
		status            int
		body, content     string
	}{
		{"a part", "/premium/a.ts", "bytes=2-4", 206, "234", "bytes 2-4/10"},
		{"one byte", "/premium/a.ts", "bytes=9-9", 206, "9", "bytes 9-9/10"},
		{"to the end", "/premium/a.ts", "bytes=7-", 206, "789", "bytes 7-9/10"},
		{"past the end", "/premium/a.ts", "bytes=7-99", 206, "789", "bytes 7-9/10"},
		{"the last bytes", "/premium/a.ts", "bytes=-3", 206, "789", "bytes 7-9/10"},
		{"more last bytes than there are", "/premium/a.ts", "bytes=-30", 206, "0123456789", "bytes 0-9/10"},
		{"everything", "/premium/a.ts", "bytes=0-", 206, "0123456789", "bytes 0-9/10"},
		{"of content in memory", "/premium/m.m3u8", "bytes=1-3", 206, "EXT", "bytes 1-3/8"},
		{"a number without end", "/premium/a.ts", "bytes=8-99999999999999999999", 206, "89", "bytes 8-9/10"},
		{"begins at the end", "/premium/a.ts", "bytes=10-12", 416, "", "bytes */10"},
		{"begins without end", "/premium/a.ts", "bytes=99999999999999999999-", 416, "", "bytes */10"},
		{"no last bytes", "/premium/a.ts", "bytes=-0", 416, "", "bytes */10"},
		{"of nothing", "/empty", "bytes=0-", 416, "", "bytes */0"},
		{"the last bytes of nothing", "/empty", "bytes=-1", 416, "", "bytes */0"},
		{"several", "/premium/a.ts", "bytes=0-1,3-4", 200, "0123456789", ""},
		{"backwards", "/premium/a.ts", "bytes=4-2", 200, "0123456789", ""},
		{"another unit", "/premium/a.ts", "items=0-1", 200, "0123456789", ""},
		{"a sign", "/premium/a.ts", "bytes=+1-2", 200, "0123456789", ""},
		{"nothing", "/premium/a.ts", "bytes=-", 200, "0123456789", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t, server, "GET", test.path, map[string]string{"Range": test.asked})
			if got.status != test.status || (got.status != 416 && got.body != test.body) || got.header.Get("Content-Range") != test.content {
				t.Errorf("%d %q %q, want %d %q %q", got.status, got.body, got.header.Get("Content-Range"), test.status, test.body, test.content)
			}
			head := ask(t, server, "HEAD", test.path, map[string]string{"Range": test.asked})
			if head.status != test.status || head.header.Get("Content-Range") != test.content {
				t.Errorf("HEAD: %d %q, want %d %q", head.status, head.header.Get("Content-Range"), test.status, test.content)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	_, server := served(t)
	object := ask(t, server, "GET", "/premium/a.ts", nil).header
	etag, modified := object.Get("Etag"), object.Get("Last-Modified")
	when, err := http.ParseTime(modified)
	if err != nil {
		t.Fatal(err)
	}
	before, after := when.Add(-time.Hour).Format(http.TimeFormat), when.Add(time.Hour).Format(http.TimeFormat)
	tests := []struct {
		name   string
		header map[string]string
		status int
	}{
		{"If-None-Match, the same", map[string]string{"If-None-Match": etag}, 304},
		{"If-None-Match, weak", map[string]string{"If-None-Match": "W/" + etag}, 304},
		{"If-None-Match, one of a list", map[string]string{"If-None-Match": `"x", ` + etag}, 304},
		{"If-None-Match, any", map[string]string{"If-None-Match": "*"}, 304},
		{"If-None-Match, another", map[string]string{"If-None-Match": `"x"`}, 200},
		{"If-None-Match decides over If-Modified-Since", map[string]string{"If-None-Match": `"x"`, "If-Modified-Since": after}, 200},
		{"If-Modified-Since, the same", map[string]string{"If-Modified-Since": modified}, 304},
		{"If-Modified-Since, later", map[string]string{"If-Modified-Since": after}, 304},
		{"If-Modified-Since, earlier", map[string]string{"If-Modified-Since": before}, 200},
		{"If-Modified-Since, no date", map[string]string{"If-Modified-Since": "yesterday"}, 200},
		{"If-Match, the same", map[string]string{"If-Match": etag}, 200},
		{"If-Match, weak", map[string]string{"If-Match": "W/" + etag}, 412},
		{"If-Match, another", map[string]string{"If-Match": `"x"`}, 412},
		{"If-Match decides over If-Unmodified-Since", map[string]string{"If-Match": etag, "If-Unmodified-Since": before}, 200},
		{"If-Unmodified-Since, the same", map[string]string{"If-Unmodified-Since": modified}, 200},
		{"If-Unmodified-Since, earlier", map[string]string{"If-Unmodified-Since": before}, 412},
		{"a condition before a range", map[string]string{"If-None-Match": etag, "Range": "bytes=0-1"}, 304},
		{"If-Range, the same", map[string]string{"If-Range": etag, "Range": "bytes=0-1"}, 206},
		{"If-Range, the same date", map[string]string{"If-Range": modified, "Range": "bytes=0-1"}, 206},
		{"If-Range, another", map[string]string{"If-Range": `"x"`, "Range": "bytes=0-1"}, 200},
		{"If-Range, another and past the end", map[string]string{"If-Range": `"x"`, "Range": "bytes=99-"}, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t, server, "GET", "/premium/a.ts", test.header)
			if got.status != test.status {
				t.Errorf("%d, want %d", got.status, test.status)
			}
			if got.status == 304 && (got.body != "" || got.header.Get("Etag") != etag) {
				t.Errorf("304 with %q and ETag %q, want no body and %q", got.body, got.header.Get("Etag"), etag)
			}
		})
	}
}

func TestList(t *testing.T) {
	b, server := served(t)
	want := []string{"premium/a.ts", "premium/m.m3u8"}
	if got := b.List("premium/"); !reflect.DeepEqual(got, want) {
		t.Errorf("List = %v, want %v", got, want)
	}
	b.Delete("premium/a.ts")
	b.Delete("premium/a.ts")
	if got := b.List("premium/"); !reflect.DeepEqual(got, want[1:]) {
		t.Errorf("List = %v, want %v", got, want[1:])
	}
	if got := ask(t, server, "GET", "/premium/a.ts", nil).status; got != 404 {
		t.Errorf("%d after Delete, want 404", got)
	}

	var listing document
	if err := xml.Unmarshal([]byte(ask(t, server, "GET", "/", nil).body), &listing); err != nil {
		t.Fatal(err)
	}
	if listing.XMLName.Local != "ListBucketResult" || listing.Name != "media" || len(listing.Contents) != len(b.List("")) {
		t.Errorf("GET / = %+v, want a listing of all keys", listing)
	}
}

func TestPutRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, key string
		object    s3.Object
		want      string
	}{
		{"no key", "", s3.Object{}, "the key is empty"},
		{"a long key", strings.Repeat("x", 1025), s3.Object{}, "1025 bytes"},
		{"a key that is not UTF-8", "\xff", s3.Object{}, "not UTF-8"},
		{"content and file", "x", s3.Object{Content: []byte("x"), File: file}, "both content and a file"},
		{"no such file", "x", s3.Object{File: file + "y"}, "no such file"},
		{"a directory", "x", s3.Object{File: filepath.Dir(file)}, "not a regular file"},
		{"a file outside its root", "x", s3.Object{Root: filepath.Dir(file), File: "../x"}, "escapes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := s3.New("media", nil)
			if err := b.Put(test.key, test.object); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if len(b.List("")) != 0 {
				t.Error("the object was stored")
			}
		})
	}
}

func TestPutDir(t *testing.T) {
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
	write("master.m3u8", "#EXTM3U")
	write("low/seg 1.ts", "segment")
	if err := os.Symlink("low/seg 1.ts", filepath.Join(dir, "link.ts")); err != nil {
		t.Fatal(err)
	}
	b := s3.New("media", nil)
	server := httptest.NewServer(b)
	defer server.Close()
	n, err := b.PutDir("premium/c1", dir, func(key string, object *s3.Object) {
		if strings.HasSuffix(key, ".ts") {
			object.ContentType = "video/mp2t"
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"premium/c1/link.ts", "premium/c1/low/seg 1.ts", "premium/c1/master.m3u8"}; n != 3 || !reflect.DeepEqual(b.List(""), want) {
		t.Errorf("%d objects, %v, want %v", n, b.List(""), want)
	}
	for path, want := range map[string][2]string{
		"/premium/c1/master.m3u8":    {"#EXTM3U", "application/vnd.apple.mpegurl"},
		"/premium/c1/low/seg%201.ts": {"segment", "video/mp2t"},
		"/premium/c1/link.ts":        {"segment", "video/mp2t"},
	} {
		got := ask(t, server, "GET", path, nil)
		if got.status != 200 || got.body != want[0] || got.header.Get("Content-Type") != want[1] {
			t.Errorf("GET %s = %d %q %q, want 200 %q", path, got.status, got.body, got.header.Get("Content-Type"), want)
		}
	}

	etag := ask(t, server, "GET", "/premium/c1/master.m3u8", nil).header.Get("Etag")
	write("master.m3u8", "#EXTM3U changed")
	if got := ask(t, server, "GET", "/premium/c1/master.m3u8", nil); got.body != "#EXTM3U changed" || got.header.Get("Etag") == etag {
		t.Errorf("a changed file is %q with ETag %s, was %s", got.body, got.header.Get("Etag"), etag)
	}

	// What was a file when it was put becomes a link out of the directory.
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "master.m3u8")); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, server, "GET", "/premium/c1/master.m3u8", nil); got.status != 404 {
		t.Errorf("a deleted file is %d, want 404", got.status)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "master.m3u8")); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, server, "GET", "/premium/c1/master.m3u8", nil); got.status != 500 || strings.Contains(got.body, "secret") {
		t.Errorf("a link out of the directory is %d %q, want 500", got.status, got.body)
	}
}

func TestPutDirRefuses(t *testing.T) {
	outside := t.TempDir()
	tests := []struct {
		name string
		make func(dir string) error
		want string
	}{
		{"a link out", func(dir string) error { return os.Symlink(outside, filepath.Join(dir, "x")) }, "leads out of the directory"},
		{"a relative link out", func(dir string) error { return os.Symlink("../", filepath.Join(dir, "x")) }, "leads out of the directory"},
		{"a link nowhere", func(dir string) error { return os.Symlink("nothing", filepath.Join(dir, "x")) }, "or nowhere"},
		{"a link to a directory inside", func(dir string) error { return os.Symlink(".", filepath.Join(dir, "x")) }, "not a regular file"},
		{"no directory", os.RemoveAll, "no such file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "content")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "a"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := test.make(dir); err != nil {
				t.Fatal(err)
			}
			b := s3.New("media", nil)
			if _, err := b.PutDir("", dir, nil); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if keys := b.List(""); len(keys) != 0 {
				t.Errorf("stored %v", keys)
			}
		})
	}
}

// A large file is read in pieces: HEAD and a small range of one that is 1 TB
// long (and sparse) answer at once.
func TestLargeFile(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "large.ts"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const size = 1 << 40
	if _, err := file.WriteAt([]byte("end"), size-3); err != nil {
		t.Skipf("no sparse file of 1 TB here: %v", err)
	}
	b := s3.New("media", nil)
	if err := b.Put("large.ts", s3.Object{File: file.Name()}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b)
	defer server.Close()
	got := ask(t, server, "GET", "/large.ts", map[string]string{"Range": "bytes=-3"})
	if got.body != "end" || got.header.Get("Content-Range") != "bytes 1099511627773-1099511627775/1099511627776" {
		t.Errorf("%q %q", got.body, got.header.Get("Content-Range"))
	}
}

func TestContentType(t *testing.T) {
	for name, want := range map[string]string{
		"master.m3u8": "application/vnd.apple.mpegurl", "a/b/Player.CSS": "text/css", "app.js": "text/javascript", "m.mjs": "text/javascript",
		"config.json": "application/json", "index.html": "text/html", "logo.svg": "image/svg+xml", "poster.jpg": "image/jpeg",
		"x.png": "image/png", "robots.txt": "text/plain", "sub.vtt": "text/vtt", "init.mp4": "video/mp4",
		"seg.ts": "binary/octet-stream", "seg.m4s": "binary/octet-stream", "LICENSE": "binary/octet-stream", "": "binary/octet-stream",
		".json": "binary/octet-stream", "data.json.gz": "application/json", "logo.svgz": "image/svg+xml", "x.tgz": "application/x-tar", "x.gz": "binary/octet-stream",
	} {
		if got := s3.ContentType(name); got != want {
			t.Errorf("ContentType(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	b, server := served(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			if err := b.Put("premium/m.m3u8", s3.Object{Content: bytes.Repeat([]byte("x"), 8)}); err != nil {
				t.Error(err)
			}
			b.List("")
			b.Delete("empty")
		}
	}()
	for range 100 {
		if got := ask(t, server, "GET", "/premium/m.m3u8", nil); got.status != 200 || len(got.body) != 8 {
			t.Errorf("%d %q", got.status, got.body)
		}
	}
	<-done
}
