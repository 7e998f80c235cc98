package apigateway

import "golang.org/x/time/rate"

// newLimiter returns a token bucket that starts full; nil means the account's
// quota.
func newLimiter(t *Throttle) *rate.Limiter {
	if t == nil {
		t = &Throttle{Rate: accountRate, Burst: accountBurst}
	}
	return rate.NewLimiter(rate.Limit(t.Rate), t.Burst)
}
