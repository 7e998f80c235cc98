package main

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/lambda/internal/entitlement"
	"premiumhls/signedcookie"
)

// linkEvent is a request for a link.
func linkEvent(body string) events.APIGatewayV2HTTPRequest {
	e := event("POST", body)
	e.RawPath = "/api/links"
	return e
}

// readLink reads a response with a link and verifies its signature.
func readLink(t *testing.T, response events.APIGatewayV2HTTPResponse, keyType signedcookie.KeyType) (issued issuedLink, address *url.URL, policy signedcookie.Policy) {
	t.Helper()
	if response.StatusCode != 200 || response.Headers["cache-control"] != "no-store" || len(response.Cookies) > 0 {
		t.Fatalf("%+v", response)
	}
	if err := json.Unmarshal([]byte(response.Body), &issued); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(response.Body, `\u0026`) || !strings.Contains(response.Body, issued.URL) {
		t.Errorf("the URL cannot be copied from %s", response.Body)
	}
	address, err := url.Parse(issued.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	hash := signedcookie.SHA1
	if named := query.Get("Hash-Algorithm"); named != "" {
		hash = signedcookie.Hash(named)
	}
	if want := strings.Join([]string{query.Get("Policy"), query.Get("Signature"), query.Get("Key-Pair-Id"), string(hash)}, "."); query.Get("l") != want {
		t.Errorf("l is %q, want %q", query.Get("l"), want)
	}
	raw, err := signedcookie.Decode(query.Get("Policy"))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signedcookie.Decode(query.Get("Signature"))
	if err != nil {
		t.Fatal(err)
	}
	if err := signedcookie.Verify(keys()[keyType].public, hash, raw, signature); err != nil {
		t.Error(err)
	}
	if policy, err = signedcookie.ParsePolicy(raw); err != nil {
		t.Fatal(err)
	}
	return issued, address, policy
}

func TestLink(t *testing.T) {
	// Four hours from 12:00:01.5, up to five minutes.
	end := time.Date(2026, 11, 24, 16, 5, 0, 0, time.UTC)
	for _, test := range []struct {
		name     string
		body     string
		path     string // of the URL
		resource string // of the policy, after the host
		changes  []string
		hash     signedcookie.Hash
		keyType  signedcookie.KeyType
		sourceIP string
		until    time.Time // of the grant
		end      time.Time
	}{
		{name: "a lesson", body: `{"path":"course-1/lesson-1"}`, path: "/premium/course-1/lesson-1/lesson.link.m3u8", resource: "/premium/course-1/lesson-1/*"},
		{name: "a playlist", body: `{"path":"course-1","playlist":"master.m3u8"}`, path: "/premium/course-1/master.link.m3u8", resource: "/premium/course-1/*"},
		{name: "a playlist in a folder", body: `{"playlist":"v2/hls/master.m3u8","path":"course-1/lesson-1"}`, path: "/premium/course-1/lesson-1/v2/hls/master.link.m3u8", resource: "/premium/course-1/lesson-1/*"},
		{name: "no playlist", body: `{"path":"a/b","playlist":""}`, path: "/premium/a/b/lesson.link.m3u8", resource: "/premium/a/b/*"},
		{name: "another premium path", body: `{"path":"a/b"}`, path: "/paid/a/b/lesson.link.m3u8", resource: "/paid/a/b/*", changes: []string{"premiumPath=paid"}},
		{name: "SHA-1", body: `{"path":"a/b"}`, path: "/premium/a/b/lesson.link.m3u8", resource: "/premium/a/b/*", hash: signedcookie.SHA1, keyType: signedcookie.RSA2048},
		{name: "bound to the address", body: `{"path":"a/b"}`, path: "/premium/a/b/lesson.link.m3u8", resource: "/premium/a/b/*", changes: []string{"bindViewerAddress=true"}, sourceIP: "192.0.2.7"},
		{name: "a grant that ends", body: `{"path":"a/b"}`, path: "/premium/a/b/lesson.link.m3u8", resource: "/premium/a/b/*", until: now.Add(90 * time.Minute), end: now.Add(90 * time.Minute).Truncate(time.Second)},
		{name: "shorter than cookies", body: `{"path":"a/b"}`, path: "/premium/a/b/lesson.link.m3u8", resource: "/premium/a/b/*", changes: []string{"linkMinutes=10"}, end: time.Date(2026, 11, 24, 12, 15, 0, 0, time.UTC)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.keyType == "" {
				test.keyType, test.hash = signedcookie.ECDSAP256, signedcookie.SHA256
			}
			if test.end.IsZero() {
				test.end = end
			}
			path, _, _ := strings.Cut(strings.TrimPrefix(test.resource[1:], "premium/"), "/*")
			if rest, ok := strings.CutPrefix(path, "paid/"); ok {
				path = rest
			}
			h, log := newTestHandler(t, storeWith(test.keyType, test.hash), grants{path: path, until: test.until}, append([]string{"linkMinutes=240"}, test.changes...)...)
			response := serve(t, h, linkEvent(test.body))
			issued, address, policy := readLink(t, response, test.keyType)
			if address.Scheme != "https" || address.Host != host || address.Path != test.path {
				t.Errorf("the link is %s, want the path %s", issued.URL, test.path)
			}
			if want := "https://" + host + test.resource; policy.Resource != want || issued.Resource != want || issued.Path != strings.TrimSuffix(test.resource, "*") {
				t.Errorf("the policy is for %s, and the response has %s and %s; want %s", policy.Resource, issued.Resource, issued.Path, want)
			}
			if !policy.Expires.Equal(test.end) || policy.SourceIP != test.sourceIP || issued.Expires != test.end.Unix() {
				t.Errorf("policy %+v, expires %d; want %v", policy, issued.Expires, test.end)
			}
			if left := test.end.Unix() - now.Unix(); issued.ExpiresIn != left || issued.RenewAfter < left/3 || issued.RenewAfter > left {
				t.Errorf("expires in %d, renew after %d; %d are left", issued.ExpiresIn, issued.RenewAfter, left)
			}
			line := lastLog(t, log)
			if line["decision"] != "link_issued" || line["status"] != 200.0 || line["path"] != path || line["expires"] != float64(test.end.Unix()) || line["key"] != "2026-11" {
				t.Errorf("logged %v", line)
			}
			for _, secret := range []string{address.Query().Get("Signature"), address.Query().Get("Policy"), "Signature=", "l="} {
				if strings.Contains(log.String(), secret) {
					t.Errorf("the log has %s: %s", secret, log)
				}
			}
		})
	}
}

// Cookies and links of one path, end and address have one signature; of
// different lifetimes they have two.
func TestLinksShareSignatures(t *testing.T) {
	for _, test := range []struct {
		name    string
		minutes string
		shared  bool
	}{
		{"the lifetime of cookies", "linkMinutes=60", true},
		{"another lifetime", "linkMinutes=240", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA256), entitlement.Authenticated{}, test.minutes)
			cookies := serve(t, h, event("POST", `{"path":"a/b"}`))
			var signatures [2]string
			for i, body := range []string{`{"path":"a/b"}`, `{"path":"a/b","playlist":"hls/x.m3u8"}`} {
				e := linkEvent(body)
				e.RequestContext.Authorizer.JWT.Claims = map[string]string{"sub": "ben"}
				_, address, _ := readLink(t, serve(t, h, e), signedcookie.ECDSAP256)
				signatures[i] = address.Query().Get("Signature")
			}
			if signatures[0] != signatures[1] {
				t.Error("two links of a path have two signatures")
			}
			// A signature with ECDSA differs each time it is made.
			if shared := cookieValue(t, cookies, signedcookie.SignatureCookie) == signatures[0]; shared != test.shared {
				t.Errorf("shared with cookies: %t", shared)
			}
		})
	}
}

func TestLinkRefusals(t *testing.T) {
	for _, test := range []struct {
		name, body string
		status     int
		code       string
		decider    entitlement.Decider
		changes    []string
		change     func(*events.APIGatewayV2HTTPRequest)
	}{
		{name: "no body", body: ``, status: 400, code: "invalid_path"},
		{name: "everything", body: `{"path":""}`, status: 400, code: "invalid_path"},
		{name: "a wildcard", body: `{"path":"course-*"}`, status: 400, code: "invalid_path"},
		{name: "a number for a path", body: `{"path":1}`, status: 400, code: "invalid_path"},
		{name: "another member", body: `{"path":"a","file":"b"}`, status: 400, code: "unknown_field"},
		{name: "not JSON", body: `a`, status: 400, code: "invalid_json"},
		{name: "a number for a playlist", body: `{"path":"a","playlist":1}`, status: 400, code: "invalid_playlist_path"},
		{name: "null for a playlist", body: `{"path":"a","playlist":null}`, status: 400, code: "invalid_playlist_path"},
		{name: "a segment", body: `{"path":"a","playlist":"b.ts"}`, status: 400, code: "invalid_playlist_path"},
		{name: "a link", body: `{"path":"a","playlist":"b.link.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "no name", body: `{"path":"a","playlist":".m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "a folder without a name", body: `{"path":"a","playlist":"b/.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "capitals", body: `{"path":"a","playlist":"b.M3U8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "dots", body: `{"path":"a","playlist":"../b/c.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "dots within", body: `{"path":"a","playlist":"x/../../b/c.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "encoded dots", body: `{"path":"a","playlist":"%2e%2e/c.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "an absolute path", body: `{"path":"a","playlist":"/premium/b/c.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "another host", body: `{"path":"a","playlist":"//evil.example/c.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "a URL", body: `{"path":"a","playlist":"https://evil.example/c.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "a query", body: `{"path":"a","playlist":"b.m3u8?x=c.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "a wildcard in the playlist", body: `{"path":"a","playlist":"*.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "a line break", body: `{"path":"a","playlist":"b\n.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "nine segments", body: `{"path":"a/b/c/d","playlist":"e/f/g/h/i.m3u8"}`, status: 400, code: "invalid_playlist_path"},
		{name: "not entitled", body: `{"path":"a"}`, status: 403, code: "not_entitled", decider: grants{err: entitlement.ErrNotEntitled}},
		{name: "an expired grant", body: `{"path":"a"}`, status: 403, code: "not_entitled", decider: grants{path: "a", until: now}},
		{name: "a grant of another path", body: `{"path":"a"}`, status: 500, code: "internal", decider: grants{path: "b"}},
		{name: "entitlements unavailable", body: `{"path":"a"}`, status: 503, code: "entitlements_unavailable", decider: grants{err: errors.New("down")}},
		{name: "IPv6", body: `{"path":"a"}`, status: 403, code: "viewer_address_not_ipv4", changes: []string{"bindViewerAddress=true"},
			change: func(e *events.APIGatewayV2HTTPRequest) { e.Headers[viewerAddressHeader] = "2001:db8::1" }},
		{name: "past the edge", body: `{"path":"a"}`, status: 403, code: "not_through_distribution",
			change: func(e *events.APIGatewayV2HTTPRequest) { delete(e.Headers, originSecretHeader) }},
		{name: "no token", body: `{"path":"a"}`, status: 401, code: "unauthenticated",
			change: func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.Authorizer = nil }},
		{name: "another method", body: `{"path":"a"}`, status: 405, code: "method_not_allowed",
			change: func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "GET" }},
		{name: "links are off", body: `{"path":"a"}`, status: 404, code: "not_found", changes: []string{"linkMinutes=0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.decider == nil {
				test.decider = entitlement.Authenticated{}
			}
			h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA256), test.decider, append([]string{"linkMinutes=240"}, test.changes...)...)
			e := linkEvent(test.body)
			if test.change != nil {
				test.change(&e)
			}
			got := serve(t, h, e)
			if got.StatusCode != test.status || !strings.Contains(got.Body, `"code":"`+test.code+`"`) || strings.Contains(got.Body, "Signature") {
				t.Errorf("%d %s, want %d %s", got.StatusCode, got.Body, test.status, test.code)
			}
		})
	}
}

// Requests for links count as requests for cookies do.
func TestLinksAreLimited(t *testing.T) {
	h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA256), entitlement.Authenticated{}, "linkMinutes=240", "viewerRequestsPerMinute=1")
	if got := serve(t, h, event("POST", "")); got.StatusCode != 200 {
		t.Fatalf("%+v", got)
	}
	if got := serve(t, h, linkEvent(`{"path":"a"}`)); got.StatusCode != 429 || got.Headers["retry-after"] == "" {
		t.Errorf("%+v", got)
	}
}

// The playlist is no field of a request for cookies.
func TestCookiesTakeNoPlaylist(t *testing.T) {
	h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA256), entitlement.Authenticated{}, "linkMinutes=240")
	if got := serve(t, h, event("POST", `{"path":"a","playlist":"b.m3u8"}`)); got.StatusCode != 400 || !strings.Contains(got.Body, "unknown_field") {
		t.Errorf("%+v", got)
	}
}
