package apigateway_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"premiumhls/local/apigateway"
)

// Ten thousand tokens, each with its own key id, viewer and claims, and valid
// ones in between, leak no memory and no goroutines, and cause at most one
// request a second to the issuer.
func TestManyTokensLeaveNothingBehind(t *testing.T) {
	w := newWorld(t, nil)
	api, err := apigateway.New(apigateway.Config{APIID: "a", Throttle: &apigateway.Throttle{Rate: 1e6, Burst: 1e6},
		Routes: []apigateway.Route{{Method: "GET", Path: "/x", FunctionARN: signer,
			Authorizer: &apigateway.JWTAuthorizer{Header: "Authorization", Issuer: pool, Audience: []string{clientID},
				DiscoveryURL: w.keys.URL + "/.well-known/openid-configuration"}}}},
		apigateway.Options{Now: w.clock, Invoke: func(context.Context, string, []byte) ([]byte, error) { return []byte(`"ok"`), nil }})
	if err != nil {
		t.Fatal(err)
	}
	good := w.token(func(claims map[string]any) { claims["exp"] = w.now.Add(24 * time.Hour).Unix() })
	_, rest, _ := strings.Cut(good, ".")
	seconds := 0
	serve := func(count int) {
		for i := range count {
			token, want := good, http.StatusOK
			if i%50 != 0 {
				first := fmt.Appendf(nil, `{"alg":"RS256","kid":"key-%d-%d"}`, seconds, i)
				token, want = base64.RawURLEncoding.EncodeToString(first)+"."+rest, http.StatusUnauthorized
			}
			if i%1000 == 0 {
				w.wait(time.Second)
				seconds++
			}
			r := httptest.NewRequest("GET", "/x", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			rec := httptest.NewRecorder()
			api.ServeHTTP(rec, r)
			if rec.Code != want {
				t.Fatalf("request %d: %d %s, want %d", i, rec.Code, rec.Body, want)
			}
		}
	}
	serve(5_000)
	before, goroutines := heap(), runtime.NumGoroutine()
	serve(50_000)
	if after := heap(); after > before+1<<20 {
		t.Errorf("%d bytes are in use, and %d after 50000 requests", before, after)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, and %d after 50000 requests", goroutines, n)
	}
	if n := int(w.fetches.Load()); n < seconds || n > 2*seconds {
		t.Errorf("the issuer was asked %d times in %d seconds, for two documents each", n, seconds)
	}
	runtime.KeepAlive(api)
}

// heap returns the bytes in use after garbage collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // frees the pools' victim caches
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
