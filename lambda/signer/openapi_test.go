package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"premiumhls/lambda/internal/entitlement"
	"premiumhls/signedcookie"
)

const openAPI = "../../docs/openapi.yaml"

func readOpenAPI(t *testing.T) (*openapi3.T, routers.Router) {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	document.Servers = openapi3.Servers{{URL: "https://" + host}} // the router takes no dots in a variable
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	return document, router
}

// documented fails for a member of a JSON object that the document does not have.
// Clients must accept such members, and this signer must not have them.
func documented(t *testing.T, document *openapi3.T, schema string, body string) {
	t.Helper()
	properties := document.Components.Schemas[schema].Value.Properties
	for _, name := range regexp.MustCompile(`"([A-Za-z-]+)":`).FindAllStringSubmatch(body, -1) {
		if properties[name[1]] == nil {
			t.Errorf("%s has no %s", schema, name[1])
		}
	}
}

// Real requests and responses of every kind are those of docs/openapi.yaml, and
// every status in it happens.
func TestOpenAPI(t *testing.T) {
	document, router := readOpenAPI(t)
	all := storeWith(signedcookie.ECDSAP256, signedcookie.SHA256)
	everyone := entitlement.Authenticated{}
	internalError := grants{path: "another-course"}
	const many = "viewerRequestsPerMinute=1"
	type exchange struct {
		name, method, path, body string
		status                   int
		code                     string
		store                    *source
		decider                  entitlement.Decider
		changes                  []string
		change                   func(*events.APIGatewayV2HTTPRequest)
		invalid                  bool // the request is not as the document has it
		twice                    bool
		faulty                   bool
	}
	withoutToken := func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.Authorizer = nil }
	pastEdge := func(e *events.APIGatewayV2HTTPRequest) { delete(e.Headers, originSecretHeader) }
	sha1 := storeWith(signedcookie.RSA2048, signedcookie.SHA1)
	down := source{err: errors.New("down")}
	exchanges := []exchange{
		{name: "a course", method: "POST", body: `{"path":"course-1"}`, status: 200},
		{name: "a lesson", method: "POST", body: `{"path":"course-1/lesson-2"}`, status: 200},
		{name: "eight segments", method: "POST", body: `{"path":"a/b/c/d/e/f/g/h"}`, status: 200},
		{name: "everything", method: "POST", body: `{}`, status: 200},
		{name: "no body", method: "POST", status: 200},
		{name: "SHA-1", method: "POST", status: 200, store: &sha1},
		{name: "no values in the body", method: "POST", status: 200, changes: []string{"cookieValuesInBody=false"}},
		{name: "cookie domain", method: "POST", status: 200, changes: []string{"cookieDomain=example.com"}},
		{name: "a grant that ends", method: "POST", status: 200, decider: grants{until: now.Add(90e9)}},
		{name: "clear", method: "DELETE", body: `{"path":"course-1"}`, status: 204},
		{name: "all", method: "GET", path: "/api/entitlements", status: 200},
		{name: "some", method: "GET", path: "/api/entitlements", status: 200, decider: grants{listed: []entitlement.Grant{{Path: "a"}, {Path: "b/c", Expires: now.Add(90e9)}}}},
		{name: "none", method: "GET", path: "/api/entitlements", status: 200, decider: grants{}},
		{name: "all for a time", method: "GET", path: "/api/entitlements", status: 200, decider: grants{listed: []entitlement.Grant{{Expires: now.Add(90e9)}}}},

		{name: "a link", method: "POST", path: "/api/links", body: `{"path":"course-1/lesson-2"}`, status: 200},
		{name: "a link to a playlist", method: "POST", path: "/api/links", body: `{"path":"course-1","playlist":"a/b.m3u8"}`, status: 200, store: &sha1},
		{name: "a link to everything", method: "POST", path: "/api/links", body: `{"path":""}`, status: 400, code: "invalid_path", invalid: true},
		{name: "a link to a segment", method: "POST", path: "/api/links", body: `{"path":"a","playlist":"b.ts"}`, status: 400, code: "invalid_playlist_path", invalid: true},

		{name: "not JSON", method: "POST", body: `path`, status: 400, code: "invalid_json", invalid: true},
		{name: "unknown field", method: "POST", body: `{"course":"a"}`, status: 400, code: "unknown_field", invalid: true},
		{name: "wildcard", method: "POST", body: `{"path":"*"}`, status: 400, code: "invalid_path", invalid: true},
		{name: "nine segments", method: "POST", body: `{"path":"a/b/c/d/e/f/g/h/i"}`, status: 400, code: "invalid_path", invalid: true},
		{name: "long path", method: "POST", body: `{"path":"` + strings.Repeat("a", 513) + `"}`, status: 400, code: "invalid_path", invalid: true},
		{name: "large", method: "POST", body: `{"path":"` + strings.Repeat("a", maxBody) + `"}`, status: 400, code: "body_too_large", invalid: true},
		{name: "wildcard to clear", method: "DELETE", body: `{"path":"*"}`, status: 400, code: "invalid_path", invalid: true},
		{name: "not entitled", method: "POST", status: 403, code: "not_entitled", decider: grants{err: entitlement.ErrNotEntitled}},
		{name: "IPv6", method: "POST", status: 403, code: "viewer_address_not_ipv4", changes: []string{"bindViewerAddress=true"},
			change: func(e *events.APIGatewayV2HTTPRequest) { e.Headers[viewerAddressHeader] = "2001:db8::1" }},
		{name: "internal", method: "POST", body: `{"path":"a"}`, status: 500, code: "internal", decider: internalError},
		{name: "entitlements", method: "POST", status: 503, code: "entitlements_unavailable", decider: grants{err: errors.New("down")}},
		{name: "entitlements to list", method: "GET", path: "/api/entitlements", status: 503, code: "entitlements_unavailable", decider: grants{err: errors.New("down")}},
	}
	for _, operation := range []struct{ method, path string }{{"POST", ""}, {"DELETE", ""}, {"GET", "/api/entitlements"}, {"POST", "/api/links"}} {
		body := ""
		if operation.path == "/api/links" {
			body = `{"path":"a"}`
		}
		exchanges = append(exchanges,
			exchange{name: "no token", method: operation.method, path: operation.path, body: body, status: 401, code: "unauthenticated", change: withoutToken},
			exchange{name: "past the edge", method: operation.method, path: operation.path, body: body, status: 403, code: "not_through_distribution", change: pastEdge},
			exchange{name: "too many", method: operation.method, path: operation.path, body: body, status: 429, code: "too_many_requests", changes: []string{many}, twice: true},
			exchange{name: "a fault", method: operation.method, path: operation.path, body: body, status: 500, code: "internal", faulty: true},
			exchange{name: "no keys", method: operation.method, path: operation.path, body: body, status: 503, code: "keys_unavailable", store: &down},
		)
	}
	happened := make(map[string]bool)
	codes := make(map[string]bool)
	for _, x := range exchanges {
		if x.path == "" {
			x.path = "/api/cookies"
		}
		t.Run(fmt.Sprintf("%s %s %d %s", x.method, x.path, x.status, x.name), func(t *testing.T) {
			store, decider := all, entitlement.Decider(everyone)
			if x.store != nil {
				store = *x.store
			}
			if x.decider != nil {
				decider = x.decider
			}
			h, _ := newTestHandler(t, store, decider, append([]string{"linkMinutes=240"}, x.changes...)...)
			if x.faulty {
				h.ring = nil
			}
			e := event(x.method, x.body)
			e.RawPath = x.path
			if x.change != nil {
				x.change(&e)
			}
			ctx, cancel := context.WithTimeout(context.Background(), answerBudget)
			defer cancel()
			got, err := h.handle(ctx, e)
			if x.twice {
				got, err = h.handle(ctx, e)
			}
			if err != nil || got.StatusCode != x.status || x.code != "" && !strings.Contains(got.Body, `"code":"`+x.code+`"`) {
				t.Fatalf("%d %s, %v; want %d %s", got.StatusCode, got.Body, err, x.status, x.code)
			}

			r, _ := http.NewRequest(x.method, "https://d111.cloudfront.net"+x.path, strings.NewReader(x.body))
			r.Header.Set("Authorization", "Bearer token")
			if x.body != "" {
				r.Header.Set("Content-Type", "application/json")
			} else {
				r.Body = http.NoBody
			}
			route, parameters, err := router.FindRoute(r)
			if err != nil {
				t.Fatal(err)
			}
			options := &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
			input := &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route, Options: options}
			if err := openapi3filter.ValidateRequest(context.Background(), input); (err != nil) != x.invalid {
				t.Errorf("request %s: %v", x.body, err)
			}
			header := make(http.Header)
			for name, value := range got.Headers {
				header.Set(name, value)
			}
			for _, cookie := range got.Cookies {
				header.Add("Set-Cookie", cookie)
			}
			err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: input, Status: got.StatusCode, Header: header, Options: options,
				Body: io.NopCloser(strings.NewReader(got.Body)),
			})
			if err != nil {
				t.Errorf("response %d %s: %v", got.StatusCode, got.Body, err)
			}
			switch {
			case x.status >= 400:
				documented(t, document, "Error", got.Body)
			case x.path == "/api/links":
				documented(t, document, "Link", got.Body)
			case x.method == "POST":
				documented(t, document, "Issued", got.Body)
			}
			happened[fmt.Sprint(route.Operation.OperationID, " ", x.status)] = true
			codes[x.code] = true
		})
	}
	for _, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			if slices.Contains(operation.Tags, "playlists") || slices.Contains(operation.Tags, "sales") {
				continue // of another function
			}
			for status := range operation.Responses.Map() {
				if name := operation.OperationID + " " + status; !happened[name] {
					t.Errorf("no exchange shows %s", name)
				}
			}
		}
	}

	// Every code that the signer has is in the document.
	text, err := os.ReadFile("refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	yaml, err := os.ReadFile(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`code: "([a-z0-9_]+)"`).FindAllStringSubmatch(string(text), -1)
	if len(found) < 10 {
		t.Fatalf("refusal.go has the codes %q", found)
	}
	for _, match := range found {
		code := match[1]
		if !regexp.MustCompile(`enum: \[[^\]]*\b` + code + `\b`).Match(yaml) {
			t.Errorf("docs/openapi.yaml does not have the code %s", code)
		}
		// API Gateway routes no request that would have these.
		if !codes[code] && code != "not_found" && code != "method_not_allowed" {
			t.Errorf("no exchange shows the code %s", code)
		}
	}
}

// answerBudget is short, so that a request without keys does not wait for them.
const answerBudget = 1400e6
