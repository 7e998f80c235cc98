package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"premiumhls/lambda/internal/entitlement"
	"premiumhls/signedcookie"
)

// limited returns a handler with the default limit and a clock to set.
func limited(t *testing.T) (h *handler, clock *time.Time) {
	t.Helper()
	h, _ = newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA256), entitlement.Authenticated{}, "viewerRequestsPerMinute=30")
	clock = new(time.Time)
	*clock = now
	h.now = func() time.Time { return *clock }
	return h, clock
}

func asks(t *testing.T, h *handler, viewer, method, body string) (status int, retryAfter string) {
	t.Helper()
	e := event(method, body)
	e.RequestContext.Authorizer.JWT.Claims["sub"] = viewer
	got := serve(t, h, e)
	if got.StatusCode == 429 && (len(got.Cookies) != 0 || got.Body != `{"code":"too_many_requests","requestId":"request-1"}`) {
		t.Errorf("429 with %q %s", got.Cookies, got.Body)
	}
	return got.StatusCode, got.Headers["retry-after"]
}

func TestViewerLimit(t *testing.T) {
	h, clock := limited(t)
	for i := range 30 {
		if status, _ := asks(t, h, "ada", "POST", fmt.Sprintf(`{"path":"course-%d"}`, i)); status != 200 {
			t.Fatalf("request %d: %d", i+1, status)
		}
	}
	for _, method := range []string{"POST", "DELETE"} {
		// 2 s until the next request, and half of 10 s.
		if status, after := asks(t, h, "ada", method, `{"path":"course-1"}`); status != 429 || after != "7" {
			t.Errorf("%s is one too many: %d, retry after %q", method, status, after)
		}
	}
	if status, _ := asks(t, h, "ben", "POST", `{"path":"course-1"}`); status != 200 {
		t.Errorf("another viewer: %d", status)
	}
	*clock = clock.Add(2 * time.Second)
	for i, want := range []int{200, 429} {
		if status, _ := asks(t, h, "ada", "POST", ""); status != want {
			t.Errorf("two seconds later, request %d: %d, want %d", i+1, status, want)
		}
	}
	*clock = clock.Add(time.Hour)
	served := 0
	for range 100 {
		if status, _ := asks(t, h, "ada", "POST", ""); status == 200 {
			served++
		}
	}
	if served != 30 {
		t.Errorf("an hour later %d requests at once, want 30", served)
	}
}

// What is refused without a token, or past the distribution, counts for nobody.
func TestViewerLimitCountsViewersOnly(t *testing.T) {
	h, _ := limited(t)
	for range 100 {
		e := event("POST", "")
		e.Headers[originSecretHeader] = "wrong"
		if got := serve(t, h, e); got.StatusCode != 403 {
			t.Fatalf("past the distribution: %d", got.StatusCode)
		}
		e = event("POST", "")
		e.RequestContext.Authorizer = nil
		if got := serve(t, h, e); got.StatusCode != 401 {
			t.Fatalf("without a token: %d", got.StatusCode)
		}
	}
	if status, _ := asks(t, h, "ada", "POST", ""); status != 200 {
		t.Errorf("a viewer: %d", status)
	}
}

// A viewer who asks for ever more paths, three times a second for ten minutes,
// gets some 330 signatures, and what others share stays cached.
func TestViewerCannotEmptyTheCache(t *testing.T) {
	h, clock := limited(t)
	shared := func() int {
		before := h.cookieSets.Len()
		for i := range 20 {
			if status, _ := asks(t, h, fmt.Sprint("viewer-", i), "POST", `{"path":"shared"}`); status != 200 {
				t.Fatalf("shared path: %d", status)
			}
		}
		return h.cookieSets.Len() - before
	}
	if made := shared(); made != 1 {
		t.Fatalf("%d sets of cookies for one path", made)
	}
	served := 0
	for i := range 3 * 600 {
		*clock = now.Add(time.Duration(i) * time.Second / 3)
		if status, _ := asks(t, h, "bot", "POST", fmt.Sprintf(`{"path":"course-%d"}`, i)); status == 200 {
			served++
		}
	}
	if served < 300 || served > 330 {
		t.Errorf("%d sets of cookies in ten minutes, want about 30 a minute", served)
	}
	*clock = now.Add(time.Second)
	if made := shared(); made != 0 {
		t.Errorf("the cookies of others are made again")
	}
}

// The limits of many viewers take bounded memory.
func TestViewerLimitIsBounded(t *testing.T) {
	l := newLimiter(30)
	for i := range 5 * limitedViewers {
		if wait := l.wait(context.Background(), strconv.Itoa(i), now); wait != 0 {
			t.Fatalf("viewer %d must wait %v at once", i, wait)
		}
	}
	if n := l.viewers.Len(); n > 2*limitedViewers {
		t.Errorf("%d viewers are known, want at most %d", n, 2*limitedViewers)
	}
}

func TestRetryAfterIsSpread(t *testing.T) {
	h, _ := limited(t)
	h.entitlements = grants{err: context.DeadlineExceeded}
	seen := make(map[string]bool)
	for i := range 10 {
		h.random = func() float64 { return float64(i) / 10 }
		status, after := asks(t, h, "ada", "POST", "")
		if status != 503 {
			t.Fatalf("%d", status)
		}
		seen[after] = true
	}
	if len(seen) < 5 {
		t.Errorf("retries after %v seconds", seen)
	}
}

func TestAddressInTheLog(t *testing.T) {
	for _, tt := range []struct{ name, forwarded, source, want string }{
		{"added by CloudFront", "192.0.2.7", "203.0.113.1", "192.0.2.7"},
		{"and by API Gateway", "192.0.2.7, 203.0.113.1", "203.0.113.1", "192.0.2.7"},
		{"begun by the viewer", "10.0.0.1, 198.51.100.9,192.0.2.7, 203.0.113.1", "203.0.113.1", "192.0.2.7"},
		{"of IPv6", "2001:db8::7, 203.0.113.1", "203.0.113.1", "2001:db8::7"},
		{"of IPv4 as IPv6", "::ffff:192.0.2.7", "203.0.113.1", "192.0.2.7"},
		{"not an address", "unknown, 203.0.113.1", "203.0.113.1", ""},
		{"none", "", "203.0.113.1", ""},
		{"with a line break", "192.0.2.7\n, 203.0.113.1", "203.0.113.1", "192.0.2.7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, log := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA256), entitlement.Authenticated{}, "logViewers=plain")
			e := event("POST", "")
			e.Headers[forwardedHeader], e.RequestContext.HTTP.SourceIP = tt.forwarded, tt.source
			serve(t, h, e)
			if got := lastLog(t, log)["address"]; got != tt.want {
				t.Errorf("address %q, want %q", got, tt.want)
			}
		})
	}
}

// Digests depend on the viewer hash key alone: nobody who lacks it can find a
// viewer by trying all names. Without the key the log names no viewer.
func TestDigestsAreKeyed(t *testing.T) {
	digests := func(originSecret, key string) []any {
		store := storeWith(signedcookie.ECDSAP256, signedcookie.SHA256)
		store.parameters.OriginSecret, store.parameters.ViewerHashKey = originSecret, key
		h, log := newTestHandler(t, store, entitlement.Authenticated{})
		e := event("POST", "")
		e.Headers[originSecretHeader] = originSecret
		if got := serve(t, h, e); got.StatusCode != 200 {
			t.Fatalf("%d %s", got.StatusCode, got.Body)
		}
		line := lastLog(t, log)
		return []any{line["viewer"], line["address"]}
	}
	one := digests(secret, "one")
	for i, digest := range one {
		if text, _ := digest.(string); len(text) != 16 {
			t.Errorf("digest %v", digest)
		}
		if another := digests(secret, "another"); another[i] == digest {
			t.Errorf("another key makes the same digest: %v", digest)
		}
	}
	if got := digests("another-secret", "one"); !slices.Equal(got, one) {
		t.Errorf("another origin secret makes other digests: %v and %v", got, one)
	}
	if got := digests(secret, ""); !slices.Equal(got, []any{"", ""}) {
		t.Errorf("without a key: %v", got)
	}
}
