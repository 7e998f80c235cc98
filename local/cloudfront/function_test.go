package cloudfront

import (
	"net/http"
	"testing"

	"premiumhls/internal/cloudfront"
)

func function(code string) *cloudfront.Function {
	return &cloudfront.Function{Name: "test", Code: code}
}

// What the function sets replaces everything that the viewer sent under that name.
func TestViewerRequestFunction(t *testing.T) {
	d := distribution()
	d.Behaviors[1].Functions.ViewerRequest = function(`function handler(event) {
		event.request.headers['x-viewer-address'] = { value: event.viewer.ip, multiValue: [{ value: event.viewer.ip }] };
		return event.request;
	}`)
	w := newWorld(d, nil)
	w.do("POST", "/api/cookies?a=1", func(r *http.Request) {
		r.Header["X-Viewer-Address"] = []string{"203.0.113.9", "203.0.113.10"}
		r.Header.Set("Cookie", "a=1")
		r.Header.Set("X-Mine", "1")
	})
	got := w.last(t)
	if values := got.Header.Values("X-Viewer-Address"); len(values) != 1 || values[0] != "192.0.2.7" {
		t.Errorf("X-Viewer-Address %q, want the viewer's address alone", values)
	}
	if got.Header.Get("X-Mine") != "1" || got.Header.Get("Cookie") != "a=1" || got.Host != "api.example" {
		t.Errorf("host %q, headers %v", got.Host, got.Header)
	}
}

func TestViewerResponseFunction(t *testing.T) {
	d := distribution()
	d.Behaviors[2].Functions.ViewerResponse = function(`function handler(event) {
		event.response.headers['content-security-policy'] = { value: "default-src 'self'" };
		return event.response;
	}`)
	status := http.StatusOK
	w := newWorld(d, func(o *Options) {
		o.Origins = func(string) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("ETag", "e")
				rw.WriteHeader(status)
			})
		}
	})
	for _, test := range []struct {
		status int
		want   string
	}{{200, "default-src 'self'"}, {304, "default-src 'self'"}, {404, ""}} {
		status = test.status
		rec := w.do("GET", "/index.html", nil)
		if rec.Code != test.status || rec.Header().Get("Content-Security-Policy") != test.want || rec.Header().Get("ETag") != "e" {
			t.Errorf("%d: %d %v", test.status, rec.Code, rec.Header())
		}
	}
}

func TestFunctionThatFails(t *testing.T) {
	for name, code := range map[string]string{
		"throws": `function handler(event) { throw new Error('broken'); }`, "does not compile": `function handler(event) {`,
	} {
		t.Run(name, func(t *testing.T) { testFunctionThatFails(t, code) })
	}
}

func TestCheckFunctions(t *testing.T) {
	d := distribution()
	if err := CheckFunctions(d); err != nil {
		t.Error(err)
	}
	d.Behaviors[2].Functions.ViewerResponse = function(`function handler(event) {`)
	if CheckFunctions(d) == nil {
		t.Error("no error for code that does not compile")
	}
}

func testFunctionThatFails(t *testing.T, code string) {
	for _, event := range []string{"viewer-request", "viewer-response"} {
		d := distribution()
		f := function(code)
		if event == "viewer-request" {
			d.Behaviors[2].Functions.ViewerRequest = f
		} else {
			d.Behaviors[2].Functions.ViewerResponse = f
		}
		rec := newWorld(d, nil).do("GET", "/index.html", nil)
		if rec.Code != 503 || rec.Header().Get("X-Cache") != "FunctionExecutionError from cloudfront" || rec.Body.Len() > 0 {
			t.Errorf("%s: %d %v %q", event, rec.Code, rec.Header(), rec.Body)
		}
	}
}
