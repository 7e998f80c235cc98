package awsjson

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A Bucket reads objects of a bucket in the function's region.
type Bucket struct{ client *Client }

// NewBucket returns a Bucket. The variables of the environment are those of
// [New].
func NewBucket(name string, getenv func(string) string) (*Bucket, error) {
	client, err := New(Service{id: "s3"}, "", getenv)
	if err != nil {
		return nil, err
	}
	host, own := strings.CutPrefix(client.endpoint, "https://s3.")
	if own = own && cmp.Or(getenv("AWS_ENDPOINT_URL_S3"), getenv("AWS_ENDPOINT_URL")) == ""; own && !strings.Contains(name, ".") {
		client.endpoint = "https://" + name + ".s3." + host
	} else {
		// A certificate of S3 is for names without dots (S3 user guide,
		// "Virtual hosting of general purpose buckets"), and a local endpoint
		// has no names for buckets.
		client.endpoint += "/" + url.PathEscape(name)
	}
	// S3 signs the path as it is sent (S3 API reference, "Signature Calculations
	// for the Authorization Header").
	client.signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return &Bucket{client}, nil
}

// An Object is an object of a bucket.
type Object struct {
	Content []byte
	ETag    string
}

// noContent is the SHA-256 hash of an empty body.
const noContent = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Get reads an object of at most eight megabytes; the error of a larger one
// wraps [ErrTooLarge]. If the object's ETag is the one given, Content is nil. An
// error response of S3 is an [*Error]. A missing object has the status 404, or
// 403 without the permission s3:ListBucket.
func (b *Bucket) Get(ctx context.Context, key, etag string) (Object, error) {
	header := http.Header{"X-Amz-Content-Sha256": {noContent}}
	if etag != "" {
		header.Set("If-None-Match", etag)
	}
	response, content, err := b.client.request(ctx, http.MethodGet, "/"+escapeKey(key), header, nil)
	switch {
	case err != nil:
		return Object{}, err
	case response.StatusCode == http.StatusNotModified && etag != "":
		return Object{ETag: etag}, nil
	case response.StatusCode != http.StatusOK:
		return Object{}, &Error{Status: response.StatusCode, Code: cut(element(string(content), "Code")), Message: cut(element(string(content), "Message"))}
	}
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && encoding != "aws-chunked" {
		return Object{}, fmt.Errorf("the object has the Content-Encoding %s: must be none or gzip", cut(encoding))
	}
	return Object{Content: content, ETag: response.Header.Get("ETag")}, nil
}

// element returns the text of an element of an error response (S3 API
// reference, "Error responses"). The documents are flat.
func element(document, name string) string {
	_, text, _ := strings.Cut(document, "<"+name+">")
	text, _, found := strings.Cut(text, "</"+name+">")
	if !found {
		return ""
	}
	return text
}

// escapeKey escapes a key for a path, and each byte that is not unreserved or a
// slash, as the signature demands.
func escapeKey(key string) string {
	const hexadecimal = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hexadecimal[c>>4], hexadecimal[c&15]})
		}
	}
	return b.String()
}
