package cloudfront

import (
	"net/http"
	"strings"
)

// AddedHeaders are the headers that an edge location adds to an origin request
// if a policy names them (CloudFront developer guide, "Add CloudFront request
// headers"). CloudFront knows more; a policy that names another is an error of
// [Read].
var AddedHeaders = []string{"CloudFront-Viewer-Address", "CloudFront-Viewer-Country",
	"CloudFront-Forwarded-Proto", "CloudFront-Viewer-Http-Version"}

func isAdded(header string) bool {
	return len(header) >= len("CloudFront-") && strings.EqualFold(header[:len("CloudFront-")], "CloudFront-")
}

// always are the viewer's headers that reach the origin whatever the policies
// say (CloudFront developer guide, "HTTP request headers and CloudFront
// behavior").
var always = map[string]bool{
	"Range": true, "If-Range": true, "If-Match": true, "If-None-Match": true,
	"If-Modified-Since": true, "If-Unmodified-Since": true, "Content-Type": true,
}

// never reports whether a header of the viewer does not reach the origin,
// whatever a policy says: those that CloudFront removes or sets itself, and
// those that an origin might take for the edge location's. CloudFront would pass
// some of the last on if a policy sends all headers; this is the stricter
// reading.
func never(header string) bool {
	switch header {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Content-Length",
		"Cookie", "Host", "Via", "Forwarded", "X-Real-Ip", "True-Client-Ip":
		return true
	}
	return isAdded(header) || strings.HasPrefix(header, "X-Forwarded-") ||
		strings.HasPrefix(header, "X-Edge-") || strings.HasPrefix(header, "X-Amz-Cf-")
}

// OriginHeaders returns the viewer's headers that reach the origin, without
// those that the edge location adds.
func (b *Behavior) OriginHeaders(viewer http.Header) http.Header {
	out := http.Header{}
	hop := strings.Join(viewer.Values("Connection"), ",")
	for name, values := range viewer {
		name = http.CanonicalHeaderKey(name)
		if never(name) || Lists(hop, name) {
			continue
		}
		if always[name] || b.Sends(name) {
			out[name] = append(out[name], values...)
		}
	}
	b.acceptEncoding(viewer, out)
	if cookies := b.cookies(viewer.Values("Cookie")); cookies != "" {
		out.Set("Cookie", cookies)
	}
	return out
}

// Lists reports whether a header with a list of names, such as Connection, has
// name.
func Lists(header, name string) bool {
	for item := range strings.SplitSeq(header, ",") {
		if strings.EqualFold(strings.TrimSpace(item), name) {
			return true
		}
	}
	return false
}

// acceptEncoding normalizes Accept-Encoding if the cache policy has it in its
// key (CloudFront developer guide, "Compression support"). Otherwise it is a
// header like any other.
func (b *Behavior) acceptEncoding(viewer, out http.Header) {
	if !b.CachePolicy.Gzip && !b.CachePolicy.Brotli {
		return
	}
	out.Del("Accept-Encoding")
	var accepts []string
	accepted := strings.ToLower(strings.Join(viewer.Values("Accept-Encoding"), ","))
	for _, e := range []struct {
		name string
		on   bool
	}{{"br", b.CachePolicy.Brotli}, {"gzip", b.CachePolicy.Gzip}} {
		for part := range strings.SplitSeq(accepted, ",") {
			name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
			if e.on && strings.TrimSpace(name) == e.name && !isZero(weight) {
				accepts = append(accepts, e.name)
				break
			}
		}
	}
	if len(accepts) > 0 {
		out.Set("Accept-Encoding", strings.Join(accepts, ","))
	}
}

// isZero reports whether a weight is q=0, which rejects an encoding.
func isZero(weight string) bool {
	q, ok := strings.CutPrefix(strings.TrimSpace(weight), "q=")
	return ok && strings.Trim(q, "0.") == ""
}

// cookies returns the viewer's cookies that reach the origin.
func (b *Behavior) cookies(headers []string) string {
	var sent []string
	for _, header := range headers {
		for pair := range strings.SplitSeq(header, ";") {
			pair = strings.TrimSpace(pair)
			name, _, ok := strings.Cut(pair, "=")
			if ok && b.sendsCookie(name) {
				sent = append(sent, pair)
			}
		}
	}
	return strings.Join(sent, "; ")
}

// OriginQuery returns what of the viewer's query reaches the origin, in order
// and without a question mark. The parameters of a signed URL do not
// (CloudFront developer guide, "Cache content based on query string
// parameters"), unless the behavior says so.
func (b *Behavior) OriginQuery(query string) string {
	if b.Signed && !b.SendParameters {
		var s sent
		rest, _ := s.fromQuery(query)
		query = rest
	}
	if query == "" {
		return ""
	}
	var sent []string
	for part := range strings.SplitSeq(query[1:], "&") {
		name, _, _ := strings.Cut(part, "=")
		if part != "" && b.sendsParameter(decode(name, isAny)) {
			sent = append(sent, part)
		}
	}
	return strings.Join(sent, "&")
}
