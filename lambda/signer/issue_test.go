package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"premiumhls/lambda/internal/entitlement"
	"premiumhls/signedcookie"
)

func TestIssue(t *testing.T) {
	for _, tt := range []struct {
		name       string
		changes    []string
		keyType    signedcookie.KeyType
		hash       signedcookie.Hash
		body       string
		base64     bool
		cookiePath string
		attributes string // after Path
		removed    string // of cookies that are removed before, if any
		domain     string // in the answer
		sourceIP   string
		noValues   bool
	}{
		{name: "no body", body: "", cookiePath: "/premium/"},
		{name: "empty object", body: "{}", cookiePath: "/premium/"},
		{name: "spaced object", body: " { } ", cookiePath: "/premium/"},
		{name: "empty path", body: `{"path":""}`, cookiePath: "/premium/"},
		{name: "a course", body: `{"path":"course-1"}`, cookiePath: "/premium/course-1/"},
		{name: "a lesson", body: `{"path":"course-1/lesson.2"}`, cookiePath: "/premium/course-1/lesson.2/"},
		{name: "escaped JSON", body: `{"\u0070ath":"course\u002d1"}`, cookiePath: "/premium/course-1/"},
		{name: "base64", body: "eyJwYXRoIjoiY291cnNlLTEifQ==", base64: true, cookiePath: "/premium/course-1/"},
		{name: "another premium path", changes: []string{"premiumPath=paid/video"}, body: `{"path":"a"}`, cookiePath: "/paid/video/a/"},
		{name: "SHA-1", hash: signedcookie.SHA1, cookiePath: "/premium/"},
		{name: "ECDSA with SHA-1", keyType: signedcookie.ECDSAP256, hash: signedcookie.SHA1, cookiePath: "/premium/"},
		{name: "ECDSA with SHA-256", keyType: signedcookie.ECDSAP256, cookiePath: "/premium/"},
		{name: "for pages of other sites", changes: []string{"cookieSameSite=None"}, cookiePath: "/premium/",
			attributes: "; Secure; HttpOnly; SameSite=None; Partitioned", removed: "; Path=/premium/; Secure; HttpOnly; SameSite=None; Max-Age=0"},
		{name: "domain", changes: []string{"cookieDomain=example.com"}, cookiePath: "/premium/",
			attributes: "; Domain=example.com; Secure; HttpOnly; SameSite=Lax", domain: "example.com"},
		{name: "no values in the body", changes: []string{"cookieValuesInBody=false"}, cookiePath: "/premium/", noValues: true},
		{name: "bound to the address", changes: []string{"bindViewerAddress=true"}, cookiePath: "/premium/", sourceIP: "192.0.2.7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.keyType == "" {
				tt.keyType = signedcookie.RSA2048
			}
			if tt.hash == "" {
				tt.hash = signedcookie.SHA256
			}
			if tt.attributes == "" {
				tt.attributes = "; Secure; HttpOnly; SameSite=Lax"
			}
			if tt.domain == "" {
				tt.domain = host
			}
			h, log := newTestHandler(t, storeWith(tt.keyType, tt.hash), entitlement.Authenticated{}, tt.changes...)
			e := event("POST", tt.body)
			e.IsBase64Encoded = tt.base64
			got := serve(t, h, e)
			if got.StatusCode != 200 {
				t.Fatalf("status %d: %s", got.StatusCode, got.Body)
			}

			// An hour from 12:00:01.5, up to five minutes: 13:05.
			end := time.Date(2026, 11, 24, 13, 5, 0, 0, time.UTC)
			policy := policyOf(t, got, keys()[tt.keyType].public, tt.hash)
			want := signedcookie.Policy{Resource: "https://" + host + tt.cookiePath + "*", Expires: end, SourceIP: tt.sourceIP}
			if policy.Resource != want.Resource || !policy.Expires.Equal(end) || policy.SourceIP != want.SourceIP || !policy.NotBefore.IsZero() {
				t.Errorf("policy %+v, want %+v", policy, want)
			}

			values := map[string]string{
				"Policy":      cookieValue(t, got, signedcookie.PolicyCookie),
				"Signature":   cookieValue(t, got, signedcookie.SignatureCookie),
				"Key-Pair-Id": "K2ABC",
			}
			suffix := "; Path=" + tt.cookiePath + tt.attributes + "; Max-Age=3899"
			cookies := []string{
				"CloudFront-Policy=" + values["Policy"] + suffix,
				"CloudFront-Signature=" + values["Signature"] + suffix,
				"CloudFront-Key-Pair-Id=K2ABC" + suffix,
				"CloudFront-Hash-Algorithm=SHA256" + suffix,
			}
			if tt.removed != "" {
				cookies = append(clearedWith(tt.removed), cookies...)
			}
			if tt.hash == signedcookie.SHA1 {
				cookies[3] = "CloudFront-Hash-Algorithm=" + strings.Replace(suffix, "=3899", "=0", 1)
			}
			if strings.Join(got.Cookies, "\n") != strings.Join(cookies, "\n") {
				t.Errorf("cookies\n%s\nwant\n%s", strings.Join(got.Cookies, "\n"), strings.Join(cookies, "\n"))
			}

			body := "{"
			if !tt.noValues {
				body += `"CloudFront-Policy":"` + values["Policy"] + `","CloudFront-Signature":"` + values["Signature"] + `","CloudFront-Key-Pair-Id":"K2ABC",`
				if tt.hash == signedcookie.SHA256 {
					body += `"CloudFront-Hash-Algorithm":"SHA256",`
				}
			}
			body += `"Domain":"` + tt.domain + `","resource":"` + want.Resource + `","path":"` + tt.cookiePath +
				`","expires":` + strconv.FormatInt(end.Unix(), 10) + `,"expiresIn":3899,"renewAfter":2404}`
			if got.Body != body {
				t.Errorf("body\n%s\nwant\n%s", got.Body, body)
			}
			if got.Headers["cache-control"] != "no-store" || got.Headers["content-type"] != "application/json" || got.IsBase64Encoded {
				t.Errorf("headers %v", got.Headers)
			}

			line := lastLog(t, log)
			delete(line, "time")
			delete(line, "duration_ms")
			path := strings.Trim(strings.TrimPrefix(tt.cookiePath, "/"+h.settings.premium.String()), "/")
			for name, want := range map[string]any{
				"level": "INFO", "msg": "request", "requestId": "request-1", "decision": "issued", "status": 200.0,
				"path": path, "viewer": "c01b2d549040118b", "key": "2026-11", "expires": float64(end.Unix()), "edgeRequest": "edge-request-1", "address": "7dac22b876096306",
			} {
				if line[name] != want {
					t.Errorf("log %s = %v, want %v", name, line[name], want)
				}
				delete(line, name)
			}
			if len(line) != 0 {
				t.Errorf("the log says more: %v", line)
			}
			for _, hidden := range []string{secret, "the-token", values["Signature"], values["Policy"], `"ada"`} {
				if strings.Contains(log.String(), hidden) {
					t.Errorf("the log holds %q", hidden)
				}
			}
		})
	}
}

func TestViewersShareASignature(t *testing.T) {
	h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), entitlement.Authenticated{}, "bindViewerAddress=true")
	clock := now
	h.now = func() time.Time { return clock }
	signature := func(viewer, address, body string) string {
		e := event("POST", body)
		e.RequestContext.Authorizer.JWT.Claims = map[string]string{"sub": viewer}
		e.Headers[viewerAddressHeader] = address
		return cookieValue(t, serve(t, h, e), signedcookie.SignatureCookie)
	}
	first := signature("ada", "192.0.2.7", `{"path":"a"}`)
	// An ECDSA signature is never the same twice: the same one is a kept one.
	if signature("bob", "192.0.2.7", `{"path":"a"}`) != first {
		t.Error("another viewer of the same thing got another signature")
	}
	clock = now.Add(4 * time.Minute)
	if signature("ada", "192.0.2.7", `{"path":"a"}`) != first {
		t.Error("another signature within the same step")
	}
	if signature("ada", "192.0.2.8", `{"path":"a"}`) == first {
		t.Error("the same signature for another address")
	}
	if signature("ada", "192.0.2.7", `{"path":"b"}`) == first {
		t.Error("the same signature for another path")
	}
	clock = now.Add(5 * time.Minute)
	if signature("ada", "192.0.2.7", `{"path":"a"}`) == first {
		t.Error("the same signature in the next step")
	}
}

func TestClear(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		suffixes   []string
		changes    []string
	}{
		{"everything", "", []string{"; Path=/premium/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"}, nil},
		{"a course", `{"path":"course-1"}`, []string{"; Path=/premium/course-1/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"}, nil},
		{"a domain, for pages of other sites", "{}", []string{
			"; Path=/premium/; Domain=example.com; Secure; HttpOnly; SameSite=None; Max-Age=0",
			"; Path=/premium/; Domain=example.com; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=0",
		}, []string{"cookieDomain=example.com", "cookieSameSite=None"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// Viewers without access can still clear cookies.
			h, log := newTestHandler(t, storeWith(signedcookie.RSA2048, signedcookie.SHA256), grants{err: entitlement.ErrNotEntitled}, tt.changes...)
			got := serve(t, h, event("DELETE", tt.body))
			var want []string
			for _, suffix := range tt.suffixes {
				want = append(want, clearedWith(suffix)...)
			}
			if got.StatusCode != 204 || got.Body != "" || strings.Join(got.Cookies, "\n") != strings.Join(want, "\n") {
				t.Errorf("%d %q\n%s\nwant 204 and\n%s", got.StatusCode, got.Body, strings.Join(got.Cookies, "\n"), strings.Join(want, "\n"))
			}
			if got.Headers["cache-control"] != "no-store" {
				t.Errorf("headers %v", got.Headers)
			}
			if decision := lastLog(t, log)["decision"]; decision != "cleared" {
				t.Errorf("logged %v", decision)
			}
		})
	}
}

func clearedWith(suffix string) []string {
	return []string{
		"CloudFront-Policy=" + suffix,
		"CloudFront-Signature=" + suffix,
		"CloudFront-Key-Pair-Id=" + suffix,
		"CloudFront-Hash-Algorithm=" + suffix,
	}
}

// Cognito's ID tokens say so; those of other issuers say nothing.
func TestIDTokenIsTaken(t *testing.T) {
	for _, use := range []string{"id", ""} {
		h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA256), entitlement.Authenticated{})
		e := event("POST", "")
		e.RequestContext.Authorizer.JWT.Claims["token_use"] = use
		if got := serve(t, h, e); got.StatusCode != 200 {
			t.Errorf("token_use %q: %d %s", use, got.StatusCode, got.Body)
		}
	}
}

// API Gateway accepts a token until it expires, and the signer does not read
// its exp: whatever the moment of the last request, its cookies outlive the
// token by at most cookieMinutes and the step. This test serves each request in
// the last second of its token.
func TestCookiesOutliveTheTokenByLifetimeAndStepAtMost(t *testing.T) {
	for _, tt := range []struct{ minutes, step int }{{1, 1}, {60, 5}, {60, 60}, {1440, 60}} {
		h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA256), entitlement.Authenticated{},
			"cookieMinutes="+strconv.Itoa(tt.minutes), "cookieStepMinutes="+strconv.Itoa(tt.step))
		lifetime, step := time.Duration(tt.minutes)*time.Minute, time.Duration(tt.step)*time.Minute
		var longest time.Duration
		for after := time.Duration(0); after <= 2*step; after += step/60 + 7*time.Millisecond {
			expiry := now.Add(after) // of the token
			h.now = func() time.Time { return expiry }
			got := serve(t, h, event("POST", ""))
			if got.StatusCode != 200 {
				t.Fatalf("%d %s", got.StatusCode, got.Body)
			}
			policy := policyOf(t, got, keys()[signedcookie.ECDSAP256].public, signedcookie.SHA256)
			over := policy.Expires.Sub(expiry)
			if over > lifetime+step {
				t.Errorf("%d minutes, step %d: cookies outlive the token by %v", tt.minutes, tt.step, over)
			}
			// The browser drops them no later.
			if _, seconds, _ := strings.Cut(maxAge.FindString(strings.Join(got.Cookies, "\n")), "="); seconds == "" {
				t.Error("no Max-Age")
			} else if left, _ := strconv.Atoi(seconds); time.Duration(left)*time.Second > over+time.Second {
				t.Errorf("Max-Age %s, and the policy expires in %v", seconds, over)
			}
			longest = max(longest, over)
		}
		if longest <= lifetime+step*9/10 { // the bound is reached
			t.Errorf("%d minutes, step %d: %v at most", tt.minutes, tt.step, longest)
		}
	}
}
