package stacks_test

import (
	"encoding/json"
	"strings"
	"testing"

	"premiumhls/local/cloudfront/function"
)

// Only the embedded page can be framed, by the listed origins, and only the
// page of the sign-in's window keeps its opener. Both hold whether the function
// gets the viewer's path or the rewritten one.
func TestEmbedFunctions(t *testing.T) {
	const origin, second = "https://www.example.org", "http://localhost:5173"
	a := synthesize(t, map[string]any{"allowedOrigins": []any{origin, second}})
	page := behaviors(t, a)["*"]
	compile := func(event string) *function.Program {
		var code string
		if err := json.Unmarshal([]byte(functionCode(t, a, page, event)), &code); err != nil {
			// The code names a resource.
			code = plainCode(t, functionCode(t, a, page, event))
		}
		p, err := function.Compile(event, code)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	request, response := compile(function.ViewerRequest), compile(function.ViewerResponse)
	for _, tt := range []struct {
		uri, rewritten, framedBy, opener string
	}{
		{"/embed/course-1", "/embed.html", origin + " " + second, "same-origin"},
		{"/embed/course-1/lesson-1", "/embed.html", origin + " " + second, "same-origin"},
		{"/embed/", "/embed.html", origin + " " + second, "same-origin"},
		{"/embed/../index.html", "/embed.html", origin + " " + second, "same-origin"},
		{"/embed.html", "/embed.html", origin + " " + second, "same-origin"},
		{"/signed-in.html", "/signed-in.html", "'none'", "unsafe-none"},
		{"/", "/", "'none'", "same-origin"},
		{"/index.html", "/index.html", "'none'", "same-origin"},
		{"/embed", "/embed", "'none'", "same-origin"},
		{"/embedded/x", "/embedded/x", "'none'", "same-origin"},
		{"/%65mbed.html", "/%65mbed.html", "'none'", "same-origin"},
		{"/x/embed/course-1", "/x/embed/course-1", "'none'", "same-origin"},
		{"/signed-in.html/", "/signed-in.html/", "'none'", "same-origin"},
		{"/config.json", "/config.json", "'none'", "same-origin"},
	} {
		t.Run(tt.uri, func(t *testing.T) {
			event := function.Event{Version: "1.0", Context: function.Context{EventType: function.ViewerRequest},
				Request: function.Request{Method: "GET", URI: tt.uri, QueryString: map[string]function.Value{"a": {Value: "b"}}}}
			got, err := request.Run(event)
			if err != nil || got.Request == nil || got.Request.URI != tt.rewritten || got.Request.QueryString["a"].Value != "b" {
				t.Fatalf("rewritten to %+v, %v", got.Request, err)
			}
			for _, uri := range []string{tt.uri, tt.rewritten} {
				event.Context.EventType = function.ViewerResponse
				event.Request.URI = uri
				event.Response = &function.Response{StatusCode: 200, Headers: map[string]function.Value{
					"x-frame-options": {Value: "SAMEORIGIN"}, "content-type": {Value: "text/html"},
				}}
				got, err := response.Run(event)
				if err != nil {
					t.Fatal(err)
				}
				headers := got.Response.Headers
				if policy := headers["content-security-policy"].Value; !strings.HasSuffix(policy, "; frame-ancestors "+tt.framedBy) || !strings.HasPrefix(policy, "default-src 'self'; script-src 'self'; ") {
					t.Errorf("%s: policy %s", uri, policy)
				}
				if _, kept := headers["x-frame-options"]; kept != (tt.framedBy == "'none'") {
					t.Errorf("%s: X-Frame-Options is there: %t", uri, kept)
				}
				if got := headers["cross-origin-opener-policy"].Value; got != tt.opener {
					t.Errorf("%s: Cross-Origin-Opener-Policy %s, want %s", uri, got, tt.opener)
				}
				if headers["content-type"].Value != "text/html" {
					t.Errorf("%s: content type %s", uri, headers["content-type"].Value)
				}
			}
		})
	}
}

// plainCode is the text of a function's code that names resources, without them.
func plainCode(t *testing.T, code string) string {
	var join struct {
		Join []json.RawMessage `json:"Fn::Join"`
	}
	var parts []json.RawMessage
	if json.Unmarshal([]byte(code), &join) != nil || len(join.Join) != 2 || json.Unmarshal(join.Join[1], &parts) != nil {
		t.Fatalf("the code is %s", code)
	}
	var whole strings.Builder
	for _, part := range parts {
		var text string
		if json.Unmarshal(part, &text) != nil {
			text = "RESOURCE"
		}
		whole.WriteString(text)
	}
	return whole.String()
}

// The page knows who may embed it, and the user pool where to return a viewer
// of an embedded page.
func TestEmbedConfiguration(t *testing.T) {
	a := synthesize(t, map[string]any{"allowedOrigins": []any{"https://www.example.org"}})
	client := text(a.Only(t, "AWS::Cognito::UserPoolClient").Properties["CallbackURLs"])
	if !strings.Contains(client, "/signed-in.html") {
		t.Errorf("callbacks %s", client)
	}
	if out := text(a.Only(t, "AWS::Cognito::UserPoolClient").Properties["LogoutURLs"]); strings.Contains(out, "signed-in") {
		t.Errorf("sign-out pages %s", out)
	}
	if client := text(synthesize(t, nil).Only(t, "AWS::Cognito::UserPoolClient").Properties["CallbackURLs"]); strings.Contains(client, "signed-in") {
		t.Errorf("without allowed origins: callbacks %s", client)
	}
}
