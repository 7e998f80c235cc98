package main

import (
	"strings"
	"testing"

	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/premiumpath"
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
		if _, err := premiumpath.Parse(strings.TrimSuffix(path, "/")); err != nil || path != "" && !strings.HasSuffix(path, "/") {
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

// FuzzPlainPath: the short way to read a body finds what the long one does.
func FuzzPlainPath(f *testing.F) {
	for _, body := range []string{"{}", `{"path":"a"}`, `{"path":""}`, `{"path":"a"}"}`, `{"path":"}`, `{"path":"a","path":"b"}`, `{"path":"\u0061"}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		short, ok := plainPath(body)
		if !ok || body == "" {
			return
		}
		text, err := parseBody(body)
		if err != nil {
			t.Fatalf("%q has path %q, or is refused: %v", body, short, err)
		}
		if long, err := premiumpath.Parse(text); err != nil || long != short {
			t.Fatalf("%q has path %q, or %q, %v", body, short, long, err)
		}
	})
}
