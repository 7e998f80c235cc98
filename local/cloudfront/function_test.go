package cloudfront

import (
	"net/http"
	"strings"
	"testing"

	"premiumhls/internal/cloudfront"
)

func newFunction(code string) *cloudfront.Function {
	return &cloudfront.Function{Name: "test", Code: code}
}

// A header that the function sets replaces all values that the viewer sent.
func TestViewerRequestFunction(t *testing.T) {
	d := distribution()
	d.Behaviors[1].Functions.ViewerRequest = newFunction(`function handler(event) {
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
	d.Behaviors[2].Functions.ViewerResponse = newFunction(`function handler(event) {
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
	d.Behaviors[2].Functions.ViewerResponse = newFunction(`function handler(event) {`)
	if CheckFunctions(d) == nil {
		t.Error("no error for code that does not compile")
	}
}

func testFunctionThatFails(t *testing.T, code string) {
	for _, event := range []string{"viewer-request", "viewer-response"} {
		d := distribution()
		f := newFunction(code)
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

// What a viewer-request function can do besides headers, and what is recorded.
func TestViewerRequestFunctionChanges(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		status     int
		result     string // X-Cache
		path       string // of the request to the origin; empty: no request
		query      string
		changed    string
	}{
		{"another uri", `event.request.uri = '/b.html'; return event.request;`, 200, "Miss", "/public/b.html", "", "uri"},
		{"the root", `event.request.uri = '/'; return event.request;`, 200, "Miss", "/public/index.html", "", "uri"},
		{"another query", `event.request.querystring = { v: { value: '2' } }; return event.request;`, 200, "Miss", "/public/a", "v=2", "querystring"},
		{"a response", `return { statusCode: 302, headers: { location: { value: '/x' } }, cookies: { a: { value: '1', attributes: 'Path=/' } }, body: 'moved' };`, 302, "FunctionGeneratedResponse", "", "", ""},
		{"a forbidden header", `event.request.headers['x-edge-a'] = { value: '1' }; return event.request;`, 502, "FunctionValidationError", "", "", ""},
		{"an exception", `throw new Error('broken');`, 503, "FunctionExecutionError", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := distribution()
			d.Behaviors[2].Functions.ViewerRequest = newFunction(`function handler(event) { ` + tt.body + ` }`)
			d.Behaviors[2].CachePolicy.Query = cloudfront.Selection{Mode: "all"}
			w := newWorld(d, nil)
			rec := w.do("GET", "/a", nil)
			if rec.Code != tt.status || rec.Header().Get("X-Cache") != tt.result+" from cloudfront" {
				t.Errorf("%d %v", rec.Code, rec.Header())
			}
			if tt.status == 302 && (rec.Header().Get("Location") != "/x" || rec.Header().Get("Set-Cookie") != "a=1; Path=/" || rec.Body.String() != "moved") {
				t.Errorf("%v %q", rec.Header(), rec.Body)
			}
			if tt.path != "" {
				if r := w.last(t); r.URL.Path != tt.path || r.URL.RawQuery != tt.query {
					t.Errorf("the origin was asked for %s?%s", r.URL.Path, r.URL.RawQuery)
				}
			}
			e := w.entries[len(w.entries)-1]
			if len(e.Functions) != 1 || e.Functions[0].Event != "viewer-request" || strings.Join(e.Functions[0].Changed, ",") != tt.changed || (e.Functions[0].Err != nil) != (tt.status >= 500) {
				t.Errorf("recorded %+v", e.Functions)
			}
		})
	}
}

// No function runs for a request that the edge rejects first.
func TestFunctionsThatDoNotRun(t *testing.T) {
	d := distribution()
	for i := range d.Behaviors {
		d.Behaviors[i].Functions.ViewerRequest = newFunction(`function handler(event) { return { statusCode: 299 }; }`)
	}
	w := newWorld(d, nil)
	for _, tt := range []struct{ method, path string }{{"GET", "/premium/course-1/a"}, {"POST", "/a"}} {
		if rec := w.do(tt.method, tt.path, nil); rec.Code != 403 || len(w.entries[len(w.entries)-1].Functions) != 0 {
			t.Errorf("%s %s: %d", tt.method, tt.path, rec.Code)
		}
	}
	if rec := w.do("GET", "/a", nil); rec.Code != 299 {
		t.Errorf("%d: the function does not run at all", rec.Code)
	}
}
