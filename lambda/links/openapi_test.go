package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"premiumhls/internal/link"

	"github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"premiumhls/lambda/internal/awsjson"
)

const openAPI = "../../docs/openapi.yaml"

// Real responses of every kind are those of docs/openapi.yaml, and every status
// and code in it happens.
func TestOpenAPI(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromFile(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	document.Servers = openapi3.Servers{{URL: "https://" + host}}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	// The document's body of a playlist is text.
	openapi3filter.RegisterBodyDecoder("application/vnd.apple.mpegurl", func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		text, err := io.ReadAll(body)
		return string(text), err
	})
	happened, codes := map[string]bool{}, map[string]bool{}
	for _, x := range []struct {
		name, path, query string
		status            int
		code              string
		change            func(*handler, *memory, *events.APIGatewayV2HTTPRequest)
	}{
		{name: "a playlist", status: 200},
		{name: "SHA-1", status: 200, query: strings.Replace(courseQuery(t), "SHA256", "SHA1", 1)},
		{name: "compressed", path: "lesson-9/many", status: 200, change: func(_ *handler, _ *memory, e *events.APIGatewayV2HTTPRequest) {
			e.Headers["accept-encoding"] = "gzip"
		}},
		{name: "another course", query: strings.Replace(lessonQuery(t), "l=", "l=x", 1), status: 403, code: "invalid_link"},
		{name: "expired", status: 403, code: "link_expired", change: func(_ *handler, _ *memory, e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.TimeEpoch = 2e12
		}},
		{name: "past the edge", status: 403, code: "not_through_distribution", change: func(_ *handler, _ *memory, e *events.APIGatewayV2HTTPRequest) {
			clear(e.Headers)
		}},
		{name: "missing", path: "lesson-1/none", status: 404, code: "not_found"},
		{name: "large", path: "lesson-9/many", status: 413, code: "playlist_too_large"},
		{name: "not a playlist", path: "lesson-9/not", status: 422, code: "invalid_playlist"},
		{name: "a fault", status: 500, code: "internal", change: func(h *handler, _ *memory, _ *events.APIGatewayV2HTTPRequest) { h.objects = nil }},
		{name: "no bucket", status: 503, code: "bucket_unavailable", change: func(_ *handler, m *memory, _ *events.APIGatewayV2HTTPRequest) {
			m.err = &awsjson.Error{Status: 403}
		}},
		{name: "no secret", status: 503, code: "keys_unavailable", change: func(h *handler, _ *memory, _ *events.APIGatewayV2HTTPRequest) {
			h.secrets = secrets{errors.New("down")}
		}},
	} {
		t.Run(fmt.Sprintf("%d %s", x.status, x.name), func(t *testing.T) {
			path, query := x.path, x.query
			if path == "" {
				path = "lesson-1/master"
			}
			if query == "" {
				query = courseQuery(t)
			}
			bucket := &memory{objects: content()}
			h, _ := newTestHandler(t, bucket)
			e := event("/premium/course-1/"+path+link.Suffix, query)
			if x.change != nil {
				x.change(h, bucket, &e)
			}
			got, err := h.handle(t.Context(), e)
			if err != nil || got.StatusCode != x.status || x.code != "" && !strings.Contains(got.Body, `"code":"`+x.code+`"`) {
				t.Fatalf("%d %s, %v; want %d %s", got.StatusCode, got.Body, err, x.status, x.code)
			}
			r, err := http.NewRequest("GET", "https://"+host+e.RawPath+"?"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			route, parameters, err := router.FindRoute(r)
			if err != nil {
				t.Fatal(err)
			}
			options := &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
			input := &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route, Options: options}
			if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
				t.Errorf("request: %v", err)
			}
			header := http.Header{}
			for name, value := range got.Headers {
				header.Set(name, value)
			}
			header.Del("Content-Encoding")
			if err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: input, Status: got.StatusCode, Header: header, Options: options,
				Body: io.NopCloser(bytes.NewReader([]byte(plain(t, got)))),
			}); err != nil {
				t.Errorf("response: %v", err)
			}
			happened[fmt.Sprint(x.status)], codes[x.code] = true, true
		})
	}
	operation := document.Paths.Find("/premium/{course}/{lesson}/{name}.link.m3u8").Get
	for status := range operation.Responses.Map() {
		if !happened[status] {
			t.Errorf("no exchange shows %s", status)
		}
	}
	text, err := os.ReadFile("refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	yaml, err := os.ReadFile(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`code: "([a-z0-9_]+)"`).FindAllStringSubmatch(string(text), -1) {
		code := match[1]
		if !regexp.MustCompile(`enum: \[[^\]]*\b` + code + `\b`).Match(yaml) {
			t.Errorf("docs/openapi.yaml does not have the code %s", code)
		}
		if !codes[code] && code != "method_not_allowed" { // API Gateway routes no other
			t.Errorf("no exchange shows the code %s", code)
		}
	}
}
