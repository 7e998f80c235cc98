package test

import (
	"net/http"
	"testing"

	"premiumhls/test/sitetest"
)

// A page of a listed origin reads premium segments, public files and every
// response of the API, errors included. A page of another origin reads none.
func TestAllowedOrigins(t *testing.T) {
	const allowed, other = "https://www.example.org", "https://www.example.net"
	s := newSite(t, map[string]any{
		"allowedOrigins": []any{allowed}, "bindViewerAddress": true,
		"entitlements": map[string]any{"claim": "custom:courses", "paths": true}, "userPoolAttributes": []any{"courses"},
	})
	from := func(origin string, header http.Header) http.Header {
		h := header.Clone()
		h.Set("Origin", origin)
		return h
	}
	check := func(t *testing.T, r sitetest.Reply, origin string, status int) {
		t.Helper()
		want, credentials := origin, "true"
		if origin != allowed {
			want, credentials = "", ""
		}
		if r.StatusCode != status || r.Header.Get("Access-Control-Allow-Origin") != want || r.Header.Get("Access-Control-Allow-Credentials") != credentials {
			t.Errorf("from %s: %d %v %s, want %d", origin, r.StatusCode, r.Header, r.Bytes, status)
		}
	}
	ben := http.Header{"Authorization": {"Bearer " + s.Token("ben")}, "Content-Type": {"application/json"}}
	cookies := sitetest.CookieHeader(s.Cookies("ben", "course-1"))
	for _, origin := range []string{allowed, other} {
		for _, path := range []string{"/premium/course-1/sample/master.m3u8", "/", "/trailers/sample/master.m3u8"} {
			check(t, s.Do("GET", path, from(origin, cookies), ""), origin, 200)
			check(t, s.Do("HEAD", path, from(origin, cookies), ""), origin, 200)
		}
		for name, call := range map[string]struct {
			method, path, body string
			status             int
		}{
			"issued":         {"POST", "/api/cookies", `{"path":"course-1"}`, 200},
			"cleared":        {"DELETE", "/api/cookies", `{"path":"course-1"}`, 204},
			"entitlements":   {"GET", "/api/entitlements", "", 200},
			"invalid JSON":   {"POST", "/api/cookies", `{`, 400},
			"unknown field":  {"POST", "/api/cookies", `{"course":"a"}`, 400},
			"invalid path":   {"POST", "/api/cookies", `{"path":"../a"}`, 400},
			"body too large": {"POST", "/api/cookies", `{"path":"` + string(make([]byte, 5000)) + `"}`, 400},
			"not entitled":   {"POST", "/api/cookies", `{"path":"course-2"}`, 403},
		} {
			t.Run(name, func(t *testing.T) {
				check(t, s.Do(call.method, call.path, from(origin, ben), call.body), origin, call.status)
			})
		}
		preflight := http.Header{"Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization"}}
		check(t, s.Do("OPTIONS", "/api/cookies", from(origin, preflight), ""), origin, 204)
	}
	t.Run("keys unavailable", func(t *testing.T) {
		s.Parameters.Delete("/PremiumHls/signing-keys/2026-11")
		s.Restart()
		r := s.Do("POST", "/api/cookies", from(allowed, ben), `{"path":"course-1"}`)
		check(t, r, allowed, 503)
		if r.Header.Get("Access-Control-Expose-Headers") != "Retry-After" || r.Header.Get("Retry-After") == "" {
			t.Errorf("a page cannot read Retry-After: %v", r.Header)
		}
	})
}
