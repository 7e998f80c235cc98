package cloudfront

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"premiumhls/signedcookie"
)

// heap returns the bytes in use after garbage collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // frees the pools' victim caches
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A hundred thousand requests of every kind leak no memory and no goroutines.
func TestRequestsLeaveNothingBehind(t *testing.T) {
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("segment")) })
	e := New(distribution(), Options{Scheme: "https", Now: clock, Origins: func(string) http.Handler { return origin }})
	good := courseOne().cookies()
	statuses := map[int]int{}
	serve := func(count int) {
		for i := range count {
			target, cookies := segment, good
			switch i % 8 {
			case 0:
				cookies = good.with(signedcookie.KeyPairIDCookie, fmt.Sprintf("K%d", i))
			case 1:
				cookies = good.with(signedcookie.SignatureCookie, fmt.Sprintf("%d", i))
			case 2:
				cookies = good.with(signedcookie.PolicyCookie, fmt.Sprintf("policy-%d", i))
			case 3:
				target = fmt.Sprintf("/premium/course-2/%d.ts", i)
			case 4:
				target = fmt.Sprintf("/premium/course-1/%%2e%%2e/course-%d/a.ts", i)
			case 5:
				target = fmt.Sprintf("/premium/course-1/%d.ts?x=%d", i, i)
			case 6:
				target = fmt.Sprintf("/trailers/%d.ts", i)
			}
			r := httptest.NewRequest("GET", target, nil)
			r.Host = host
			r.Header.Set("Cookie", cookies.header())
			rec := httptest.NewRecorder()
			e.ServeHTTP(rec, r)
			statuses[rec.Code]++
		}
	}
	const warm, count = 8_000, 80_000
	serve(warm)
	before, goroutines := heap(), runtime.NumGoroutine()
	serve(count)
	if after := heap(); after > before+1<<20 {
		t.Errorf("%d bytes are in use, and %d after %d requests", before, after, count)
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines, and %d after %d requests", goroutines, now, count)
	}
	if all := warm + count; statuses[200] != all/8*3 || statuses[403] != all/8*5 {
		t.Errorf("answers by status: %v", statuses)
	}
	runtime.KeepAlive(e)
}
