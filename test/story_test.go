package test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"premiumhls/signedcookie"
	"premiumhls/test/sitetest"
)

// The whole story of a viewer, over HTTP.
func TestStory(t *testing.T) {
	s := newSite(t, nil)

	expect := func(r sitetest.Reply, status int, code string) sitetest.Reply {
		t.Helper()
		if r.StatusCode != status || r.Code() != code {
			t.Fatalf("%d %q, want %d %q: %s", r.StatusCode, r.Code(), status, code, r.Bytes)
		}
		return r
	}

	// Page and trailer are for everyone.
	if r := expect(s.Get("/"), 200, ""); !strings.Contains(string(r.Bytes), "<html") {
		t.Fatalf("the page is %s", r.Bytes)
	}
	watch(s, "/trailers/sample/master.m3u8", "public/trailers/sample", nil)

	// Premium is not, and the refusal is CloudFront's.
	refused := expect(s.Get("/premium/course-1/sample/master.m3u8"), 403, "MissingKey")
	if got := refused.Header.Get("Content-Type"); got != "text/xml" {
		t.Errorf("a refusal is %s", got)
	}

	// A viewer who signs in gets cookies, and with them every byte.
	issued := expect(s.Call("POST", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`), 200, "")
	cookies := issued.Cookies()
	if len(cookies) != 4 {
		t.Fatalf("%d cookies", len(cookies))
	}
	for _, c := range cookies {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/premium/course-1/" || c.Domain != "" || c.MaxAge < 3600-60 || c.MaxAge > 3900 || !c.Expires.IsZero() {
			t.Errorf("cookie %s", c.Raw)
		}
	}
	watch(s, "/premium/course-1/sample/master.m3u8", "premium/course-1/sample", cookies)

	// The body says the same, for apps that keep no cookies.
	var body map[string]any
	issued.JSON(t, &body)
	if body["resource"] != "https://"+s.Host+"/premium/course-1/*" || body["Domain"] != s.Host {
		t.Errorf("the body grants %v at %v", body["resource"], body["Domain"])
	}
	for _, c := range cookies {
		if body[c.Name] != c.Value {
			t.Errorf("the body has %s %v", c.Name, body[c.Name])
		}
	}

	// They open this course and no other, and a missing file is missing.
	expect(s.Get("/premium/course-2/sample/master.m3u8", cookies...), 403, "AccessDenied")
	expect(s.Get("/premium/course-1/../course-2/sample/master.m3u8", cookies...), 403, "AccessDenied")
	expect(s.Get("/premium/course-1/%2e%2e/course-2/sample/master.m3u8", cookies...), 403, "AccessDenied")
	expect(s.Get("/premium/course-1/none.ts", cookies...), 404, "NoSuchKey")
	if r := s.Do("GET", "/premium/course-1/sample/360p/index.m3u8", with(sitetest.CookieHeader(cookies), "Range", "bytes=0-6"), ""); r.StatusCode != 206 || string(r.Bytes) != "#EXTM3U" {
		t.Errorf("a range is %d %q", r.StatusCode, r.Bytes)
	}

	// A changed policy, a foreign key and a foreign signature are refused.
	wider, err := signedcookie.Policy{Resource: "https://" + s.Host + "/premium/*", Expires: time.Now().Add(time.Hour)}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	expect(s.Get("/premium/course-2/sample/master.m3u8", changed(cookies, signedcookie.PolicyCookie, signedcookie.Encode(wider))...), 403, "AccessDenied")
	expect(s.Get("/premium/course-1/sample/master.m3u8", changed(cookies, signedcookie.KeyPairIDCookie, "K2FOREIGN00000")...), 403, "InvalidKey")
	foreign, err := signedcookie.GenerateKey(signedcookie.RSA2048)
	if err != nil {
		t.Fatal(err)
	}
	expect(s.Get("/premium/course-1/sample/master.m3u8", signedBy(t, foreign, cookies, wider)...), 403, "AccessDenied")

	// Signing out clears the cookies.
	cleared := expect(s.Call("DELETE", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`), 204, "")
	if n := len(cleared.Cookies()); n < 4 {
		t.Fatalf("%d cookies are cleared", n)
	}
	for _, c := range cleared.Cookies() {
		if c.MaxAge >= 0 || c.Path != "/premium/course-1/" || c.Value != "" {
			t.Errorf("not cleared: %s", c.Raw)
		}
	}
	expect(s.Get("/premium/course-1/sample/master.m3u8"), 403, "MissingKey")

	// And time ends them.
	s.Clock.Forward(66 * time.Minute)
	expect(s.Get("/premium/course-1/sample/master.m3u8", cookies...), 403, "AccessDenied")
}

// watch fetches a master playlist, its renditions and every segment, and
// compares each with the file that it came from.
func watch(s *site, master, folder string, cookies []*http.Cookie) {
	s.T.Helper()
	segments := 0
	var fetch func(path string)
	fetch = func(path string) {
		r := s.Get(path, cookies...)
		if r.StatusCode != 200 {
			s.T.Fatalf("%s: %d %s", path, r.StatusCode, r.Bytes)
		}
		file := filepath.Join("../player/sample", folder, strings.TrimPrefix(path, master[:strings.LastIndexByte(master, '/')+1]))
		if want, err := os.ReadFile(file); err != nil || !bytes.Equal(r.Bytes, want) {
			s.T.Fatalf("%s is not the file %s: %v", path, file, err)
		}
		switch filepath.Ext(path) {
		case ".m3u8":
			if got := r.Header.Get("Content-Type"); got != "application/vnd.apple.mpegurl" {
				s.T.Errorf("%s is %s", path, got)
			}
			for _, uri := range sitetest.Playlist(path, r.Bytes) {
				fetch(uri)
			}
		default:
			segments++
			if got := r.Header.Get("Content-Type"); got != "video/mp2t" {
				s.T.Errorf("%s is %s", path, got)
			}
		}
	}
	fetch(master)
	if segments < 2 {
		s.T.Errorf("%s has %d segments", master, segments)
	}
}

func with(h http.Header, name, value string) http.Header {
	h.Set(name, value)
	return h
}

// changed returns cookies with another value for one.
func changed(cookies []*http.Cookie, name, value string) []*http.Cookie {
	var list []*http.Cookie
	for _, c := range cookies {
		copied := *c
		if c.Name == name {
			copied.Value = value
		}
		list = append(list, &copied)
	}
	return list
}

// signedBy returns cookies with another policy and a key's signature over it.
func signedBy(t *testing.T, key crypto.Signer, cookies []*http.Cookie, policy []byte) []*http.Cookie {
	t.Helper()
	signature, err := signedcookie.Sign(key, signedcookie.SHA256, policy)
	if err != nil {
		t.Fatal(err)
	}
	return changed(changed(cookies, signedcookie.PolicyCookie, signedcookie.Encode(policy)),
		signedcookie.SignatureCookie, signedcookie.Encode(signature))
}

// A newcomer's own stack differs in settings; the story stays.
func TestStoryOfSettings(t *testing.T) {
	tests := []struct {
		name    string
		changes map[string]any
		hash    string // in the cookies
		premium string
	}{
		{"RSA with SHA-1", map[string]any{"signingKeyType": "RSA_2048", "signatureHash": "SHA1"}, "", "premium"},
		{"ECDSA with SHA-1", map[string]any{"signingKeyType": "ECDSA_P256", "signatureHash": "SHA1", "allowEcdsaSha1": true}, "", "premium"},
		{"ECDSA with SHA-256", map[string]any{"signingKeyType": "ECDSA_P256"}, "SHA256", "premium"},
		{"an existing issuer and another path", map[string]any{"jwtIssuer": "https://issuer.example.com/pool", "jwtAudience": []any{"app"}, "premiumPath": "paid"}, "SHA256", "paid"},
		{"the viewer's address bound", map[string]any{"bindViewerAddress": true, "cookieValuesInBody": false}, "SHA256", "premium"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, test.changes)
			cookies := s.Cookies("ada", "course-1")
			hash := ""
			for _, c := range cookies {
				if c.Name == signedcookie.HashAlgorithmCookie {
					hash = c.Value
				}
			}
			if hash != test.hash {
				t.Errorf("hash %q, want %q", hash, test.hash)
			}
			watch(s, "/"+test.premium+"/course-1/sample/master.m3u8", "premium/course-1/sample", cookies)
			if r := s.Get("/" + test.premium + "/course-1/sample/master.m3u8"); r.Code() != "MissingKey" {
				t.Errorf("without cookies: %d %s", r.StatusCode, r.Bytes)
			}
		})
	}
}

// The page gets the settings that it needs to sign in.
func TestPageConfiguration(t *testing.T) {
	s := newSite(t, nil)
	var config struct {
		PremiumPath string
		SignIn      struct{ Issuer, ClientID, AuthorizationEndpoint, TokenEndpoint string }
	}
	if err := json.Unmarshal(s.Get("/config.json").Bytes, &config); err != nil {
		t.Fatal(err)
	}
	if config.PremiumPath != "premium" || config.SignIn.Issuer != s.IssuerURL() || config.SignIn.TokenEndpoint != s.IssuerURL()+"/oauth2/token" {
		t.Errorf("configuration of the page: %+v", config)
	}
	if csp := s.Get("/").Header.Get("Content-Security-Policy"); !strings.Contains(csp, "connect-src 'self' "+s.IssuerURL()) {
		t.Errorf("the page may not talk to %s: %s", s.IssuerURL(), csp)
	}
}
