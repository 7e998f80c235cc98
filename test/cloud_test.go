package test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	links "premiumhls/internal/link"
	"premiumhls/internal/signingkey"
	"premiumhls/local/cloud"
	"premiumhls/local/cloudfront"
	"premiumhls/local/cognito"
)

// viewers can sign in to a site.
var viewers = []cognito.Viewer{
	{Username: "ada", Subject: "subject-ada", Email: "ada@example.com", Claims: map[string]any{"cognito:groups": []string{"premium"}, "custom:courses": "course-1 course-2"}},
	{Username: "ben", Subject: "subject-ben", Email: "ben@example.com", Claims: map[string]any{"custom:courses": "course-1"}},
}

// A site is a stack that runs on this machine, and its edge on a port.
type site struct {
	*cloud.Cloud
	t        testing.TB
	assembly assembly
	host     string
	origin   string // http://host, or https://host with TLS
	clock    *clock
}

// A clock is the edge's, which a test can put forward.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// newSite synthesizes the stack with some settings, runs it until the test
// ends, and deploys it unless the test wants to do so itself.
func newSite(t testing.TB, changes map[string]any, options ...func(*cloud.Options)) *site {
	t.Helper()
	s := prepareSite(t, changes, options...)
	if err := s.Deploy(t.Context(), s.assembly.Template); err != nil {
		t.Fatal(err)
	}
	return s
}

func prepareSite(t testing.TB, changes map[string]any, options ...func(*cloud.Options)) *site {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	s := &site{t: t, assembly: synthesize(t, changes), clock: &clock{}}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.host = "localhost:" + port
	o := cloud.Options{
		Root:      "..",
		Assembly:  s.assembly.Dir,
		Stack:     "PremiumHls",
		Host:      s.host,
		Viewers:   viewers,
		Now:       s.clock.now,
		Functions: t.Output(),
		Access:    denials(t),
		Requests: func(e cloudfront.Entry) {
			t.Logf("%d %s %s: %s %s", e.Status, e.Method, links.Redact(e.Path), e.Decision.Code, e.Reason)
		},
	}
	for _, option := range options {
		option(&o)
	}
	if s.Cloud, err = cloud.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.origin = "http://" + s.host
	if o.TLS != nil {
		s.origin = "https://" + s.host
		server.TLS = o.TLS.Clone()
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return s
}

// token signs a viewer in.
func (s *site) token(viewer string) string {
	s.t.Helper()
	token, err := s.Issuer().Mint(viewer, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// A reply is what a viewer got.
type reply struct {
	*http.Response
	body []byte
}

func (r reply) json(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
}

// code is the stable code in a refusal, of the edge's or the signer's.
func (r reply) code() string {
	if _, after, ok := strings.Cut(string(r.body), "<Code>"); ok {
		code, _, _ := strings.Cut(after, "</Code>")
		return code
	}
	var refusal struct{ Code string }
	json.Unmarshal(r.body, &refusal)
	return refusal.Code
}

// transport accepts the certificates of tests.
var transport = func() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	return t
}()

// do sends a request to the edge as a viewer does.
func (s *site) do(method, path string, header http.Header, body string) reply {
	s.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, s.origin+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	response, err := (&http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
		Transport:     transport,
	}).Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{response, text}
}

// get fetches a path with cookies.
func (s *site) get(path string, cookies ...*http.Cookie) reply {
	s.t.Helper()
	return s.do("GET", path, cookieHeader(cookies), "")
}

func cookieHeader(cookies []*http.Cookie) http.Header {
	var pairs []string
	for _, c := range cookies {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	if pairs == nil {
		return nil
	}
	return http.Header{"Cookie": {strings.Join(pairs, "; ")}}
}

// api calls the signer through the distribution.
func (s *site) api(method, path, token, body string) reply {
	s.t.Helper()
	return s.do(method, path, http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}, body)
}

// parameter returns the value of a parameter of the stack.
func (s *site) parameter(name string) string {
	s.t.Helper()
	p, ok := s.Parameters.Get("/PremiumHls/" + name)
	if !ok {
		s.t.Fatalf("no parameter /PremiumHls/%s", name)
	}
	return p.Value
}

// originSecret returns the secret that the distribution sends to the API. The
// parameter also holds the one of the next generation.
func (s *site) originSecret() string {
	s.t.Helper()
	secrets, err := signingkey.ParseOriginSecrets(s.parameter("origin-secret"))
	if err != nil {
		s.t.Fatal(err)
	}
	value, ok := secrets.Of(1)
	if !ok {
		s.t.Fatal("no origin secret of generation 1")
	}
	return value
}

// cookies signs a viewer in and asks for the cookies of a path.
func (s *site) cookies(viewer, path string) []*http.Cookie {
	s.t.Helper()
	r := s.api("POST", "/api/cookies", s.token(viewer), `{"path":"`+path+`"}`)
	if r.StatusCode != http.StatusOK {
		s.t.Fatalf("no cookies: %d %s", r.StatusCode, r.body)
	}
	// As a browser does, which drops a cookie that is cleared.
	return slices.DeleteFunc(r.Cookies(), func(c *http.Cookie) bool { return c.MaxAge < 0 })
}

// playlist returns the URIs in a playlist, beside it.
func playlist(path string, body []byte) (uris []string) {
	base := url.URL{Path: path}
	for line := range bytes.Lines(body) {
		if line := strings.TrimSpace(string(line)); line != "" && line[0] != '#' {
			if relative, err := url.Parse(line); err == nil {
				uris = append(uris, base.ResolveReference(relative).String())
			}
		}
	}
	return uris
}
