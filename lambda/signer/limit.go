package main

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"premiumhls/internal/cache"
)

// limitedViewers is the size of a generation of the cache: 8,192 viewers use about
// two megabytes.
const limitedViewers = 1 << 12

// A limiter limits the requests of each viewer in this container. Every request
// counts, and with it every path: a viewer can neither cause many signatures nor
// displace those of others from the cache.
type limiter struct {
	viewers *cache.Cache[string, *rate.Limiter] // nil: no limit
	limit   rate.Limit
	burst   int
}

// newLimiter returns a limiter with a limit in requests a minute. Zero means no
// limit.
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

// wait counts a request. If it exceeds the limit, wait returns how long the viewer
// must wait before the next.
func (l *limiter) wait(ctx context.Context, viewer string, now time.Time) time.Duration {
	if l.viewers == nil {
		return 0
	}
	limiter, err := l.viewers.Make(ctx, viewer, func(context.Context) (*rate.Limiter, error) {
		return rate.NewLimiter(l.limit, l.burst), nil
	})
	if err != nil || limiter.AllowN(now, 1) {
		return 0 // an error means that the request has ended
	}
	return time.Duration(float64(time.Second) / float64(l.limit))
}
