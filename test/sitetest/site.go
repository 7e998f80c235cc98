// Package sitetest runs the synthesized stack on this machine for tests, with
// its edge on a port, and asks it what a viewer asks.
package sitetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
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
	"premiumhls/local/iam"
	"premiumhls/local/lambda"
	"premiumhls/local/s3"
	"premiumhls/local/ssm"
	"premiumhls/stacks/assets"
	"premiumhls/stacks/stacktest"
)

// Viewers can sign in to a site.
var Viewers = []cognito.Viewer{
	{Username: "ada", Subject: "subject-ada", Email: "ada@example.com", Claims: map[string]any{"cognito:groups": []string{"premium"}, "custom:courses": "course-1 course-2"}},
	{Username: "ben", Subject: "subject-ben", Email: "ben@example.com", Claims: map[string]any{"custom:courses": "course-1"}},
}

// A site is a stack that runs on this machine, and its edge on a port.
type Site struct {
	*cloud.Cloud
	T        testing.TB
	Assembly stacktest.Assembly
	Host     string
	Origin   string // http://host, or https://host with TLS
	Clock    *Clock
}

// A Clock is the edge's, which a test can put forward.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
}

// Now returns the time of this machine and what the clock was put forward.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// Forward puts the clock forward, or back.
func (c *Clock) Forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// New synthesizes the stack with the settings of cdk.json, some of them changed,
// deploys it, and runs it until the test ends. It skips the test in short mode.
func New(t testing.TB, changes map[string]any, options ...func(*cloud.Options)) *Site {
	t.Helper()
	s := Prepare(t, changes, options...)
	if err := s.Deploy(t.Context(), s.Assembly.Template); err != nil {
		t.Fatal(err)
	}
	return s
}

// Prepare is New for a test that deploys the site itself.
func Prepare(t testing.TB, changes map[string]any, options ...func(*cloud.Options)) *Site {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	s := &Site{T: t, Assembly: stacktest.Synthesize(t, changes), Clock: &Clock{}}
	root, err := assets.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.Host = "localhost:" + port
	o := cloud.Options{
		Root:      root,
		Assembly:  s.Assembly.Dir,
		Stack:     "PremiumHls",
		Host:      s.Host,
		Viewers:   Viewers,
		Now:       s.Clock.Now,
		Functions: t.Output(),
		Access:    Denials(t),
		Build:     func(ctx context.Context, pkg, out string) error { return builds.link(ctx, root, pkg, out) },
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
	s.Origin = "http://" + s.Host
	if o.TLS != nil {
		s.Origin = "https://" + s.Host
		server.TLS = o.TLS.Clone()
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return s
}

// builds are the functions of all sites.
var builds = shared{files: map[string]string{}}

// shared builds a package once, where the first site wants it. The assemblies
// with those files stay until the tests end.
type shared struct {
	mu    sync.Mutex
	files map[string]string // by package
}

// link puts a package's build at out.
func (s *shared) link(ctx context.Context, root, pkg, out string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	built, ok := s.files[pkg]
	if !ok {
		if err := lambda.Build(ctx, root, pkg, out); err != nil {
			return err
		}
		s.files[pkg] = out
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	if err := os.Link(built, out); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Token signs a viewer in.
func (s *Site) Token(viewer string) string {
	s.T.Helper()
	token, err := s.Issuer().Mint(viewer, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	return token
}

// A Reply is what a viewer got.
type Reply struct {
	*http.Response
	Bytes []byte
}

// JSON decodes a reply.
func (r Reply) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Bytes, v); err != nil {
		t.Fatalf("%s: %v", r.Bytes, err)
	}
}

// Code is the stable code in a refusal, of the edge's or the signer's.
func (r Reply) Code() string {
	if _, after, ok := strings.Cut(string(r.Bytes), "<Code>"); ok {
		code, _, _ := strings.Cut(after, "</Code>")
		return code
	}
	var refusal struct{ Code string }
	json.Unmarshal(r.Bytes, &refusal)
	return refusal.Code
}

// Transport accepts the certificates of tests.
var Transport = func() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	return t
}()

// Do sends a request to the edge as a viewer does.
func (s *Site) Do(method, path string, header http.Header, body string) Reply {
	s.T.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, s.Origin+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	response, err := (&http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
		Transport:     Transport,
	}).Do(request)
	if err != nil {
		s.T.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return Reply{response, text}
}

// Get fetches a path with cookies.
func (s *Site) Get(path string, cookies ...*http.Cookie) Reply {
	s.T.Helper()
	return s.Do("GET", path, CookieHeader(cookies), "")
}

// CookieHeader returns the header that sends cookies, or nil if there are none.
func CookieHeader(cookies []*http.Cookie) http.Header {
	var pairs []string
	for _, c := range cookies {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	if pairs == nil {
		return nil
	}
	return http.Header{"Cookie": {strings.Join(pairs, "; ")}}
}

// Call calls the signer through the distribution.
func (s *Site) Call(method, path, token, body string) Reply {
	s.T.Helper()
	return s.Do(method, path, http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}, body)
}

// Parameter returns the value of a parameter of the stack.
func (s *Site) Parameter(name string) string {
	s.T.Helper()
	p, ok := s.Parameters.Get("/PremiumHls/" + name)
	if !ok {
		s.T.Fatalf("no parameter /PremiumHls/%s", name)
	}
	return p.Value
}

// OriginSecret returns the secret that the distribution sends to the API. The
// parameter also holds the one of the next generation.
func (s *Site) OriginSecret() string {
	s.T.Helper()
	secrets, err := signingkey.ParseOriginSecrets(s.Parameter("origin-secret"))
	if err != nil {
		s.T.Fatal(err)
	}
	value, ok := secrets.Of(1)
	if !ok {
		s.T.Fatal("no origin secret of generation 1")
	}
	return value
}

// Cookies signs a viewer in and asks for the cookies of a path.
func (s *Site) Cookies(viewer, path string) []*http.Cookie {
	s.T.Helper()
	r := s.Call("POST", "/api/cookies", s.Token(viewer), `{"path":"`+path+`"}`)
	if r.StatusCode != http.StatusOK {
		s.T.Fatalf("no cookies: %d %s", r.StatusCode, r.Bytes)
	}
	// As a browser does, which drops a cookie that is cleared.
	return slices.DeleteFunc(r.Cookies(), func(c *http.Cookie) bool { return c.MaxAge < 0 })
}

// Playlist returns the URIs in a playlist, beside it.
func Playlist(path string, body []byte) (uris []string) {
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

// Denials fails a test in which IAM denies a call: the template grants what its
// functions do.
func Denials(t testing.TB) func(iam.Decision) {
	return func(d iam.Decision) {
		if !d.Allowed {
			t.Errorf("IAM: %v", d)
		}
	}
}

// Link asks for a link with a JSON body and returns its URL without scheme and
// host.
func (s *Site) Link(viewer, body string) string {
	s.T.Helper()
	r := s.Call("POST", "/api/links", s.Token(viewer), body)
	if r.StatusCode != http.StatusOK {
		s.T.Fatalf("no link: %d %s", r.StatusCode, r.Bytes)
	}
	var answer struct{ URL string }
	r.JSON(s.T, &answer)
	path, ok := strings.CutPrefix(answer.URL, "https://"+s.Host)
	if !ok {
		s.T.Fatalf("the link is %s", answer.URL)
	}
	return path
}

// Put puts objects into the bucket.
func (s *Site) Put(objects map[string]string) {
	s.T.Helper()
	bucket, err := s.Bucket()
	if err != nil {
		s.T.Fatal(err)
	}
	for key, content := range objects {
		if err := bucket.Put(key, s3.Object{Content: []byte(content), ContentType: s3.ContentType(key)}); err != nil {
			s.T.Fatal(err)
		}
	}
}

// NewShop runs a site that sells.
func NewShop(t testing.TB) *Site {
	t.Helper()
	s := Prepare(t, SalesSettings(nil))
	if err := s.Parameters.Put("/shop/stripe", ssm.SecureString, StripeSecret); err != nil {
		t.Fatal(err)
	}
	if err := s.Deploy(t.Context(), s.Assembly.Template); err != nil {
		t.Fatal(err)
	}
	return s
}

// FreePort returns a port that nothing listens on.
func FreePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
