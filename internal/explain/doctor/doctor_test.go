package doctor

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/cloudfront"
	edge "premiumhls/local/cloudfront"
	"premiumhls/local/cognito"
	"premiumhls/local/s3"
	"premiumhls/signedcookie"
)

const (
	shop  = "https://shop.example.com"
	token = "a token that the API takes"
)

// A site is a real edge before a real bucket, with an API of the test's and a
// real issuer.
type site struct {
	url, issuer string
	host        string
	objects     map[string]string
	// cacheControl is that of every object.
	cacheControl string
	edge         cloudfront.Distribution
	key          cloudfront.PublicKey
	sign         func(policy signedcookie.Policy) []string
	api          http.HandlerFunc
	before       func(http.ResponseWriter, *http.Request) bool // answers in place of the edge
}

func newSite(t *testing.T, change func(*site)) *site {
	t.Helper()
	s := &site{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r) }))
	t.Cleanup(server.Close)
	s.url, s.host = server.URL+"/", strings.TrimPrefix(server.URL, "http://")
	s.startIssuer(t)

	private, err := signedcookie.GenerateKey(signedcookie.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := signedcookie.MarshalPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	if s.key, err = cloudfront.ParsePublicKey("K1", pem); err != nil {
		t.Fatal(err)
	}
	s.sign = func(p signedcookie.Policy) []string {
		raw, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		signature, err := signedcookie.Sign(private, signedcookie.SHA256, raw)
		if err != nil {
			t.Fatal(err)
		}
		return []string{
			"CloudFront-Policy=" + signedcookie.Encode(raw), "CloudFront-Signature=" + signedcookie.Encode(signature),
			"CloudFront-Key-Pair-Id=K1", "CloudFront-Hash-Algorithm=SHA256",
		}
	}
	s.api = func(w http.ResponseWriter, r *http.Request) {
		s.giveCookies(w, r, "; Path=/premium/course-1/; Secure; HttpOnly; SameSite=Lax")
	}
	s.objects = map[string]string{
		"public/index.html":                     "<html>",
		"public/config.json":                    fmt.Sprintf(`{"premiumPath":"premium","signIn":{"issuer":"%s","clientId":"client","scope":"openid"}}`, s.issuer),
		"public/catalog.json":                   `{"videos":[{"title":"T","public":true,"path":"trailers/t","playlist":"master.m3u8"},{"title":"C","path":"course-1","playlist":"master.m3u8"}]}`,
		"public/trailers/t/master.m3u8":         "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n360p/index.m3u8\n",
		"public/trailers/t/360p/index.m3u8":     "#EXTM3U\n#EXTINF:1,\nsegment.ts\n",
		"public/trailers/t/360p/segment.ts":     "video",
		"premium/course-1/master.m3u8":          "#EXTM3U\n#EXTINF:1,\nsegment.ts\n",
		"premium/course-1/segment.ts":           "video",
		"premium/premiumhls-doctor/none.m3u8":   "#EXTM3U\n",
		"public/premium/course-1/master.m3u8":   "#EXTM3U\n#EXTINF:1,\nsegment.ts\n",
		"public/premium/course-1/unrelated.txt": "",
	}
	s.cacheControl = "max-age=10"
	s.edge = s.distribution()
	if change != nil {
		change(s)
	}
	return s
}

func (s *site) startIssuer(t *testing.T) {
	var provider *cognito.Provider
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { provider.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s.issuer = server.URL
	var err error
	provider, err = cognito.New(cognito.Options{
		URL: s.issuer, ClientIDs: []string{"client"}, RedirectURIs: []string{s.url}, LogoutURIs: []string{s.url},
		Viewers: []cognito.Viewer{{Username: "ada", Subject: "a", Email: "ada@example.com"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) distribution() cloudfront.Distribution {
	cors := &cloudfront.CORS{Origins: []string{shop}, Methods: []string{"GET", "POST"}, Headers: []string{"Authorization"}, Credentials: true, Override: true}
	headers := &cloudfront.ResponseHeadersPolicy{CORS: cors, Headers: []cloudfront.ResponseHeader{
		{Name: "Content-Security-Policy", Value: "default-src 'self'"}, {Name: "X-Content-Type-Options", Value: "nosniff"},
		{Name: "X-Frame-Options", Value: "DENY"}, {Name: "Referrer-Policy", Value: "no-referrer"},
	}}
	bucket := func(path string) cloudfront.Origin {
		return cloudfront.Origin{DomainName: "bucket", Path: path, S3: true}
	}
	all := cloudfront.Selection{Mode: "all"}
	return cloudfront.Distribution{
		Domain: s.host, Enabled: true, IPv6: true, DefaultRootObject: "index.html",
		Behaviors: []cloudfront.Behavior{
			{PathPattern: "/premium/*", Origin: bucket(""), AllowedMethods: []string{"GET", "HEAD"}, ViewerProtocolPolicy: "https-only",
				Signed: true, PublicKeys: map[string]cloudfront.PublicKey{"K1": s.key}, ResponseHeaders: headers},
			{PathPattern: "/api/*", Origin: cloudfront.Origin{DomainName: "api"}, AllowedMethods: []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}, ViewerProtocolPolicy: "https-only", ResponseHeaders: headers,
				CachePolicy:         cloudfront.CachePolicy{Forwarding: cloudfront.Forwarding{Headers: cloudfront.Selection{Mode: "whitelist", Names: []string{"Authorization"}}}},
				OriginRequestPolicy: &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{Cookies: all}}},
			{PathPattern: "*", Origin: bucket("/public"), AllowedMethods: []string{"GET", "HEAD"}, ViewerProtocolPolicy: "https-only", ResponseHeaders: headers},
		},
	}
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	if s.before != nil && s.before(w, r) {
		return
	}
	store := s3.New("bucket", nil)
	for key, content := range s.objects {
		types := map[string]string{"html": "text/html", "json": "application/json"}
		_, extension, _ := strings.Cut(key, ".")
		store.Put(key, s3.Object{Content: []byte(content), ContentType: types[extension], CacheControl: s.cacheControl})
	}
	edge.New(s.edge, edge.Options{Scheme: "https", Origins: func(name string) http.Handler {
		if name == "api" {
			return s.api
		}
		return store
	}}).ServeHTTP(w, r)
}

func (s *site) giveCookies(w http.ResponseWriter, r *http.Request, attributes string) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case r.Header.Get("Authorization") != "Bearer "+token:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"code":"unauthenticated"}`)
	default:
		for _, pair := range s.sign(signedcookie.Policy{Resource: "https://" + s.host + "/premium/course-1/*", Expires: time.Now().Add(time.Hour)}) {
			w.Header().Add("Set-Cookie", pair+attributes)
		}
		fmt.Fprint(w, `{}`)
	}
}

func refusing(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" && r.Method != http.MethodOptions {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Method != http.MethodOptions {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"code":%q}`, code)
		}
	}
}

func (s *site) check(t *testing.T, token string) map[string]Result {
	t.Helper()
	results := map[string]Result{}
	for _, r := range Check(t.Context(), Options{Site: s.url, Token: token, Origins: []string{shop}}) {
		if _, twice := results[r.Name]; twice {
			t.Errorf("%s twice", r.Name)
		}
		if (r.Status == Failed) != (r.Advice != "") || r.Found == "" {
			t.Errorf("%+v", r)
		}
		results[r.Name] = r
	}
	return results
}

func TestHealthySite(t *testing.T) {
	s := newSite(t, nil)
	results := s.check(t, token)
	for _, r := range results {
		if r.Status != OK && r.Name != "HTTPS" {
			t.Errorf("%+v", r)
		}
	}
	if len(results) != 16 {
		t.Errorf("%d checks: %v", len(results), slices.Sorted(maps.Keys(results)))
	}
	if !Healthy(slices.Collect(maps.Values(results))) {
		t.Error("not healthy")
	}
	if results["HTTPS"].Status != Skipped {
		t.Errorf("%+v", results["HTTPS"])
	}
}

func TestWithoutToken(t *testing.T) {
	results := newSite(t, nil).check(t, "")
	for _, name := range []string{"cookies", "premium with cookies", "another video with these cookies"} {
		if results[name].Status != Skipped {
			t.Errorf("%+v", results[name])
		}
	}
	if !Healthy(slices.Collect(maps.Values(results))) {
		t.Errorf("%+v", results)
	}
}

// selling is a site with the setting stripe, that answers events with a status.
func selling(status int, code string) func(*site) {
	return func(s *site) {
		s.objects["public/config.json"] = strings.Replace(s.objects["public/config.json"], "{", `{"stripe":true,`, 1)
		api := s.api
		s.api = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api/stripe" {
				api(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"code":%q}`, code)
		}
	}
}

func TestSiteThatSells(t *testing.T) {
	results := newSite(t, selling(400, "invalid_signature")).check(t, token)
	if got := results["payment events"]; got.Status != OK {
		t.Errorf("%+v", got)
	}
}

// emailGrants is a site with the setting emailGrants.
func emailGrants(s *site) {
	s.objects["public/config.json"] = strings.Replace(s.objects["public/config.json"], "{", `{"emailGrants":true,`, 1)
}

// What was granted to an email address needs a token that says whose it is.
func TestVerifiedEmail(t *testing.T) {
	token := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x"
	}
	for name, c := range map[string]struct {
		token  string
		status Status
		found  string
	}{
		"verified":     {token(`{"email":"ada@example.com","email_verified":true}`), OK, "the token has an email that is verified"},
		"as a word":    {token(`{"email":"ada@example.com","email_verified":"true"}`), OK, "the token has an email that is verified"},
		"not verified": {token(`{"email":"ada@example.com","email_verified":false}`), Failed, "the token does not say that its email is verified"},
		"nothing said": {token(`{"email":"ada@example.com"}`), Failed, "the token does not say that its email is verified"},
		"no email":     {token(`{"sub":"ada","email_verified":true}`), Failed, "the token has no email"},
		"no JSON":      {token(`{`), Skipped, "the token's claims cannot be read"},
		"opaque":       {"opaque", Skipped, "the token is not a JSON Web Token"},
		"none":         {"", Skipped, "no token is given"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := newSite(t, emailGrants).check(t, c.token)["verified email"]; got.Status != c.status || got.Found != c.found {
				t.Errorf("%+v, want %v %s", got, c.status, c.found)
			}
		})
	}
	if got, ok := newSite(t, func(*site) {}).check(t, token(`{}`))["verified email"]; ok {
		t.Errorf("a site without grants by email: %+v", got)
	}
}

func TestSickSites(t *testing.T) {
	tests := []struct {
		name   string
		change func(*site)
		check  string
		found  string // how it begins
		advice string // how it begins
	}{
		{"no page", func(s *site) { delete(s.objects, "public/index.html") }, "page", "404 NoSuchKey", "The page must return 200"},
		{"a page of another type", func(s *site) { s.objects["public/index.html"], s.edge.DefaultRootObject = "", "config.json" }, "page", "200 with Content-Type application/json", "The page must be text/html"},
		{"another host", func(s *site) { s.edge.Domain = "other.example" }, "page", "403", "The page must return 200"},
		{"no security headers", func(s *site) { s.edge.Behaviors[2].ResponseHeaders = nil }, "security headers", "without Content-Security-Policy, X-Content-Type-Options", "Give the default behavior"},
		{"no configuration", func(s *site) { delete(s.objects, "public/config.json") }, "configuration", "/config.json is 404", "The page needs config.json"},
		{"an empty configuration", func(s *site) { s.objects["public/config.json"] = "{}" }, "configuration", "config.json has no", "Deploy the stack again"},
		{"no catalog", func(s *site) { delete(s.objects, "public/catalog.json") }, "catalog", "/catalog.json is 404", "The page needs public/catalog.json"},
		{"a catalog that is no JSON", func(s *site) { s.objects["public/catalog.json"] = "<html>" }, "catalog", "/catalog.json is not the JSON", "The page needs public/catalog.json"},
		{"no Cache-Control", func(s *site) { s.cacheControl = "" }, "caching", "no Cache-Control: /catalog.json, /trailers/t/master.m3u8", "CloudFront caches"},
		{"no trailer", func(s *site) { delete(s.objects, "public/trailers/t/360p/segment.ts") }, "trailer", "/trailers/t/360p/segment.ts is 404", "A trailer must play"},
		{"a trailer that is no playlist", func(s *site) { s.objects["public/trailers/t/master.m3u8"] = "<html>" }, "trailer", "/trailers/t/master.m3u8 is no playlist", "A trailer must play"},
		{"a trailer without end", func(s *site) {
			s.objects["public/trailers/t/master.m3u8"] = "#EXTM3U\nmaster.m3u8"
		}, "trailer", "/trailers/t/master.m3u8 is the fourth playlist", "A trailer must play"},
		{"a trailer on another host", func(s *site) { s.objects["public/trailers/t/master.m3u8"] = "#EXTM3U\nhttps://other.example/a.m3u8" }, "trailer", "/trailers/t/master.m3u8 leads to another host", "A trailer must play"},
		{"a signed trailer", func(s *site) { s.edge.Behaviors[2].Signed = true }, "page", "403 MissingKey", "The page must"},
		{"premium for everyone", func(s *site) { s.edge.Behaviors[0].Signed = false }, "premium without cookies", "/premium/course-1/master.m3u8 is 200", "Everyone can watch"},
		{"premium that reaches the bucket", func(s *site) {
			s.edge.Behaviors[0].Signed = false
			delete(s.objects, "premium/course-1/master.m3u8")
		}, "premium without cookies", "/premium/course-1/master.m3u8 is 404 NoSuchKey, by the bucket", "The request reached the bucket"},
		{"premium refused by a firewall", func(s *site) {
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, "/premium/") {
					w.WriteHeader(403)
				}
				return strings.HasPrefix(r.URL.Path, "/premium/")
			}
		}, "premium without cookies", "/premium/course-1/master.m3u8 is 403", "CloudFront must refuse with 403 MissingKey"},
		{"an issuer that is not there", func(s *site) {
			s.objects["public/config.json"] = strings.Replace(s.objects["public/config.json"], s.issuer, "http://127.0.0.1:1", 1)
		}, "sign-in", "dial tcp", "The issuer http://127.0.0.1:1 does not respond"},
		{"an issuer at another path", func(s *site) {
			s.objects["public/config.json"] = strings.Replace(s.objects["public/config.json"], s.issuer, s.issuer+"/x", 1)
		}, "sign-in", "the issuer's discovery document is 404", "The issuer must answer at"},
		{"an issuer by another name", func(s *site) {
			s.objects["public/config.json"] = strings.Replace(s.objects["public/config.json"], "127.0.0.1", "localhost", 1)
		}, "sign-in", "the issuer calls itself http://127.0.0.1", "Set jwtIssuer to http://127.0.0.1"},
		{"a client that is not known", func(s *site) {
			s.objects["public/config.json"] = strings.Replace(s.objects["public/config.json"], `"client"`, `"other"`, 1)
		}, "sign-in", "a request of the page is 400", "The sign-in must take"},
		{"a scope that is not allowed", func(s *site) {
			s.objects["public/config.json"] = strings.Replace(s.objects["public/config.json"], `"openid"`, `"openid admin"`, 1)
		}, "sign-in", "a request of the page returns an error", "The sign-in must take"},
		{"an API for everyone", func(s *site) {
			s.api = func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set("Authorization", "Bearer "+token)
				s.giveCookies(w, r, "")
			}
		}, "API without a token", "200", "The API gives cookies to everyone"},
		{"no API", func(s *site) { s.edge.Behaviors = slices.Delete(s.edge.Behaviors, 1, 2) }, "API without a token", "403", "The API must refuse with 401"},
		{"a site that sells without a secret", selling(503, "secrets_unavailable"), "payment events", "503 secrets_unavailable", "Write the signing secret"},
		{"a site that sells without a route", selling(404, ""), "payment events", "404", "The API has no route"},
		{"a site that takes any event", selling(200, ""), "payment events", "200", "The site takes an event without a signature"},
		{"a site whose firewall refuses events", selling(403, ""), "payment events", "403", "An event without a signature must be refused"},
		{"a page that CORS does not allow", func(s *site) { s.edge.Behaviors[2].ResponseHeaders.CORS.Origins = []string{"https://old.example.com"} }, "CORS", "/config.json for a page of https://shop.example.com is 200, allowing nobody", "Let https://shop.example.com in"},
		{"CORS that lets everyone in", func(s *site) {
			s.api = func(w http.ResponseWriter, r *http.Request) {
				s.giveCookies(w, r, "")
			}
			s.edge.Behaviors[1].ResponseHeaders = nil
			api := s.api
			s.api = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
				w.Header().Set("Access-Control-Allow-Credentials", "true")
				api(w, r)
			}
			s.edge.Behaviors[1].OriginRequestPolicy.Headers = cloudfront.Selection{Mode: "whitelist", Names: []string{"Origin"}}
		}, "CORS", "/api/cookies lets pages of every origin in", "Pages of any origin could act"},
		{"a token that is refused", func(s *site) { s.api = refusing(401, "") }, "cookies", "401", "The token is refused"},
		{"a viewer without grants", func(s *site) { s.api = refusing(403, "not_entitled") }, "cookies", "403 not_entitled", "The viewer has no grant"},
		{"keys that cannot be read", func(s *site) { s.api = refusing(503, "keys_unavailable") }, "cookies", "503 keys_unavailable", "The signer cannot read its keys"},
		{"an API that fails", func(s *site) { s.api = refusing(500, "internal") }, "cookies", "500 internal", "The signer refused"},
		{"no cookies in the answer", func(s *site) { s.edge.Behaviors[1].OriginRequestPolicy.Cookies = cloudfront.Selection{Mode: "none"} }, "cookies", "0 cookies", "The response must set the policy"},
		{"cookies for another path", func(s *site) {
			s.api = func(w http.ResponseWriter, r *http.Request) { s.giveCookies(w, r, "; Path=/api/; Secure; HttpOnly") }
		}, "cookies", "CloudFront-Policy: Path=/api/ does not cover", "A browser would not send these cookies for the video: ask for cookies"},
		{"cookies for a foreign domain", func(s *site) {
			s.api = func(w http.ResponseWriter, r *http.Request) {
				s.giveCookies(w, r, "; Path=/; Domain=example.com; Secure; HttpOnly")
			}
		}, "cookies", "CloudFront-Policy: 127.0.0.1 cannot set cookies with Domain=example.com", "A browser would not send these cookies for the video: set the cookies from"},
		{"cookies that scripts can read", func(s *site) {
			s.api = func(w http.ResponseWriter, r *http.Request) { s.giveCookies(w, r, "; Path=/; Secure") }
		}, "cookies", "CloudFront-Policy is not Secure and HttpOnly", "Set the cookies Secure and HttpOnly"},
		{"cookies by another key", func(s *site) { s.edge.Behaviors[0].PublicKeys = nil }, "premium with cookies", "/premium/course-1/master.m3u8 is 403 InvalidKey", "The cookies are set and do not open the video"},
		{"cookies for everything", func(s *site) {
			sign := s.sign
			s.sign = func(p signedcookie.Policy) []string {
				p.Resource = "https://" + s.host + "/premium/*"
				return sign(p)
			}
			s.api = func(w http.ResponseWriter, r *http.Request) {
				s.giveCookies(w, r, "; Path=/premium/; Secure; HttpOnly")
			}
		}, "another video with these cookies", "/premium/premiumhls-doctor/none.m3u8 is 200", "The cookies for course-1 open more"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			results := newSite(t, test.change).check(t, token)
			r := results[test.check]
			if r.Status != Failed || !strings.HasPrefix(r.Found, test.found) || !strings.HasPrefix(r.Advice, test.advice) {
				t.Errorf("%+v, want failed because %s…: %s…", r, test.found, test.advice)
			}
			if Healthy(slices.Collect(maps.Values(results))) {
				t.Error("healthy")
			}
		})
	}
}

func TestNoSite(t *testing.T) {
	for name, test := range map[string]struct{ site, check string }{
		"no address": {"", "site"}, "another scheme": {"ftp://h/", "site"}, "nobody there": {"http://127.0.0.1:1/", "page"},
	} {
		t.Run(name, func(t *testing.T) {
			results := Check(t.Context(), Options{Site: test.site})
			if len(results) != 1 || results[0].Name != test.check || results[0].Status != Failed {
				t.Errorf("%+v", results)
			}
		})
	}
}

// No result holds the token or a cookie.
func TestResultsAreDiscreet(t *testing.T) {
	s := newSite(t, func(s *site) { s.edge.Behaviors[0].PublicKeys = nil })
	all, err := json.Marshal(s.check(t, token))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(all), token) || strings.Contains(string(all), "eyJTdGF0") {
		t.Errorf("%s", all)
	}
}

// HTTP APIs accept RSA signatures only.
func TestIssuerKeys(t *testing.T) {
	tests := []struct {
		name, keys string
		status     Status
		found      string
	}{
		{"RSA", `{"keys":[{"kty":"RSA","kid":"a"},{"kty":"RSA","kid":"b","use":"sig"}]}`, OK, "2 RSA"},
		{"ECDSA", `{"keys":[{"kty":"EC","kid":"a"}]}`, Failed, "no RSA key: EC a"},
		{"EdDSA beside RSA", `{"keys":[{"kty":"OKP","kid":"a"},{"kty":"RSA","kid":"b"}]}`, OK, "1 RSA; the API refuses tokens that are signed with OKP a"},
		{"an RSA key for encryption", `{"keys":[{"kty":"RSA","kid":"a","use":"enc"},{"kty":"EC","kid":"b"}]}`, Failed, "no RSA key: EC b"},
		{"no keys", `{"keys":[]}`, Failed, "no keys"},
		{"not JSON", `<html>`, Failed, "/keys is 200"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var issuer *httptest.Server
			issuer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/.well-known/openid-configuration":
					fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"%s/authorize","jwks_uri":"%s/keys"}`, issuer.URL, issuer.URL, issuer.URL)
				case "/keys":
					fmt.Fprint(w, test.keys)
				}
			}))
			defer issuer.Close()
			s := newSite(t, func(s *site) {
				s.objects["public/config.json"] = strings.ReplaceAll(s.objects["public/config.json"], s.issuer, issuer.URL)
			})
			if r := s.check(t, "")["sign-in keys"]; r.Status != test.status || !strings.HasSuffix(r.Found, test.found) {
				t.Errorf("%+v", r)
			}
		})
	}
}
