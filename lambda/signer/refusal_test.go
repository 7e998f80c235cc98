package main

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
	"premiumhls/signedcookie"
)

func TestRefusals(t *testing.T) {
	good := storeWith(signedcookie.ECDSAP256, signedcookie.SHA1)
	body := func(text string) func(*events.APIGatewayV2HTTPRequest) {
		return func(e *events.APIGatewayV2HTTPRequest) { e.Body = text }
	}
	header := func(name, value string) func(*events.APIGatewayV2HTTPRequest) {
		return func(e *events.APIGatewayV2HTTPRequest) { e.Headers[name] = value }
	}
	without := func(name string) func(*events.APIGatewayV2HTTPRequest) {
		return func(e *events.APIGatewayV2HTTPRequest) { delete(e.Headers, name) }
	}
	tokenUse := func(use string) func(*events.APIGatewayV2HTTPRequest) {
		return func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.Authorizer.JWT.Claims["token_use"] = use }
	}
	bind := []string{"bindViewerAddress=true"}
	for _, tt := range []struct {
		name    string
		changes []string
		store   keyring.Source
		decider entitlement.Decider
		event   func(*events.APIGatewayV2HTTPRequest)
		status  int
		code    string
		header  string // name: value
		cause   string // what the log says, and the viewer must not see
	}{
		// Not through the distribution: whatever else is wrong, this comes first.
		{name: "no origin secret", event: without(originSecretHeader), status: 403, code: "not_through_distribution"},
		{name: "empty origin secret", event: header(originSecretHeader, ""), status: 403, code: "not_through_distribution"},
		{name: "wrong origin secret", event: header(originSecretHeader, secret+"x"), status: 403, code: "not_through_distribution"},
		{name: "origin secret twice", event: header(originSecretHeader, secret+","+secret), status: 403, code: "not_through_distribution"},
		{name: "the API's own host, no claims, no route", event: func(e *events.APIGatewayV2HTTPRequest) {
			*e = events.APIGatewayV2HTTPRequest{}
			e.RequestContext.RequestID = "request-1"
		}, status: 403, code: "not_through_distribution"},

		{name: "no authorizer", event: func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.Authorizer = nil },
			status: 401, code: "unauthenticated", header: "www-authenticate: Bearer", cause: "the event has no claims"},
		{name: "another authorizer", event: func(e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.Authorizer.JWT = nil
			e.RequestContext.Authorizer.Lambda = map[string]any{"sub": "ada"}
		}, status: 401, code: "unauthenticated", cause: "the event has no claims"},
		{name: "no claims", event: func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.Authorizer.JWT.Claims = nil },
			status: 401, code: "unauthenticated", cause: "the claims have no sub"},
		{name: "no sub", event: func(e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.Authorizer.JWT.Claims = map[string]string{"email": "ada@example.com"}
		}, status: 401, code: "unauthenticated", cause: "the claims have no sub"},
		{name: "an access token of Cognito's", event: func(e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.Authorizer.JWT.Claims["token_use"] = "access"
		}, status: 401, code: "unauthenticated", header: "www-authenticate: Bearer", cause: "not an ID token"},

		{name: "a refresh token", event: tokenUse("refresh"), status: 401, code: "unauthenticated", cause: "not an ID token"},
		{name: "an ID token in another case", event: tokenUse("ID"), status: 401, code: "unauthenticated", cause: "not an ID token"},
		{name: "an ID token with a space", event: tokenUse("id "), status: 401, code: "unauthenticated", cause: "not an ID token"},
		{name: "a token for several uses", event: tokenUse("[id access]"), status: 401, code: "unauthenticated", cause: "not an ID token"},

		{name: "another path", event: func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/api/other" }, status: 404, code: "not_found"},
		{name: "a stage before the path", event: func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/prod/api/cookies" }, status: 404, code: "not_found"},
		{name: "a slash after the path", event: func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/api/cookies/" }, status: 404, code: "not_found"},
		{name: "GET", event: func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "GET" },
			status: 405, code: "method_not_allowed", header: "allow: POST, DELETE"},
		{name: "a method in lower case", event: func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "post" }, status: 405, code: "method_not_allowed"},

		{name: "not JSON", event: body("path=course-1"), status: 400, code: "invalid_json"},
		{name: "cut JSON", event: body(`{"path":"course-1"`), status: 400, code: "invalid_json"},
		{name: "a comma too many", event: body(`{"path":"course-1",}`), status: 400, code: "invalid_json"},
		{name: "trailing data", event: body(`{"path":"course-1"}{}`), status: 400, code: "invalid_json"},
		{name: "space only", event: body(" "), status: 400, code: "invalid_json"},
		{name: "null", event: body("null"), status: 400, code: "invalid_json", cause: "not a JSON object"},
		{name: "a list", event: body(`["course-1"]`), status: 400, code: "invalid_json", cause: "not a JSON object"},
		{name: "a string", event: body(`"course-1"`), status: 400, code: "invalid_json", cause: "not a JSON object"},
		{name: "path twice", event: body(`{"path":"course-1","path":"course-2"}`), status: 400, code: "invalid_json", cause: "duplicate field"},
		{name: "path twice, once escaped", event: body(`{"path":"course-1","\u0070ath":"course-2"}`), status: 400, code: "invalid_json", cause: "duplicate field"},
		{name: "a byte order mark", event: body("\ufeff{}"), status: 400, code: "invalid_json"},
		{name: "deep", event: body(strings.Repeat("[", 4000)), status: 400, code: "invalid_json"},
		{name: "not base64", event: func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "{}", true }, status: 400, code: "invalid_json", cause: "base64"},
		{name: "an unknown field", event: body(`{"paths":"course-1"}`), status: 400, code: "unknown_field"},
		{name: "a known field in upper case", event: body(`{"PATH":"course-1"}`), status: 400, code: "unknown_field"},
		{name: "an unknown field beside", event: body(`{"path":"course-1","until":9}`), status: 400, code: "unknown_field"},
		{name: "a large body", event: body(`{"path":"` + strings.Repeat("a", maxBody) + `"}`), status: 400, code: "body_too_large"},
		{name: "a large body of space", event: body("{}" + strings.Repeat(" ", maxBody-1)), status: 400, code: "body_too_large"},
		{name: "a body of 6 MB", event: body(strings.Repeat("a", 6<<20)), status: 400, code: "body_too_large"},
		{name: "a body of 6 MB in base64", event: func(e *events.APIGatewayV2HTTPRequest) {
			e.Body, e.IsBase64Encoded = strings.Repeat("A", 6<<20), true
		}, status: 400, code: "body_too_large"},
		{name: "a body just too large in base64", event: func(e *events.APIGatewayV2HTTPRequest) {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(make([]byte, maxBody+1)), true
		}, status: 400, code: "body_too_large"},

		{name: "null path", event: body(`{"path":null}`), status: 400, code: "invalid_path", cause: "not a string"},
		{name: "a number as path", event: body(`{"path":1}`), status: 400, code: "invalid_path", cause: "not a string"},
		{name: "a list as path", event: body(`{"path":["course-1"]}`), status: 400, code: "invalid_path", cause: "not a string"},
		{name: "nine segments", event: body(`{"path":"a/b/c/d/e/f/g/h/i"}`), status: 400, code: "invalid_path"},
		{name: "256 segments", event: body(`{"path":"` + strings.Repeat("a/", 255) + `a"}`), status: 400, code: "invalid_path"},
		{name: "dots", event: body(`{"path":".."}`), status: 400, code: "invalid_path"},
		{name: "dots below", event: body(`{"path":"course-1/../.."}`), status: 400, code: "invalid_path"},
		{name: "escaped dots", event: body(`{"path":"\u002e\u002e"}`), status: 400, code: "invalid_path"},
		{name: "encoded dots", event: body(`{"path":"%2e%2e"}`), status: 400, code: "invalid_path"},
		{name: "star", event: body(`{"path":"*"}`), status: 400, code: "invalid_path"},
		{name: "question mark", event: body(`{"path":"course-?"}`), status: 400, code: "invalid_path"},
		{name: "empty segment", event: body(`{"path":"a//b"}`), status: 400, code: "invalid_path"},
		{name: "slash", event: body(`{"path":"/"}`), status: 400, code: "invalid_path"},
		{name: "a line break", event: body(`{"path":"a\r\nSet-Cookie: x=y"}`), status: 400, code: "invalid_path"},
		{name: "a cookie attribute", event: body(`{"path":"a; Domain=example.com"}`), status: 400, code: "invalid_path"},
		{name: "not ASCII", event: body(`{"path":"pr\u00fcfung"}`), status: 400, code: "invalid_path"},
		{name: "broken UTF-8", event: body("{\"path\":\"a\xff\"}"), status: 400, code: "invalid_path"},
		{name: "a long path", event: body(`{"path":"` + strings.Repeat("a", 513) + `"}`), status: 400, code: "invalid_path"},

		{name: "not entitled", decider: grants{err: entitlement.ErrNotEntitled}, status: 403, code: "not_entitled"},
		{name: "a grant that has ended", decider: grants{until: now.Add(-time.Hour)}, status: 403, code: "not_entitled", cause: "the grant has expired"},
		{name: "a grant that ends this second", decider: grants{until: now.Add(400 * time.Millisecond)}, status: 403, code: "not_entitled", cause: "the grant has expired"},
		{name: "entitlement cannot be told", decider: grants{err: errors.New("the table is away")},
			status: 503, code: "entitlements_unavailable", header: "retry-after: 7", cause: "the table is away"},
		{name: "deciding panics", decider: panics{}, status: 500, code: "internal", cause: "panic: a fault"},

		{name: "IPv6", changes: bind, event: header(viewerAddressHeader, "2001:db8::7"), status: 403, code: "viewer_address_not_ipv4", cause: "IPv6"},
		{name: "IPv6 in brackets", changes: bind, event: header(viewerAddressHeader, "[2001:db8::7]"), status: 403, code: "viewer_address_not_ipv4"},
		{name: "no address", changes: bind, event: without(viewerAddressHeader), status: 403, code: "viewer_address_not_ipv4", cause: "missing"},
		{name: "empty address", changes: bind, event: header(viewerAddressHeader, ""), status: 403, code: "viewer_address_not_ipv4", cause: "not an address"},
		{name: "address with a port", changes: bind, event: header(viewerAddressHeader, "192.0.2.7:443"), status: 403, code: "viewer_address_not_ipv4", cause: "not an address"},
		{name: "two addresses", changes: bind, event: header(viewerAddressHeader, "192.0.2.7,192.0.2.8"), status: 403, code: "viewer_address_not_ipv4", cause: "not an address"},
		{name: "address block", changes: bind, event: header(viewerAddressHeader, "0.0.0.0/0"), status: 403, code: "viewer_address_not_ipv4", cause: "not an address"},
		{name: "CloudFront-Viewer-Address alone", changes: bind, event: func(e *events.APIGatewayV2HTTPRequest) {
			without(viewerAddressHeader)(e)
			header("cloudfront-viewer-address", "192.0.2.7:443")(e)
		}, status: 403, code: "viewer_address_not_ipv4", cause: "missing"},

		{name: "nothing usable in the store", store: source{}, status: 503, code: "keys_unavailable", header: "retry-after: 6", cause: "origin secret is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.store == nil {
				tt.store = good
			}
			if tt.decider == nil {
				tt.decider = entitlement.Authenticated{}
			}
			h, log := newTestHandler(t, tt.store, tt.decider, tt.changes...)
			e := event("POST", `{"path":"course-1"}`)
			if tt.event != nil {
				tt.event(&e)
			}
			got := serve(t, h, e)
			if want := `{"code":"` + tt.code + `","requestId":"request-1"}`; got.StatusCode != tt.status || got.Body != want {
				t.Errorf("%d %s, want %d %s", got.StatusCode, got.Body, tt.status, want)
			}
			if len(got.Cookies) != 0 {
				t.Errorf("refused with cookies %q", got.Cookies)
			}
			if got.Headers["cache-control"] != "no-store" || got.Headers["content-type"] != "application/json" {
				t.Errorf("headers %v", got.Headers)
			}
			if name, value, ok := strings.Cut(tt.header, ": "); ok && got.Headers[name] != value {
				t.Errorf("%s is %q, want %q", name, got.Headers[name], value)
			}
			line := lastLog(t, log)
			if line["decision"] != tt.code || line["status"] != float64(tt.status) || line["requestId"] != "request-1" {
				t.Errorf("logged %v", line)
			}
			if cause, _ := line["cause"].(string); !strings.Contains(cause, tt.cause) {
				t.Errorf("logged cause %q, want %q in it", cause, tt.cause)
			}
			if level := map[bool]string{true: "ERROR", false: "INFO"}[tt.status >= 500]; line["level"] != level {
				t.Errorf("logged at %v, want %s", line["level"], level)
			}
			if len(log.String()) > 8<<10 || strings.Contains(log.String(), secret) {
				t.Errorf("the log holds the body or the secret: %.200s", log)
			}
		})
	}
}

// panics is a Decider with a fault.
type panics struct{ entitlement.Decider }

func (panics) Decide(context.Context, entitlement.Viewer, string) (entitlement.Grant, error) {
	panic("a fault")
}

// Where the address is bound it is the one CloudFront saw, and no header that
// a viewer can send.
func TestViewerAddress(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"192.0.2.7", "192.0.2.7"},
		{"::ffff:192.0.2.7", "192.0.2.7"},
	} {
		t.Run(tt.value, func(t *testing.T) {
			h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), entitlement.Authenticated{}, "bindViewerAddress=true")
			e := event("POST", "")
			e.Headers[viewerAddressHeader] = tt.value
			e.Headers["x-forwarded-for"] = "198.51.100.1"
			e.RequestContext.HTTP.SourceIP = "198.51.100.2"
			policy := policyOf(t, serve(t, h, e), keys()[signedcookie.ECDSAP256].public, signedcookie.SHA1)
			if policy.SourceIP != tt.want {
				t.Errorf("bound to %s, want %s", policy.SourceIP, tt.want)
			}
		})
	}
}

// A grant that ends soon bounds the cookies, to the second.
func TestCookiesDoNotOutliveTheGrant(t *testing.T) {
	until := now.Add(90 * time.Second)
	h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), grants{until: until})
	got := serve(t, h, event("POST", ""))
	policy := policyOf(t, got, keys()[signedcookie.ECDSAP256].public, signedcookie.SHA1)
	if !policy.Expires.Equal(until.Truncate(time.Second)) {
		t.Errorf("cookies end at %v, the grant at %v", policy.Expires, until)
	}
	if !strings.HasSuffix(got.Body, `,"expiresIn":90,"renewAfter":55}`) {
		t.Errorf("body %s", got.Body)
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1", time.Millisecond: "1", time.Second: "1", time.Second + 1: "2", 4900 * time.Millisecond: "5",
	} {
		if got := keysUnavailable.after(d).header[1]; got != want {
			t.Errorf("after %v: %q, want %q", d, got, want)
		}
	}
	if keysUnavailable.header[0] != "" {
		t.Error("a header for one request stays for all")
	}
}
