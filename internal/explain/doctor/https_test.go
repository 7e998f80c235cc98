package doctor

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"premiumhls/internal/cloudfront"
	edge "premiumhls/local/cloudfront"
)

// inMemory carries requests to a handler, over TLS where their scheme says so.
type inMemory struct{ handler http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.RemoteAddr = "192.0.2.1:443"
	if r.URL.Scheme == "https" {
		r.TLS = &tls.ConnectionState{}
	}
	r.Host = r.URL.Host
	recorder := httptest.NewRecorder()
	m.handler.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

func TestHTTPS(t *testing.T) {
	tests := []struct {
		name      string
		page, api string // viewer protocol policies
		status    Status
		found     string
	}{
		{"as the stack has it", "redirect-to-https", "https-only", OK, "the page redirects to HTTPS, and the API rejects plain HTTP"},
		{"a page without", "allow-all", "https-only", Failed, "the page without TLS is 200"},
		{"a page that is refused", "https-only", "https-only", Failed, "the page without TLS is 403"},
		{"an API that redirects", "redirect-to-https", "redirect-to-https", Failed, "the API without TLS is 307"},
		{"an API without", "redirect-to-https", "allow-all", Failed, "the API without TLS is 200"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			methods := []string{"GET", "HEAD", "OPTIONS", "POST"}
			handler := edge.New(cloudfront.Distribution{Domain: "h.example", Enabled: true, Behaviors: []cloudfront.Behavior{
				{PathPattern: "/api/*", ViewerProtocolPolicy: test.api, AllowedMethods: methods},
				{PathPattern: "*", ViewerProtocolPolicy: test.page, AllowedMethods: methods},
			}}, edge.Options{Origins: func(string) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/html")
				})
			}})
			for _, r := range Check(t.Context(), Options{Site: "https://h.example/", Transport: inMemory{handler}}) {
				if r.Name == "HTTPS" && (r.Status != test.status || r.Found != test.found) {
					t.Errorf("%+v, want %s: %s", r, test.status, test.found)
				}
				if r.Name == "security headers" && r.Found != "without Content-Security-Policy, X-Content-Type-Options, X-Frame-Options, Referrer-Policy, Strict-Transport-Security" {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}
