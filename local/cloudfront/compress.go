package cloudfront

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"

	"premiumhls/internal/cloudfront"
)

// compress compresses an object for viewers that accept one of the encodings, if
// CloudFront would. A strong ETag becomes weak.
func (e *cached) compress(b *cloudfront.Behavior, encodings string) {
	if encodings == "" || !b.Compresses(e.status, e.header) {
		return
	}
	var body bytes.Buffer
	var w io.WriteCloser
	encoding := "gzip"
	if slices.Contains(strings.Split(encodings, ","), "br") {
		encoding = "br"
		w = brotli.NewWriterLevel(&body, brotli.DefaultCompression)
	} else {
		w = gzip.NewWriter(&body)
	}
	if _, err := w.Write(e.body); err != nil {
		return
	}
	if w.Close() != nil {
		return
	}
	e.body = body.Bytes()
	e.header.Set("Content-Encoding", encoding)
	e.header.Del("Content-Length") // unknown when CloudFront begins to send
	e.header.Add("Vary", "Accept-Encoding")
	if etag := e.header.Get("ETag"); etag != "" && !strings.HasPrefix(etag, "W/") {
		e.header.Set("ETag", "W/"+etag)
	}
	if e.status == http.StatusOK {
		e.header.Del("Accept-Ranges")
	}
}
