package cloudfront

import (
	"fmt"
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
func TestCacheOfAMillion(t *testing.T) {
	const size, million = 1 << 12, 1_000_000
	cache := NewCache(size)
	fill := func(from, to int) {
		for i := range to - from {
			c := claim{key: &ecdsaKey, hash: signedcookie.SHA1, policy: fmt.Sprintf("policy-%d", from+i), signature: "signature"}
			cache.put(c, &verified{raw: c.policy})
			if cache.get(c) == nil {
				t.Fatalf("signature %d is forgotten at once", from+i)
			}
			if n := cache.claims.Len(); n > size {
				t.Fatalf("%d signatures are remembered after %d, more than %d", n, from+i+1, size)
			}
		}
	}
	fill(0, size) // from here on the memory is as full at each generation's end
	before := heap()
	fill(size, million/size*size)
	if after := heap(); after > before+1<<20 {
		t.Errorf("%d bytes are in use, and %d after a million", before, after)
	}
	runtime.KeepAlive(cache)
}

// A viewer's headers may be twenty kilobytes, of which a signature is half of
// one. What is remembered must not keep the rest, and neither must what is
// asked for again and so outlives its generation.
func TestCacheKeepsNoRequest(t *testing.T) {
	const count = 256
	cache := NewCache(2 * count)
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
			wantAllowed(t, b.Decide(r, cache))
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
		for i := range count {
			cache.put(claim{policy: fmt.Sprint("filler", generation, i)}, &verified{})
		}
	}
	runtime.KeepAlive(cache)
}
