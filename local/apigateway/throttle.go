package apigateway

import (
	"sync"
	"time"
)

// bucket is a token bucket that starts full.
type bucket struct {
	mu     sync.Mutex
	rate   float64
	burst  float64
	tokens float64
	last   time.Time
}

func newBucket(t *Throttle, now time.Time) *bucket {
	if t == nil {
		t = &Throttle{Rate: accountRate, Burst: accountBurst}
	}
	return &bucket{rate: t.Rate, burst: float64(t.Burst), tokens: float64(t.Burst), last: now}
}

// take spends a token, if there is one.
func (b *bucket) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.After(b.last) {
		b.tokens = min(b.burst, b.tokens+now.Sub(b.last).Seconds()*b.rate)
		b.last = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
