package cloudfront

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"premiumhls/internal/cloudfront"
)

// originRequest returns the request to the behavior's origin for a viewer's
// request: the path as received, and the headers, cookies and query that the
// policies forward.
func (v *visit) originRequest(b *cloudfront.Behavior, path, query string) (*http.Request, error) {
	r := v.r
	raw := b.Origin.Path + path
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return nil, err
	}
	target := &url.URL{Scheme: v.scheme, Host: b.Origin.DomainName, Path: decoded, RawPath: raw, RawQuery: b.OriginQuery(query)}
	out := (&http.Request{
		Method: r.Method, URL: target, Host: b.Origin.DomainName,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: b.OriginHeaders(r.Header), Body: r.Body, ContentLength: r.ContentLength,
		RequestURI: raw,
	}).WithContext(r.Context())
	if out.Body == nil {
		out.Body = http.NoBody // a handler may rely on there being one
	}
	if target.RawQuery != "" {
		out.RequestURI += "?" + target.RawQuery
	}
	// A bucket's request has the bucket's host, which its signature covers.
	if b.Sends("Host") && !b.Origin.S3 {
		out.Host = r.Host
	}
	if b.Origin.S3 {
		out.Header.Del("Authorization")
	}
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", "Amazon CloudFront")
	}
	v.made(b, out.Header)
	for _, h := range b.Origin.CustomHeaders {
		out.Header.Set(h.Name, h.Value)
	}
	return out, nil
}

// made sets the headers that the edge adds.
func (v *visit) made(b *cloudfront.Behavior, out http.Header) {
	forwarded := v.viewer.Addr().String()
	if came := v.r.Header.Values("X-Forwarded-For"); len(came) > 0 {
		// CloudFront appends to the viewer's header: only the last address is
		// reliable.
		forwarded = strings.Join(came, ",") + "," + forwarded
	}
	out.Set("X-Forwarded-For", forwarded)
	out.Set("X-Amz-Cf-Id", v.id)
	out.Set("Via", via(v.r))
	for _, name := range cloudfront.AddedHeaders {
		if !b.Names(name) {
			continue
		}
		switch name {
		case "CloudFront-Viewer-Address":
			out.Set(name, addressAndPort(v.viewer))
		case "CloudFront-Viewer-Country":
			if v.country != "" {
				out.Set(name, v.country)
			}
		case "CloudFront-Forwarded-Proto":
			out.Set(name, v.scheme)
		case "CloudFront-Viewer-Http-Version":
			out.Set(name, strconv.Itoa(v.r.ProtoMajor)+"."+strconv.Itoa(v.r.ProtoMinor))
		}
	}
}

// addressAndPort formats a viewer's address as CloudFront does: IPv6 without
// brackets.
func addressAndPort(a netip.AddrPort) string {
	return a.Addr().String() + ":" + strconv.Itoa(int(a.Port()))
}

// newID returns a new request id.
func newID() string {
	var b [40]byte
	rand.Read(b[:]) // never fails
	return base64.URLEncoding.EncodeToString(b[:])
}

func via(r *http.Request) string {
	return strconv.Itoa(r.ProtoMajor) + "." + strconv.Itoa(r.ProtoMinor) + " local.cloudfront.net (CloudFront)"
}
