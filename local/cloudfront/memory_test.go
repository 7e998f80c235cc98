package cloudfront

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"premiumhls/signedcookie"
)

// heap is what is in use, in bytes, once everything that nobody needs is gone.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one has freed of pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A million signatures that all verified: the memory holds as many as it may.
func TestMemoryOfAMillion(t *testing.T) {
	const size, million = 1 << 12, 1_000_000
	memory := NewMemory(size)
	remember := func(from, to int) {
		for i := range to - from {
			c := claim{key: &ecdsaKey, hash: signedcookie.SHA1, policy: fmt.Sprintf("policy-%d", from+i), signature: "signature"}
			memory.remember(c, &proof{raw: c.policy})
			if memory.recall(c) == nil {
				t.Fatalf("signature %d is forgotten at once", from+i)
			}
			if n := len(memory.young) + len(memory.old); n > size {
				t.Fatalf("%d signatures are remembered after %d, more than %d", n, from+i+1, size)
			}
		}
	}
	remember(0, size) // from here on the memory is as full at each generation's end
	before := heap()
	remember(size, million/size*size)
	if after := heap(); after > before+1<<20 {
		t.Errorf("%d bytes are in use, and %d after a million", before, after)
	}
	runtime.KeepAlive(memory)
}

// A viewer's headers may be twenty kilobytes, of which a signature is half of
// one. What is remembered must not keep the rest, and neither must what is
// asked for again and so outlives its generation.
func TestMemoryKeepsNoRequest(t *testing.T) {
	const count = 256
	memory := NewMemory(2 * count)
	b := premium()
	cookies := make([]pairs, count)
	for i := range cookies {
		g := grant{ecdsaKey, signedcookie.SHA1, courseOne().Policy}
		g.Expires = g.Expires.Add(time.Duration(i) * time.Second)
		cookies[i] = g.cookies()
	}
	ask := func() {
		for _, c := range cookies {
			r := asked(segment, append(pairs{"padding=" + strings.Repeat("x", 18<<10)}, c...))
			wantAllowed(t, b.Decide(r, memory))
		}
	}
	before := heap()
	for generation := range 3 {
		ask()
		if used := heap() - before; used > count*4<<10 {
			t.Fatalf("%d bytes are in use for %d signatures after round %d", used, count, generation+1)
		}
		// The next generation begins: what is asked for from now on is taken
		// over from the old one.
		memory.mu.Lock()
		memory.old, memory.young = memory.young, map[claim]*proof{}
		memory.mu.Unlock()
	}
	runtime.KeepAlive(memory)
}

// Requests of every kind by the hundred thousand leave nothing behind in the
// edge: neither memory nor goroutines.
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
