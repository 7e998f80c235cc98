package apigateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/golang-jwt/jwt/v5"

	"premiumhls/local/apigateway"
	"premiumhls/local/cognito"
	"premiumhls/local/cognito/forgery"
)

const (
	clientID = "player"
	signer   = "arn:aws:lambda:eu-central-1:000000000000:function:signer"
	// pool is the issuer in the template; the local issuer replaces it.
	pool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_pool"
)

var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// world is an API whose authorizer trusts a local issuer, with one clock.
type world struct {
	*testing.T
	mu      sync.Mutex
	now     time.Time
	issuer  *cognito.Provider
	keys    *httptest.Server
	fetches atomic.Int32
	down    atomic.Bool

	api    *apigateway.API
	log    bytes.Buffer
	answer apigateway.Invoke
	event  []byte // the last one
	calls  int
}

func newWorld(t *testing.T, change func(*apigateway.Config)) *world {
	t.Helper()
	w := &world{T: t, now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	w.keys = httptest.NewUnstartedServer(nil)
	url := "http://" + w.keys.Listener.Addr().String()
	var err error
	w.issuer, err = cognito.New(cognito.Options{
		URL: url, Issuer: pool, ClientIDs: []string{clientID}, RedirectURIs: []string{"http://localhost:8080/"},
		Viewers: []cognito.Viewer{{Username: "ada", Subject: "sub-ada", Email: "ada@example.com",
			Claims: map[string]any{"cognito:groups": []string{"premium", "staff"}, "custom:courses": "course-1"}}},
		Now: w.clock, Key: key(),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.keys.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.fetches.Add(1)
		if w.down.Load() {
			http.Error(rw, "down", http.StatusInternalServerError)
			return
		}
		w.issuer.ServeHTTP(rw, r)
	})
	w.keys.Start()
	t.Cleanup(w.keys.Close)

	a := &apigateway.JWTAuthorizer{Header: "Authorization", Issuer: pool, Audience: []string{"mobile", clientID},
		DiscoveryURL: url + "/.well-known/openid-configuration"}
	config := apigateway.Config{APIID: "a1b2", Routes: []apigateway.Route{
		{Method: "POST", Path: "/api/cookies", FunctionARN: signer, Authorizer: a},
		{Method: "DELETE", Path: "/api/cookies", FunctionARN: signer, Authorizer: a},
		{Method: "GET", Path: "/api/admin", FunctionARN: signer, Authorizer: a, Scopes: []string{"admin", "profile"}},
		{Method: "GET", Path: "/api/root", FunctionARN: signer, Authorizer: a, Scopes: []string{"admin"}},
		{Method: "ANY", Path: "/open/{proxy+}", FunctionARN: signer},
	}}
	if change != nil {
		change(&config)
	}
	w.answer = func(context.Context, string, []byte) ([]byte, error) {
		return []byte(`{"statusCode":200,"body":"ok"}`), nil
	}
	w.api, err = apigateway.New(config, apigateway.Options{
		Now: w.clock, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Invoke: func(ctx context.Context, arn string, payload []byte) ([]byte, error) {
			w.calls++
			w.event = payload
			if arn != signer {
				t.Errorf("invoked %s", arn)
			}
			return w.answer(ctx, arn, payload)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// token mints an ID token of ada.
func (w *world) token(edit func(map[string]any)) string {
	w.Helper()
	return w.must(w.issuer.Mint("ada", edit))
}

func (w *world) must(token string, err error) string {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	return token
}

func (w *world) do(method, target, body string, header ...string) *httptest.ResponseRecorder {
	w.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "a1b2.execute-api.eu-central-1.amazonaws.com"
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	if rec.Header().Get("Apigw-Requestid") == "" {
		w.Error("no apigw-requestid")
	}
	return rec
}

func (w *world) want(rec *httptest.ResponseRecorder, status int, message string) {
	w.Helper()
	body := `{"message":"` + message + `"}`
	if rec.Code != status || rec.Body.String() != body || rec.Header().Get("Content-Type") != "application/json" {
		w.Errorf("got %d %q %q, want %d %s", rec.Code, rec.Header().Get("Content-Type"), rec.Body, status, body)
	}
}

func (w *world) decoded() events.APIGatewayV2HTTPRequest {
	w.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(w.event, &e); err != nil {
		w.Fatal(err)
	}
	return e
}

func TestTokens(t *testing.T) {
	at := func(d time.Duration) func(*world) any { return func(w *world) any { return w.now.Add(d).Unix() } }
	claim := func(name string, value any) func(*world) string {
		return func(w *world) string {
			return w.token(func(c map[string]any) {
				if f, ok := value.(func(*world) any); ok {
					c[name] = f(w)
				} else {
					c[name] = value
				}
			})
		}
	}
	without := func(name string) func(*world) string {
		return func(w *world) string { return w.token(func(c map[string]any) { delete(c, name) }) }
	}
	good := func(w *world) string { return w.token(nil) }
	for _, c := range []struct {
		name   string
		header func(*world) string // the Authorization header, "": none
		reason string              // "": accepted
	}{
		{"good", func(w *world) string { return "Bearer " + good(w) }, ""},
		{"without the prefix", good, ""},
		{"no token", func(*world) string { return "" }, "none"},
		{"prefix alone", func(*world) string { return "Bearer " }, "the token is malformed"},
		{"prefix in lower case", func(w *world) string { return "bearer " + good(w) }, "the token is malformed"},
		{"another scheme", func(w *world) string { return "Basic " + good(w) }, "the token is malformed"},
		{"two prefixes", func(w *world) string { return "Bearer Bearer " + good(w) }, "the token is malformed"},
		{"garbage", func(*world) string { return "Bearer x.y.z" }, "the token is malformed"},
		{"ended now", claim("exp", at(0)), "the token has expired"},
		{"expired", claim("exp", at(-time.Minute)), "the token has expired"},
		{"ends in a second", claim("exp", at(time.Second)), ""},
		{"no exp", without("exp"), "the token lacks a required claim"},
		{"exp null", claim("exp", nil), "the token is malformed"},
		{"exp as text", claim("exp", "9999999999"), "the token is malformed"},
		{"not yet valid", claim("nbf", at(time.Second)), "the token is not valid yet"},
		{"valid from now", claim("nbf", at(0)), ""},
		{"issued in the future", claim("iat", at(time.Second)), "the token is not valid yet"},
		{"no iat", without("iat"), "the token lacks a required claim"},
		{"wrong issuer", claim("iss", "https://evil.example"), "the token does not have a valid issuer"},
		{"issuer with a slash more", claim("iss", pool+"/"), "the token does not have a valid issuer"},
		{"issuer in upper case", claim("iss", strings.ToUpper(pool)), "the token does not have a valid issuer"},
		{"no issuer", without("iss"), "the token lacks a required claim"},
		{"wrong audience", claim("aud", "other"), "the token does not have a valid audience"},
		{"one audience of several", claim("aud", []string{"other", clientID}), ""},
		{"no audience", without("aud"), "the token does not have a valid audience"},
		{"empty audience", claim("aud", []string{}), "the token does not have a valid audience"},
		{"audience in upper case", claim("aud", "PLAYER"), "the token does not have a valid audience"},
		{"access token by client_id", func(w *world) string { return w.must(w.issuer.MintAccess("ada", nil)) }, ""},
		{"access token of another client", func(w *world) string {
			return w.must(w.issuer.MintAccess("ada", func(c map[string]any) { c["client_id"] = "other" }))
		}, "the token does not have a valid audience"},
		{"wrong aud, right client_id", func(w *world) string {
			return w.must(w.issuer.MintAccess("ada", func(c map[string]any) { c["aud"] = "other" }))
		}, "the token does not have a valid audience"},
		{"aud null, right client_id", func(w *world) string {
			return w.must(w.issuer.MintAccess("ada", func(c map[string]any) { c["aud"] = nil }))
		}, "the token does not have a valid audience"},
		{"alg none", func(w *world) string { return w.must(forgery.Unsigned(good(w))) }, "the token has an invalid signature"},
		{"HS256 with the public key", func(w *world) string {
			return w.must(forgery.SharedSecret(good(w), w.issuer.PublicKey()))
		}, "the token has an invalid signature"},
		{"foreign key with the same kid", func(w *world) string { return w.must(forgery.ForeignKey(good(w))) }, "the token has an invalid signature"},
		{"RS512 by the right key", func(w *world) string { return w.resign(jwt.SigningMethodRS512, nil) }, "the token has an invalid signature"},
		{"unknown kid", func(w *world) string {
			return w.resign(jwt.SigningMethodRS256, map[string]any{"kid": "x"})
		}, "the token names an unknown key"},
		{"no kid", func(w *world) string {
			return w.resign(jwt.SigningMethodRS256, map[string]any{"kid": nil})
		}, "the token names an unknown key"},
		{"unknown critical extension", func(w *world) string {
			return w.resign(jwt.SigningMethodRS256, map[string]any{"crit": []string{"x"}})
		}, "the token is malformed"},
		{"claims swapped under the signature", func(w *world) string {
			a, b := strings.Split(good(w), "."), strings.Split(w.token(func(c map[string]any) { c["sub"] = "eve" }), ".")
			return a[0] + "." + b[1] + "." + a[2]
		}, "the token has an invalid signature"},
		{"signature cut off", func(w *world) string { return good(w)[:strings.LastIndex(good(w), ".")+1] }, "the token has an invalid signature"},
		{"loose bits at the signature's end", func(w *world) string {
			// The last character carries two bits of the signature and four that must be zero.
			token := good(w)
			const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			last := strings.IndexByte(alphabet, token[len(token)-1])
			return token[:len(token)-1] + string(alphabet[last|1])
		}, "the token is malformed"},
		{"padding after the signature", func(w *world) string { return good(w) + "==" }, "the token is malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			var header []string
			if h := c.header(w); h != "" {
				header = []string{"Authorization", h}
			}
			rec := w.do("POST", "/api/cookies", "", header...)
			challenge := rec.Header().Get("Www-Authenticate")
			if c.reason == "" {
				if rec.Code != 200 || w.calls != 1 {
					t.Errorf("refused: %d %s", rec.Code, challenge)
				}
				return
			}
			w.want(rec, 401, "Unauthorized")
			want := `Bearer scope="" error="invalid_token" error_description="` + c.reason + `"`
			if c.reason == "none" {
				want = "Bearer"
			}
			if challenge != want {
				t.Errorf("www-authenticate %s, want %s", challenge, want)
			}
			if w.calls != 0 {
				t.Error("the function was invoked")
			}
		})
	}
}

// resign signs ada's claims with the issuer's key but another header.
func (w *world) resign(method jwt.SigningMethod, header map[string]any) string {
	w.Helper()
	claims := jwt.MapClaims{}
	good, _, err := jwt.NewParser(jwt.WithJSONNumber()).ParseUnverified(w.token(nil), claims)
	if err != nil {
		w.Fatal(err)
	}
	t := jwt.NewWithClaims(method, claims)
	t.Header["kid"] = good.Header["kid"]
	for name, value := range header {
		t.Header[name] = value
		if value == nil {
			delete(t.Header, name)
		}
	}
	return w.must(t.SignedString(key()))
}

func TestTwoTokens(t *testing.T) {
	w := newWorld(t, nil)
	good := "Bearer " + w.token(nil)
	w.want(w.do("POST", "/api/cookies", "", "Authorization", good, "Authorization", good), 401, "Unauthorized")
}

func TestScopes(t *testing.T) {
	access := func(w *world, edit func(map[string]any)) string { return w.must(w.issuer.MintAccess("ada", edit)) }
	for _, c := range []struct {
		name, path string
		token      func(*world) string
		status     int
		scopes     string // in the event
	}{
		{"one of the route's", "/api/admin", func(w *world) string { return access(w, nil) }, 200, `["openid","email","profile"]`},
		{"none of the route's", "/api/root", func(w *world) string { return access(w, nil) }, 403, ""},
		{"ID token without scopes", "/api/admin", func(w *world) string { return w.token(nil) }, 403, ""},
		{"part of a scope's name", "/api/root", func(w *world) string {
			return access(w, func(c map[string]any) { c["scope"] = "administrator not-admin" })
		}, 403, ""},
		{"list in scp", "/api/root", func(w *world) string {
			return access(w, func(c map[string]any) { c["scp"] = []string{"admin"} })
		}, 200, `["admin"]`},
		{"route without scopes", "/api/cookies", func(w *world) string { return access(w, nil) }, 200, "null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			method := "GET"
			if c.path == "/api/cookies" {
				method = "POST"
			}
			rec := w.do(method, c.path, "", "Authorization", "Bearer "+c.token(w))
			if c.status == 403 {
				w.want(rec, 403, "Forbidden")
				if got := rec.Header().Get("Www-Authenticate"); !strings.Contains(got, `error="insufficient_scope"`) {
					t.Errorf("www-authenticate %s", got)
				}
				return
			}
			if rec.Code != 200 || !bytes.Contains(w.event, []byte(`"scopes":`+c.scopes)) {
				t.Errorf("%d %s, want scopes %s", rec.Code, w.event, c.scopes)
			}
		})
	}
}

func TestClaimsRendering(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, c := range []struct {
		name  string
		value any
		want  string // "-": absent
	}{
		{"text", "course-1", "course-1"},
		{"list", []string{"premium", "staff"}, "[premium staff]"},
		{"list of one", []string{"premium"}, "[premium]"},
		{"empty list", []string{}, "[]"},
		{"list of all kinds", []any{"a", 1, true, nil, []any{"b", "c"}}, "[a 1 true [b c]]"},
		{"whole number", 1795428000, "1795428000"},
		{"large number", json.Number("12345678901234567890"), "12345678901234567890"},
		{"fraction", json.Number("1.50"), "1.50"},
		{"true", true, "true"},
		{"false", false, "false"},
		{"null", nil, "-"},
		{"object", map[string]any{"country": "JP"}, `{"country":"JP"}`},
		{"text like a list", "[premium]", "[premium]"},
		{"line breaks", "a\r\nSet-Cookie: b=c", "a\r\nSet-Cookie: b=c"},
		{"quotes and braces", `"}],"x":{"`, `"}],"x":{"`},
		{"markup", "<script>&", "<script>&"},
		{"zero byte", "a\x00b", "a\x00b"},
		{"very long", long, long},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			rec := w.do("POST", "/api/cookies", "", "Authorization", w.token(func(m map[string]any) { m["custom:x"] = c.value }))
			if rec.Code != 200 {
				t.Fatalf("%d %s", rec.Code, rec.Header().Get("Www-Authenticate"))
			}
			claims := w.decoded().RequestContext.Authorizer.JWT.Claims
			if got, ok := claims["custom:x"]; ok != (c.want != "-") || ok && got != c.want {
				t.Errorf("claim is %q, %t, want %q", got, ok, c.want)
			}
			if claims["sub"] != "sub-ada" || claims["exp"] != "1795431600" || claims["email_verified"] != "true" {
				t.Errorf("other claims %v", claims)
			}
			if len(rec.Header()) != 3 {
				t.Errorf("headers of the answer: %v", rec.Header())
			}
		})
	}
}

func TestTokenLargerThanHeadersMayBe(t *testing.T) {
	w := newWorld(t, nil)
	token := w.token(func(m map[string]any) { m["custom:x"] = strings.Repeat("x", 10240) })
	w.want(w.do("POST", "/api/cookies", "", "Authorization", token), 431, "Request Header Fields Too Large")
}

func TestRoutes(t *testing.T) {
	paths := []string{"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "ANY /pets/dog/{id}", "POST /pets", "GET /users/{id}/posts/{post}", "GET /{a}/x"}
	for _, c := range []struct {
		name, request, want string // want "": 404
		catchAll            bool
		parameters          map[string]string
	}{
		{"literal", "GET /pets/dog/1", "GET /pets/dog/1", false, nil},
		{"variable", "GET /pets/dog/2", "GET /pets/dog/{id}", false, map[string]string{"id": "2"}},
		{"greedy", "GET /pets/cat/1", "GET /pets/{proxy+}", false, map[string]string{"proxy": "cat/1"}},
		{"a full match beats a greedy one with more literals", "GET /pets/x", "GET /{a}/x", false, map[string]string{"a": "pets"}},
		{"ANY takes other methods", "POST /pets/dog/1", "ANY /pets/dog/{id}", false, map[string]string{"id": "1"}},
		{"wider greedy", "POST /test/5", "ANY /{proxy+}", false, map[string]string{"proxy": "test/5"}},
		{"another method falls to the greedy", "PUT /pets", "ANY /{proxy+}", false, map[string]string{"proxy": "pets"}},
		{"two variables, decoded", "GET /users/a%20b/posts/%C3%A9", "GET /users/{id}/posts/{post}", false, map[string]string{"id": "a b", "post": "é"}},
		{"greedy takes no empty rest", "GET /", "", false, nil},
		{"$default", "GET /", "$default", true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(config *apigateway.Config) {
				config.Routes = nil
				for _, p := range paths {
					method, path, _ := strings.Cut(p, " ")
					config.Routes = append(config.Routes, apigateway.Route{Method: method, Path: path, FunctionARN: signer})
				}
				if c.catchAll {
					config.Routes = append(config.Routes, apigateway.Route{Path: "$default", FunctionARN: signer})
				}
			})
			method, path, _ := strings.Cut(c.request, " ")
			rec := w.do(method, path, "")
			if c.want == "" {
				w.want(rec, 404, "Not Found")
				return
			}
			e := w.decoded()
			if e.RouteKey != c.want || e.RequestContext.RouteKey != c.want || !maps.Equal(e.PathParameters, c.parameters) {
				t.Errorf("%s %v, want %s %v", e.RouteKey, e.PathParameters, c.want, c.parameters)
			}
		})
	}
}

func TestUnknownRoutes(t *testing.T) {
	for _, c := range []struct{ name, method, path string }{
		{"another path", "POST", "/api/other"},
		{"another method", "GET", "/api/cookies"},
		{"below", "POST", "/api/cookies/x"},
		{"trailing slash", "POST", "/api/cookies/"},
		{"double slash", "POST", "//api/cookies"},
		{"upper case", "POST", "/API/cookies"},
		{"escaped letter", "POST", "/api/cook%69es"},
		{"escaped slash", "POST", "/api%2Fcookies"},
		{"dots", "POST", "/api/x/../cookies"},
		{"stage's name", "POST", "/$default/api/cookies"},
		{"OPTIONS that is no preflight", "OPTIONS", "/api/cookies"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.want(w.do(c.method, c.path, "", "Authorization", w.token(nil)), 404, "Not Found")
			if w.calls != 0 {
				t.Error("the function was invoked")
			}
		})
	}
}

func TestEvent(t *testing.T) {
	w := newWorld(t, func(c *apigateway.Config) { c.StageVariables = map[string]string{"colour": "blue"} })
	rec := w.do("POST", "/api/cookies?a=1&a=2&b=x%20y&c&%zz=%zz", `{"path":"course-1"}`,
		"Authorization", w.token(nil), "Content-Type", "application/json; charset=utf-8", "User-Agent", "agent",
		"Cookie", "a=1; b=2", "Cookie", "c=3", "X-Many", "one", "X-Many", "two", "X-Forwarded-For", "203.0.113.9")
	if rec.Code != 200 {
		t.Fatal(rec.Code)
	}
	e := w.decoded()
	id := rec.Header().Get("Apigw-Requestid")
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"version", e.Version, "2.0"},
		{"routeKey", e.RouteKey, "POST /api/cookies"},
		{"rawPath", e.RawPath, "/api/cookies"},
		{"rawQueryString", e.RawQueryString, "a=1&a=2&b=x%20y&c&%zz=%zz"},
		{"cookies", e.Cookies, []string{"a=1", "b=2", "c=3"}},
		{"cookie header", e.Headers["cookie"], ""},
		{"repeated header", e.Headers["x-many"], "one,two"},
		{"host header", e.Headers["host"], "a1b2.execute-api.eu-central-1.amazonaws.com"},
		{"x-forwarded-for", e.Headers["x-forwarded-for"], "203.0.113.9, 192.0.2.1"},
		{"query", e.QueryStringParameters, map[string]string{"a": "1,2", "b": "x y", "c": "", "%zz": "%zz"}},
		{"body", e.Body, `{"path":"course-1"}`},
		{"isBase64Encoded", e.IsBase64Encoded, false},
		{"stage variables", e.StageVariables, map[string]string{"colour": "blue"}},
		{"path parameters", e.PathParameters, map[string]string(nil)},
		{"account", e.RequestContext.AccountID, "000000000000"},
		{"API", e.RequestContext.APIID, "a1b2"},
		{"stage", e.RequestContext.Stage, "$default"},
		{"domain", e.RequestContext.DomainName, "a1b2.execute-api.eu-central-1.amazonaws.com"},
		{"domain prefix", e.RequestContext.DomainPrefix, "a1b2"},
		{"request id", e.RequestContext.RequestID, id},
		{"time", e.RequestContext.Time, "23/Nov/2026:10:00:00 +0000"},
		{"epoch", e.RequestContext.TimeEpoch, int64(1795428000000)},
		{"HTTP", e.RequestContext.HTTP, events.APIGatewayV2HTTPRequestContextHTTPDescription{
			Method: "POST", Path: "/api/cookies", Protocol: "HTTP/1.1", SourceIP: "192.0.2.1", UserAgent: "agent"}},
		{"groups", e.RequestContext.Authorizer.JWT.Claims["cognito:groups"], "[premium staff]"},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s is %#v, want %#v", c.name, c.got, c.want)
		}
	}
	w.do("GET", "/open/x", "")
	for _, absent := range []string{`"cookies"`, `"queryStringParameters"`, `"body"`, `"authorizer"`} {
		if bytes.Contains(w.event, []byte(absent)) {
			t.Errorf("an event without them has %s: %s", absent, w.event)
		}
	}
}

func TestPathReachesTheFunctionDecoded(t *testing.T) {
	w := newWorld(t, nil)
	w.do("GET", "/open/a%20b/%2e%2e", "")
	if e := w.decoded(); e.RawPath != "/open/a b/.." || e.PathParameters["proxy"] != "a b/.." {
		t.Errorf("%q %v", e.RawPath, e.PathParameters)
	}
}

func TestBodyEncoding(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		encoded                 bool
	}{
		{"JSON", "application/json", "{}", false},
		{"JSON in upper case", "Application/JSON", "{}", false},
		{"plain text", "text/plain; charset=utf-8", "é", false},
		{"XML", "application/xml", "<a/>", false},
		{"form", "application/x-www-form-urlencoded", "a=b", true},
		{"bytes", "application/octet-stream", "abc", true},
		{"problem JSON", "application/problem+json", "{}", true},
		{"no type", "", "{}", true},
		{"broken type", "text/", "{}", true},
		{"text that is not UTF-8", "text/plain", "\xff\x00", true},
		{"nothing", "application/octet-stream", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			var header []string
			if c.contentType != "" {
				header = []string{"Content-Type", c.contentType}
			}
			w.do("POST", "/open/x", c.body, header...)
			e := w.decoded()
			want := c.body
			if c.encoded {
				want = base64.StdEncoding.EncodeToString([]byte(c.body))
			}
			if e.IsBase64Encoded != c.encoded || e.Body != want {
				t.Errorf("%t %q, want %t %q", e.IsBase64Encoded, e.Body, c.encoded, want)
			}
		})
	}
}

func TestBodyLimits(t *testing.T) {
	for _, c := range []struct {
		name, contentType string
		size, status      int
	}{
		{"5 MB of text", "text/plain", 5 << 20, 200},
		{"6 MB of text is no event", "text/plain", 6 << 20, 413},
		{"5 MB of bytes is no event", "application/octet-stream", 5 << 20, 413},
		{"over 10 MB", "text/plain", 10<<20 + 1, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			rec := w.do("POST", "/open/x", strings.Repeat("x", c.size), "Content-Type", c.contentType)
			if c.status == 413 {
				w.want(rec, 413, "Request Entity Too Large")
			}
			if rec.Code != c.status || w.calls != map[bool]int{true: 1}[c.status == 200] {
				t.Errorf("%d, %d calls, want %d", rec.Code, w.calls, c.status)
			}
		})
	}
	t.Run("10 MB are not read without a token", func(t *testing.T) {
		w := newWorld(t, nil)
		w.want(w.do("POST", "/api/cookies", strings.Repeat("x", 10<<20+1)), 401, "Unauthorized")
	})
}

func TestResponses(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		status        int
		contentType   string
		body          string
		header        http.Header
	}{
		{"whole", `{"statusCode":201,"headers":{"Content-Type":"application/json","x-n":3,"x-t":true},"cookies":["a=1; Path=/","b=2"],"body":"{}"}`,
			201, "application/json", "{}", http.Header{"Set-Cookie": {"a=1; Path=/", "b=2"}, "X-N": {"3"}, "X-T": {"true"}}},
		{"base64", `{"statusCode":200,"headers":{"content-type":"image/png"},"body":"AP8=","isBase64Encoded":true}`, 200, "image/png", "\x00\xff", nil},
		{"status alone", `{"statusCode":404}`, 404, "text/plain; charset=utf-8", "", nil},
		{"no content", `{"statusCode":204,"body":""}`, 204, "", "", nil},
		{"nulls", `{"statusCode":200,"headers":null,"multiValueHeaders":null,"body":null,"cookies":null}`, 200, "text/plain; charset=utf-8", "", nil},
		{"multiValueHeaders are nothing", `{"statusCode":200,"multiValueHeaders":{"X-A":["b"]},"body":"x"}`, 200, "text/plain; charset=utf-8", "x", nil},
		{"JSON without a status", `{ "message": "hi" }`, 200, "application/json", `{ "message": "hi" }`, nil},
		{"text", `"hi"`, 200, "application/json", "hi", nil},
		{"list", `[1]`, 200, "application/json", "[1]", nil},
		{"null", `null`, 200, "application/json", "null", nil},
		{"connection headers are the server's", `{"statusCode":200,"headers":{"transfer-encoding":"chunked","content-length":"99","apigw-requestid":"x"},"body":"x"}`,
			200, "text/plain; charset=utf-8", "x", http.Header{"Transfer-Encoding": nil, "Content-Length": {"1"}}},
		{"not JSON", `oops`, 500, "", "", nil},
		{"nothing", ``, 500, "", "", nil},
		{"status as text", `{"statusCode":"200"}`, 500, "", "", nil},
		{"status out of range", `{"statusCode":99}`, 500, "", "", nil},
		{"status zero", `{"statusCode":0}`, 500, "", "", nil},
		{"body as object", `{"statusCode":200,"body":{}}`, 500, "", "", nil},
		{"broken base64", `{"statusCode":200,"body":"?","isBase64Encoded":true}`, 500, "", "", nil},
		{"header with a line break", `{"statusCode":200,"headers":{"x":"a\r\nset-cookie: b=c"}}`, 500, "", "", nil},
		{"header name with a space", `{"statusCode":200,"headers":{"a b":"c"}}`, 500, "", "", nil},
		{"header as list", `{"statusCode":200,"headers":{"x":["a"]}}`, 500, "", "", nil},
		{"cookie with a line break", `{"statusCode":200,"cookies":["a=1\r\nx: y"]}`, 500, "", "", nil},
		{"cookies as text", `{"statusCode":200,"cookies":"a=1"}`, 500, "", "", nil},
		{"too large", `{"statusCode":200,"body":"` + strings.Repeat("x", 6<<20) + `"}`, 500, "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.answer = func(context.Context, string, []byte) ([]byte, error) { return []byte(c.payload), nil }
			rec := w.do("GET", "/open/x", "")
			if c.status == 500 {
				w.want(rec, 500, "Internal Server Error")
				if rec.Header().Get("Set-Cookie") != "" || !strings.Contains(w.log.String(), "cause=") {
					t.Errorf("headers %v, log %s", rec.Header(), w.log.String())
				}
				return
			}
			if rec.Code != c.status || rec.Header().Get("Content-Type") != c.contentType || rec.Body.String() != c.body {
				t.Errorf("%d %q %q, want %d %q %q", rec.Code, rec.Header().Get("Content-Type"), rec.Body, c.status, c.contentType, c.body)
			}
			for name, want := range c.header {
				if !slices.Equal(rec.Header()[name], want) {
					t.Errorf("%s is %q, want %q", name, rec.Header()[name], want)
				}
			}
			if ids := rec.Header()["Apigw-Requestid"]; len(ids) != 1 || ids[0] == "x" {
				t.Errorf("apigw-requestid %q", ids)
			}
		})
	}
}

func TestHeadHasNoBody(t *testing.T) {
	w := newWorld(t, nil)
	rec := w.do("HEAD", "/open/x", "")
	if rec.Body.Len() != 0 || rec.Header().Get("Content-Length") != "2" {
		t.Errorf("%q %v", rec.Body, rec.Header())
	}
}

func TestFunctionFailures(t *testing.T) {
	w := newWorld(t, func(c *apigateway.Config) { c.Routes[4].Timeout = 50 * time.Millisecond })
	w.answer = func(context.Context, string, []byte) ([]byte, error) {
		return nil, errors.New("secret cause")
	}
	rec := w.do("GET", "/open/x", "")
	w.want(rec, 500, "Internal Server Error")
	if !strings.Contains(w.log.String(), "secret cause") {
		t.Errorf("the log has no cause: %s", w.log.String())
	}
	// The function's own timeout is a failure, not the integration's timeout.
	w.answer = func(context.Context, string, []byte) ([]byte, error) { return nil, context.DeadlineExceeded }
	w.want(w.do("GET", "/open/x", ""), 500, "Internal Server Error")

	w.answer = func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, errors.New("cut off")
	}
	w.want(w.do("GET", "/open/x", ""), 503, "Service Unavailable")
}

func TestFunctionOutlivesTheClient(t *testing.T) {
	w := newWorld(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	w.answer = func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		cancel()
		return []byte(`"done"`), ctx.Err()
	}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, httptest.NewRequest("GET", "/open/x", nil).WithContext(ctx))
	if rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestCORS(t *testing.T) {
	age := 600
	cors := &apigateway.CORS{AllowOrigins: []string{"https://shop.example"}, AllowMethods: []string{"POST", "DELETE"},
		AllowHeaders: []string{"authorization"}, ExposeHeaders: []string{"retry-after"}, MaxAge: &age, AllowCredentials: true}
	preflight := func(origin string) []string {
		return []string{"Origin", origin, "Access-Control-Request-Method", "POST"}
	}
	for _, c := range []struct {
		name, method, path string
		cors               *apigateway.CORS
		header             []string
		status             int
		want               map[string]string
	}{
		{"preflight before the authorizer", "OPTIONS", "/api/cookies", cors, preflight("https://shop.example"), 204, map[string]string{
			"Access-Control-Allow-Origin": "https://shop.example", "Access-Control-Allow-Methods": "POST,DELETE",
			"Access-Control-Allow-Headers": "authorization", "Access-Control-Max-Age": "600",
			"Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": ""}},
		{"preflight of another origin", "OPTIONS", "/api/cookies", cors, preflight("https://evil.example"), 204, map[string]string{
			"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": "", "Access-Control-Allow-Credentials": ""}},
		{"preflight of an origin that starts alike", "OPTIONS", "/api/cookies", cors, preflight("https://shop.example.evil.example"), 204,
			map[string]string{"Access-Control-Allow-Origin": ""}},
		{"preflight without CORS", "OPTIONS", "/api/cookies", nil, preflight("https://shop.example"), 404, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"OPTIONS without the method header", "OPTIONS", "/api/cookies", cors, []string{"Origin", "https://shop.example"}, 404, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"preflight of a route that takes OPTIONS", "OPTIONS", "/open/x", cors, preflight("https://shop.example"), 200,
			map[string]string{"Access-Control-Allow-Origin": "https://shop.example", "Access-Control-Allow-Methods": ""}},
		{"answer", "GET", "/open/x", cors, []string{"Origin", "https://shop.example"}, 200, map[string]string{
			"Access-Control-Allow-Origin": "https://shop.example", "Access-Control-Expose-Headers": "retry-after",
			"Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Methods": "", "Vary": "Origin"}},
		{"answer to another origin", "GET", "/open/x", cors, []string{"Origin", "https://evil.example"}, 200,
			map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Expose-Headers": ""}},
		{"answer to no origin", "GET", "/open/x", cors, nil, 200, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"function's own headers without CORS", "GET", "/open/x", nil, []string{"Origin", "https://evil.example"}, 200,
			map[string]string{"Access-Control-Allow-Origin": "https://function.example"}},
		{"any origin", "GET", "/open/x", &apigateway.CORS{AllowOrigins: []string{"*"}}, []string{"Origin", "null"}, 200,
			map[string]string{"Access-Control-Allow-Origin": "*"}},
		{"any https origin", "GET", "/open/x", &apigateway.CORS{AllowOrigins: []string{"https://*"}}, []string{"Origin", "https://a.example"}, 200,
			map[string]string{"Access-Control-Allow-Origin": "https://a.example"}},
		{"http is not https", "GET", "/open/x", &apigateway.CORS{AllowOrigins: []string{"https://*"}}, []string{"Origin", "http://a.example"}, 200,
			map[string]string{"Access-Control-Allow-Origin": ""}},
		{"refusal by the authorizer", "POST", "/api/cookies", cors, []string{"Origin", "https://shop.example"}, 401,
			map[string]string{"Access-Control-Allow-Origin": ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(config *apigateway.Config) { config.CORS = c.cors })
			w.answer = func(context.Context, string, []byte) ([]byte, error) {
				return []byte(`{"statusCode":200,"headers":{"access-control-allow-origin":"https://function.example"}}`), nil
			}
			rec := w.do(c.method, c.path, "", c.header...)
			if rec.Code != c.status {
				t.Errorf("status %d, want %d", rec.Code, c.status)
			}
			for name, want := range c.want {
				if got := rec.Header().Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestThrottle(t *testing.T) {
	w := newWorld(t, func(c *apigateway.Config) {
		c.Throttle = &apigateway.Throttle{Rate: 2, Burst: 3}
		c.Routes[1].Throttle = &apigateway.Throttle{Rate: 1, Burst: 1}
	})
	codes := func(n int, method, path string) (codes []int) {
		for range n {
			codes = append(codes, w.do(method, path, "").Code)
		}
		return codes
	}
	expect := func(what string, got, want []int) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	expect("burst", codes(4, "GET", "/open/x"), []int{200, 200, 200, 429})
	w.want(w.do("GET", "/open/x", ""), 429, "Too Many Requests")
	expect("routes share the stage's bucket", codes(1, "POST", "/api/cookies"), []int{429})
	expect("a route's own bucket, spent by refusals too", codes(2, "DELETE", "/api/cookies"), []int{401, 429})
	w.wait(499 * time.Millisecond)
	expect("not yet", codes(1, "GET", "/open/x"), []int{429})
	w.wait(time.Millisecond)
	expect("half a second later", codes(2, "GET", "/open/x"), []int{200, 429})
	w.wait(time.Hour)
	expect("never more than the burst", codes(4, "GET", "/open/x"), []int{200, 200, 200, 429})
	w.wait(-time.Hour)
	expect("a clock set back gives nothing", codes(1, "GET", "/open/x"), []int{429})
}

func TestKeys(t *testing.T) {
	w := newWorld(t, nil)
	try := func(what string, token string, status int, fetches int32) {
		t.Helper()
		w.fetches.Store(0)
		rec := w.do("POST", "/api/cookies", "", "Authorization", token)
		if rec.Code != status || w.fetches.Load() != fetches {
			t.Errorf("%s: %d with %d fetches, want %d with %d; %s", what, rec.Code, w.fetches.Load(), status, fetches, rec.Header().Get("Www-Authenticate"))
		}
	}
	token := w.token(func(c map[string]any) { c["exp"] = w.now.Add(24 * time.Hour).Unix() })
	stranger := w.resign(jwt.SigningMethodRS256, map[string]any{"kid": "x"})

	w.down.Store(true)
	try("down at first", token, 401, 1)
	try("at once again", token, 401, 0)
	w.down.Store(false)
	w.wait(time.Second)
	try("up again", token, 200, 2)
	try("from the cache", token, 200, 0)
	try("unknown key, just fetched", stranger, 401, 0)
	w.wait(time.Second)
	try("unknown key, asks the issuer", stranger, 401, 2)
	try("unknown key, at once again", stranger, 401, 0)
	w.down.Store(true)
	w.wait(time.Second)
	try("unknown key while down", stranger, 401, 1)
	try("known key while down", token, 200, 0)
	w.wait(2 * time.Hour)
	try("keys too old and down", token, 401, 1)
	w.down.Store(false)
	w.wait(time.Second)
	try("up after that", token, 200, 2)
}

func TestIssuerDocuments(t *testing.T) {
	n := base64.RawURLEncoding.EncodeToString(key().N.Bytes())
	jwk := `{"kty":"RSA","kid":"k","use":"sig","alg":"RS256","e":"AQAB","n":"` + n + `"}`
	for _, c := range []struct {
		name, discovery, keys string // URL in discovery stands for the server's
		want                  int
	}{
		{"good", `{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, `{"keys":[` + jwk + `]}`, 200},
		{"other keys beside it", `{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, `{"keys":[{"kty":"EC","kid":"k"},{"kty":"RSA","kid":"short","n":"AQAB","e":"AQAB"},` + jwk + `]}`, 200},
		{"of another issuer", `{"issuer":"https://evil.example","jwks_uri":"URL/keys"}`, `{"keys":[` + jwk + `]}`, 401},
		{"keys over plain http elsewhere", `{"issuer":"ISSUER","jwks_uri":"http://evil.example/keys"}`, ``, 401},
		{"keys in a file", `{"issuer":"ISSUER","jwks_uri":"file:///etc/keys"}`, ``, 401},
		{"keys behind a redirect", `{"issuer":"ISSUER","jwks_uri":"URL/moved"}`, `{"keys":[` + jwk + `]}`, 401},
		{"not JSON", `oops`, ``, 401},
		{"no keys", `{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, `{"keys":[]}`, 401},
		{"key for encryption", `{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, `{"keys":[` + strings.Replace(jwk, `"sig"`, `"enc"`, 1) + `]}`, 401},
		{"key for RS512", `{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, `{"keys":[` + strings.Replace(jwk, `RS256`, `RS512`, 1) + `]}`, 401},
		{"two keys of one id", `{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, `{"keys":[` + jwk + `,` + jwk + `]}`, 401},
		{"exponent one", `{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, `{"keys":[` + strings.Replace(jwk, `AQAB`, `AQ`, 1) + `]}`, 401},
		{"too long", `{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, `{"keys":[` + jwk + `]}` + strings.Repeat(" ", 150000), 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/keys":
					io.WriteString(rw, c.keys)
				case "/moved":
					http.Redirect(rw, r, "/keys", http.StatusFound)
				default:
					io.WriteString(rw, strings.NewReplacer("URL", server.URL, "ISSUER", pool).Replace(c.discovery))
				}
			}))
			defer server.Close()
			w := newWorld(t, func(config *apigateway.Config) {
				config.Routes[0].Authorizer.DiscoveryURL = server.URL
			})
			token := w.resign(jwt.SigningMethodRS256, map[string]any{"kid": "k"})
			if rec := w.do("POST", "/api/cookies", "", "Authorization", token); rec.Code != c.want {
				t.Errorf("%d, want %d: %s", rec.Code, c.want, w.log.String())
			}
		})
	}
}

// TestConcurrentRequests is for the race detector.
func TestConcurrentRequests(t *testing.T) {
	w := newWorld(t, nil)
	api, err := apigateway.New(apigateway.Config{APIID: "a", Routes: []apigateway.Route{{Method: "GET", Path: "/x", FunctionARN: signer,
		Authorizer: &apigateway.JWTAuthorizer{Header: "Authorization", Issuer: pool, Audience: []string{clientID},
			DiscoveryURL: w.keys.URL + "/.well-known/openid-configuration"}}}},
		apigateway.Options{Now: w.clock, Invoke: func(context.Context, string, []byte) ([]byte, error) { return []byte(`"ok"`), nil }})
	if err != nil {
		t.Fatal(err)
	}
	token := w.token(nil)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			r := httptest.NewRequest("GET", "/x", nil)
			r.Header.Set("Authorization", token)
			rec := httptest.NewRecorder()
			api.ServeHTTP(rec, r)
			if rec.Code != 200 {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
		})
	}
	wg.Wait()
	if n := w.fetches.Load(); n != 2 {
		t.Errorf("%d fetches for all, want 2", n)
	}
}

func TestTokenIsNotLogged(t *testing.T) {
	w := newWorld(t, nil)
	token := w.must(forgery.ForeignKey(w.token(nil)))
	w.do("POST", "/api/cookies", "", "Authorization", "Bearer "+token)
	for _, part := range strings.Split(token, ".") {
		if strings.Contains(w.log.String(), part) {
			t.Errorf("the log holds the token: %s", w.log.String())
		}
	}
	if !strings.Contains(w.log.String(), "invalid signature") {
		t.Errorf("the log does not say why: %s", w.log.String())
	}
}
