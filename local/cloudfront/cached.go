package cloudfront

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"premiumhls/internal/cloudfront"
)

// serveCached responds to a GET or HEAD request from the cache, or from the
// origin, and caches the response.
func (v *visit) serveCached(b *cloudfront.Behavior, path string, origin http.Handler, out *http.Request) {
	encodings := out.Header.Get("Accept-Encoding")
	if !b.CachePolicy.Gzip && !b.CachePolicy.Brotli {
		encodings = ""
	}
	key := b.CacheKey(v.r, path, v.rawQuery, encodings)
	now := v.edge.options.Now()
	have := v.edge.objects.get(key)
	if have != nil && have.fresh(now) {
		v.deliver(b, have, "Hit", now.Sub(have.stored))
		return
	}
	// Parts of objects are not cached. CloudFront may request the part or
	// more.
	if have == nil && (v.r.Method == http.MethodHead || out.Header.Get("Range") != "") {
		v.pass(b, origin, out)
		return
	}
	// The edge requests the whole object, and evaluates the viewer's conditions
	// itself.
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range"} {
		out.Header.Del(name)
	}
	out.Method = http.MethodGet
	if have != nil && have.status == http.StatusOK {
		if etag := have.header.Get("ETag"); etag != "" {
			out.Header.Set("If-None-Match", strings.TrimPrefix(etag, "W/"))
		} else if modified := have.header.Get("Last-Modified"); modified != "" {
			out.Header.Set("If-Modified-Since", modified)
		}
	}
	in := &capture{visit: v, behavior: b, header: http.Header{}}
	origin.ServeHTTP(in, out)
	switch {
	case in.through != nil: // too large to be cached
		return
	case in.status == 0:
		in.status = http.StatusOK
	}
	if have != nil && in.status == http.StatusNotModified {
		v.refresh(b, have, in.header, now)
		return
	}
	if have != nil && have.status == http.StatusOK && in.status >= 500 && !mustRevalidate(have.header) {
		// The origin failed to revalidate: serve the cached object
		// (CloudFront developer guide, "How CloudFront processes HTTP
		// 4xx and 5xx status codes").
		v.deliver(b, have, "RefreshHit", 0)
		return
	}
	v.store(b, key, path, encodings, in, now)
}

// refresh serves the cached object after the origin responded with 304.
func (v *visit) refresh(b *cloudfront.Behavior, have *cached, header http.Header, now time.Time) {
	again := *have
	again.stored, again.header = now, have.header.Clone()
	for _, name := range []string{"Cache-Control", "Expires", "Last-Modified", "Date"} {
		if values := header.Values(name); len(values) > 0 {
			again.header[name] = values
		}
	}
	life := b.CachePolicy.Lifetime(again.header, now)
	again.ttl = life.TTL
	v.edge.objects.put(&again)
	v.deliver(b, &again, "RefreshHit", 0)
}

func mustRevalidate(header http.Header) bool {
	control := cloudfront.CacheControl(header)
	_, must := control["must-revalidate"]
	_, proxy := control["proxy-revalidate"]
	return must || proxy
}

// store caches an origin's response, compressed if the rules apply, and serves
// it.
func (v *visit) store(b *cloudfront.Behavior, key, path, encodings string, in *capture, now time.Time) {
	entry := &cached{key: key, path: path, status: in.status, header: http.Header{}, body: in.body.Bytes(), stored: now}
	for name, values := range in.header {
		if !dropped(name, b) {
			entry.header[name] = values
		}
	}
	entry.compress(b, encodings)
	life := b.CachePolicy.Lifetime(in.header, now)
	if in.status >= 400 {
		life = v.d.ErrorLifetime(in.status, b.CachePolicy, in.header, now)
	}
	entry.ttl = life.TTL
	if life.Store {
		v.edge.objects.put(entry)
	} else {
		v.edge.objects.remove(key)
	}
	v.deliver(b, entry, "Miss", 0)
}

// deliver sends a response from the cache, or from the origin through it, to
// the viewer, with the viewer's own conditions and range.
func (v *visit) deliver(b *cloudfront.Behavior, e *cached, result string, age time.Duration) {
	a := &answer{visit: v, behavior: b, header: e.header.Clone(), result: result}
	if result == "Hit" {
		a.header.Set("Age", strconv.Itoa(int(age/time.Second)))
	}
	if e.status != http.StatusOK {
		a.WriteHeader(e.status)
		_, _ = a.Write(e.body) // fails only if the viewer disconnected
		return
	}
	r := v.r.Clone(v.r.Context())
	if strings.Contains(r.Header.Get("Range"), ",") {
		r.Header.Del("Range") // several ranges: the whole object
	}
	modified, _ := http.ParseTime(e.header.Get("Last-Modified"))
	http.ServeContent(a, r, "", modified, bytes.NewReader(e.body))
}

// pass streams the origin's response to the viewer.
func (v *visit) pass(b *cloudfront.Behavior, origin http.Handler, out *http.Request) {
	a := &answer{visit: v, behavior: b, header: http.Header{}}
	origin.ServeHTTP(a, out)
	if !a.written {
		a.WriteHeader(http.StatusOK)
	}
}

// A capture buffers an origin's response, or streams it to the viewer if it is
// too large for the cache.
type capture struct {
	*visit
	behavior *cloudfront.Behavior
	header   http.Header
	status   int
	body     bytes.Buffer
	through  *answer
}

func (c *capture) Header() http.Header { return c.header }

func (c *capture) WriteHeader(status int) {
	if c.status != 0 || status < 200 {
		return
	}
	c.status = status
	if n, err := strconv.Atoi(c.header.Get("Content-Length")); err == nil && n > maxObject {
		c.pass()
	}
}

func (c *capture) pass() {
	c.through = &answer{visit: c.visit, behavior: c.behavior, header: c.header}
	c.through.WriteHeader(c.status)
	_, _ = c.through.Write(c.body.Bytes())
}

func (c *capture) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if c.through == nil && c.body.Len()+len(p) > maxObject {
		c.pass()
	}
	if c.through != nil {
		return c.through.Write(p)
	}
	return c.body.Write(p)
}
