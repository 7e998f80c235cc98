package cloudfront

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"premiumhls/internal/cloudfront"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// cachingEdge is an edge with a cache in front of one origin, and a clock.
type cachingEdge struct {
	*Edge
	calls atomic.Int64
	now   time.Time
	last  Entry
}

func newCachingEdge(behavior func(*cloudfront.Behavior), origin http.HandlerFunc) *cachingEdge {
	d := distribution()
	b := &d.Behaviors[2]
	b.Compress = true
	b.CachePolicy = cloudfront.CachePolicy{Gzip: true, Brotli: true, DefaultTTL: day, MaxTTL: year}
	if behavior != nil {
		behavior(b)
	}
	e := &cachingEdge{now: now}
	e.Edge = New(d, Options{
		Scheme: "https", Cache: true,
		Now: func() time.Time { return e.now },
		Log: func(entry Entry) { e.last = entry },
		Origins: func(string) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.calls.Add(1); origin(w, r) })
		},
	})
	return e
}

func (e *cachingEdge) get(target string, header ...string) *httptest.ResponseRecorder {
	return e.do("GET", target, header...)
}

func (e *cachingEdge) do(method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://"+host+target, nil)
	r.RequestURI = target
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func result(w *httptest.ResponseRecorder) string {
	return strings.TrimSuffix(w.Header().Get("X-Cache"), " from cloudfront")
}

// How long a response is cached, and what the second and third request get some
// time later.
func TestLifetimes(t *testing.T) {
	policy := func(min, def, max time.Duration) func(*cloudfront.Behavior) {
		return func(b *cloudfront.Behavior) {
			b.CachePolicy = cloudfront.CachePolicy{MinTTL: min, DefaultTTL: def, MaxTTL: max}
		}
	}
	usual := policy(0, day, year)
	for _, tt := range []struct {
		name    string
		policy  func(*cloudfront.Behavior)
		header  []string
		after   time.Duration
		want    string
		reaches int64 // the origin, in two requests
	}{
		{"the default", usual, nil, day - time.Second, "Hit", 1},
		{"the default is over", usual, nil, day, "Miss", 2},
		{"max-age", usual, []string{"Cache-Control", "max-age=60"}, 59 * time.Second, "Hit", 1},
		{"max-age is over", usual, []string{"Cache-Control", "max-age=60"}, time.Minute, "Miss", 2},
		{"s-maxage wins", usual, []string{"Cache-Control", "max-age=1, s-maxage=60"}, 59 * time.Second, "Hit", 1},
		{"Expires", usual, []string{"Expires", now.Add(time.Minute).Format(http.TimeFormat)}, 59 * time.Second, "Hit", 1},
		{"Expires in the past", usual, []string{"Expires", now.Add(-time.Minute).Format(http.TimeFormat)}, 0, "Miss", 2},
		{"max-age wins over Expires", usual, []string{"Cache-Control", "max-age=60", "Expires", now.Format(http.TimeFormat)}, 59 * time.Second, "Hit", 1},
		{"no-store", usual, []string{"Cache-Control", "no-store, max-age=60"}, 0, "Miss", 2},
		{"private", usual, []string{"Cache-Control", "private, max-age=60"}, 0, "Miss", 2},
		{"no-cache", usual, []string{"Cache-Control", "no-cache"}, 0, "Miss", 2},
		{"must-revalidate is cached", usual, []string{"Cache-Control", "must-revalidate, max-age=60"}, 59 * time.Second, "Hit", 1},
		{"no-store under a minimum", policy(time.Minute, day, year), []string{"Cache-Control", "no-store"}, 59 * time.Second, "Hit", 1},
		{"max-age under the minimum", policy(time.Minute, day, year), []string{"Cache-Control", "max-age=1"}, 59 * time.Second, "Hit", 1},
		{"max-age over the maximum", policy(0, time.Second, time.Minute), []string{"Cache-Control", "max-age=600"}, time.Minute, "Miss", 2},
		{"caching disabled", policy(0, 0, 0), []string{"Cache-Control", "max-age=600"}, 0, "Miss", 2},
		{"nothing said, default 0", policy(0, 0, time.Second), nil, 0, "Miss", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newCachingEdge(tt.policy, func(w http.ResponseWriter, r *http.Request) {
				for i := 0; i < len(tt.header); i += 2 {
					w.Header().Set(tt.header[i], tt.header[i+1])
				}
				io.WriteString(w, "body")
			})
			if w := e.get("/a"); result(w) != "Miss" || w.Header().Get("Age") != "" {
				t.Fatalf("the first is %v", w.Header())
			}
			e.now = e.now.Add(tt.after)
			w := e.get("/a")
			if result(w) != tt.want || w.Body.String() != "body" || e.calls.Load() != tt.reaches || e.last.Result != tt.want {
				t.Errorf("%s (logged %s) %q after %d calls, want %s after %d", result(w), e.last.Result, w.Body, e.calls.Load(), tt.want, tt.reaches)
			}
			age := ""
			if tt.want == "Hit" {
				age = strconv.Itoa(int(tt.after / time.Second))
			}
			if got := w.Header().Get("Age"); got != age {
				t.Errorf("Age %q, want %q", got, age)
			}
		})
	}
}

// An expired object is requested with its validator.
func TestRefresh(t *testing.T) {
	version := "1"
	fails := false
	control := "max-age=60"
	e := newCachingEdge(nil, func(w http.ResponseWriter, r *http.Request) {
		if fails {
			w.WriteHeader(503)
			return
		}
		w.Header().Set("ETag", `"`+version+`"`)
		w.Header().Set("Cache-Control", control)
		if r.Header.Get("If-None-Match") == `"`+version+`"` {
			w.WriteHeader(304)
			return
		}
		io.WriteString(w, version)
	})
	step := func(after time.Duration, want, body string) {
		t.Helper()
		e.now = e.now.Add(after)
		if w := e.get("/a"); result(w) != want || w.Body.String() != body {
			t.Errorf("%d %s %q, want %s %q", w.Code, result(w), w.Body, want, body)
		}
	}
	step(0, "Miss", "1")
	step(time.Minute, "RefreshHit", "1")
	step(59*time.Second, "Hit", "1")
	version = "2"
	step(time.Second, "Miss", "2")
	fails = true
	step(time.Minute, "RefreshHit", "2") // the origin fails: the cached object is served
	fails, control = false, "must-revalidate, max-age=60"
	step(time.Minute, "RefreshHit", "2")
	fails = true
	step(time.Minute, "Error", "")
}

// Errors are cached for ten seconds, or as the distribution and the origin say.
func TestErrorsInCache(t *testing.T) {
	zero, minute := time.Duration(0), time.Minute
	for _, tt := range []struct {
		name    string
		status  int
		control string
		minimum *time.Duration
		after   time.Duration
		reaches int64
	}{
		{"404", 404, "", nil, 9 * time.Second, 1},
		{"404 after 10 seconds", 404, "", nil, 10 * time.Second, 2},
		{"503", 503, "", nil, 9 * time.Second, 1},
		{"a minimum of 0", 503, "", &zero, 0, 2},
		{"a longer minimum", 404, "", &minute, 59 * time.Second, 1},
		{"a longer max-age", 404, "max-age=60", nil, 59 * time.Second, 1},
		{"no-store is honoured for 404", 404, "no-store", nil, 0, 2},
		{"and not for 503", 503, "no-store", nil, 9 * time.Second, 1},
		{"403 says nothing", 403, "", nil, 0, 2},
		{"403 with max-age", 403, "max-age=60", nil, 59 * time.Second, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newCachingEdge(nil, func(w http.ResponseWriter, r *http.Request) {
				if tt.control != "" {
					w.Header().Set("Cache-Control", tt.control)
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, "error")
			})
			if tt.minimum != nil {
				d := *e.distribution.Load()
				d.CustomErrorResponses = []cloudfront.CustomErrorResponse{{ErrorCode: tt.status, CachingMinTTL: tt.minimum}}
				e.Update(d)
			}
			e.get("/a")
			e.now = e.now.Add(tt.after)
			if w := e.get("/a"); w.Code != tt.status || result(w) != "Error" || w.Body.String() != "error" || e.calls.Load() != tt.reaches {
				t.Errorf("%d %s %q after %d calls, want %d", w.Code, result(w), w.Body, e.calls.Load(), tt.reaches)
			}
		})
	}
}

// The cache key has exactly what the policy lists.
func TestCacheKey(t *testing.T) {
	whitelist := func(names ...string) cloudfront.Selection {
		return cloudfront.Selection{Mode: "whitelist", Names: names}
	}
	for _, tt := range []struct {
		name   string
		policy cloudfront.Forwarding
		first  []string // target, then headers
		second []string
		want   string
	}{
		{"another path", cloudfront.Forwarding{}, []string{"/a"}, []string{"/b"}, "Miss"},
		{"a query that is not in the key", cloudfront.Forwarding{}, []string{"/a?v=1"}, []string{"/a?v=2"}, "Hit"},
		{"a query that is", cloudfront.Forwarding{Query: whitelist("v")}, []string{"/a?v=1"}, []string{"/a?v=2"}, "Miss"},
		{"the same query beside another", cloudfront.Forwarding{Query: whitelist("v")}, []string{"/a?v=1&x=1"}, []string{"/a?v=1&x=2"}, "Hit"},
		{"all queries", cloudfront.Forwarding{Query: cloudfront.Selection{Mode: "all"}}, []string{"/a?x=1"}, []string{"/a?x=2"}, "Miss"},
		{"a cookie that is not in the key", cloudfront.Forwarding{}, []string{"/a", "Cookie", "a=1"}, []string{"/a", "Cookie", "a=2"}, "Hit"},
		{"a cookie that is", cloudfront.Forwarding{Cookies: whitelist("a")}, []string{"/a", "Cookie", "a=1"}, []string{"/a", "Cookie", "a=2"}, "Miss"},
		{"a header that is", cloudfront.Forwarding{Headers: whitelist("Origin")}, []string{"/a", "Origin", "https://a"}, []string{"/a", "Origin", "https://b"}, "Miss"},
		{"a header that is not", cloudfront.Forwarding{}, []string{"/a", "Origin", "https://a"}, []string{"/a", "Origin", "https://b"}, "Hit"},
		{"an encoding, normalized", cloudfront.Forwarding{}, []string{"/a", "Accept-Encoding", "gzip, deflate"}, []string{"/a", "Accept-Encoding", "zstd, gzip;q=0.5"}, "Hit"},
		{"another encoding", cloudfront.Forwarding{}, []string{"/a", "Accept-Encoding", "gzip"}, []string{"/a", "Accept-Encoding", "br, gzip"}, "Miss"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newCachingEdge(func(b *cloudfront.Behavior) { b.CachePolicy.Forwarding = tt.policy }, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") })
			e.get(tt.first[0], tt.first[1:]...)
			if w := e.get(tt.second[0], tt.second[1:]...); result(w) != tt.want {
				t.Errorf("%s, want %s", result(w), tt.want)
			}
		})
	}
}

// A cached object serves other methods, ranges and conditions.
func TestServedFromCache(t *testing.T) {
	e := newCachingEdge(nil, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Content-Type", "video/mp2t")
		io.WriteString(w, "0123456789")
	})
	e.get("/a")
	if w := e.do("HEAD", "/a"); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "10" || result(w) != "Hit" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	if w := e.get("/a", "Range", "bytes=2-4"); w.Code != 206 || w.Body.String() != "234" || w.Header().Get("Content-Range") != "bytes 2-4/10" || result(w) != "Hit" {
		t.Errorf("a range: %d %q %v", w.Code, w.Body, w.Header())
	}
	if w := e.get("/a", "If-None-Match", `"e"`); w.Code != 304 || w.Body.Len() != 0 || result(w) != "Hit" {
		t.Errorf("a condition: %d %v", w.Code, w.Header())
	}
	if n := e.calls.Load(); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
	// Uncached responses are the origin's own.
	if e.get("/b", "Range", "bytes=0-1"); e.calls.Load() != 2 {
		t.Error("a range of what is not cached did not reach the origin")
	}
	if e.do("HEAD", "/c"); result(e.get("/c")) != "Miss" {
		t.Error("HEAD cached an object without a body")
	}
}

func TestInvalidation(t *testing.T) {
	e := newCachingEdge(nil, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") })
	for _, path := range []string{"/a/1", "/a/2", "/b"} {
		e.get(path)
	}
	e.Invalidate([]string{"/a/1", "/c"})
	for path, want := range map[string]string{"/a/1": "Miss", "/a/2": "Hit", "/b": "Hit"} {
		if w := e.get(path); result(w) != want {
			t.Errorf("%s: %s, want %s", path, result(w), want)
		}
	}
	e.Invalidate([]string{"/a/*"})
	for path, want := range map[string]string{"/a/1": "Miss", "/a/2": "Miss", "/b": "Hit"} {
		if w := e.get(path); result(w) != want {
			t.Errorf("%s: %s, want %s", path, result(w), want)
		}
	}
}

// The cache has a size limit, and does not cache larger objects.
func TestCacheIsBounded(t *testing.T) {
	c := newObjectCache()
	body := make([]byte, maxObject)
	for i := range maxCached/maxObject + 2 {
		c.put(&cached{key: strconv.Itoa(i), body: body})
	}
	if c.size > maxCached || c.get("0") != nil || c.get(strconv.Itoa(maxCached/maxObject+1)) == nil {
		t.Errorf("%d bytes are cached", c.size)
	}
	for name, length := range map[string]bool{"with a length": true, "without": false} {
		e := newCachingEdge(nil, func(w http.ResponseWriter, r *http.Request) {
			if length {
				w.Header().Set("Content-Length", strconv.Itoa(maxObject+1))
			}
			w.Write(body)
			w.Write([]byte{1})
		})
		e.get("/a")
		if w := e.get("/a"); result(w) != "Miss" || w.Body.Len() != maxObject+1 {
			t.Errorf("%s: %s, %d bytes", name, result(w), w.Body.Len())
		}
	}
}

// What CloudFront compresses, and what it does not.
func TestCompression(t *testing.T) {
	text := strings.Repeat("0123456789", 100)
	for _, tt := range []struct {
		name     string
		behavior func(*cloudfront.Behavior)
		origin   func(http.Header) // changes the headers
		body     string
		accept   string
		want     string // Content-Encoding
	}{
		{"gzip", nil, nil, text, "gzip", "gzip"},
		{"brotli is preferred", nil, nil, text, "gzip, br", "br"},
		{"nothing accepted", nil, nil, text, "", ""},
		{"another encoding accepted", nil, nil, text, "zstd", ""},
		{"refused", nil, nil, text, "gzip;q=0", ""},
		{"brotli off", func(b *cloudfront.Behavior) { b.CachePolicy.Brotli = false }, nil, text, "gzip, br", "gzip"},
		{"both off", func(b *cloudfront.Behavior) { b.CachePolicy.Brotli, b.CachePolicy.Gzip = false, false }, nil, text, "gzip, br", ""},
		{"Compress off", func(b *cloudfront.Behavior) { b.Compress = false }, nil, text, "gzip", ""},
		{"caching off", func(b *cloudfront.Behavior) { b.CachePolicy.MaxTTL, b.CachePolicy.DefaultTTL = 0, 0 }, nil, text, "gzip", ""},
		{"999 bytes", nil, nil, text[1:], "gzip", ""},
		{"too large", nil, nil, strings.Repeat("a", 10_000_001), "gzip", ""},
		{"no length", nil, func(h http.Header) { h.Del("Content-Length") }, text, "gzip", ""},
		{"a video", nil, func(h http.Header) { h.Set("Content-Type", "video/mp2t") }, text, "gzip", ""},
		{"a playlist", nil, func(h http.Header) { h.Set("Content-Type", "application/vnd.apple.mpegurl") }, text, "gzip", "gzip"},
		{"a type with a charset", nil, func(h http.Header) { h.Set("Content-Type", "text/css; charset=utf-8") }, text, "gzip", "gzip"},
		{"compressed already", nil, func(h http.Header) { h.Set("Content-Encoding", "deflate") }, text, "gzip", "deflate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newCachingEdge(tt.behavior, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(len(tt.body)))
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("ETag", `"e"`)
				if tt.origin != nil {
					tt.origin(w.Header())
				}
				io.WriteString(w, tt.body)
			})
			for _, which := range []string{"first", "second"} {
				w := e.get("/a", "Accept-Encoding", tt.accept)
				if got := w.Header().Get("Content-Encoding"); got != tt.want {
					t.Fatalf("%s: encoding %q, want %q", which, got, tt.want)
				}
				etag, body := `"e"`, w.Body.Bytes()
				switch tt.want {
				case "gzip":
					etag, body = `W/"e"`, unpack(t, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }, body)
				case "br":
					etag, body = `W/"e"`, unpack(t, func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }, body)
				}
				if string(body) != tt.body || w.Header().Get("ETag") != etag {
					t.Errorf("%s: %d bytes, ETag %s", which, len(body), w.Header().Get("ETag"))
				}
				if vary := w.Header().Get("Vary"); (vary == "Accept-Encoding") != (etag[0] == 'W') {
					t.Errorf("%s: Vary %q", which, vary)
				}
			}
		})
	}
}

func unpack(t *testing.T, reader func(io.Reader) (io.Reader, error), body []byte) []byte {
	t.Helper()
	r, err := reader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// A cached object of a signed behavior needs a signature too.
func TestSignaturesAreCheckedBeforeTheCache(t *testing.T) {
	e := newCachingEdge(nil, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") })
	d := *e.distribution.Load()
	d.Behaviors[0].CachePolicy = cloudfront.CachePolicy{DefaultTTL: day, MaxTTL: year}
	e.Update(d)
	cookies := courseOne().cookies().header()
	for _, want := range []string{"Miss", "Hit"} {
		if w := e.get("/premium/course-1/a", "Cookie", cookies); w.Code != 200 || result(w) != want {
			t.Fatalf("%d %s, want %s", w.Code, result(w), want)
		}
	}
	if w := e.get("/premium/course-1/a"); w.Code != 403 || result(w) != "Error" {
		t.Errorf("%d %s", w.Code, result(w))
	}
	e.now = e.now.Add(2 * time.Hour)
	if w := e.get("/premium/course-1/a", "Cookie", cookies); w.Code != 403 {
		t.Errorf("after the policy expired: %d", w.Code)
	}
}
