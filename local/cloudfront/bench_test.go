package cloudfront

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkServe is a whole request: behavior, signature, origin and headers.
func BenchmarkServe(b *testing.B) {
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "segment") })
	e := New(distribution(), Options{Scheme: "https", Now: clock, Origins: func(string) http.Handler { return origin }})
	r := httptest.NewRequest("GET", segment, nil)
	r.Host = host
	r.Header.Set("Cookie", courseOne().cookies().header())
	b.ReportAllocs()
	for b.Loop() {
		e.ServeHTTP(discard{http.Header{}}, r)
	}
}
