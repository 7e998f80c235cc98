package cloudfront

import (
	"net/http"
	"strings"
	"testing"

	"premiumhls/internal/cloudfront"
)

func TestCORS(t *testing.T) {
	listed := &cloudfront.CORS{
		Origins: []string{"https://app.example", "https://*.team.example", "bare.example", "http://localhost:3000"},
		Methods: []string{"GET", "HEAD"}, Headers: []string{"Range", "Authorization"}, Expose: []string{"Etag"},
		MaxAge: "600", Credentials: true, Override: true,
	}
	keep := *listed
	keep.Override = false
	anyone := &cloudfront.CORS{Origins: []string{"*"}}
	simple := map[string]string{"Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "Etag", "Vary": "Origin"}
	to := func(origin string, base map[string]string) map[string]string {
		m := map[string]string{}
		for k, v := range base {
			m[k] = v
		}
		if m["Access-Control-Allow-Origin"] = origin; origin == "" {
			return map[string]string{"Vary": "Origin"}
		}
		return m
	}
	for _, c := range []struct {
		name    string
		cors    *cloudfront.CORS
		method  string
		request map[string]string
		origin  map[string]string // the origin's headers
		want    map[string]string
	}{
		{"no Origin", listed, "GET", nil, nil, nil},
		{"no Origin, the origin's own stay", listed, "GET", nil, map[string]string{"Access-Control-Allow-Origin": "x"}, map[string]string{"Access-Control-Allow-Origin": "x"}},
		{"listed", listed, "GET", map[string]string{"Origin": "https://app.example"}, nil, to("https://app.example", simple)},
		{"listed with another scheme", listed, "GET", map[string]string{"Origin": "http://app.example"}, nil, to("", nil)},
		{"listed with another port", listed, "GET", map[string]string{"Origin": "https://app.example:8443"}, nil, to("", nil)},
		{"listed port", listed, "GET", map[string]string{"Origin": "http://localhost:3000"}, nil, to("http://localhost:3000", simple)},
		{"below a wildcard", listed, "GET", map[string]string{"Origin": "https://a.b.team.example"}, nil, to("https://a.b.team.example", simple)},
		{"the wildcard's own domain", listed, "GET", map[string]string{"Origin": "https://team.example"}, nil, to("", nil)},
		{"nothing where the wildcard is", listed, "GET", map[string]string{"Origin": "https://.team.example"}, nil, to("", nil)},
		{"ends like a wildcard", listed, "GET", map[string]string{"Origin": "https://evilteam.example"}, nil, to("", nil)},
		{"begins like a listed one", listed, "GET", map[string]string{"Origin": "https://app.example.evil"}, nil, to("", nil)},
		{"without a scheme in the list", listed, "GET", map[string]string{"Origin": "http://bare.example"}, nil, to("http://bare.example", simple)},
		{"null", listed, "GET", map[string]string{"Origin": "null"}, nil, to("", nil)},
		{"not listed, the origin's own go", listed, "GET", map[string]string{"Origin": "https://evil.example"},
			map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"}, to("", nil)},
		{"overriding the origin's", listed, "GET", map[string]string{"Origin": "https://app.example"},
			map[string]string{"Access-Control-Allow-Origin": "*"}, to("https://app.example", simple)},
		{"keeping the origin's", &keep, "GET", map[string]string{"Origin": "https://app.example"},
			map[string]string{"Access-Control-Allow-Origin": "*"}, to("*", simple)},
		{"anyone", anyone, "GET", map[string]string{"Origin": "https://evil.example"}, nil, map[string]string{"Access-Control-Allow-Origin": "*"}},
		{"preflight", listed, "OPTIONS", map[string]string{"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}, nil,
			map[string]string{"Access-Control-Allow-Origin": "https://app.example", "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Methods": "GET, HEAD",
				"Access-Control-Allow-Headers": "Range, Authorization", "Access-Control-Max-Age": "600", "Vary": "Origin"}},
		{"OPTIONS that is no preflight", listed, "OPTIONS", map[string]string{"Origin": "https://app.example"}, nil, to("https://app.example", simple)},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := distribution()
			d.Behaviors[2].AllowedMethods = []string{"GET", "HEAD", "OPTIONS"}
			d.Behaviors[2].ResponseHeaders = &cloudfront.ResponseHeadersPolicy{CORS: c.cors}
			w := newWorld(d, nil)
			w.answer = func(rw http.ResponseWriter, r *http.Request) {
				for name, value := range c.origin {
					rw.Header().Set(name, value)
				}
			}
			rec := w.do(c.method, "/a", func(r *http.Request) {
				for name, value := range c.request {
					r.Header.Set(name, value)
				}
			})
			for name, values := range rec.Header() {
				if got := strings.Join(values, "|"); (strings.HasPrefix(name, "Access-") || name == "Vary") && got != c.want[name] {
					t.Errorf("%s is %q, want %q", name, got, c.want[name])
				}
			}
			for name, want := range c.want {
				if rec.Header().Get(name) != want {
					t.Errorf("%s is %q, want %q", name, rec.Header().Get(name), want)
				}
			}
		})
	}
}

func TestResponseHeaders(t *testing.T) {
	d := distribution()
	d.Behaviors[0].ResponseHeaders = &cloudfront.ResponseHeadersPolicy{Headers: []cloudfront.ResponseHeader{{Name: "Strict-Transport-Security", Value: "max-age=31536000"}}}
	d.Behaviors[2].ResponseHeaders = &cloudfront.ResponseHeadersPolicy{
		Headers: []cloudfront.ResponseHeader{{Name: "X-Frame-Options", Value: "DENY", Override: false}, {Name: "X-Content-Type-Options", Value: "nosniff", Override: true}, {Name: "X-Back", Value: "edge", Override: false}, {Name: "X-Empty", Value: "", Override: false}},
		Remove:  []string{"X-Powered-By", "X-Back"},
	}
	w := newWorld(d, nil)
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{"X-Frame-Options": "SAMEORIGIN", "X-Content-Type-Options": "sniff", "X-Powered-By": "x", "X-Back": "origin"} {
			rw.Header().Set(name, value)
		}
		rw.WriteHeader(404)
	}
	rec := w.do("GET", "/a", nil)
	for name, want := range map[string]string{"X-Frame-Options": "SAMEORIGIN", "X-Content-Type-Options": "nosniff", "X-Powered-By": "", "X-Back": "edge"} {
		if got := rec.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, ok := rec.Header()["X-Empty"]; !ok {
		t.Error("a header without a value is not sent")
	}
	if rec := w.do("GET", segment, nil); rec.Header().Get("X-Frame-Options") != "" {
		t.Error("a refusal carries the headers of the policy")
	}
}
