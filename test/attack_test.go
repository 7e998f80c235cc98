package test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"premiumhls/local/issuer/forgery"
	"premiumhls/signedcookie"
)

// What a viewer might try. Each attack ends in a refusal with a stable code
// and without a cookie.
func TestAttacks(t *testing.T) {
	s := newSite(t, nil)
	ada := s.token("ada")
	refused := func(t *testing.T, r reply, status int, code string) {
		t.Helper()
		if r.StatusCode != status || r.code() != code || len(r.Cookies()) != 0 {
			t.Errorf("%d %q with %d cookies, want %d %q: %.200s", r.StatusCode, r.code(), len(r.Cookies()), status, code, r.body)
		}
		for _, secret := range []string{"goroutine", "panic", ".go:", "parameter", "arn:"} {
			if strings.Contains(strings.ToLower(string(r.body)), secret) {
				t.Errorf("the viewer is told %q: %s", secret, r.body)
			}
		}
	}

	t.Run("what is asked for", func(t *testing.T) {
		tests := []struct {
			name, body, code string
		}{
			{"up and out", `{"path":"course-1/../course-2"}`, "invalid_path"},
			{"up and out of premium", `{"path":".."}`, "invalid_path"},
			{"up, encoded", `{"path":"%2e%2e/course-2"}`, "invalid_path"},
			{"up, encoded twice", `{"path":"%252e%252e"}`, "invalid_path"},
			{"up, as JSON escapes", `{"path":"\u002e\u002e"}`, "invalid_path"},
			{"everything", `{"path":"*"}`, "invalid_path"},
			{"a star within", `{"path":"course-*"}`, "invalid_path"},
			{"a question mark", `{"path":"course-?"}`, "invalid_path"},
			{"an empty segment", `{"path":"course-1//x"}`, "invalid_path"},
			{"a slash before", `{"path":"/course-1"}`, "invalid_path"},
			{"a slash after", `{"path":"course-1/"}`, "invalid_path"},
			{"a backslash", `{"path":"..\\course-2"}`, "invalid_path"},
			{"another host", `{"path":"@evil.example.com"}`, "invalid_path"},
			{"out of the policy's JSON", `{"path":"a\",\"Resource\":\"*"}`, "invalid_path"},
			{"a line break", `{"path":"a\r\nSet-Cookie: x=y"}`, "invalid_path"},
			{"a null byte", `{"path":"a\u0000"}`, "invalid_path"},
			{"letters that look alike", `{"path":"соurse-1"}`, "invalid_path"},
			{"a path that is long", `{"path":"` + strings.Repeat("a", 600) + `"}`, "invalid_path"},
			{"a number", `{"path":1}`, "invalid_path"},
			{"ten thousand paths", `{"path":["` + strings.Repeat(`a","`, 500) + `a"]}`, "invalid_path"},
			{"another member", `{"path":"course-1","host":"evil.example.com"}`, "unknown_field"},
			{"the prover's question", `{"proof":{"key":"2026-11"}}`, "unknown_field"},
			{"the member twice", `{"path":"course-1","path":"course-2"}`, "invalid_json"},
			{"something after", `{"path":"course-1"}{}`, "invalid_json"},
			{"no JSON", `path=course-1`, "invalid_json"},
			{"a large body", `{"path":"` + strings.Repeat("a", 64<<10) + `"}`, "body_too_large"},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				refused(t, s.api("POST", "/api/cookies", ada, test.body), 400, test.code)
			})
		}
		t.Run("a body of six megabytes", func(t *testing.T) {
			r := s.api("POST", "/api/cookies", ada, strings.Repeat("a", 6<<20))
			if r.StatusCode < 400 || r.StatusCode >= 500 || len(r.Cookies()) != 0 {
				t.Errorf("%d %.200s", r.StatusCode, r.body)
			}
		})
	})

	t.Run("who asks", func(t *testing.T) {
		past, err := s.Issuer().Mint("ada", func(claims map[string]any) { claims["exp"] = time.Now().Add(-time.Minute).Unix() })
		if err != nil {
			t.Fatal(err)
		}
		elsewhere, err := s.Issuer().Mint("ada", func(claims map[string]any) { claims["aud"] = "another-app" })
		if err != nil {
			t.Fatal(err)
		}
		stranger, err := s.Issuer().Mint("ada", func(claims map[string]any) { claims["iss"] = "https://evil.example.com" })
		if err != nil {
			t.Fatal(err)
		}
		unsigned, err := forgery.Unsigned(ada)
		if err != nil {
			t.Fatal(err)
		}
		foreign, err := forgery.ForeignKey(ada)
		if err != nil {
			t.Fatal(err)
		}
		shared, err := forgery.SharedSecret(ada, s.Issuer().PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		for name, token := range map[string]string{
			"nobody": "", "no token": "x", "an ended token": past, "a token of another app": elsewhere, "a token of another issuer": stranger,
			"a token without a signature": unsigned, "a token of a foreign key": foreign, "a token signed with the public key": shared,
		} {
			t.Run(name, func(t *testing.T) {
				refused(t, s.api("POST", "/api/cookies", token, `{"path":"course-1"}`), 401, "")
			})
		}
	})

	t.Run("around the distribution", func(t *testing.T) {
		api := func(path string, header http.Header) reply {
			header.Set("Authorization", "Bearer "+ada)
			request := httptest.NewRequest("POST", "https://api.example.com"+path, strings.NewReader(`{}`))
			request.Header = header
			recorder := httptest.NewRecorder()
			s.API().ServeHTTP(recorder, request)
			response := recorder.Result()
			return reply{response, recorder.Body.Bytes()}
		}
		refused(t, api("/api/cookies", http.Header{}), 403, "not_through_distribution")
		refused(t, api("/api/cookies", http.Header{"X-Origin-Secret": {"guess"}}), 403, "not_through_distribution")
		refused(t, api("/api/cookies", http.Header{"X-Origin-Secret": {""}}), 403, "not_through_distribution")
		refused(t, api("/$default/api/cookies", http.Header{}), 404, "")
		if r := s.do("POST", "/api/cookies", http.Header{"Authorization": {"Bearer " + ada}, "X-Origin-Secret": {"guess"}}, `{}`); r.StatusCode != 200 {
			t.Errorf("a viewer's own header got past the distribution's: %d", r.StatusCode)
		}
	})

	t.Run("with other cookies", func(t *testing.T) {
		cookies := s.cookies("ada", "course-1")
		stored, ok := s.Parameters.Get("/PremiumHls/signing-keys/2026-11")
		if !ok {
			t.Fatal("no private key is stored")
		}
		key, err := signedcookie.ParsePrivateKey([]byte(stored.Value))
		if err != nil {
			t.Fatal(err)
		}
		other, err := signedcookie.Policy{Resource: "https://d2.cloudfront.net/premium/course-1/*", Expires: time.Now().Add(time.Hour)}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		refused(t, s.get("/premium/course-1/master.m3u8", signedBy(t, key, cookies, other)...), 403, "AccessDenied")
		wide, err := signedcookie.Policy{Resource: "https://" + s.host + "/premium/*", Expires: time.Now().Add(time.Hour)}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if r := s.get("/premium/course-1/master.m3u8", signedBy(t, key, cookies, wide)...); r.StatusCode != 200 {
			t.Errorf("a policy that the key did sign is refused: %d", r.StatusCode)
		}
		for _, path := range []string{"/%70remium/course-2/master.m3u8", "//premium/course-2/master.m3u8", "/x/../premium/course-2/master.m3u8",
			"/premium%2Fcourse-2/master.m3u8", "/PREMIUM/course-2/master.m3u8", "/premium/course-1/%2e%2e/course-2/master.m3u8"} {
			if r := s.get(path, cookies...); r.StatusCode == 200 {
				t.Errorf("%s is served with cookies of course-1", path)
			}
			if r := s.get(path); r.StatusCode == 200 {
				t.Errorf("%s is served without cookies", path)
			}
		}
	})
}

// Where the address is bound, it is the one that CloudFront saw.
func TestViewersCannotNameTheirAddress(t *testing.T) {
	s := newSite(t, map[string]any{"bindViewerAddress": true})
	r := s.do("POST", "/api/cookies", http.Header{
		"Authorization":             {"Bearer " + s.token("ada")},
		"X-Forwarded-For":           {"192.0.2.1"},
		"Cloudfront-Viewer-Address": {"192.0.2.1:443"},
	}, `{"path":"course-1"}`)
	var body map[string]any
	r.json(t, &body)
	raw, err := signedcookie.Decode(body[signedcookie.PolicyCookie].(string))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := signedcookie.ParsePolicy(raw)
	if err != nil || !strings.HasPrefix(policy.SourceIP, "127.0.0.1") {
		t.Errorf("the policy is bound to %q, %v", policy.SourceIP, err)
	}
}
