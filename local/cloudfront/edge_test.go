package cloudfront

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

// A world is an edge with origins that record their requests.
type world struct {
	*Edge
	mu      sync.Mutex
	asked   []*http.Request
	bodies  []string
	entries []Entry
	answer  http.HandlerFunc // nil: 200 and the request's URI
}

func newWorld(d cloudfront.Distribution, change func(*Options)) *world {
	w := &world{}
	options := Options{
		Scheme: "https",
		Now:    clock,
		Log: func(e Entry) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.entries = append(w.entries, e)
		},
		Origins: func(domain string) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.mu.Lock()
				w.asked, w.bodies = append(w.asked, r), append(w.bodies, string(body))
				w.mu.Unlock()
				if w.answer != nil {
					w.answer(rw, r)
					return
				}
				io.WriteString(rw, domain+r.RequestURI)
			})
		},
	}
	if change != nil {
		change(&options)
	}
	w.Edge = New(d, options)
	return w
}

// get sends a request; change may alter it first.
func (w *world) do(method, target string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host, r.RemoteAddr = host, "192.0.2.7:46532"
	if change != nil {
		change(r)
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

func (w *world) last(t *testing.T) *http.Request {
	t.Helper()
	if len(w.asked) == 0 {
		t.Fatalf("no origin was asked; the edge said %q", w.entries[len(w.entries)-1].Reason)
	}
	return w.asked[len(w.asked)-1]
}

func withCookies(p pairs) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Cookie", p.header()) }
}

func TestServes(t *testing.T) {
	for _, c := range []struct {
		name, method, target string
		cookies              pairs
		body                 string
	}{
		{"root object", "GET", "/", nil, "public.example/public/index.html"},
		{"only for the root", "GET", "/a/", nil, "public.example/public/a/"},
		{"public", "GET", "/trailers/a.m3u8", nil, "public.example/public/trailers/a.m3u8"},
		{"premium", "GET", segment, courseOne().cookies(), "premium.example" + segment},
		{"encoded path as it came", "GET", "/a%20b%2Fc/%7Ed", nil, "public.example/public/a%20b%2Fc/%7Ed"},
		{"dots as they came", "GET", "/x/../y", nil, "public.example/public/x/../y"},
		{"absolute form", "GET", "https://" + host + "/a//b", nil, "public.example/public/a//b"},
		{"API", "POST", "/api/cookies?x=1&y=%20", nil, "api.example/api/cookies?x=1&y=%20"},
		{"query not sent", "GET", "/a?x=1", nil, "public.example/public/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(distribution(), nil)
			rec := w.do(c.method, c.target, withCookies(c.cookies))
			if rec.Code != 200 || rec.Body.String() != c.body {
				t.Errorf("%d %s, want 200 %s", rec.Code, rec.Body, c.body)
			}
			for name, want := range map[string]string{"X-Cache": "Miss from cloudfront", "Age": ""} {
				if got := rec.Header().Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if !strings.HasSuffix(rec.Header().Get("Via"), "(CloudFront)") || rec.Header().Get("X-Amz-Cf-Id") == "" {
				t.Errorf("headers %v", rec.Header())
			}
		})
	}
}

func TestRefusedOverHTTP(t *testing.T) {
	w := newWorld(distribution(), nil)
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		rec := w.do(method, segment, nil)
		want := `<?xml version="1.0" encoding="UTF-8"?><Error><Code>MissingKey</Code><Message>Missing Key-Pair-Id query parameter or cookie value</Message></Error>`
		if method == "HEAD" {
			want = ""
		}
		if rec.Code != 403 || rec.Body.String() != want || rec.Header().Get("Content-Type") != "text/xml" ||
			rec.Header().Get("X-Cache") != "Error from cloudfront" || rec.Header().Get("Content-Length") != "146" {
			t.Errorf("%s: %d %v %s", method, rec.Code, rec.Header(), rec.Body)
		}
	}
	if len(w.asked) > 0 {
		t.Error("an origin was asked")
	}
}

func TestNotServed(t *testing.T) {
	geo := distribution()
	geo.GeoRestriction = cloudfront.GeoRestriction{Type: "whitelist", Locations: []string{"DE", "NL"}}
	deny := distribution()
	deny.GeoRestriction = cloudfront.GeoRestriction{Type: "blacklist", Locations: []string{"US"}}
	off := distribution()
	off.Enabled = false
	for _, c := range []struct {
		name   string
		d      cloudfront.Distribution
		method string
		change func(*http.Request)
		status int
		rule   cloudfront.Rule
		says   string
	}{
		{"another host", distribution(), "GET", func(r *http.Request) { r.Host = "d222.cloudfront.net" }, 403, cloudfront.RuleHost, "Bad request"},
		{"no host", distribution(), "GET", func(r *http.Request) { r.Host = "" }, 403, cloudfront.RuleHost, "Bad request"},
		{"another port", distribution(), "GET", func(r *http.Request) { r.Host = host + ":8443" }, 403, cloudfront.RuleHost, "Bad request"},
		{"disabled", off, "GET", nil, 403, cloudfront.RuleDisabled, "Bad request"},
		{"IPv6 where it is off", distribution(), "GET", func(r *http.Request) { r.RemoteAddr = "[2001:db8::1]:443" }, 403, cloudfront.RuleIPv6, "Bad request"},
		{"method", distribution(), "POST", nil, 403, cloudfront.RuleMethod, "supports only cachable requests"},
		{"unknown method", distribution(), "BREW", nil, 403, cloudfront.RuleMethod, "supports only cachable requests"},
		{"GET with a body", distribution(), "GET", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("x")), 1 }, 403, cloudfront.RuleBody, "Bad request"},
		{"GET with a body of unknown length", distribution(), "GET", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("x")), -1 }, 403, cloudfront.RuleBody, "Bad request"},
		{"long URL", distribution(), "GET", func(r *http.Request) { r.RequestURI = "/" + strings.Repeat("a", 8192) }, 413, cloudfront.RuleURL, "too large"},
		{"large headers", distribution(), "GET", func(r *http.Request) { r.Header.Set("X-A", strings.Repeat("a", 20480)) }, 413, cloudfront.RuleSize, "too large"},
		{"broken encoding", distribution(), "GET", func(r *http.Request) { r.RequestURI = "/%zz" }, 400, cloudfront.RuleEncoding, "Bad request"},
		{"no path", distribution(), "OPTIONS", func(r *http.Request) { r.RequestURI = "*" }, 400, cloudfront.RuleTarget, "Bad request"},
		{"country not listed", geo, "GET", nil, 403, cloudfront.RuleCountry, "block access from your country"},
		{"country listed as blocked", deny, "GET", nil, 403, cloudfront.RuleCountry, "block access from your country"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(c.d, func(o *Options) { o.Country = func(netip.Addr) string { return "US" } })
			rec := w.do(c.method, "/index.html", c.change)
			if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.says) || rec.Header().Get("Content-Type") != "text/html" ||
				rec.Header().Get("X-Cache") != "Error from cloudfront" {
				t.Errorf("%d %v %s, want %d %s", rec.Code, rec.Header(), rec.Body, c.status, c.says)
			}
			if len(w.asked) > 0 {
				t.Error("an origin was asked")
			}
			if e := w.entries[0]; e.Status != c.status || e.Rule != c.rule || e.Reason == "" {
				t.Errorf("logged %+v", e)
			}
		})
	}
}

func TestServedInCountry(t *testing.T) {
	d := distribution()
	d.GeoRestriction = cloudfront.GeoRestriction{Type: "whitelist", Locations: []string{"NL"}}
	for country, want := range map[string]int{"NL": 200, "nl": 200, "": 200, "US": 403} {
		w := newWorld(d, func(o *Options) { o.Country = func(netip.Addr) string { return country } })
		if rec := w.do("GET", "/a", nil); rec.Code != want {
			t.Errorf("country %q: %d, want %d", country, rec.Code, want)
		}
	}
}

func TestHosts(t *testing.T) {
	d := distribution()
	d.Aliases = []string{"video.example", "*.tv.example"}
	for name, want := range map[string]int{
		host: 200, strings.ToUpper(host): 200, host + ":443": 200, "video.example": 200, "a.tv.example": 200,
		"tv.example": 403, "a.b.tv.example": 403, "x" + host: 403, host + ".": 403, host + ":80": 403, ".tv.example": 403,
	} {
		w := newWorld(d, nil)
		if rec := w.do("GET", "/a", func(r *http.Request) { r.Host = name }); rec.Code != want {
			t.Errorf("host %s: %d, want %d", name, rec.Code, want)
		}
	}
}

func TestProtocols(t *testing.T) {
	d := distribution()
	d.Behaviors[2].ViewerProtocolPolicy = "allow-all"
	for _, c := range []struct {
		name, method, path string
		tls                bool
		status             int
		location           string
	}{
		{"redirect GET", "GET", segment + "?a=b", false, 301, "https://" + host + segment + "?a=b"},
		{"redirect HEAD", "HEAD", segment, false, 301, "https://" + host + segment},
		{"redirect OPTIONS", "OPTIONS", segment, false, 307, "https://" + host + segment},
		{"https only", "POST", "/api/cookies", false, 403, ""},
		{"https only over TLS", "POST", "/api/cookies", true, 200, ""},
		{"allow all", "GET", "/a", false, 200, ""},
		{"signed in another reading", "GET", "/premium/../a", false, 301, "https://" + host + "/premium/../a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(d, func(o *Options) { o.Scheme = "" })
			rec := w.do(c.method, c.path, func(r *http.Request) {
				if c.tls {
					r.TLS = &tls.ConnectionState{}
				}
			})
			if rec.Code != c.status || rec.Header().Get("Location") != c.location {
				t.Errorf("%d to %q, want %d to %q", rec.Code, rec.Header().Get("Location"), c.status, c.location)
			}
		})
	}
}

func TestHeadersToOrigin(t *testing.T) {
	hostile := func(r *http.Request) {
		for name, value := range map[string]string{
			"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil", "X-Forwarded-Port": "1",
			"Forwarded": "for=203.0.113.9", "X-Real-Ip": "203.0.113.9", "True-Client-Ip": "203.0.113.9",
			"Cloudfront-Viewer-Address": "203.0.113.9:1", "Cloudfront-Viewer-Country": "XX", "Cloudfront-Forwarded-Proto": "http",
			"X-Amz-Cf-Id": "mine", "X-Edge-Location": "x", "X-Origin-Secret": "guess", "Via": "1.1 evil",
			"Connection": "X-Hop", "X-Hop": "1", "Upgrade": "websocket", "Te": "trailers", "Proxy-Authorization": "x", "Expect": "x",
			"Authorization": "Bearer t", "User-Agent": "Player/1", "Accept-Language": "nl", "X-Mine": "1",
			"Range": "bytes=0-1", "If-None-Match": `"e"`, "Content-Type": "application/json", "Cookie": "a=1; b=2",
			"Accept-Encoding": "gzip;q=0, br, deflate", "Origin": "https://a.example",
		} {
			r.Header.Set(name, value)
		}
		r.Header["x-real-ip"] = []string{"203.0.113.8"} // not canonical: no server does that
	}
	const any = "\x00"
	optimized, _ := cloudfront.ManagedCachePolicy("658327ea-f89d-4fab-a63d-7e88639e58f6")
	minimal := map[string]string{
		"Host": "o.example", "User-Agent": "Amazon CloudFront", "X-Amz-Cf-Id": any, "Via": "1.1 local.cloudfront.net (CloudFront)",
		"X-Forwarded-For": "203.0.113.9,192.0.2.7", "Range": "bytes=0-1", "If-None-Match": `"e"`, "Content-Type": "application/json",
	}
	with := func(more map[string]string) map[string]string {
		all := map[string]string{}
		for _, m := range []map[string]string{minimal, more} {
			for k, v := range m {
				if all[k] = v; v == "" {
					delete(all, k)
				}
			}
		}
		return all
	}
	allViewer := map[string]string{"Host": host, "User-Agent": "Player/1", "Authorization": "Bearer t", "Accept-Language": "nl",
		"X-Mine": "1", "Cookie": "a=1; b=2", "Accept-Encoding": "gzip;q=0, br, deflate", "Origin": "https://a.example", "X-Origin-Secret": "guess"}
	managed := func(id string) *cloudfront.OriginRequestPolicy {
		p, _ := cloudfront.ManagedOriginRequestPolicy(id)
		return &p
	}
	whitelist := func(names ...string) *cloudfront.OriginRequestPolicy {
		return &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{Headers: cloudfront.Selection{Mode: "whitelist", Names: names}}}
	}
	for _, c := range []struct {
		name   string
		cache  cloudfront.CachePolicy
		policy *cloudfront.OriginRequestPolicy
		origin cloudfront.Origin
		want   map[string]string
	}{
		{"none", cloudfront.CachePolicy{}, nil, cloudfront.Origin{}, minimal},
		{"CachingOptimized", optimized, nil, cloudfront.Origin{}, with(map[string]string{"Accept-Encoding": "br"})},
		{"all viewer", cloudfront.CachePolicy{}, managed("216adef6-5c7f-47e4-b989-5492eafa07d3"), cloudfront.Origin{}, with(allViewer)},
		{"all viewer except Host", cloudfront.CachePolicy{}, managed("b689b0a8-53d0-40ab-baf2-68738e2966ac"),
			cloudfront.Origin{CustomHeaders: []cloudfront.CustomHeader{{Name: "x-origin-secret", Value: "real"}}},
			with(map[string]string{"User-Agent": "Player/1", "Authorization": "Bearer t", "Accept-Language": "nl", "X-Mine": "1", "Cookie": "a=1; b=2",
				"Accept-Encoding": "gzip;q=0, br, deflate", "Origin": "https://a.example", "X-Origin-Secret": "real"})},
		{"all viewer and CloudFront's", cloudfront.CachePolicy{}, managed("33f36d7e-f396-46d9-90e0-52428a34d9dc"), cloudfront.Origin{},
			with(map[string]string{"Host": host, "User-Agent": "Player/1", "Authorization": "Bearer t", "Accept-Language": "nl", "X-Mine": "1",
				"Cookie": "a=1; b=2", "Accept-Encoding": "gzip;q=0, br, deflate", "Origin": "https://a.example", "X-Origin-Secret": "guess",
				"Cloudfront-Viewer-Address": "192.0.2.7:46532", "Cloudfront-Viewer-Country": "NL",
				"Cloudfront-Forwarded-Proto": "https", "Cloudfront-Viewer-Http-Version": "1.1"})},
		{"listed", cloudfront.CachePolicy{}, whitelist("x-mine", "CloudFront-Viewer-Address"), cloudfront.Origin{},
			with(map[string]string{"X-Mine": "1", "Cloudfront-Viewer-Address": "192.0.2.7:46532"})},
		{"Authorization listed for the origin only", cloudfront.CachePolicy{}, whitelist("Authorization"), cloudfront.Origin{}, minimal},
		{"Authorization in the cache key", cloudfront.CachePolicy{Forwarding: cloudfront.Forwarding{Headers: cloudfront.Selection{Mode: "whitelist", Names: []string{"authorization"}}}}, nil, cloudfront.Origin{},
			with(map[string]string{"Authorization": "Bearer t"})},
		{"bucket", cloudfront.CachePolicy{Forwarding: cloudfront.Forwarding{Headers: cloudfront.Selection{Mode: "whitelist", Names: []string{"Authorization"}}}},
			managed("216adef6-5c7f-47e4-b989-5492eafa07d3"), cloudfront.Origin{S3: true},
			with(map[string]string{"User-Agent": "Player/1", "Accept-Language": "nl", "X-Mine": "1", "Cookie": "a=1; b=2",
				"Accept-Encoding": "gzip;q=0, br, deflate", "Origin": "https://a.example", "X-Origin-Secret": "guess"})},
		{"some cookies", cloudfront.CachePolicy{Forwarding: cloudfront.Forwarding{Cookies: cloudfront.Selection{Mode: "whitelist", Names: []string{"b"}}}}, nil, cloudfront.Origin{}, with(map[string]string{"Cookie": "b=2"})},
		{"all cookies but one", cloudfront.CachePolicy{}, &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{Cookies: cloudfront.Selection{Mode: "allExcept", Names: []string{"b"}}}}, cloudfront.Origin{}, with(map[string]string{"Cookie": "a=1"})},
		{"hostile headers by name", cloudfront.CachePolicy{}, whitelist("X-Forwarded-Host", "X-Real-IP", "Forwarded", "X-Amz-Cf-Id", "Via", "Upgrade"), cloudfront.Origin{}, minimal},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.origin.DomainName = "o.example"
			d := distribution()
			b := &d.Behaviors[2]
			b.Origin, b.CachePolicy, b.OriginRequestPolicy, b.AllowedMethods = c.origin, c.cache, c.policy, everyMethod
			w := newWorld(d, func(o *Options) { o.Country = func(netip.Addr) string { return "NL" } })
			w.do("GET", "/a", hostile)
			r := w.last(t)
			got := map[string]string{"Host": r.Host}
			for name, values := range r.Header {
				got[name] = strings.Join(values, "|")
			}
			for name, value := range c.want {
				if value == any && got[name] != "" && got[name] != "mine" {
					got[name] = any
				}
				if got[name] != value {
					t.Errorf("%s is %q, want %q", name, got[name], value)
				}
			}
			for name, value := range got {
				if _, ok := c.want[name]; !ok {
					t.Errorf("%s: %s reached the origin", name, value)
				}
			}
			if strings.HasPrefix(r.RemoteAddr, "192.0.2.7") {
				t.Error("the viewer's connection reached the origin")
			}
		})
	}
}

func TestViewerAddressIPv6(t *testing.T) {
	d := distribution()
	d.IPv6 = true
	d.Behaviors[2].OriginRequestPolicy = &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{Headers: cloudfront.Selection{Mode: "whitelist", Names: []string{"CloudFront-Viewer-Address"}}}}
	w := newWorld(d, nil)
	for remote, want := range map[string]string{
		"[2001:db8::1]:443": "2001:db8::1:443", "[::ffff:192.0.2.7]:80": "192.0.2.7:80", "[fe80::1%eth0]:1": "fe80::1:1",
	} {
		w.do("GET", "/a", func(r *http.Request) { r.RemoteAddr = remote })
		if got := w.last(t).Header.Get("CloudFront-Viewer-Address"); got != want {
			t.Errorf("%s: %q, want %q", remote, got, want)
		}
	}
}

func TestQueryToOrigin(t *testing.T) {
	signed := courseOne()
	signedQuery := "Policy=" + signedcookie.Encode(signed.raw()) + "&Signature=" + sign(signed.key, signed.hash, signed.raw()) +
		"&Key-Pair-Id=" + signed.key.id + "&Hash-Algorithm=SHA256"
	allViewer, _ := cloudfront.ManagedOriginRequestPolicy("216adef6-5c7f-47e4-b989-5492eafa07d3")
	for _, c := range []struct {
		name   string
		policy *cloudfront.OriginRequestPolicy
		path   string
		want   string
	}{
		{"none", nil, segment + "?a=1", ""},
		{"all, in order", &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{Query: cloudfront.Selection{Mode: "all"}}}, segment + "?b=%20&a=1&b", "b=%20&a=1&b"},
		{"some", &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{Query: cloudfront.Selection{Mode: "whitelist", Names: []string{"a"}}}}, segment + "?b=2&a=1", "a=1"},
		{"but one", &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{Query: cloudfront.Selection{Mode: "allExcept", Names: []string{"a"}}}}, segment + "?b=2&%61=1", "b=2"},
		{"signature not sent", &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{Query: cloudfront.Selection{Mode: "all"}}}, segment + "?a=1&" + signedQuery + "&b=2", "a=1&b=2"},
		{"a link's parameter is sent", &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{Query: cloudfront.Selection{Mode: "all"}}}, segment + "?" + signedQuery + "&l=P.S.K.SHA256", "l=P.S.K.SHA256"},
		{"managed and a bucket", &allViewer, segment + "?response-content-type=text/html&a=1", "a=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := distribution()
			d.Behaviors[0].OriginRequestPolicy = c.policy
			w := newWorld(d, nil)
			w.do("GET", c.path, withCookies(signed.cookies()))
			if got := w.last(t).URL.RawQuery; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// Whether CloudFront sends the parameters of a signed URL on is not documented
// for all of them: the edge can do both.
func TestSignedParametersToOrigin(t *testing.T) {
	signed := courseOne()
	query := "Policy=" + signedcookie.Encode(signed.raw()) + "&Signature=" + sign(signed.key, signed.hash, signed.raw()) +
		"&Key-Pair-Id=" + signed.key.id + "&Hash-Algorithm=SHA256&l=x"
	for sent, want := range map[bool]string{false: "l=x", true: query} {
		d := distribution()
		d.Behaviors[0].OriginRequestPolicy = &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{Query: cloudfront.Selection{Mode: "all"}}}
		d.Behaviors[0].SendParameters = sent
		w := newWorld(d, nil)
		w.do("GET", segment+"?"+query, nil)
		if got := w.last(t).URL.RawQuery; got != want {
			t.Errorf("sent %t: %q, want %q", sent, got, want)
		}
	}
}

// Neither the reason nor a check of a refusal has a link's query.
func TestReasonHasNoCredential(t *testing.T) {
	signed := courseOne()
	query := "Policy=" + signedcookie.Encode(signed.raw()) + "&Signature=" + sign(signed.key, signed.hash, signed.raw()) +
		"&Key-Pair-Id=" + signed.key.id + "&Hash-Algorithm=SHA256&l=SECRET"
	w := newWorld(distribution(), nil)
	w.do("GET", "/premium/course-2/master.m3u8?"+query, nil)
	e := w.entries[0]
	if e.Status != 403 || e.Decision.Code != "AccessDenied" || strings.Contains(e.Reason+fmt.Sprint(e.Decision.Checks), "SECRET") {
		t.Errorf("%d %s: %s %v", e.Status, e.Decision.Code, e.Reason, e.Decision.Checks)
	}
}

func TestBodyAndMethodReachOrigin(t *testing.T) {
	w := newWorld(distribution(), nil)
	w.do("POST", "/api/cookies", func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(`{"path":"a"}`)), 12
	})
	if r := w.last(t); r.Method != "POST" || r.ContentLength != 12 || w.bodies[0] != `{"path":"a"}` || r.Header.Get("X-Origin-Secret") != "real" {
		t.Errorf("%s %d %q %v", r.Method, r.ContentLength, w.bodies[0], r.Header)
	}
}

func TestAnswerHeaders(t *testing.T) {
	w := newWorld(distribution(), nil)
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{"Set-Cookie": "a=1", "Age": "5", "Via": "x", "X-Cache": "Hit", "Connection": "close",
			"X-Amz-Cf-Pop": "x", "Etag": `"e"`, "Content-Type": "video/mp2t"} {
			rw.Header().Set(name, value)
		}
		rw.WriteHeader(206)
		io.WriteString(rw, "ab")
	}
	public, api := w.do("GET", "/a", nil), w.do("GET", "/api/a", nil)
	for _, rec := range []*httptest.ResponseRecorder{public, api} {
		for name, want := range map[string]string{"Age": "", "X-Cache": "Miss from cloudfront", "Connection": "", "X-Amz-Cf-Pop": "", "Etag": `"e"`, "Content-Type": "video/mp2t"} {
			if got := rec.Header().Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if rec.Code != 206 || rec.Body.String() != "ab" {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	}
	if public.Header().Get("Set-Cookie") != "" || api.Header().Get("Set-Cookie") != "a=1" {
		t.Error("an origin's cookies reach the viewer just where cookies reach the origin")
	}
	if e := w.entries[0]; e.Bytes != 2 || e.Status != 206 || e.Behavior != "*" {
		t.Errorf("logged %+v", e)
	}
}

func TestOriginErrors(t *testing.T) {
	w := newWorld(distribution(), nil)
	w.answer = http.NotFound
	if rec := w.do("GET", "/a", nil); rec.Code != 404 || rec.Header().Get("X-Cache") != "Error from cloudfront" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	w = newWorld(distribution(), func(o *Options) { o.Origins = func(string) http.Handler { return nil } })
	if rec := w.do("GET", "/a", nil); rec.Code != 502 {
		t.Errorf("%d without an origin, want 502", rec.Code)
	}
}

func TestCustomErrorResponses(t *testing.T) {
	d := distribution()
	d.CustomErrorResponses = []cloudfront.CustomErrorResponse{
		{ErrorCode: 404, ResponseCode: 200, ResponsePagePath: "/errors/404.html"},
		{ErrorCode: 403, ResponseCode: 401, ResponsePagePath: "/errors/403.html"},
		{ErrorCode: 500},
		{ErrorCode: 501, ResponseCode: 501, ResponsePagePath: "/premium/501.html"},
		{ErrorCode: 502, ResponseCode: 502, ResponsePagePath: "/errors/missing.html"},
	}
	w := newWorld(d, nil)
	status := 0
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.RequestURI, "missing.html"):
			http.NotFound(rw, r)
		case strings.Contains(r.RequestURI, "/errors/"), strings.HasPrefix(r.RequestURI, "/premium/"):
			io.WriteString(rw, "page "+r.RequestURI)
		default:
			rw.WriteHeader(status)
			io.WriteString(rw, "origin")
		}
	}
	for _, c := range []struct {
		origin, status int
		body           string
	}{
		{404, 200, "page /public/errors/404.html"},
		{500, 500, "origin"},
		{501, 501, "origin"},
		{502, 502, "origin"},
		{410, 410, "origin"},
	} {
		status = c.origin
		if rec := w.do("GET", "/a", nil); rec.Code != c.status || rec.Body.String() != c.body {
			t.Errorf("%d became %d %s, want %d %s", c.origin, rec.Code, rec.Body, c.status, c.body)
		}
	}
	if rec := w.do("GET", segment, nil); rec.Code != 401 || rec.Body.String() != "page /public/errors/403.html" {
		t.Errorf("a refusal became %d %s", rec.Code, rec.Body)
	}
}

func TestUpdate(t *testing.T) {
	w := newWorld(distribution(), nil)
	cookies := grant{foreignKey, signedcookie.SHA256, courseOne().Policy}.cookies()
	if rec := w.do("GET", segment, withCookies(cookies)); rec.Code != 403 {
		t.Fatalf("%d before the key is trusted", rec.Code)
	}
	d := distribution()
	d.Behaviors[0].PublicKeys = map[string]cloudfront.PublicKey{foreignKey.id: foreignKey.public}
	w.Update(d)
	if rec := w.do("GET", segment, withCookies(cookies)); rec.Code != 200 {
		t.Errorf("%d after", rec.Code)
	}
	w.Update(distribution())
	if rec := w.do("GET", segment, withCookies(cookies)); rec.Code != 403 {
		t.Errorf("%d when the key has left again", rec.Code)
	}
}

func TestLog(t *testing.T) {
	w := newWorld(distribution(), nil)
	w.do("GET", segment+"?a=b", withCookies(courseOne().cookies()))
	e := w.entries[0]
	if e.Method != "GET" || e.Host != host || e.Path != segment+"?a=b" || e.Behavior != "/premium/*" || e.Status != 200 ||
		!e.Decision.Allowed || e.Reason == "" || e.Viewer.String() != "192.0.2.7:46532" || !e.Time.Equal(now) {
		t.Errorf("logged %+v", e)
	}
}

// Over a real connection, nothing between the socket and the edge changes a path,
// and updates and requests can be concurrent.
func TestOverTheNetwork(t *testing.T) {
	w := newWorld(distribution(), func(o *Options) { o.Now = time.Now })
	server := httptest.NewServer(w)
	defer server.Close()
	for path, want := range map[string]int{"//premium/a": 403, "/x/../premium/a": 403, "/%70remium/a": 403, "/premium%2fa": 403, "/a": 200} {
		r, err := http.NewRequest("GET", server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.URL.Opaque = host, path
		go w.Update(distribution())
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, response.StatusCode, want)
		}
	}
}
