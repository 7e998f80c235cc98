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
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"premiumhls/internal/stripe"
)

const openAPI = "../../docs/openapi.yaml"

// Real requests and responses of every kind are those of docs/openapi.yaml, and
// every status and code in it happens.
func TestOpenAPI(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromFile(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	const host = "https://d111.cloudfront.net"
	document.Servers = openapi3.Servers{{URL: host}}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	completed := func(p stripe.Purchase) []byte { return simulator.Checkout(stripe.CheckoutCompleted, p, "paid") }
	type exchange struct {
		name, path string
		body       []byte
		status     int
		code       string
		change     func(*site, *events.APIGatewayV2HTTPRequest)
		invalid    bool // the request is not as the document has it
	}
	live := stripe.Simulator{Live: true, Now: simulator.Now}
	exchanges := []exchange{
		{name: "recorded", path: "/api/stripe", body: completed(purchased()), status: 200},
		{name: "ignored", path: "/api/stripe", body: simulator.Event("customer.created", map[string]any{}), status: 200},
		{name: "kept", path: "/api/stripe", body: completed(purchased(with("", "plink_9"))), status: 200},
		{name: "forged", path: "/api/stripe", body: completed(purchased()), status: 400, code: "invalid_signature", change: func(_ *site, e *events.APIGatewayV2HTTPRequest) {
			e.Headers["stripe-signature"] = "t=1,v1=x"
		}},
		{name: "the other mode", path: "/api/stripe", body: live.Checkout(stripe.CheckoutCompleted, purchased(), "paid"), status: 400, code: "wrong_mode"},
		{name: "no event", path: "/api/stripe", body: []byte("{}"), status: 400, code: "invalid_event"},
		{name: "not base64", path: "/api/stripe", body: []byte("{}"), status: 400, code: "invalid_json", change: func(_ *site, e *events.APIGatewayV2HTTPRequest) {
			e.IsBase64Encoded, e.Body = true, "*"
		}},
		{name: "large", path: "/api/stripe", body: []byte(`{"a":"` + strings.Repeat("a", maxEvent) + `"}`), status: 400, code: "body_too_large"},
		{name: "tables", path: "/api/stripe", body: completed(purchased()), status: 503, code: "sales_unavailable", change: func(s *site, _ *events.APIGatewayV2HTTPRequest) { s.tableErr = errors.New("down") }},

		{name: "a path", path: "/api/purchases", body: []byte(`{"path":"course-1"}`), status: 200},
		{name: "no body", path: "/api/purchases", status: 200},
		{name: "not JSON", path: "/api/purchases", body: []byte("path"), status: 400, code: "invalid_json", invalid: true},
		{name: "unknown field", path: "/api/purchases", body: []byte(`{"a":1}`), status: 400, code: "unknown_field", invalid: true},
		{name: "invalid path", path: "/api/purchases", body: []byte(`{"path":"*"}`), status: 400, code: "invalid_path", invalid: true},
		{name: "large", path: "/api/purchases", body: []byte(`{"path":"` + strings.Repeat("a", maxPurchase) + `"}`), status: 400, code: "body_too_large", invalid: true},
		{name: "long sub", path: "/api/purchases", status: 400, code: "viewer_not_supported", change: func(_ *site, e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.Authorizer.JWT.Claims["sub"] = strings.Repeat("a", 200)
		}},
		{name: "no token", path: "/api/purchases", status: 401, code: "unauthenticated", change: func(_ *site, e *events.APIGatewayV2HTTPRequest) { e.RequestContext.Authorizer = nil }},
	}
	for _, path := range []string{"/api/stripe", "/api/purchases"} {
		body := []byte(`{}`)
		exchanges = append(exchanges,
			exchange{name: "past the edge", path: path, body: body, status: 403, code: "not_through_distribution", change: func(_ *site, e *events.APIGatewayV2HTTPRequest) { delete(e.Headers, originSecretHeader) }},
			exchange{name: "a fault", path: path, body: body, status: 500, code: "internal", change: func(s *site, _ *events.APIGatewayV2HTTPRequest) { s.secrets = nil }},
			exchange{name: "no secrets", path: path, body: body, status: 503, code: "secrets_unavailable", change: func(s *site, _ *events.APIGatewayV2HTTPRequest) { s.ssmErr = errors.New("down") }},
		)
	}
	happened, codes := map[string]bool{}, map[string]bool{}
	for _, x := range exchanges {
		t.Run(fmt.Sprintf("%s %d %s", x.path, x.status, x.name), func(t *testing.T) {
			s := newSite(t)
			e := request(x.body, stripe.Sign(signingSecret, x.body, now))
			e.RawPath = x.path
			if x.path == "/api/purchases" {
				e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
					JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": "ada"}},
				}
			}
			if x.change != nil {
				x.change(s, &e)
			}
			got := s.handle(t.Context(), e)
			if got.StatusCode != x.status || x.code != "" && !strings.Contains(got.Body, `"code":"`+x.code+`"`) {
				t.Fatalf("%d %s, want %d %s", got.StatusCode, got.Body, x.status, x.code)
			}
			r, err := http.NewRequest("POST", host+x.path, strings.NewReader(string(x.body)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Stripe-Signature", "t=1,v1=a")
			r.Header.Set("Content-Type", "application/json")
			if len(x.body) == 0 {
				r.Body = http.NoBody
				r.Header.Del("Content-Type")
			}
			route, parameters, err := router.FindRoute(r)
			if err != nil {
				t.Fatal(err)
			}
			options := &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
			input := &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route, Options: options}
			if err := openapi3filter.ValidateRequest(context.Background(), input); (err != nil) != x.invalid {
				t.Errorf("request: %v", err)
			}
			header := http.Header{}
			for name, value := range got.Headers {
				header.Set(name, value)
			}
			if err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: input, Status: got.StatusCode, Header: header, Options: options,
				Body: io.NopCloser(strings.NewReader(got.Body)),
			}); err != nil {
				t.Errorf("response %s: %v", got.Body, err)
			}
			happened[fmt.Sprint(x.path, " ", x.status)], codes[x.code] = true, true
		})
	}
	for _, path := range []string{"/api/stripe", "/api/purchases"} {
		for status := range document.Paths.Find(path).Post.Responses.Map() {
			// API Gateway throttles; the function does not.
			if !happened[path+" "+status] && status != "429" {
				t.Errorf("no exchange shows %s %s", path, status)
			}
		}
	}
	text, err := os.ReadFile("refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`code: "([a-z0-9_]+)"`).FindAllStringSubmatch(string(text), -1) {
		// API Gateway routes no request that would have these.
		if code := match[1]; !codes[code] && !slices.Contains([]string{"not_found", "method_not_allowed"}, code) {
			t.Errorf("no exchange shows the code %s", code)
		}
	}
}
