package awsjson

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"premiumhls/local/s3"
)

func bucketVariables(changes ...string) func(string) string {
	variables := map[string]string{"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		variables[name] = value
	}
	return func(name string) string { return variables[name] }
}

func TestBucketEndpoint(t *testing.T) {
	for _, tt := range []struct{ bucket, variable, want string }{
		{"videos", "", "https://videos.s3.eu-central-1.amazonaws.com"},
		{"videos", "AWS_REGION=cn-north-1", "https://videos.s3.cn-north-1.amazonaws.com.cn"},
		{"my.videos", "", "https://s3.eu-central-1.amazonaws.com/my.videos"},
		{"videos", "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9", "http://127.0.0.1:9/videos"},
		{"videos", "AWS_ENDPOINT_URL=https://s3.example.com/", "https://s3.example.com/videos"},
	} {
		t.Run(tt.bucket+" "+tt.variable, func(t *testing.T) {
			b, err := NewBucket(tt.bucket, bucketVariables(tt.variable))
			if err != nil || b.client.endpoint != tt.want {
				t.Errorf("%v, %v; want %s", b.client.endpoint, err, tt.want)
			}
		})
	}
}

func TestBucketGet(t *testing.T) {
	store := s3.New("videos", nil)
	service := &s3.Service{Bucket: func(name string) (*s3.Bucket, bool) { return store, name == "videos" }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := signedAsDocumented(r); err != nil {
			t.Error(err)
		}
		service.ServeHTTP(w, r)
	}))
	defer server.Close()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write([]byte("#EXTM3U"))
	w.Close()
	for key, o := range map[string]s3.Object{
		"premium/a.m3u8":        {Content: []byte("#EXTM3U")},
		"premium/Урок 1+2%.ts":  {Content: []byte("x")},
		"premium/empty":         {},
		"premium/zipped.m3u8":   {Content: zipped.Bytes(), ContentEncoding: "gzip"},
		"premium/brotli.m3u8":   {Content: []byte("x"), ContentEncoding: "br"},
		"premium/film.mp4":      {Content: make([]byte, maxAnswer+1)},
		"premium/'(a)*,;=@$.ts": {Content: []byte("y")},
	} {
		if err := store.Put(key, o); err != nil {
			t.Fatal(err)
		}
	}
	b, err := NewBucket("videos", bucketVariables("AWS_ENDPOINT_URL_S3="+server.URL))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ key, content, err string }{
		{key: "premium/a.m3u8", content: "#EXTM3U"},
		{key: "premium/Урок 1+2%.ts", content: "x"},
		{key: "premium/'(a)*,;=@$.ts", content: "y"},
		{key: "premium/empty"},
		{key: "premium/zipped.m3u8", content: "#EXTM3U"},
		{key: "premium/brotli.m3u8", err: "the object has the Content-Encoding br: must be none or gzip"},
		{key: "premium/film.mp4", err: ErrTooLarge.Error()},
		{key: "premium/none", err: "status 404 NoSuchKey: The specified key does not exist."},
	} {
		t.Run(tt.key, func(t *testing.T) {
			got, err := b.Get(t.Context(), tt.key, "")
			if err != nil {
				if err.Error() != tt.err {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if string(got.Content) != tt.content || got.ETag == "" || tt.err != "" {
				t.Errorf("read %q, want %q %s", got.Content, tt.content, tt.err)
			}
			again, err := b.Get(t.Context(), tt.key, got.ETag)
			if err != nil || again.Content != nil || again.ETag != got.ETag {
				t.Errorf("unchanged: %q, %v", again.Content, err)
			}
			if other, err := b.Get(t.Context(), tt.key, `"other"`); err != nil || string(other.Content) != tt.content {
				t.Errorf("changed: %q, %v", other.Content, err)
			}
		})
	}
}

func TestBucketDenied(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte(`<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>`))
	}))
	defer server.Close()
	b, err := NewBucket("videos", bucketVariables("AWS_ENDPOINT_URL_S3="+server.URL))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Get(t.Context(), "a", "")
	if failed, ok := errors.AsType[*Error](err); !ok || failed.Status != 403 || failed.Code != "AccessDenied" || failed.Message != "no" || failed.Temporary() {
		t.Errorf("%v", err)
	}
}

// signedAsDocumented checks a request's signature with a calculation of its own
// (S3 API reference, "Signature Calculations for the Authorization Header").
func signedAsDocumented(r *http.Request) error {
	authorization := strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	fields := map[string]string{}
	for item := range strings.SplitSeq(authorization, ", ") {
		name, value, _ := strings.Cut(item, "=")
		fields[name] = value
	}
	scope := strings.SplitN(fields["Credential"], "/", 2)[1]
	names := strings.Split(fields["SignedHeaders"], ";")
	for _, name := range []string{"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"} {
		if !slices.Contains(names, name) {
			return errors.New(name + " is not signed")
		}
	}
	path, query, _ := strings.Cut(r.RequestURI, "?")
	canonical := r.Method + "\n" + path + "\n" + query + "\n"
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		canonical += name + ":" + strings.TrimSpace(value) + "\n"
	}
	canonical += "\n" + fields["SignedHeaders"] + "\n" + r.Header.Get("X-Amz-Content-Sha256")
	sum := sha256.Sum256([]byte(canonical))
	text := "AWS4-HMAC-SHA256\n" + r.Header.Get("X-Amz-Date") + "\n" + scope + "\n" + hex.EncodeToString(sum[:])
	key := []byte("AWS4secret")
	for _, part := range append(strings.Split(scope, "/"), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if want := hex.EncodeToString(key); want != fields["Signature"] {
		return errors.New("the signature of " + r.RequestURI + " does not match")
	}
	return nil
}
