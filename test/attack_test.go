package test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"premiumhls/local/cloud"
	"premiumhls/local/cognito/forgery"
	"premiumhls/test/sitetest"
)

// What a viewer might try at the API. Each attack ends in a refusal without a
// cookie. The edge's are in attackedge_test.go, those by size and number in
// attacksize_test.go.

// refused fails unless an answer is a refusal with a status and a code, where
// there is one, without a cookie and without a word about what is inside.
func refused(t *testing.T, r sitetest.Reply, status int, code string) {
	t.Helper()
	if r.StatusCode != status || r.Code() != code || r.Header.Get("Set-Cookie") != "" {
		t.Errorf("%d %q with cookies %q, want %d %q: %.200s", r.StatusCode, r.Code(), r.Header.Values("Set-Cookie"), status, code, r.Bytes)
	}
	for _, secret := range []string{"goroutine", "panic", ".go:", "/PremiumHls/", "arn:", "-Signature"} {
		if strings.Contains(strings.ToLower(string(r.Bytes)), strings.ToLower(secret)) {
			t.Errorf("the response contains %q: %.200s", secret, r.Bytes)
		}
	}
}

func TestAttacksInTheBody(t *testing.T) {
	s := newSite(t, sitetest.ClaimSettings)
	ada := s.Token("ada")
	tests := []struct {
		name, body, code string
	}{
		{"up and out", `{"path":"course-1/../course-2"}`, "invalid_path"},
		{"up and out of premium", `{"path":".."}`, "invalid_path"},
		{"up, encoded", `{"path":"%2e%2e/course-2"}`, "invalid_path"},
		{"up, half encoded", `{"path":"course-1/.%2E/course-2"}`, "invalid_path"},
		{"up, encoded twice", `{"path":"%252e%252e"}`, "invalid_path"},
		{"up, with an encoded slash", `{"path":"course-1/..%2fcourse-2"}`, "invalid_path"},
		{"up, as JSON escapes", `{"path":"\u002e\u002e"}`, "invalid_path"},
		{"up, with parameters", `{"path":"course-1/..;/course-2"}`, "invalid_path"},
		{"up, as overlong UTF-8", "{\"path\":\"course-1/\xc0\xae\xc0\xae/course-2\"}", "invalid_path"},
		{"up, as overlong UTF-8, encoded", `{"path":"course-1/%c0%ae%c0%ae/course-2"}`, "invalid_path"},
		{"up, in wide letters", `{"path":"course-1/．．/course-2"}`, "invalid_path"},
		{"here", `{"path":"./course-1"}`, "invalid_path"},
		{"everything", `{"path":"*"}`, "invalid_path"},
		{"everything below", `{"path":"course-1/*"}`, "invalid_path"},
		{"a star within", `{"path":"course-*"}`, "invalid_path"},
		{"a star, encoded", `{"path":"course-%2a"}`, "invalid_path"},
		{"a star, as a JSON escape", `{"path":"course-\u002a"}`, "invalid_path"},
		{"a question mark", `{"path":"course-?"}`, "invalid_path"},
		{"a query", `{"path":"course-1?x=/course-2"}`, "invalid_path"},
		{"a fragment", `{"path":"course-1#"}`, "invalid_path"},
		{"an empty segment", `{"path":"course-1//x"}`, "invalid_path"},
		{"a slash before", `{"path":"/course-1"}`, "invalid_path"},
		{"a slash after", `{"path":"course-1/"}`, "invalid_path"},
		{"a slash alone", `{"path":"/"}`, "invalid_path"},
		{"a backslash", `{"path":"..\\course-2"}`, "invalid_path"},
		{"a backslash, encoded", `{"path":"..%5ccourse-2"}`, "invalid_path"},
		{"another host", `{"path":"@evil.example.com"}`, "invalid_path"},
		{"another scheme", `{"path":"http://evil.example.com"}`, "invalid_path"},
		{"out of the policy's JSON", `{"path":"a\",\"Resource\":\"*"}`, "invalid_path"},
		{"a line break", `{"path":"a\r\nSet-Cookie: x=y"}`, "invalid_path"},
		{"a line break, encoded", `{"path":"a%0d%0aSet-Cookie:%20x=y"}`, "invalid_path"},
		{"an attribute of the cookie", `{"path":"a; Domain=evil.example.com"}`, "invalid_path"},
		{"a comma", `{"path":"course-1,course-2"}`, "invalid_path"},
		{"a quote", `{"path":"a\""}`, "invalid_path"},
		{"a null byte", `{"path":"a\u0000"}`, "invalid_path"},
		{"a null byte as it is", "{\"path\":\"a\x00\"}", "invalid_json"},
		{"a null byte, encoded", `{"path":"course-1%00"}`, "invalid_path"},
		{"letters that look alike", `{"path":"соurse-1"}`, "invalid_path"},
		{"a path that is long", `{"path":"` + strings.Repeat("a", 600) + `"}`, "invalid_path"},
		{"a number", `{"path":1}`, "invalid_path"},
		{"nothing in particular", `{"path":null}`, "invalid_path"},
		{"a list", `{"path":["course-1"]}`, "invalid_path"},
		{"an object", `{"path":{"path":"course-1"}}`, "invalid_path"},
		{"another member", `{"path":"course-1","host":"evil.example.com"}`, "unknown_field"},
		{"the request of the deploy check", `{"deployCheck":{"key":"2026-11"}}`, "unknown_field"},
		{"the member in capitals", `{"PATH":"course-1"}`, "unknown_field"},
		{"the member twice", `{"path":"course-1","path":"course-2"}`, "invalid_json"},
		{"the member twice, once escaped", `{"path":"course-1","\u0070ath":"course-2"}`, "invalid_json"},
		{"something after", `{"path":"course-1"}{}`, "invalid_json"},
		{"something before", "\ufeff" + `{"path":"course-1"}`, "invalid_json"},
		{"no JSON", `path=course-1`, "invalid_json"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refused(t, s.Call("POST", "/api/cookies", ada, test.body), 400, test.code)
			refused(t, s.Call("DELETE", "/api/cookies", ada, test.body), 400, test.code)
		})
	}
	// And what they were aimed at: a course that is not the viewer's.
	ben := s.Token("ben")
	if r := s.Call("POST", "/api/cookies", ben, `{"path":"course-1"}`); r.StatusCode != 200 {
		t.Errorf("ben's own course: %d %s", r.StatusCode, r.Bytes)
	}
	for name, body := range map[string]string{"another's course": `{"path":"course-2"}`, "everything": `{}`, "everything, in no words": ``, "a longer name": `{"path":"course-10"}`} {
		t.Run(name, func(t *testing.T) { refused(t, s.Call("POST", "/api/cookies", ben, body), 403, "not_entitled") })
	}
}

func TestAttacksByToken(t *testing.T) {
	s := newSite(t, sitetest.ClaimSettings)
	good := s.Token("ada")
	mint := func(edit func(claims map[string]any)) string {
		t.Helper()
		token, err := s.Issuer().Mint("ada", edit)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	with := func(claim string, value any) string {
		return mint(func(claims map[string]any) { claims[claim] = value })
	}
	without := func(claim string) string {
		return mint(func(claims map[string]any) { delete(claims, claim) })
	}
	must := func(token string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	header, rest, _ := strings.Cut(good, ".")
	claims, signature, _ := strings.Cut(rest, ".")
	later, past := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Minute).Unix()
	tests := []struct {
		name, token, code string // a code where it is the signer that refuses
	}{
		{"nobody", "", ""},
		{"no token", "x", ""},
		{"an ended token", with("exp", past), ""},
		{"a token without an end", without("exp"), ""},
		{"a token that is not valid yet", with("nbf", later), ""},
		{"a token of the future", with("iat", later), ""},
		{"a token of another app", with("aud", "another-app"), ""},
		{"a token of other apps", with("aud", []string{"another-app", "third-app"}), ""},
		{"a token of no app", without("aud"), ""},
		{"a token of another issuer", with("iss", "https://evil.example.com"), ""},
		{"a token of an issuer that begins alike", with("iss", s.IssuerURL()+".evil.example.com"), ""},
		{"an access token", must(s.Issuer().MintAccess("ada", nil)), "unauthenticated"},
		{"an access token with the claims of the other", must(s.Issuer().MintAccess("ada", func(claims map[string]any) { claims["custom:courses"] = "*" })), "unauthenticated"},
		{"a token of nobody", with("sub", ""), "unauthenticated"},
		{"a token without a signature", must(forgery.Unsigned(good)), ""},
		{"a token with its signature cut off", header + "." + claims + ".", ""},
		{"a token of a foreign key", must(forgery.ForeignKey(good)), ""},
		{"a token signed with the public key", must(forgery.SharedSecret(good, s.Issuer().PublicKey())), ""},
		{"a token that brings its key", ownKey(t, good, "jwk"), ""},
		{"a token that says where its key is", ownKey(t, good, "jku"), ""},
		{"a token whose key is a file", ownKey(t, good, "kid"), ""},
		{"another's claims under a good signature", header + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"subject-ada","custom:courses":"*"}`)) + "." + signature, ""},
		{"two tokens in one", good + "," + good, ""},
		{"a refresh token", strings.Repeat("A", 52), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refused(t, s.Call("POST", "/api/cookies", test.token, `{"path":"course-1"}`), 401, test.code)
			refused(t, s.Call("GET", "/api/entitlements", test.token, ""), 401, test.code)
		})
	}
	for name, header := range map[string]http.Header{
		"two headers":         {"Authorization": {"Bearer " + good, "Bearer " + good}},
		"another scheme":      {"Authorization": {"Basic " + good}},
		"another header":      {"X-Authorization": {"Bearer " + good}},
		"in a cookie":         {"Cookie": {"Authorization=" + good}},
		"what a gateway adds": {"X-Amzn-Oidc-Data": {good}, "X-Apigateway-Authorizer": {claims}},
	} {
		t.Run(name, func(t *testing.T) { refused(t, s.Do("POST", "/api/cookies", header, `{"path":"course-1"}`), 401, "") })
	}
	t.Run("in the query", func(t *testing.T) {
		refused(t, s.Do("POST", "/api/cookies?Authorization=Bearer+"+good+"&access_token="+good, nil, `{"path":"course-1"}`), 401, "")
	})
	if r := s.Call("POST", "/api/cookies", good, `{"path":"course-1"}`); r.StatusCode != 200 {
		t.Errorf("the token that they were made of: %d %s", r.StatusCode, r.Bytes)
	}
}

// ownKey signs a token's claims with another key, and has a header say
// that this is the one to verify with.
func ownKey(t *testing.T, token, header string) string {
	t.Helper()
	claims := jwt.MapClaims{}
	good, _, err := jwt.NewParser(jwt.WithJSONNumber()).ParseUnverified(token, claims)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forged := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	forged.Header["kid"] = good.Header["kid"]
	jwk := map[string]any{"kty": "RSA", "kid": good.Header["kid"], "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes())}
	if e := big.NewInt(int64(key.E)).Bytes(); base64.RawURLEncoding.EncodeToString(e) != "AQAB" {
		t.Fatal("another exponent")
	}
	switch header {
	case "jwk":
		forged.Header["jwk"] = jwk
	case "jku":
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("the keys at %s were asked for", r.URL)
			json.NewEncoder(w).Encode(map[string]any{"keys": []any{jwk}})
		}))
		t.Cleanup(server.Close)
		forged.Header["jku"] = server.URL
	case "kid":
		forged.Header["kid"] = "../../../../dev/null"
	}
	signed, err := forged.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// What an issuer puts into a token does not get out of where it belongs:
// neither into another header, nor into the cookies, the policy or the log.
func TestAttacksByClaims(t *testing.T) {
	log := &lockedBuffer{}
	s := newSite(t, sitetest.ClaimSettings, func(o *cloud.Options) { o.Functions = log })
	ask := func(t *testing.T, claim string, value any, path string) sitetest.Reply {
		t.Helper()
		token, err := s.Issuer().Mint("ben", func(claims map[string]any) { claims[claim] = value })
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(map[string]string{"path": path})
		if err != nil {
			t.Fatal(err)
		}
		return s.Call("POST", "/api/cookies", token, string(body))
	}

	asked := 0
	for name, subject := range map[string]any{
		"a line break":        "ben\r\nSet-Cookie: CloudFront-Policy=evil; Path=/",
		"a semicolon":         "ben; Domain=evil.example.com",
		"a comma":             "ben, CloudFront-Policy=evil",
		"quotes":              `ben","decision":"issued","x":"`,
		"a brace":             `{"sub":"ada"}`,
		"a null byte":         "ben\x00ada",
		"a line separator":    "ben\u2028{\"decision\":\"issued\"}",
		"a path":              "../../subject-ada",
		"a log's beginning":   "ben\nSTART RequestId: 1 Version: $LATEST",
		"a very long subject": strings.Repeat("ben", 500),
		"a number":            7,
		"a list":              []string{"subject-ben", "subject-ada"},
	} {
		t.Run("in sub: "+name, func(t *testing.T) {
			asked++
			r := ask(t, "sub", subject, "course-1")
			if r.StatusCode != 200 {
				t.Fatalf("%d %s", r.StatusCode, r.Bytes)
			}
			if n := len(r.Header.Values("Set-Cookie")); n != 4 {
				t.Errorf("%d cookies: %q", n, r.Header.Values("Set-Cookie"))
			}
			for _, c := range r.Cookies() {
				want := c.Name + "=" + c.Value + "; Path=/premium/course-1/; Secure; HttpOnly; SameSite=Lax"
				if c.Raw != want+fmt.Sprintf("; Max-Age=%d", c.MaxAge) || c.MaxAge <= 0 || strings.Trim(c.Value, cookieCharacters) != "" {
					t.Errorf("cookie %q", c.Raw)
				}
			}
		})
	}
	t.Run("in sub: what is logged", func(t *testing.T) {
		var lines []string
		for range 1000 { // the log comes through a pipe
			lines = slices.DeleteFunc(strings.Split(log.String(), "\n"), func(line string) bool { return !strings.Contains(line, `"decision"`) })
			if len(lines) >= asked {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if len(lines) != asked {
			t.Errorf("%d lines for %d requests", len(lines), asked)
		}
		for _, line := range lines {
			var record struct{ Decision string }
			if err := json.Unmarshal([]byte(line), &record); err != nil || record.Decision != "issued" || strings.Contains(line, "evil") || strings.Contains(line, "subject-") {
				t.Errorf("%v: %s", err, line)
			}
		}
	})

	tests := []struct {
		name  string
		claim any
		path  string
	}{
		{"a line break", "course-1\r\nSet-Cookie: x=y", "course-1"},
		{"a path and a line break", "a\r\ncourse-2", "course-2"},
		{"a semicolon", "course-1;course-2", "course-2"},
		{"quotes", `course-1","course-2`, "course-2"},
		{"quotes in a list", []string{`course-1","course-2`}, "course-2"},
		{"the end of a list in a list", []string{`x"] ["course-2`}, "course-2"},
		{"a wildcard", "course-*", "course-2"},
		{"a wildcard below", "course-1/*", "course-1/a"},
		{"a question mark", "course-?", "course-2"},
		{"a wildcard, encoded", "%2a", "course-2"},
		{"a wildcard in quotes", `"*"`, "course-2"},
		{"up and out", "course-1/../course-2", "course-2"},
		{"up", "..", "course-2"},
		{"encoded dots", "course-1/%2e%2e/course-2", "course-2"},
		{"a slash", "/", "course-2"},
		{"a beginning", "course", "course-2"},
		{"in capitals", "COURSE-2", "course-2"},
		{"empty", "", "course-2"},
		{"an empty list", []string{}, "course-2"},
		{"a list of nothing", []string{""}, ""},
		{"a null", nil, "course-2"},
		{"a number", 2, "course-2"},
		{"a truth", true, "course-2"},
		{"an object", map[string]any{"*": "*"}, "course-2"},
		{"a list in a list", []any{[]any{"*"}}, "course-2"},
		{"a list with an object", []any{map[string]any{"path": "*"}}, "course-2"},
		{"a null byte", "course-2\x00", "course-2"},
		{"letters that look alike", "соurse-2", "course-2"},
	}
	for _, test := range tests {
		t.Run("in what is granted: "+test.name, func(t *testing.T) {
			refused(t, ask(t, "custom:courses", test.claim, test.path), 403, "not_entitled")
		})
	}
	for name, path := range map[string]string{"a comma": "course-1,course-2", "a line break": "course-1\r\nx", "quotes": `course-1","x`, "a semicolon": "course-1;x"} {
		t.Run("in the claim and in the path: "+name, func(t *testing.T) {
			refused(t, ask(t, "custom:courses", path, path), 400, "invalid_path")
		})
	}
	if r := ask(t, "custom:courses", "course-2", "course-2"); r.StatusCode != 200 {
		t.Errorf("what a good claim grants: %d %s", r.StatusCode, r.Bytes)
	}
}

const cookieCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~_"

// The API also has its own host and a stage. Neither bypasses the distribution.
func TestAttacksAroundTheDistribution(t *testing.T) {
	s := newSite(t, sitetest.ClaimSettings)
	ada := s.Token("ada")
	secret := s.OriginSecret()
	direct := func(path string, header http.Header) sitetest.Reply {
		header.Set("Authorization", "Bearer "+ada)
		header.Set("Content-Type", "application/json")
		request := httptest.NewRequest("POST", "https://api.example.com"+path, strings.NewReader(`{"path":"course-1"}`))
		request.Header = header
		recorder := httptest.NewRecorder()
		s.API().ServeHTTP(recorder, request)
		return sitetest.Reply{Response: recorder.Result(), Bytes: recorder.Body.Bytes()}
	}
	if r := direct("/api/cookies", http.Header{"X-Origin-Secret": {secret}}); r.StatusCode != 200 {
		t.Fatalf("the distribution's own secret: %d %s", r.StatusCode, r.Bytes)
	}
	for name, header := range map[string]http.Header{
		"no secret":                  {},
		"an empty secret":            {"X-Origin-Secret": {""}},
		"a guess":                    {"X-Origin-Secret": {"guess"}},
		"a part of it":               {"X-Origin-Secret": {secret[:len(secret)-1]}},
		"more than it":               {"X-Origin-Secret": {secret + "x"}},
		"it and a guess":             {"X-Origin-Secret": {secret, "guess"}},
		"it under another name":      {"Origin-Secret": {secret}},
		"as if by the edge":          {"Via": {"1.1 x.cloudfront.net (CloudFront)"}, "X-Amz-Cf-Id": {"x"}, "User-Agent": {"Amazon CloudFront"}},
		"as if for the distribution": {"Host": {s.Host}, "X-Forwarded-Host": {s.Host}},
	} {
		t.Run("the API's own host: "+name, func(t *testing.T) { refused(t, direct("/api/cookies", header), 403, "not_through_distribution") })
	}
	for _, path := range []string{"/$default/api/cookies", "/%24default/api/cookies", "/prod/api/cookies", "//api/cookies", "/api//cookies", "/api/cookies/",
		"/API/cookies", "/api/%63ookies", "/api/x/../cookies", "/api/%2e/cookies", "/api/cookies%00", "/api/cookies;x", "/"} {
		t.Run("another way to say the route: "+path, func(t *testing.T) {
			refused(t, direct(path, http.Header{"X-Origin-Secret": {secret}}), 404, "")
			r := s.Do("POST", path, http.Header{"Authorization": {"Bearer " + ada}, "Content-Type": {"application/json"}}, `{"path":"course-1"}`)
			if r.StatusCode < 400 || r.StatusCode > 404 || r.Header.Get("Set-Cookie") != "" {
				t.Errorf("through the distribution: %d %.200s", r.StatusCode, r.Bytes)
			}
		})
	}
	// The edge's header takes the place of a viewer's, whatever else they say.
	for name, header := range map[string]http.Header{
		"a guess":             {"X-Origin-Secret": {"guess"}},
		"two guesses":         {"X-Origin-Secret": {"guess", "another"}},
		"taken off by name":   {"X-Origin-Secret": {"guess"}, "Connection": {"X-Origin-Secret"}},
		"in other characters": {"X_Origin_Secret": {"guess"}},
	} {
		t.Run("through the distribution: "+name, func(t *testing.T) {
			header.Set("Authorization", "Bearer "+ada)
			header.Set("Content-Type", "application/json")
			if r := s.Do("POST", "/api/cookies", header, `{"path":"course-1"}`); r.StatusCode != 200 {
				t.Errorf("a viewer's own header got past the distribution's: %d %s", r.StatusCode, r.Bytes)
			}
		})
	}
}

// lockedBuffer takes what functions log.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// storedKey is the private half of the key that the site signs with.
func storedKey(t *testing.T, s *site) string {
	t.Helper()
	stored, ok := s.Parameters.Get("/PremiumHls/signing-keys/2026-11")
	if !ok {
		t.Fatal("no private key is stored")
	}
	return stored.Value
}
