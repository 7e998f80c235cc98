package cloudfront

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// madeHeaders are the headers that the edge makes where a policy asks for
// them (CloudFront developer guide, "Add CloudFront request headers").
var madeHeaders = []string{"CloudFront-Viewer-Address", "CloudFront-Viewer-Country",
	"CloudFront-Forwarded-Proto", "CloudFront-Viewer-Http-Version"}

func isMade(header string) bool {
	return len(header) >= len("CloudFront-") && strings.EqualFold(header[:len("CloudFront-")], "CloudFront-")
}

// always are the viewer's headers that reach the origin without a policy that
// names them (CloudFront developer guide, "HTTP request headers and CloudFront
// behavior").
var always = map[string]bool{
	"Range": true, "If-Range": true, "If-Match": true, "If-None-Match": true,
	"If-Modified-Since": true, "If-Unmodified-Since": true, "Content-Type": true,
}

// never are the viewer's headers that do not reach the origin, whatever a
// policy says: those that CloudFront removes or makes itself, and those that
// an origin might take for the edge's word. CloudFront would pass on some of
// the last where a policy sends all headers; the stricter reading.
func never(header string) bool {
	switch header {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Content-Length",
		"Cookie", "Host", "Via", "Forwarded", "X-Real-Ip", "True-Client-Ip":
		return true
	}
	return isMade(header) || strings.HasPrefix(header, "X-Forwarded-") ||
		strings.HasPrefix(header, "X-Edge-") || strings.HasPrefix(header, "X-Amz-Cf-")
}

// originRequest is what the behavior's origin is asked for a viewer's request:
// the path as it came, and of headers, cookies and query what the policies
// send.
func (v *visit) originRequest(b *Behavior, path, query string) (*http.Request, error) {
	r := v.r
	raw := b.Origin.Path + path
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return nil, err
	}
	target := &url.URL{Scheme: v.scheme, Host: b.Origin.DomainName, Path: decoded, RawPath: raw, RawQuery: b.query(query)}
	out := (&http.Request{
		Method: r.Method, URL: target, Host: b.Origin.DomainName,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: r.Body, ContentLength: r.ContentLength,
		RequestURI: raw,
	}).WithContext(r.Context())
	if out.Body == nil {
		out.Body = http.NoBody // a handler may rely on there being one
	}
	if target.RawQuery != "" {
		out.RequestURI += "?" + target.RawQuery
	}
	v.viewerHeaders(b, out.Header)
	// An origin of buckets is asked by its own name, which its signature
	// covers.
	if b.sends("Host") && !b.Origin.S3 {
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

// viewerHeaders copies what the behavior sends of the viewer's headers.
func (v *visit) viewerHeaders(b *Behavior, out http.Header) {
	hop := strings.Join(v.r.Header.Values("Connection"), ",")
	for name, values := range v.r.Header {
		name = http.CanonicalHeaderKey(name)
		if never(name) || listed(hop, name) {
			continue
		}
		if always[name] || b.sends(name) {
			out[name] = append(out[name], values...)
		}
	}
	b.acceptEncoding(v.r.Header, out)
	if cookies := b.cookies(v.r.Header.Values("Cookie")); cookies != "" {
		out.Set("Cookie", cookies)
	}
}

// listed reports whether a header is one that Connection names.
func listed(connection, header string) bool {
	for name := range strings.SplitSeq(connection, ",") {
		if strings.EqualFold(strings.TrimSpace(name), header) {
			return true
		}
	}
	return false
}

// made sets the headers that are the edge's own.
func (v *visit) made(b *Behavior, out http.Header) {
	forwarded := v.viewer.Addr().String()
	if came := v.r.Header.Values("X-Forwarded-For"); len(came) > 0 {
		// The viewer's own claim stays in front, as CloudFront leaves it. Only
		// the last address is the edge's word.
		forwarded = strings.Join(came, ",") + "," + forwarded
	}
	out.Set("X-Forwarded-For", forwarded)
	out.Set("X-Amz-Cf-Id", v.id)
	out.Set("Via", via(v.r))
	for _, name := range madeHeaders {
		if !b.names(name) {
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

// addressAndPort writes a viewer's address the way CloudFront does, an IPv6
// address without brackets.
func addressAndPort(a netip.AddrPort) string {
	return a.Addr().String() + ":" + strconv.Itoa(int(a.Port()))
}

// acceptEncoding sends one spelling of what the viewer takes where the cache
// policy has it in its key (CloudFront developer guide, "Compression
// support"). Otherwise the header is like any other.
func (b *Behavior) acceptEncoding(viewer, out http.Header) {
	if !b.CachePolicy.Gzip && !b.CachePolicy.Brotli {
		return
	}
	out.Del("Accept-Encoding")
	var takes []string
	accepted := strings.ToLower(strings.Join(viewer.Values("Accept-Encoding"), ","))
	for _, e := range []struct {
		name string
		on   bool
	}{{"br", b.CachePolicy.Brotli}, {"gzip", b.CachePolicy.Gzip}} {
		for part := range strings.SplitSeq(accepted, ",") {
			name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
			if e.on && strings.TrimSpace(name) == e.name && !refused(weight) {
				takes = append(takes, e.name)
				break
			}
		}
	}
	if len(takes) > 0 {
		out.Set("Accept-Encoding", strings.Join(takes, ","))
	}
}

func refused(weight string) bool {
	q, ok := strings.CutPrefix(strings.TrimSpace(weight), "q=")
	return ok && strings.Trim(q, "0.") == ""
}

// cookies is what of the viewer's cookies reaches the origin.
func (b *Behavior) cookies(headers []string) string {
	var kept []string
	for _, header := range headers {
		for pair := range strings.SplitSeq(header, ";") {
			pair = strings.TrimSpace(pair)
			name, _, ok := strings.Cut(pair, "=")
			if ok && b.sendsCookie(name) {
				kept = append(kept, pair)
			}
		}
	}
	return strings.Join(kept, "; ")
}

// query is what of the viewer's query reaches the origin, in order. The
// parameters of a signed URL are the edge's, and do not.
func (b *Behavior) query(query string) string {
	if b.Signed {
		var s sent
		rest, _ := s.fromQuery(query)
		query = rest
	}
	if query == "" {
		return ""
	}
	var kept []string
	for part := range strings.SplitSeq(query[1:], "&") {
		name, _, _ := strings.Cut(part, "=")
		if part != "" && b.sendsParameter(decode(name, isAny)) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}

// newID makes the id of a request.
func newID() string {
	var b [40]byte
	rand.Read(b[:]) // never fails
	return base64.URLEncoding.EncodeToString(b[:])
}

func via(r *http.Request) string {
	return strconv.Itoa(r.ProtoMajor) + "." + strconv.Itoa(r.ProtoMinor) + " local.cloudfront.net (CloudFront)"
}
