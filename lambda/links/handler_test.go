package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/linksettings"
	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/originsecret"
)

// A memory is a bucket with objects by key.
type memory struct {
	objects map[string]string
	err     error
	calls   []string // keys; with a + where the object had not changed
}

func (m *memory) Get(_ context.Context, key, etag string) (awsjson.Object, error) {
	if m.err != nil {
		m.calls = append(m.calls, key)
		return awsjson.Object{}, m.err
	}
	content, ok := m.objects[key]
	if !ok {
		m.calls = append(m.calls, key)
		return awsjson.Object{}, &awsjson.Error{Status: 404, Code: "NoSuchKey"}
	}
	is := fmt.Sprintf("%x", len(content)) + content[:min(len(content), 20)]
	if is == etag {
		m.calls = append(m.calls, key+"+")
		return awsjson.Object{ETag: etag}, nil
	}
	m.calls = append(m.calls, key)
	return awsjson.Object{Content: []byte(content), ETag: is}, nil
}

type secrets struct{ err error }

func (s secrets) Secrets(context.Context) (originsecret.Secrets, error) {
	if s.err != nil {
		return nil, s.err
	}
	return originsecret.Parse("the-origin-secret")
}

const master = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"audio.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n360p.m3u8\n"

// content is a hand-made lesson and an ingested one.
func content() map[string]string {
	return map[string]string{
		"premium/course-1/lesson-1/master.m3u8":     master,
		"premium/course-1/lesson-1/360p.m3u8":       "#EXTM3U\n#EXTINF:6,\nseg1.ts\n",
		"premium/course-1/lesson-2/lesson.json":     `{"path":"course-1/lesson-2","version":"v1","playlist":"v1/main.m3u8","other":[1]}`,
		"premium/course-1/lesson-2/v1/main.m3u8":    master,
		"premium/course-1/lesson-2/v1/360p.m3u8":    "#EXTM3U\n#EXT-X-MAP:URI=\"init.cmfv\"\n#EXTINF:6,\nseg1.cmfv\n",
		"premium/course-1/lesson-3/index.m3u8":      "#EXTM3U\nindex.ts\n",
		"premium/course-1/lesson-4/index.m3u8":      "#EXTM3U\nindex.ts\n",
		"premium/course-1/lesson-4/lesson.m3u8":     "#EXTM3U\nlesson.ts\n",
		"premium/course-1/lesson-5/lesson.json":     `{"playlist":"../lesson-6/main.m3u8"}`,
		"premium/course-1/lesson-6/main.m3u8":       "#EXTM3U\nx.ts\n",
		"premium/course-1/lesson-7/lesson.json":     `{"playlist":"gone/main.m3u8"}`,
		"premium/course-1/lesson-8/lesson.json":     `not JSON`,
		"premium/course-1/lesson-9/Часть 1.m3u8":    "#EXTM3U\nx.ts\n",
		"premium/course-1/lesson-9/not.m3u8":        "<html>",
		"premium/course-1/lesson-9/large.m3u8":      "#EXTM3U\n" + strings.Repeat("#\n", maxPlaylist/2),
		"premium/course-1/lesson-9/many.m3u8":       "#EXTM3U\n" + strings.Repeat("a.ts\n", 39_000),
		"premium/course-1/lesson-9/film.mp4":        "film",
		"premium/course-1/lesson-9/other.link.m3u8": "#EXTM3U\nx.ts\n",
		"premium/course-2/lesson-1/master.m3u8":     master,
		"trailers/lesson-1/master.m3u8":             master,
	}
}

func newTestHandler(t testing.TB, bucket bucket, origins ...string) (*handler, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	h, err := newHandler(linksettings.Document{Bucket: "videos", PremiumPath: "premium", ParameterPrefix: "/S", AllowedOrigins: origins},
		secrets{}, bucket, slog.New(slog.NewJSONHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	h.random = func() float64 { return 0 }
	return h, &log
}

func event(path, query string) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{RawPath: path, RawQueryString: query, Headers: map[string]string{
		originsecret.Header: "the-origin-secret", "x-amz-cf-id": "edge-1", "cookie": "unexpected",
	}, Cookies: []string{"CloudFront-Policy=cookie"}}
	e.RequestContext.HTTP.Method = "GET"
	e.RequestContext.RequestID = "request-1"
	e.RequestContext.TimeEpoch = now.UnixMilli()
	return e
}

// courseQuery is the query of a link for a course.
func courseQuery(t testing.TB) string {
	return "l=" + policy(t, "https://"+host+"/premium/course-1/*", now.Add(time.Hour)) + ".SIG.K2ABC.SHA256"
}

func TestHandle(t *testing.T) {
	course := courseQuery(t)
	for name, test := range map[string]struct {
		path     string
		status   int
		contains string // in the playlist; or the code
		not      string
	}{
		"a playlist":                     {path: "lesson-1/master.link.m3u8", status: 200, contains: "\n360p.link.m3u8?Policy="},
		"a rendition":                    {path: "lesson-1/360p.link.m3u8", status: 200, contains: "\nseg1.ts?Policy=", not: "&l="},
		"a lesson made by hand":          {path: "lesson-1/lesson.link.m3u8", status: 200, contains: "\n360p.link.m3u8?Policy="},
		"an ingested lesson":             {path: "lesson-2/lesson.link.m3u8", status: 200, contains: "\n/premium/course-1/lesson-2/v1/360p.link.m3u8?Policy="},
		"its audio":                      {path: "lesson-2/lesson.link.m3u8", status: 200, contains: `URI="/premium/course-1/lesson-2/v1/audio.link.m3u8?Policy=`},
		"a rendition of it":              {path: "lesson-2/v1/360p.link.m3u8", status: 200, contains: `URI="init.cmfv?Policy=`},
		"a lesson with an index":         {path: "lesson-3/lesson.link.m3u8", status: 200, contains: "\nindex.ts?"},
		"a playlist with the name":       {path: "lesson-4/lesson.link.m3u8", status: 200, contains: "\nlesson.ts?"},
		"other letters":                  {path: "lesson-9/Часть 1.link.m3u8", status: 200, contains: "\nx.ts?"},
		"other letters, not decoded":     {path: "lesson-9/%D0%A7%D0%B0%D1%81%D1%82%D1%8C%201.link.m3u8", status: 200, contains: "\nx.ts?"},
		"a pointer out of the lesson":    {path: "lesson-5/lesson.link.m3u8", status: 422, contains: "invalid_playlist"},
		"a pointer to nothing":           {path: "lesson-7/lesson.link.m3u8", status: 404, contains: "not_found"},
		"a pointer that is no JSON":      {path: "lesson-8/lesson.link.m3u8", status: 422, contains: "invalid_playlist"},
		"no playlist":                    {path: "lesson-9/not.link.m3u8", status: 422, contains: "invalid_playlist"},
		"too large a file":               {path: "lesson-9/large.link.m3u8", status: 422, contains: "invalid_playlist"},
		"a large one, compressed":        {path: "lesson-9/many.link.m3u8", status: 200, contains: "\na.ts?"},
		"missing":                        {path: "lesson-1/none.link.m3u8", status: 404, contains: "not_found"},
		"a folder without playlists":     {path: "lesson-9/lesson.link.m3u8", status: 404, contains: "not_found"},
		"another name":                   {path: "lesson-1/master.m3u8", status: 404, contains: "not_found"},
		"no name":                        {path: "lesson-1/.link.m3u8", status: 404, contains: "not_found"},
		"a reserved name as an object":   {path: "lesson-9/other.link.link.m3u8", status: 404, contains: "not_found"},
		"a film":                         {path: "lesson-9/film.mp4", status: 404, contains: "not_found"},
		"dots":                           {path: "lesson-2/../lesson-1/master.link.m3u8", status: 404, contains: "not_found"},
		"dots to another course":         {path: "lesson-1/../../course-2/lesson-1/master.link.m3u8", status: 404, contains: "not_found"},
		"encoded dots":                   {path: "%2e%2e/course-2/lesson-1/master.link.m3u8", status: 404, contains: "not_found"},
		"encoded twice":                  {path: "%252e%252e/course-2/lesson-1/master.link.m3u8", status: 404, contains: "not_found"},
		"an empty segment":               {path: "/lesson-1/master.link.m3u8", status: 404, contains: "not_found"},
		"a backslash":                    {path: `lesson-1\master.link.m3u8`, status: 404, contains: "not_found"},
		"a null byte":                    {path: "lesson-1/master\x00.link.m3u8", status: 404, contains: "not_found"},
		"a line break":                   {path: "lesson-1/master\n.link.m3u8", status: 404, contains: "not_found"},
		"a question mark":                {path: "lesson-1/master?.link.m3u8", status: 404, contains: "not_found"},
		"another course":                 {path: "!/premium/course-2/lesson-1/master.link.m3u8", status: 403, contains: "invalid_link"},
		"a course that begins so":        {path: "!/premium/course-10/lesson-1/master.link.m3u8", status: 403, contains: "invalid_link"},
		"public":                         {path: "!/trailers/lesson-1/master.link.m3u8", status: 404, contains: "not_found"},
		"the root":                       {path: "!/master.link.m3u8", status: 404, contains: "not_found"},
		"the folder of premium":          {path: "!/premium/lesson.link.m3u8", status: 403, contains: "invalid_link"},
		"premium in capitals":            {path: "!/PREMIUM/course-1/lesson-1/master.link.m3u8", status: 404, contains: "not_found"},
		"no path":                        {path: "!", status: 404, contains: "not_found"},
		"beside a stage":                 {path: "!/$default/premium/course-1/lesson-1/master.link.m3u8", status: 404, contains: "not_found"},
		"a bad escape":                   {path: "lesson-1/%zz.link.m3u8", status: 404, contains: "not_found"},
		"a playlist with the bad suffix": {path: "lesson-1/master.link.M3U8", status: 404, contains: "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			bucket := &memory{objects: content()}
			h, log := newTestHandler(t, bucket)
			path, whole := strings.CutPrefix(test.path, "!")
			if !whole {
				path = "/premium/course-1/" + path
			}
			e := event(path, course)
			if test.status == 200 {
				e.Headers["accept-encoding"] = "gzip"
			}
			got, err := h.handle(t.Context(), e)
			body := plain(t, got)
			if err != nil || got.StatusCode != test.status || !strings.Contains(body, test.contains) || test.not != "" && strings.Contains(body, test.not) {
				t.Fatalf("%d %.400s %v, want %d %q\n%s", got.StatusCode, body, err, test.status, test.contains, log)
			}
			if test.status != 200 {
				var refused struct{ Code, RequestID string }
				if err := json.Unmarshal([]byte(body), &refused); err != nil || refused.Code != test.contains || refused.RequestID != "request-1" {
					t.Errorf("refused with %s", body)
				}
				if test.status == 404 && strings.Contains(strings.Join(bucket.calls, " "), "course-2") {
					t.Errorf("read %q", bucket.calls)
				}
			}
			if got.Headers["cache-control"] == "" || !strings.Contains(got.Headers["cache-control"], "no-store") {
				t.Errorf("cache-control %q", got.Headers["cache-control"])
			}
			checkLog(t, log.String(), got.StatusCode, "SIG", "K2ABC", "cookie")
		})
	}
}

// checkLog checks the one line of a request.
func checkLog(t *testing.T, log string, status int, secrets ...string) {
	t.Helper()
	var line struct {
		Msg, RequestID, EdgeRequest, Decision string
		Status                                int
	}
	if err := json.Unmarshal([]byte(log), &line); err != nil || strings.Count(log, "\n") != 1 {
		t.Fatalf("%v: logged %s", err, log)
	}
	if line.Msg != "playlist" || line.RequestID != "request-1" || line.Status != status || line.Decision == "" {
		t.Errorf("logged %s", log)
	}
	for _, secret := range append(secrets, "the-origin-secret", "eyJ") {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %s: %s", secret, log)
		}
	}
}

// plain returns the body of a response as a viewer reads it.
func plain(t testing.TB, r events.APIGatewayV2HTTPResponse) string {
	t.Helper()
	body := []byte(r.Body)
	if r.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			t.Fatal(err)
		}
	}
	if r.Headers["content-encoding"] == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return string(body)
}

func TestResponseHeaders(t *testing.T) {
	h, _ := newTestHandler(t, &memory{objects: content()}, "https://a.example", "https://b.example")
	e := event("/premium/course-1/lesson-1/master.link.m3u8", courseQuery(t))
	e.Headers["origin"] = "https://b.example"
	e.Headers["range"] = "bytes=0-10"
	got, _ := h.handle(t.Context(), e)
	want := map[string]string{
		"content-type": "application/vnd.apple.mpegurl", "cache-control": "private, no-store", "vary": "accept-encoding, origin",
		"access-control-allow-origin": "https://b.example", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff",
	}
	for name, value := range want {
		if got.Headers[name] != value {
			t.Errorf("%s is %q, want %q", name, got.Headers[name], value)
		}
	}
	if got.StatusCode != 200 || len(got.Headers) != len(want) || len(got.Cookies) != 0 || !strings.HasPrefix(got.Body, "#EXTM3U\n") {
		t.Errorf("%+v", got)
	}

	e.RequestContext.HTTP.Method = "HEAD"
	if head, _ := h.handle(t.Context(), e); head.StatusCode != 200 || head.Body != "" || head.Headers["content-type"] != want["content-type"] {
		t.Errorf("HEAD: %+v", head)
	}
	e.RequestContext.HTTP.Method = "GET"
	for name, origin := range map[string]string{"another origin": "https://c.example", "begins so": "https://a.example.evil", "none": "", "null": "null", "http": "http://a.example", "two": "https://a.example,https://b.example"} {
		t.Run(name, func(t *testing.T) {
			e.Headers["origin"] = origin
			got, _ := h.handle(t.Context(), e)
			if _, allowed := got.Headers["access-control-allow-origin"]; allowed || got.Headers["vary"] != "accept-encoding, origin" {
				t.Errorf("%+v", got.Headers)
			}
		})
	}
	e.Headers["origin"] = "https://a.example"
	e.RawQueryString = ""
	if got, _ := h.handle(t.Context(), e); got.StatusCode != 403 || got.Headers["access-control-allow-origin"] != "https://a.example" || got.Headers["vary"] != "origin" {
		t.Errorf("a page cannot read a refusal: %+v", got)
	}
}

// Whatever is at fault, there is a response with a code.
func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*handler, *memory, *events.APIGatewayV2HTTPRequest)
		status int
		code   string
		header [2]string
		level  string
	}{
		"no origin secret": {func(_ *handler, _ *memory, e *events.APIGatewayV2HTTPRequest) {
			delete(e.Headers, originsecret.Header)
		}, 403, "not_through_distribution", [2]string{}, "INFO"},
		"another secret": {func(_ *handler, _ *memory, e *events.APIGatewayV2HTTPRequest) {
			e.Headers[originsecret.Header] = "guess"
		}, 403, "not_through_distribution", [2]string{}, "INFO"},
		"secrets unavailable": {func(h *handler, _ *memory, _ *events.APIGatewayV2HTTPRequest) {
			h.secrets = secrets{errors.New("down")}
		}, 503, "keys_unavailable", [2]string{"retry-after", "2"}, "ERROR"},
		"another method": {func(_ *handler, _ *memory, e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.HTTP.Method = "POST"
		}, 405, "method_not_allowed", [2]string{"allow", "GET, HEAD"}, "INFO"},
		"no link": {func(_ *handler, _ *memory, e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "" },
			403, "invalid_link", [2]string{}, "INFO"},
		"expired by API Gateway's clock": {func(_ *handler, _ *memory, e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.TimeEpoch = now.Add(time.Hour).UnixMilli()
		}, 403, "link_expired", [2]string{}, "INFO"},
		"expired by the own clock": {func(h *handler, _ *memory, e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.TimeEpoch = 0
			h.now = func() time.Time { return now.Add(time.Hour) }
		}, 403, "link_expired", [2]string{}, "INFO"},
		"access denied": {func(_ *handler, m *memory, _ *events.APIGatewayV2HTTPRequest) {
			m.err = &awsjson.Error{Status: 403, Code: "AccessDenied"}
		}, 503, "bucket_unavailable", [2]string{"retry-after", "2"}, "ERROR"},
		"a film in place of a playlist": {func(_ *handler, m *memory, _ *events.APIGatewayV2HTTPRequest) { m.err = awsjson.ErrTooLarge },
			422, "invalid_playlist", [2]string{}, "WARN"},
		"too large without gzip": {func(_ *handler, _ *memory, e *events.APIGatewayV2HTTPRequest) {
			e.RawPath = "/premium/course-1/lesson-9/many.link.m3u8"
		}, 413, "playlist_too_large", [2]string{}, "WARN"},
		"a fault": {func(h *handler, _ *memory, _ *events.APIGatewayV2HTTPRequest) { h.objects = nil },
			500, "internal", [2]string{}, "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			bucket := &memory{objects: content()}
			h, log := newTestHandler(t, bucket)
			e := event("/premium/course-1/lesson-1/master.link.m3u8", courseQuery(t))
			test.change(h, bucket, &e)
			got, err := h.handle(t.Context(), e)
			if err != nil || got.StatusCode != test.status || !strings.Contains(got.Body, `"code":"`+test.code+`"`) || test.header[0] != "" && got.Headers[test.header[0]] != test.header[1] {
				t.Errorf("%+v, %v; want %d %s", got, err, test.status, test.code)
			}
			if strings.Contains(got.Body, "down") || strings.Contains(got.Body, "AccessDenied") {
				t.Errorf("the viewer gets %s", got.Body)
			}
			if !strings.Contains(log.String(), `"level":"`+test.level+`"`) {
				t.Errorf("logged %s, want level %s", log, test.level)
			}
			if test.status == 403 && len(bucket.calls) > 0 {
				t.Errorf("read %q before the refusal", bucket.calls)
			}
			checkLog(t, log.String(), test.status, "SIG")
		})
	}
}

// Temporary failures of the bucket are repeated.
func TestBucketIsAskedAgain(t *testing.T) {
	bucket := &memory{objects: content()}
	failures := 2
	h, _ := newTestHandler(t, getFunc(func(ctx context.Context, key, etag string) (awsjson.Object, error) {
		if failures--; failures >= 0 {
			return awsjson.Object{}, &awsjson.Error{Status: 503, Code: "SlowDown"}
		}
		return bucket.Get(ctx, key, etag)
	}))
	e := event("/premium/course-1/lesson-1/master.link.m3u8", courseQuery(t))
	if got, _ := h.handle(t.Context(), e); got.StatusCode != 200 {
		t.Errorf("%+v", got)
	}
	failures = 3
	if got, _ := h.handle(t.Context(), e); got.StatusCode != 503 {
		t.Errorf("%+v", got)
	}
}

type getFunc func(ctx context.Context, key, etag string) (awsjson.Object, error)

func (f getFunc) Get(ctx context.Context, key, etag string) (awsjson.Object, error) {
	return f(ctx, key, etag)
}

// What was parsed is used until the object changes, and never longer.
func TestObjectsAreCached(t *testing.T) {
	bucket := &memory{objects: content()}
	h, _ := newTestHandler(t, bucket)
	get := func(want string) {
		t.Helper()
		got, _ := h.handle(t.Context(), event("/premium/course-1/lesson-2/lesson.link.m3u8", courseQuery(t)))
		if got.StatusCode != 200 && want != "" || !strings.Contains(got.Body, want) {
			t.Errorf("%d %s, want %s", got.StatusCode, got.Body, want)
		}
	}
	get("v1/360p")
	get("v1/360p")
	bucket.objects["premium/course-1/lesson-2/lesson.json"] = `{"playlist":"v22/main.m3u8"}`
	bucket.objects["premium/course-1/lesson-2/v22/main.m3u8"] = master
	get("v22/360p")
	bucket.objects["premium/course-1/lesson-2/v22/main.m3u8"] = "#EXTM3U\n720p.m3u8\n"
	get("v22/720p")
	delete(bucket.objects, "premium/course-1/lesson-2/v22/main.m3u8")
	get("")
	const file, v1, v2 = "premium/course-1/lesson-2/lesson.json", "premium/course-1/lesson-2/v1/main.m3u8", "premium/course-1/lesson-2/v22/main.m3u8"
	want := []string{file, v1, file + "+", v1 + "+", file, v2, file + "+", v2, file + "+", v2}
	if fmt.Sprint(bucket.calls) != fmt.Sprint(want) {
		t.Errorf("read\n%q, want\n%q", bucket.calls, want)
	}
}

// However many playlists there are, what is cached stays bounded.
func TestCacheIsBounded(t *testing.T) {
	o := newObjects(nil)
	p, err := parse("/premium/c/", "#EXTM3U\n"+strings.Repeat("segment.ts\n", 10_000))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		o.put(fmt.Sprint(i), &object{playlist: p})
		o.put("used", &object{playlist: p})
		if o.cached("used") == nil || o.cached(fmt.Sprint(i)) == nil {
			t.Fatal("what was used last is not cached")
		}
		total := 0
		for _, generation := range []map[string]*object{o.young, o.old} {
			for _, object := range generation {
				total += object.bytes()
			}
		}
		if total > maxCached {
			t.Fatalf("%d bytes are cached", total)
		}
	}
	if n := len(o.young) + len(o.old); n < 10 {
		t.Errorf("%d playlists are cached", n)
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"":                              false,
		"gzip":                          true,
		"GZIP":                          true,
		"x-gzip":                        true,
		"gzip, deflate, br, zstd":       true,
		"br;q=1.0, gzip;q=0.8, *;q=0.1": true,
		"deflate, gzip;q=0.5":           true,
		"gzip;q=0":                      false,
		"gzip;q=0.000":                  false,
		"gzip; q=0":                     false,
		"gzip ; q = 0.5":                true,
		"*":                             true,
		"*;q=0":                         false,
		"*, gzip;q=0":                   false,
		"identity":                      false,
		"identity;q=1, gzip;q=0.5":      false,
		"identity;q=0.5, gzip":          true,
		"identity;q=0":                  false,
		"identity;q=0, *":               true,
		"br":                            false,
		"deflate":                       false,
		"gzipped":                       false,
		"gzip;q=2":                      false,
		"gzip;q=x":                      false,
		"gzip;q=NaN":                    false,
		"gzip;level=9":                  true,
		",,gzip,":                       true,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: %t", header, got)
		}
	}
}

func TestJSONSize(t *testing.T) {
	for _, text := range []string{"", "a\n\"b\"\\\t\r", strings.Repeat("#EXTINF:6,\nü?a=b&c=d<>\n", 100)} {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false) // as the runtime's library does
		if err := encoder.Encode(text); err != nil {
			t.Fatal(err)
		}
		if got, want := jsonSize(events.APIGatewayV2HTTPResponse{Body: text}), b.Len()-len("\"\"\n"); got != want {
			t.Errorf("%.20q: %d, want %d", text, got, want)
		}
	}
}
