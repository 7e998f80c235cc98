package cloudfront

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Lifetime is how long a response stays in the cache.
type Lifetime struct {
	TTL   time.Duration
	Store bool // false: the response is not cached at all
}

// Lifetime applies the cache policy to what the origin sent (CloudFront
// developer guide, "Manage how long content stays in the cache").
func (p CachePolicy) Lifetime(header http.Header, now time.Time) Lifetime {
	control := CacheControl(header)
	_, noStore := control["no-store"]
	_, private := control["private"]
	_, noCache := control["no-cache"]
	age, said := maxAge(header, control, now)
	switch {
	case noStore || private:
		// With a minimum TTL these are cached for that time.
		return Lifetime{p.MinTTL, p.MinTTL > 0}
	case noCache:
		// Cached, and the origin is asked every time (seen in practice; the
		// guide says that CloudFront respects the header).
		return Lifetime{p.MinTTL, p.MaxTTL > 0}
	case !said:
		age = max(p.DefaultTTL, p.MinTTL)
	}
	age = min(max(age, p.MinTTL), p.MaxTTL)
	return Lifetime{age, p.MaxTTL > 0}
}

// ErrorLifetime is how long an error stays in the cache: as the origin says,
// but not shorter than the distribution's minimum, 10 seconds by default
// (CloudFront developer guide, "How CloudFront processes HTTP 4xx and 5xx
// status codes"). Some errors are cached only where the origin says how long.
func (d *Distribution) ErrorLifetime(status int, p CachePolicy, header http.Header, now time.Time) Lifetime {
	control := CacheControl(header)
	_, noStore := control["no-store"]
	age, said := maxAge(header, control, now)
	if p.MaxTTL == 0 || noStore && slices.Contains(noStoreErrors, status) {
		return Lifetime{}
	}
	if !said && !slices.Contains(cachedErrors, status) {
		return Lifetime{}
	}
	least := 10 * time.Second
	for _, e := range d.CustomErrorResponses {
		if e.ErrorCode == status && e.CachingMinTTL != nil {
			least = *e.CachingMinTTL
		}
	}
	age = max(min(age, p.MaxTTL), least)
	return Lifetime{age, age > 0}
}

var (
	cachedErrors  = []int{404, 410, 414, 416, 500, 501, 502, 503, 504}
	noStoreErrors = []int{404, 410, 414, 501}
)

// maxAge is how long the origin says that a response may be cached, and
// whether it says so: s-maxage, max-age or Expires, the first that there is.
func maxAge(header http.Header, control map[string]string, now time.Time) (time.Duration, bool) {
	for _, name := range []string{"s-maxage", "max-age"} {
		if seconds, err := strconv.ParseInt(control[name], 10, 32); err == nil && seconds >= 0 {
			return time.Duration(seconds) * time.Second, true
		}
	}
	if expires, err := http.ParseTime(header.Get("Expires")); err == nil {
		return max(expires.Sub(now), 0), true
	}
	return 0, false
}

// CacheControl reads the directives of Cache-Control.
func CacheControl(header http.Header) map[string]string {
	directives := map[string]string{}
	for part := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		directives[strings.ToLower(name)] = strings.Trim(value, `"`)
	}
	return directives
}

// CacheKey is what tells objects apart: the path, and of headers, cookies and
// query what the cache policy names. What the origin request policy adds to a
// request is not in it.
func (b *Behavior) CacheKey(r *http.Request, path, query, encodings string) string {
	var key strings.Builder
	write := func(parts ...string) {
		for _, p := range parts {
			key.WriteString(strconv.Quote(p))
		}
		key.WriteByte('\n')
	}
	write(b.Origin.DomainName, b.Origin.Path, path)
	only := Behavior{CachePolicy: b.CachePolicy, Signed: b.Signed}
	write(only.OriginQuery(query))
	write(only.cookies(r.Header.Values("Cookie")))
	for _, name := range b.CachePolicy.Headers.Names {
		if strings.EqualFold(name, "Host") {
			write(r.Host)
			continue
		}
		write(append([]string{strings.ToLower(name)}, r.Header.Values(name)...)...)
	}
	write(encodings)
	return key.String()
}

// Sizes of an object that CloudFront compresses, in bytes (CloudFront
// developer guide, "Serve compressed files", "Conditions for compression").
const (
	minCompressed = 1_000
	maxCompressed = 10_000_000
)

// compressible are the types that CloudFront compresses (the same page, "File
// types that CloudFront compresses").
var compressible = []string{
	"application/dash+xml", "application/eot", "application/font", "application/font-sfnt",
	"application/javascript", "application/json", "application/opentype", "application/otf",
	"application/pdf", "application/pkcs7-mime", "application/protobuf", "application/rss+xml",
	"application/truetype", "application/ttf", "application/vnd.apple.mpegurl",
	"application/vnd.mapbox-vector-tile", "application/vnd.ms-fontobject", "application/wasm",
	"application/x-font-opentype", "application/x-font-truetype", "application/x-font-ttf",
	"application/x-httpd-cgi", "application/x-javascript", "application/x-mpegurl",
	"application/x-opentype", "application/x-otf", "application/x-perl", "application/x-ttf",
	"application/xhtml+xml", "application/xml", "application/xml+rss",
	"font/eot", "font/opentype", "font/otf", "font/ttf", "image/svg+xml",
	"text/css", "text/csv", "text/html", "text/javascript", "text/js", "text/plain",
	"text/richtext", "text/tab-separated-values", "text/x-component", "text/x-java-source",
	"text/x-script", "text/xml", "vnd.apple.mpegurl",
}

// Compresses reports whether an edge location compresses a response of the
// origin, for a viewer that accepts an encoding of the cache policy.
func (b *Behavior) Compresses(status int, header http.Header) bool {
	if !b.Compress || b.CachePolicy.MaxTTL == 0 || !slices.Contains([]int{200, 403, 404}, status) || header.Get("Content-Encoding") != "" {
		return false
	}
	length, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil || length < minCompressed || length > maxCompressed {
		return false
	}
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && slices.Contains(compressible, media)
}
