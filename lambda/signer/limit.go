package main

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"premiumhls/internal/cache"
)

// limitedViewers is the size of a generation of the limits: 8,192 viewers take
// about two megabytes.
const limitedViewers = 1 << 12

// A limiter bounds how often each viewer may ask in this container. Every
// request counts, and with it every path: a viewer can neither have many
// signatures made nor displace those of others from the cache.
type limiter struct {
	viewers *cache.Cache[string, *rate.Limiter] // nil: no limit
	limit   rate.Limit
	burst   int
}

// newLimiter returns a limiter of so many requests a minute. Zero is no limit.
func newLimiter(perMinute int) *limiter {
	if perMinute == 0 {
		return &limiter{}
	}
	return &limiter{
		viewers: cache.New[string, *rate.Limiter](limitedViewers),
		limit:   rate.Limit(float64(perMinute) / 60),
		burst:   perMinute,
	}
}

// wait counts a request, and returns for how long the viewer must wait before
// the next if it is one too many.
func (l *limiter) wait(ctx context.Context, viewer string, now time.Time) time.Duration {
	if l.viewers == nil {
		return 0
	}
	limiter, err := l.viewers.Make(ctx, viewer, func(context.Context) (*rate.Limiter, error) {
		return rate.NewLimiter(l.limit, l.burst), nil
	})
	if err != nil || limiter.AllowN(now, 1) {
		return 0 // the error is that of a request that has ended
	}
	return time.Duration(float64(time.Second) / float64(l.limit))
}
