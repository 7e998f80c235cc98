package main

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"premiumhls/lambda/internal/entitlement"
	"premiumhls/signedcookie"
)

// FuzzIssue: whatever the body, the answer is cookies whose policy covers
// exactly a path that is taken, or a refusal with a code of the API.
func FuzzIssue(f *testing.F) {
	for _, body := range []string{
		"", "{}", `{"path":"course-1"}`, `{"path":"a/b"}`, `{"path":".."}`, `{"path":"*"}`, `{"path":null}`, `{"path":"a","path":"b"}`,
		`{"PATH":"a"}`, "null", `{"path":"%2e%2e"}`, `{"path":"\u002e\u002e/x"}`, `{"path":"a\"}]}"}`, "[[", `{"path":"a"} `,
	} {
		f.Add(body, false)
		f.Add(body, true)
	}
	h, _ := newTestHandler(f, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), entitlement.Authenticated{})
	public := keys()[signedcookie.ECDSAP256].public
	codes := "invalid_json unknown_field invalid_path body_too_large"
	f.Fuzz(func(t *testing.T, body string, isBase64 bool) {
		e := event("POST", body)
		e.IsBase64Encoded = isBase64
		got := serve(t, h, e)
		if got.StatusCode == 400 && len(got.Cookies) == 0 {
			code, _, _ := strings.Cut(strings.TrimPrefix(got.Body, `{"code":"`), `"`)
			if !strings.Contains(codes, code) {
				t.Fatalf("code %q", code)
			}
			return
		}
		if got.StatusCode != 200 {
			t.Fatalf("status %d: %s", got.StatusCode, got.Body)
		}
		policy := policyOf(t, got, public, signedcookie.SHA1)
		path, ok := strings.CutPrefix(policy.Resource, "https://"+host+"/premium/")
		if !ok {
			t.Fatalf("resource %q", policy.Resource)
		}
		path, ok = strings.CutSuffix(path, "*")
		if !ok {
			t.Fatalf("resource %q", policy.Resource)
		}
		// Said without the parser: no character of a URL has a meaning of its own
		// in it, and no segment is empty, here or up.
		segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
		if strings.Trim(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/") != "" ||
			path != "" && (!strings.HasSuffix(path, "/") || slices.Contains(segments, "") || slices.Contains(segments, ".") || slices.Contains(segments, "..")) {
			t.Fatalf("resource %q from body %q", policy.Resource, body)
		}
		if !isBase64 && path != "" && !strings.Contains(body, `\`) && !strings.Contains(body, `"`+strings.TrimSuffix(path, "/")+`"`) {
			t.Fatalf("resource %q, which body %q does not ask for", policy.Resource, body)
		}
		for _, cookie := range got.Cookies {
			if !strings.Contains(cookie, "; Path=/premium/"+path+"; Secure; HttpOnly; SameSite=Lax") {
				t.Fatalf("cookie %q for resource %q", cookie, policy.Resource)
			}
		}
	})
}

// FuzzRequest: cookies are given only to a request of a viewer who has signed
// in, by the distribution, for the route as it is written; they are bound to
// the address that the distribution saw; and nothing that came with the request
// gets into a header of the answer, or out of its line in the log.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][6]string{
		{"POST", "/api/cookies", secret, "192.0.2.7", "ada", `{"path":"course-1"}`},
		{"POST", "/api/cookies", secret, "192.0.2.7", "ada", ""},
		{"DELETE", "/api/cookies", secret, "", "ada", `{"path":"course-1"}`},
		{"GET", "/api/entitlements", secret, "", "ada", ""},
		{"POST", "/prod/api/cookies", secret, "192.0.2.7", "ada", ""},
		{"post", "/api/cookies", secret, "192.0.2.7", "ada", ""},
		{"POST", "/api/cookies/", secret, "192.0.2.7", "ada", ""},
		{"POST", "/api/cookies", secret + "x", "192.0.2.7", "ada", ""},
		{"POST", "/api/cookies", "", "192.0.2.7", "ada", ""},
		{"POST", "/api/cookies", secret, "2001:db8::7", "ada", ""},
		{"POST", "/api/cookies", secret, "::ffff:192.0.2.7", "ada", ""},
		{"POST", "/api/cookies", secret, "192.0.2.7", "ada", ""},
		{"POST", "/api/cookies", secret, "192.0.2.7, 192.0.2.8", "ada", ""},
		{"POST", "/api/cookies", secret, "0.0.0.0/0:1", "ada", ""},
		{"POST", "/api/cookies", secret, "192.0.2.7", "", ""},
		{"POST", "/api/cookies", secret, "192.0.2.7", "a\r\nSet-Cookie: x=y", "{\"path\":\"a\r\nb\"}"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], seed[5])
	}
	h, log := newTestHandler(f, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), entitlement.Authenticated{}, "bindViewerAddress=true")
	public := keys()[signedcookie.ECDSAP256].public
	f.Fuzz(func(t *testing.T, method, path, sent, address, subject, body string) {
		log.Reset()
		e := event(method, body)
		e.RawPath = path
		e.RequestContext.HTTP.Path = path
		e.Headers[originSecretHeader], e.Headers[viewerAddressHeader] = sent, address
		e.RequestContext.Authorizer.JWT.Claims["sub"] = subject
		got := serve(t, h, e)

		admitted := sent == secret && subject != ""
		issued := got.StatusCode == 200 && len(got.Cookies) == 4
		emptied := got.StatusCode == 204 && len(got.Cookies) == 4
		listed := got.StatusCode == 200 && len(got.Cookies) == 0
		switch {
		case issued && admitted && method == "POST" && path == "/api/cookies":
			policy := policyOf(t, got, public, signedcookie.SHA1)
			host, _, _ := strings.Cut(strings.TrimPrefix(address, "::ffff:"), ":")
			if want, err := netip.ParseAddr(host); err != nil || !want.Is4() || policy.SourceIP != want.String() {
				t.Fatalf("from %q the policy is bound to %q", address, policy.SourceIP)
			}
		case emptied && admitted && method == "DELETE" && path == "/api/cookies":
		case listed && admitted && method == "GET" && path == "/api/entitlements":
		case got.StatusCode >= 400 && got.StatusCode < 500 && len(got.Cookies) == 0:
		default:
			t.Fatalf("%s %q with %q of %q: %d %s %q", method, path, sent, subject, got.StatusCode, got.Body, got.Cookies)
		}
		lines := slices.Clone(got.Cookies)
		for name, value := range got.Headers {
			lines = append(lines, name+": "+value)
		}
		for _, line := range lines {
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("the answer has the line %q", line)
			}
		}
		for _, cookie := range got.Cookies {
			_, attributes, _ := strings.Cut(cookie, "; ")
			parts := strings.Split(attributes, "; ")
			if len(parts) != 5 || strings.Join(parts[1:4], " ") != "Secure HttpOnly SameSite=Lax" || !strings.HasPrefix(parts[0], "Path=/premium/") || parts[4] != "Max-Age=3899" && parts[4] != "Max-Age=0" {
				t.Fatalf("cookie %q", cookie)
			}
		}
		if got.Body != "" && !json.Valid([]byte(got.Body)) {
			t.Fatalf("the answer's body is %q", got.Body)
		}
		if line := strings.TrimSuffix(log.String(), "\n"); strings.Contains(line, "\n") || !json.Valid([]byte(line)) {
			t.Fatalf("the log has %q", line)
		}
	})
}
