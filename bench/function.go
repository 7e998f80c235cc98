package main

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/signersettings"
	"premiumhls/local/lambda"
	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

const (
	host      = "d111.cloudfront.net"
	secret    = "the-origin-secret"
	keyPairID = "K2ABC"
	keyName   = "2026-11"
)

// A store is Parameter Store on loopback. It records the time of the last request.
type store struct {
	*ssm.Store
	server *httptest.Server
	keys   map[signedcookie.KeyType]crypto.PublicKey

	mu          sync.Mutex
	lastRequest time.Time
}

// prefix is the prefix of the parameters of a stack with such keys.
func prefix(t signedcookie.KeyType) string { return "/" + string(t) }

// newStore fills a store with the parameters of two stacks, one for each type of
// key.
func newStore() (*store, error) {
	s := &store{Store: ssm.New(), keys: map[signedcookie.KeyType]crypto.PublicKey{}}
	for _, t := range []signedcookie.KeyType{signedcookie.ECDSAP256, signedcookie.RSA2048} {
		key, err := signedcookie.GenerateKey(t)
		if err != nil {
			return nil, err
		}
		text, err := signedcookie.MarshalPrivateKey(key)
		if err != nil {
			return nil, err
		}
		s.keys[t] = key.Public()
		settings := fmt.Sprintf(`{"host":%q,"keys":[{"name":%q,"custody":"ssm","type":%q,"hash":%q,"id":%q,"trustedSince":"2026-01-01T00:00:00Z"}]}`,
			host, keyName, t, signedcookie.SHA256, keyPairID)
		err = errors.Join(
			s.Put(prefix(t)+"/signer", "String", settings),
			s.Put(prefix(t)+"/origin-secret", "SecureString", secret),
			s.Put(prefix(t)+"/signing-keys/"+keyName, "SecureString", string(text)),
		)
		if err != nil {
			return nil, fmt.Errorf("writing to the local Parameter Store: %w", err)
		}
	}
	s.server = httptest.NewServer(s)
	return s, nil
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.lastRequest = time.Now()
	s.mu.Unlock()
	s.Store.ServeHTTP(w, r)
}

func (s *store) requested() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastRequest
}

func (s *store) privateKey(t signedcookie.KeyType) string {
	parameter, _ := s.Get(prefix(t) + "/signing-keys/" + keyName)
	return parameter.Value
}

// A subject is a function that is measured, in one process at a time.
type subject struct {
	name   string
	binary string
	env    map[string]string
	public crypto.PublicKey // verifies what it signs; nil if it signs nothing
	hash   signedcookie.Hash

	runner *lambda.Runner
	report lambda.Report // of the last invocation
	log    logBuffer
}

// ours is the signer with a type of key.
func ours(name, binary string, s *store, t signedcookie.KeyType) *subject {
	return &subject{name: name, binary: binary, public: s.keys[t], hash: signedcookie.SHA256, env: map[string]string{
		"AWS_ENDPOINT_URL_SSM": s.server.URL,
		// As deployed, with the bench's keys.
		signersettings.Variable: fmt.Sprintf(`{"parameterPrefix":%q,"signingKeys":[{"name":%q}],"metricsStack":"PremiumHls","viewerRequestsPerMinute":0}`, prefix(t), keyName),
	}}
}

// theirs is a function that reads an RSA key and signs for each request.
func theirs(name, binary string, s *store) *subject {
	return &subject{name: name, binary: binary, public: s.keys[signedcookie.RSA2048], hash: signedcookie.SHA1, env: map[string]string{
		"HOST": host, "KEY_PAIR_ID": keyPairID, "KEY_PARAMETER": prefix(signedcookie.RSA2048) + "/signing-keys/" + keyName,
		"AWS_ENDPOINT_URL_SSM": s.server.URL,
	}}
}

// start prepares a new process. The first invocation starts it.
func (s *subject) start(more ...string) {
	env := map[string]string{}
	for name, value := range s.env {
		env[name] = value
	}
	for _, variable := range more {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	s.log.reset()
	s.runner = lambda.Start(lambda.Function{
		Name: "bench", Binary: s.binary, Env: env, Timeout: time.Minute, MemoryMB: 256, Concurrency: 1,
		Log: &s.log, Report: func(report lambda.Report) { s.report = report },
	})
}

func (s *subject) stop() { s.runner.Close() }

// request requests the cookies of a path and returns how long that took.
func (s *subject) request(ctx context.Context, path string) (time.Duration, error) {
	response, err := s.runner.Invoke(ctx, event(path))
	if err == nil {
		err = s.check(path, response)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", s.name, err, s.log.String())
	}
	return s.report.Duration, nil
}

// loop invokes a function of theirs with an event that it ignores, and returns
// how long that took.
func (s *subject) loop(ctx context.Context) (time.Duration, error) {
	if _, err := s.runner.Invoke(ctx, []byte("{}")); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", s.name, err, s.log.String())
	}
	return s.report.Duration, nil
}

// check returns an error unless the response has cookies that are valid for the
// path: a function that does less work must not be measured.
func (s *subject) check(path string, text []byte) error {
	if s.public == nil {
		return nil
	}
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(text, &response); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("response without cookies: %s", text)
	}
	values := map[string][]byte{}
	for _, line := range response.Cookies {
		name, rest, _ := strings.Cut(line, "=")
		value, _, _ := strings.Cut(rest, ";")
		values[name], _ = signedcookie.Decode(value) // an undecodable value fails verification
	}
	policy := values[signedcookie.PolicyCookie]
	if err := signedcookie.Verify(s.public, s.hash, policy, values[signedcookie.SignatureCookie]); err != nil {
		return fmt.Errorf("invalid cookies: %w", err)
	}
	parsed, err := signedcookie.ParsePolicy(policy)
	if err != nil {
		return err
	}
	if url := "https://" + host + "/premium/" + path + "/x.ts"; !parsed.MatchesURL(url) {
		return fmt.Errorf("the cookies are for %s, want %s", parsed.Resource, url)
	}
	return nil
}

// event is a browser's request, as API Gateway passes it on.
func event(path string) []byte {
	var e events.APIGatewayV2HTTPRequest
	e.Version, e.RouteKey, e.RawPath = "2.0", "POST /api/cookies", "/api/cookies"
	e.Headers = map[string]string{
		"accept": "*/*", "accept-encoding": "gzip, deflate, br, zstd", "accept-language": "en-GB,en;q=0.9",
		"authorization":    "Bearer " + strings.Repeat("x", 900),
		"x-viewer-address": "192.0.2.7", "content-length": "19", "content-type": "application/json",
		"host": "api.execute-api.us-east-1.amazonaws.com", "origin": "https://" + host, "referer": "https://" + host + "/",
		"user-agent":      "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
		"via":             "2.0 abc.cloudfront.net (CloudFront)",
		"x-amz-cf-id":     "1234567890",
		"x-origin-secret": secret, "x-forwarded-for": "192.0.2.7, 198.51.100.1", "x-forwarded-port": "443", "x-forwarded-proto": "https",
	}
	e.RequestContext.RequestID = "request-1"
	e.RequestContext.RouteKey, e.RequestContext.Stage = e.RouteKey, "$default"
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path, e.RequestContext.HTTP.Protocol = "POST", e.RawPath, "HTTP/1.1"
	e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{
			"sub": "5e5f8a2c-0000-4000-8000-000000000000", "email": "ada@example.com", "token_use": "id", "exp": "1800000000",
		}},
	}
	e.Body = fmt.Sprintf(`{"path":%q}`, path)
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // the type has no JSON form
	}
	return text
}

// A logBuffer holds what a function logs.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

var _ io.Writer = (*logBuffer)(nil)

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBuffer) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}
