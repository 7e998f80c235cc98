package cognito_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"premiumhls/local/cognito"
)

const (
	client   = "player"
	callback = "http://localhost:8080/?signed=in"
	goodbye  = "http://localhost:8080/"
	verifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
)

// key is one for all tests, since it takes a while to make.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// world is a provider that listens, with a clock of its own.
type world struct {
	*testing.T
	now      time.Time
	url      string
	provider *cognito.Provider
	http     *http.Client
}

func newWorld(t *testing.T, edit ...func(*cognito.Options)) *world {
	w := &world{T: t, now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	var err error
	options := cognito.Options{
		URL: w.url, ClientIDs: []string{client, "other"},
		RedirectURIs: []string{callback, "https://example.com/back"}, LogoutURIs: []string{goodbye},
		Viewers: []cognito.Viewer{
			{Username: "ada", Subject: "sub-ada", Email: "ada@example.com", Description: `Has <b>course-1</b> & "more"`,
				Claims: map[string]any{"cognito:groups": []string{"premium"}, "custom:courses": "course-1"}},
			{Username: "bob", Subject: "sub-bob", Email: "bob@example.com"},
		},
		Now: func() time.Time { return w.now },
		Key: key(),
	}
	for _, f := range edit {
		f(&options)
	}
	w.provider, err = cognito.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = w.provider
	server.Start()
	t.Cleanup(server.Close)
	w.http = server.Client()
	w.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return w
}

func request() url.Values {
	digest := sha256.Sum256([]byte(verifier))
	return url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {callback}, "scope": {"openid email profile"},
		"state": {"s1"}, "nonce": {"n1"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(digest[:])},
	}
}

func (w *world) do(method, target string, form url.Values, header ...string) (*http.Response, string) {
	w.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, w.url+target, body)
	if err != nil {
		w.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res, string(raw)
}

// code signs ada in through the page's form.
func (w *world) code() string {
	w.Helper()
	form := request()
	form.Set("viewer", "ada")
	res, body := w.do("POST", "/oauth2/authorize", form)
	u, err := res.Location()
	if err != nil {
		w.Fatalf("no redirect: %d %s", res.StatusCode, body)
	}
	return u.Query().Get("code")
}

func exchange(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {client},
		"redirect_uri": {callback}, "code_verifier": {verifier}}
}

func (w *world) answer(body string) map[string]any {
	w.Helper()
	var a map[string]any
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		w.Fatalf("%v: %s", err, body)
	}
	return a
}

func (w *world) claims(token any) jwt.MapClaims {
	w.Helper()
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token.(string), claims, func(*jwt.Token) (any, error) { return w.provider.PublicKey(), nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(func() time.Time { return w.now }))
	if err != nil {
		w.Fatal(err)
	}
	return claims
}

func TestSignInGivesCognitoLikeTokens(t *testing.T) {
	w := newWorld(t)
	res, body := w.do("GET", "/oauth2/authorize?"+request().Encode(), nil)
	if res.StatusCode != 200 {
		t.Fatalf("page: %d %s", res.StatusCode, body)
	}
	// What a browser sends: the page's hidden fields and the button's value.
	form := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	if !reflect.DeepEqual(form, request()) {
		t.Fatalf("the page's form holds %v, want %v", form, request())
	}
	form.Set("viewer", "ada")
	res, _ = w.do("POST", "/oauth2/authorize", form, "Origin", w.url, "Sec-Fetch-Site", "same-origin")
	u, err := res.Location()
	if err != nil || res.StatusCode != 303 {
		t.Fatalf("no redirect: %d %v", res.StatusCode, err)
	}
	if got := u.Scheme + "://" + u.Host + u.Path; got != "http://localhost:8080/" || u.Query().Get("state") != "s1" || u.Query().Get("signed") != "in" {
		t.Errorf("redirect to %s", u)
	}
	res, body = w.do("POST", "/oauth2/token", exchange(u.Query().Get("code")))
	if res.StatusCode != 200 || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("token: %d %s %v", res.StatusCode, body, res.Header)
	}
	answer := w.answer(body)
	if answer["token_type"] != "Bearer" || answer["expires_in"] != 3600.0 {
		t.Errorf("answer %v", answer)
	}
	at := float64(w.now.Unix())
	id := w.claims(answer["id_token"])
	for name, want := range map[string]any{
		"iss": w.url, "aud": client, "sub": "sub-ada", "token_use": "id", "cognito:username": "ada", "email": "ada@example.com",
		"cognito:groups": []any{"premium"}, "custom:courses": "course-1", "nonce": "n1", "auth_time": at, "iat": at, "exp": at + 3600,
	} {
		if !reflect.DeepEqual(id[name], want) {
			t.Errorf("ID token: %s is %v, want %v", name, id[name], want)
		}
	}
	access := w.claims(answer["access_token"])
	for name, want := range map[string]any{
		"iss": w.url, "client_id": client, "sub": "sub-ada", "token_use": "access", "username": "ada",
		"scope": "openid email profile", "cognito:groups": []any{"premium"}, "aud": nil, "custom:courses": nil,
	} {
		if !reflect.DeepEqual(access[name], want) {
			t.Errorf("access token: %s is %v, want %v", name, access[name], want)
		}
	}
	if id["jti"] == access["jti"] || id["jti"] == "" {
		t.Error("jti is missing or repeated")
	}
	res, body = w.do("GET", "/oauth2/userInfo", nil, "Authorization", "Bearer "+answer["access_token"].(string))
	if res.StatusCode != 200 || w.answer(body)["sub"] != "sub-ada" {
		t.Errorf("userInfo: %d %s", res.StatusCode, body)
	}
	if res, _ = w.do("GET", "/oauth2/userInfo", nil, "Authorization", "Bearer "+answer["id_token"].(string)); res.StatusCode != 401 {
		t.Errorf("userInfo with an ID token: %d", res.StatusCode)
	}
}

func TestTokenRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world, form url.Values)
		want   string
	}{
		{"made-up code", func(_ *world, f url.Values) { f.Set("code", "x") }, "invalid_grant"},
		{"no verifier", func(_ *world, f url.Values) { f.Del("code_verifier") }, "invalid_grant"},
		{"another verifier", func(_ *world, f url.Values) { f.Set("code_verifier", verifier[1:]+"x") }, "invalid_grant"},
		{"the challenge as verifier", func(_ *world, f url.Values) { f.Set("code_verifier", request().Get("code_challenge")) }, "invalid_grant"},
		{"another client", func(_ *world, f url.Values) { f.Set("client_id", "other") }, "invalid_grant"},
		{"another registered redirect URI", func(_ *world, f url.Values) { f.Set("redirect_uri", "https://example.com/back") }, "invalid_grant"},
		{"a minute later", func(w *world, _ url.Values) { w.now = w.now.Add(time.Minute) }, "invalid_grant"},
		{"used before", func(w *world, f url.Values) { w.do("POST", "/oauth2/token", f) }, "invalid_grant"},
		{"tried before with a wrong verifier", func(w *world, f url.Values) {
			g := exchange(f.Get("code"))
			g.Set("code_verifier", strings.Repeat("x", 43))
			w.do("POST", "/oauth2/token", g)
		}, "invalid_grant"},
		{"password grant", func(_ *world, f url.Values) { f.Set("grant_type", "password") }, "unsupported_grant_type"},
		{"parameter twice", func(_ *world, f url.Values) { f.Add("code", "x") }, "invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			form := exchange(w.code())
			c.change(w, form)
			res, body := w.do("POST", "/oauth2/token", form)
			if res.StatusCode != 400 || w.answer(body)["error"] != c.want || w.answer(body)["id_token"] != nil {
				t.Errorf("%d %s, want 400 %s", res.StatusCode, body, c.want)
			}
		})
	}
}

func TestRefresh(t *testing.T) {
	w := newWorld(t)
	form := exchange(w.code())
	_, body := w.do("POST", "/oauth2/token", form)
	token := w.answer(body)["refresh_token"].(string)
	signedIn := float64(w.now.Unix())
	w.now = w.now.Add(24 * time.Hour)
	renewal := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {client}}

	res, body := w.do("POST", "/oauth2/token", renewal)
	if res.StatusCode != 200 {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	claims := w.claims(w.answer(body)["id_token"])
	if claims["auth_time"] != signedIn || claims["iat"] != float64(w.now.Unix()) || claims["sub"] != "sub-ada" {
		t.Errorf("claims %v", claims)
	}
	other := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"other"}}
	if res, _ = w.do("POST", "/oauth2/token", other); res.StatusCode != 400 {
		t.Errorf("another client: %d", res.StatusCode)
	}
	// A code that is used twice was stolen.
	w.do("POST", "/oauth2/token", form)
	if res, _ = w.do("POST", "/oauth2/token", renewal); res.StatusCode != 400 {
		t.Errorf("after the code was replayed: %d", res.StatusCode)
	}
}

func TestRefreshEnds(t *testing.T) {
	w := newWorld(t)
	_, body := w.do("POST", "/oauth2/token", exchange(w.code()))
	token := w.answer(body)["refresh_token"].(string)
	w.now = w.now.Add(30 * 24 * time.Hour)
	res, body := w.do("POST", "/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {client}})
	if res.StatusCode != 400 {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestRotation(t *testing.T) {
	w := newWorld(t, func(o *cognito.Options) { o.Rotation = map[string]time.Duration{client: time.Minute} })
	form := exchange(w.code())
	_, body := w.do("POST", "/oauth2/token", form)
	first := w.answer(body)["refresh_token"].(string)
	renew := func(token string, want int) string {
		t.Helper()
		res, body := w.do("POST", "/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {client}})
		if res.StatusCode != want {
			t.Fatalf("%d %s, want %d", res.StatusCode, body, want)
		}
		renewed, _ := w.answer(body)["refresh_token"].(string)
		if want == 200 && (renewed == "" || renewed == token) {
			t.Fatalf("refresh token %q did not rotate", renewed)
		}
		return renewed
	}
	second := renew(first, 200)
	w.now = w.now.Add(59 * time.Second)
	renew(first, 200) // does not extend the grace period
	w.now = w.now.Add(time.Second)
	renew(first, 400)
	second = renew(second, 200)

	// A new token expires when the first one does.
	w.now = w.now.Add(30*24*time.Hour - time.Minute - time.Second)
	third := renew(second, 200)
	w.now = w.now.Add(time.Second)
	renew(third, 400)

	// Revoking a token, or using the code again, ends all of the sign-in.
	form = exchange(w.code())
	_, body = w.do("POST", "/oauth2/token", form)
	first = w.answer(body)["refresh_token"].(string)
	second = renew(first, 200)
	w.do("POST", "/oauth2/token", form)
	renew(first, 400)
	renew(second, 400)
	_, body = w.do("POST", "/oauth2/token", exchange(w.code()))
	first = w.answer(body)["refresh_token"].(string)
	second = renew(first, 200)
	w.do("POST", "/oauth2/revoke", url.Values{"token": {first}, "client_id": {client}})
	renew(second, 400)
}

func TestRevocation(t *testing.T) {
	w := newWorld(t)
	_, body := w.do("POST", "/oauth2/token", exchange(w.code()))
	tokens := w.answer(body)
	token := tokens["refresh_token"].(string)
	renewal := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {client}}
	revocation := func(token, client string) url.Values {
		return url.Values{"token": {token}, "client_id": {client}, "token_type_hint": {"refresh_token"}}
	}
	for _, c := range []struct {
		name string
		form url.Values
		want string // the error, or empty for a 200
	}{
		{"no token", url.Values{"client_id": {client}}, "invalid_request"},
		{"no client", url.Values{"token": {token}}, "invalid_client"},
		{"unknown client", revocation(token, "unknown"), "invalid_client"},
		{"two tokens", url.Values{"token": {token, token}, "client_id": {client}}, "invalid_request"},
		{"an access token", revocation(tokens["access_token"].(string), client), "unsupported_token_type"},
		{"unknown token", revocation("unknown", client), ""},
		{"another client's token", revocation(token, "other"), ""},
	} {
		res, body := w.do("POST", "/oauth2/revoke", c.form)
		if c.want == "" && (res.StatusCode != 200 || body != "") || c.want != "" && (res.StatusCode != 400 || w.answer(body)["error"] != c.want) {
			t.Errorf("%s: %d %s, want %q", c.name, res.StatusCode, body, c.want)
		}
		if res, _ := w.do("POST", "/oauth2/token", renewal); res.StatusCode != 200 {
			t.Fatalf("%s: the refresh token was revoked", c.name)
		}
	}
	if res, body := w.do("POST", "/oauth2/revoke", revocation(token, client)); res.StatusCode != 200 || body != "" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, _ := w.do("POST", "/oauth2/token", renewal); res.StatusCode != 400 {
		t.Errorf("a revoked refresh token: %d", res.StatusCode)
	}
}

// TestAuthorizeRefusals sends invalid requests: none may redirect to an
// unregistered URI, and no redirect has a code.
func TestAuthorizeRefusals(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   url.Values // nil value: without the parameter
		error string     // "": a page, no redirect
	}{
		{"unknown client", url.Values{"client_id": {"x"}}, ""},
		{"no redirect URI", url.Values{"redirect_uri": nil}, ""},
		{"foreign redirect URI", url.Values{"redirect_uri": {"https://evil.example/"}}, ""},
		{"redirect URI with more path", url.Values{"redirect_uri": {"http://localhost:8080/x?signed=in"}}, ""},
		{"redirect URI with more query", url.Values{"redirect_uri": {callback + "&a=b"}}, ""},
		{"redirect URI with user info", url.Values{"redirect_uri": {"http://localhost:8080@evil.example/"}}, ""},
		{"redirect URI in upper case", url.Values{"redirect_uri": {"HTTP://LOCALHOST:8080/?signed=in"}}, ""},
		{"redirect URI without scheme", url.Values{"redirect_uri": {"//evil.example/"}}, ""},
		{"script as redirect URI", url.Values{"redirect_uri": {"javascript:alert(1)"}}, ""},
		{"redirect URI twice", url.Values{"redirect_uri": {callback, "https://evil.example/"}}, ""},
		{"token instead of code", url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		{"no PKCE", url.Values{"code_challenge": nil, "code_challenge_method": nil}, "invalid_request"},
		{"plain PKCE", url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		{"short challenge", url.Values{"code_challenge": {"abc"}}, "invalid_request"},
		{"scope without openid", url.Values{"scope": {"email"}}, "invalid_scope"},
		{"unknown scope", url.Values{"scope": {"openid admin"}}, "invalid_scope"},
		{"very long state", url.Values{"state": {strings.Repeat("s", 5000)}}, "invalid_request"},
		{"very long nonce", url.Values{"nonce": {strings.Repeat("n", 5000)}}, "invalid_request"},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(c.name+"/"+method, func(t *testing.T) {
				w := newWorld(t)
				q := request()
				for name, values := range c.set {
					q[name] = values
				}
				var res *http.Response
				var body string
				if method == "GET" {
					res, body = w.do("GET", "/oauth2/authorize?"+q.Encode(), nil)
				} else {
					q.Set("viewer", "ada")
					res, body = w.do("POST", "/oauth2/authorize", q)
				}
				u, err := res.Location()
				if c.error == "" {
					if err == nil || res.StatusCode != 400 || !strings.Contains(body, `role="alert"`) {
						t.Errorf("%d, redirect to %v", res.StatusCode, u)
					}
					return
				}
				if err != nil || u.Host != "localhost:8080" || u.Query().Get("error") != c.error || u.Query().Has("code") {
					t.Errorf("%d, redirect to %v, want error %s", res.StatusCode, u, c.error)
				}
			})
		}
	}
}

func TestSignInRefusals(t *testing.T) {
	w := newWorld(t)
	form := request()
	form.Set("viewer", "eve")
	if res, _ := w.do("POST", "/oauth2/authorize", form); res.StatusCode != 400 {
		t.Errorf("unknown viewer: %d", res.StatusCode)
	}
	form.Set("viewer", "ada")
	if res, _ := w.do("POST", "/oauth2/authorize", form, "Origin", "https://evil.example"); res.StatusCode != 403 {
		t.Errorf("form of another page: %d", res.StatusCode)
	}
	if res, _ := w.do("GET", "/oauth2/authorize?"+request().Encode(), nil, "Host", "evil.example"); res.StatusCode != 421 {
		t.Errorf("another host name: %d", res.StatusCode)
	}
}

func TestPageIsSafe(t *testing.T) {
	w := newWorld(t)
	q := request()
	hostile := "\"><script>alert(1)</script>\r\nSet-Cookie: a=b"
	q.Set("state", hostile)
	q.Set("nonce", hostile)
	res, body := w.do("GET", "/oauth2/authorize?"+q.Encode(), nil)
	if strings.Contains(body, "<script") || strings.Contains(body, "<b>course-1") {
		t.Errorf("the page holds markup that is not its own:\n%s", body)
	}
	if regexp.MustCompile(`(?i)<style|style=|<script|\son\w+=`).MatchString(body) {
		t.Errorf("the page has inline style or script:\n%s", body)
	}
	policy := res.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "img-src 'self'", "frame-ancestors 'none'", "form-action 'self' http://localhost:8080 https://example.com;"} {
		if !strings.Contains(policy, want) {
			t.Errorf("Content-Security-Policy %q lacks %q", policy, want)
		}
	}
	if !strings.Contains(body, "Sign in as ada</button>") || !strings.Contains(body, "Sign in as bob</button>") {
		t.Errorf("a viewer is missing:\n%s", body)
	}
	q.Set("viewer", "ada")
	res, _ = w.do("POST", "/oauth2/authorize", q)
	u, err := res.Location()
	if err != nil || u.Query().Get("state") != hostile || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("state came back as %q, %v", u, err)
	}
	for file, want := range map[string]string{"/style.css": "text/css", "/icon.svg": "image/svg+xml"} {
		if res, body = w.do("GET", file, nil); res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), want) || body == "" {
			t.Errorf("%s: %d %s", file, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
}

func TestLogout(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name, query string
		status      int
		location    string
	}{
		{"Cognito's parameter", "client_id=player&logout_uri=" + url.QueryEscape(goodbye), 303, goodbye},
		{"OpenID's parameter", "state=s&post_logout_redirect_uri=" + url.QueryEscape(goodbye), 303, goodbye + "?state=s"},
		{"nowhere", "", 200, ""},
		{"foreign", "logout_uri=https://evil.example/", 400, ""},
		{"foreign behind a good one", "logout_uri=" + url.QueryEscape(goodbye) + "&logout_uri=https://evil.example/", 400, ""},
		{"one for sign-in only", "logout_uri=" + url.QueryEscape("https://example.com/back"), 400, ""},
		{"unknown client", "client_id=x&logout_uri=" + url.QueryEscape(goodbye), 400, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, _ := w.do("GET", "/logout?"+c.query, nil)
			if res.StatusCode != c.status || res.Header.Get("Location") != c.location {
				t.Errorf("%d %q, want %d %q", res.StatusCode, res.Header.Get("Location"), c.status, c.location)
			}
		})
	}
}

func TestNoPathRedirectsAway(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"//evil.example", "//evil.example/..", "/\\evil.example", "/https://evil.example"} {
		res, _ := w.do("GET", path, nil)
		if l := res.Header.Get("Location"); strings.HasPrefix(l, "//") || strings.Contains(l, "://") || strings.HasPrefix(l, "/\\") {
			t.Errorf("%s leads to %s", path, l)
		}
	}
}

func TestCrossOriginCalls(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name, method, path, origin string
		allowed                    bool
	}{
		{"discovery", "GET", "/.well-known/openid-configuration", "http://localhost:8080", true},
		{"keys", "GET", "/.well-known/jwks.json", "http://localhost:8080", true},
		{"token preflight", "OPTIONS", "/oauth2/token", "http://localhost:8080", true},
		{"token", "POST", "/oauth2/token", "https://example.com", true},
		{"revocation", "POST", "/oauth2/revoke", "https://example.com", true},
		{"token from elsewhere", "POST", "/oauth2/token", "https://evil.example", false},
		{"token preflight from elsewhere", "OPTIONS", "/oauth2/token", "https://evil.example", false},
		{"another port", "GET", "/.well-known/jwks.json", "http://localhost:8082", false},
		{"null", "GET", "/.well-known/jwks.json", "null", false},
		{"sign-in page", "GET", "/oauth2/authorize?" + request().Encode(), "http://localhost:8080", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, _ := w.do(c.method, c.path, nil, "Origin", c.origin)
			want := ""
			if c.allowed {
				want = c.origin
			}
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("Access-Control-Allow-Origin %q, want %q", got, want)
			}
		})
	}
}

func TestDiscovery(t *testing.T) {
	w := newWorld(t)
	_, body := w.do("GET", "/.well-known/openid-configuration", nil)
	d := w.answer(body)
	for name, want := range map[string]string{
		"issuer": "", "authorization_endpoint": "/oauth2/authorize", "token_endpoint": "/oauth2/token",
		"end_session_endpoint": "/logout", "revocation_endpoint": "/oauth2/revoke", "jwks_uri": "/.well-known/jwks.json",
	} {
		if d[name] != w.url+want {
			t.Errorf("%s is %v, want %s", name, d[name], w.url+want)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	good := func() cognito.Options {
		return cognito.Options{URL: "http://localhost:8081", ClientIDs: []string{client}, RedirectURIs: []string{callback},
			Viewers: []cognito.Viewer{{Username: "ada", Subject: "1"}}}
	}
	for _, c := range []struct {
		name   string
		change func(*cognito.Options)
	}{
		{"URL with a path", func(o *cognito.Options) { o.URL += "/pool" }},
		{"plain http elsewhere", func(o *cognito.Options) { o.URL = "http://example.com" }},
		{"no clients", func(o *cognito.Options) { o.ClientIDs = nil }},
		{"no viewers", func(o *cognito.Options) { o.Viewers = nil }},
		{"viewer twice", func(o *cognito.Options) { o.Viewers = append(o.Viewers, o.Viewers[0]) }},
		{"no redirect URI", func(o *cognito.Options) { o.RedirectURIs = nil }},
		{"plain http redirect URI elsewhere", func(o *cognito.Options) { o.RedirectURIs = []string{"http://example.com/"} }},
		{"script as logout URI", func(o *cognito.Options) { o.LogoutURIs = []string{"javascript:alert(1)"} }},
		{"redirect URI with fragment", func(o *cognito.Options) { o.RedirectURIs = []string{callback + "#x"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := good()
			o.Key = key()
			c.change(&o)
			if _, err := cognito.New(o); err == nil {
				t.Error("accepted")
			}
		})
	}
	if _, err := cognito.New(good()); err != nil {
		t.Errorf("good options: %v", err)
	}
}
