package main

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/signersettings"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
	"premiumhls/signedcookie"
)

const (
	host   = "d111.cloudfront.net"
	secret = "the-origin-secret"
)

// now is what the clock of the tests says: a second and a half after a step
// has begun.
var now = time.Date(2026, 11, 24, 12, 0, 1, 500_000_000, time.UTC)

type testKey struct {
	public crypto.PublicKey
	pem    string
}

// keys are made once: RSA keys are slow to make.
var keys = sync.OnceValue(func() map[signedcookie.KeyType]testKey {
	all := make(map[signedcookie.KeyType]testKey)
	for _, keyType := range []signedcookie.KeyType{signedcookie.RSA2048, signedcookie.ECDSAP256} {
		key, err := signedcookie.GenerateKey(keyType)
		if err != nil {
			panic(err)
		}
		text, err := signedcookie.MarshalPrivateKey(key)
		if err != nil {
			panic(err)
		}
		all[keyType] = testKey{key.Public(), string(text)}
	}
	return all
})

// A source is a parameter store with one key, or one that answers an error.
type source struct {
	parameters keyring.Parameters
	err        error
}

func (s source) Fetch(context.Context) (keyring.Parameters, error) { return s.parameters, s.err }

func storeWith(keyType signedcookie.KeyType, hash signedcookie.Hash) source {
	return source{parameters: keyring.Parameters{
		Settings: fmt.Sprintf(`{"host":%q,"keys":[{"name":"2026-11","id":"K2ABC","hash":%q,"trustedSince":"2026-11-23T10:00:00Z"}]}`,
			host, hash),
		OriginSecret: secret, ViewerHashKey: "viewer-hash-key",
		PrivateKeys: map[string]string{"2026-11": keys()[keyType].pem},
	}}
}

// document is the settings of the tests with some changed: "cookieMinutes=3",
// "cookieDomain=example.com".
func document(changes ...string) string {
	members := map[string]any{"parameterPrefix": "/PremiumHls", "signingKeys": signingKeys("2026-11"), "viewerRequestsPerMinute": 0}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		members[name] = value
		if json.Valid([]byte(value)) {
			members[name] = json.RawMessage(value)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// signingKeys reads "a,b=/my/key" as the setting of that name.
func signingKeys(list string) (keys []signersettings.SigningKey) {
	for item := range strings.SplitSeq(list, ",") {
		name, parameter, _ := strings.Cut(item, "=")
		keys = append(keys, signersettings.SigningKey{Name: name, Parameter: parameter})
	}
	return keys
}

// readSettings reads the settings of a document.
func readSettings(document string) (settings, error) {
	return parseSettings(func(name string) string {
		if name != signersettings.Variable {
			return ""
		}
		return document
	})
}

// newTestHandler returns a handler and what it logs.
func newTestHandler(t testing.TB, s keyring.Source, decider entitlement.Decider, changes ...string) (*handler, *bytes.Buffer) {
	t.Helper()
	settings, err := readSettings(document(changes...))
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	quiet := slog.New(slog.DiscardHandler)
	h := newHandler(settings, keyring.New(s, keyring.Config{Logger: quiet}), decider, slog.New(slog.NewJSONHandler(log, nil)))
	h.now = func() time.Time { return now }
	h.random = func() float64 { return 0.5 }
	return h, log
}

// event is a request of a viewer who has signed in, as API Gateway passes it
// on.
func event(method, body string) events.APIGatewayV2HTTPRequest {
	var e events.APIGatewayV2HTTPRequest
	e.Version = "2.0"
	e.RawPath = "/api/cookies"
	e.Headers = map[string]string{
		originSecretHeader:  secret,
		viewerAddressHeader: "192.0.2.7",
		edgeRequestHeader:   "edge-request-1",
		"authorization":     "Bearer the-token",
		"x-forwarded-for":   "198.51.100.1",
	}
	e.RequestContext.RequestID = "request-1"
	e.RequestContext.HTTP.Method = method
	e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": "ada"}},
	}
	e.Body = body
	return e
}

func serve(t testing.TB, h *handler, e events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	response, err := h.handle(context.Background(), e)
	if err != nil {
		t.Fatalf("the handler returned an error: %v", err)
	}
	return response
}

// cookieValue returns the value that a response sets a cookie to.
func cookieValue(t testing.TB, response events.APIGatewayV2HTTPResponse, name string) string {
	t.Helper()
	// The last one counts: those of before are removed first.
	for _, cookie := range slices.Backward(response.Cookies) {
		if rest, ok := strings.CutPrefix(cookie, name+"="); ok {
			value, _, _ := strings.Cut(rest, ";")
			return value
		}
	}
	t.Fatalf("no cookie %s in %q", name, response.Cookies)
	return ""
}

// policyOf returns the policy that a response's cookies hold, once the
// signature over it is verified.
func policyOf(t testing.TB, response events.APIGatewayV2HTTPResponse, public crypto.PublicKey, hash signedcookie.Hash) signedcookie.Policy {
	t.Helper()
	raw, err := signedcookie.Decode(cookieValue(t, response, signedcookie.PolicyCookie))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signedcookie.Decode(cookieValue(t, response, signedcookie.SignatureCookie))
	if err != nil {
		t.Fatal(err)
	}
	if err := signedcookie.Verify(public, hash, raw, signature); err != nil {
		t.Fatal(err)
	}
	policy, err := signedcookie.ParsePolicy(raw)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// lastLog returns the members of the last line that was logged.
func lastLog(t testing.TB, log *bytes.Buffer) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	line := make(map[string]any)
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
		t.Fatalf("log line %q: %v", lines[len(lines)-1], err)
	}
	return line
}

// grants is a Decider that answers the same to everyone.
type grants struct {
	path   string
	until  time.Time
	listed []entitlement.Grant
	err    error
}

func (g grants) Decide(context.Context, entitlement.Viewer, string) (entitlement.Grant, error) {
	return entitlement.Grant{Path: g.path, Expires: g.until}, g.err
}

func (g grants) List(context.Context, entitlement.Viewer) ([]entitlement.Grant, error) {
	return g.listed, g.err
}

var maxAge = regexp.MustCompile(`; Max-Age=[0-9]+`)

// lasting returns the cookies of a response without the time that is left.
func lasting(response events.APIGatewayV2HTTPResponse) string {
	return maxAge.ReplaceAllString(strings.Join(response.Cookies, "\n"), "")
}
