package keyring

import (
	"math/rand/v2"
	"time"
)

// An outage counts failures and says how long to back off. The zero value has no
// failures. It is not safe for concurrent use.
type outage struct {
	failures int       // since the last success
	failedAt time.Time // when the last of them was
	pause    time.Duration
	cause    error // why
}

// begin counts a failure. The pause after it is a random time in the upper half
// of a bound that doubles with each failure, from firstPause to longest.
func (o *outage) begin(now time.Time, longest time.Duration, cause error) {
	bound := min(firstPause<<min(o.failures, 10), longest)
	o.failures++
	o.failedAt = now
	o.pause = bound/2 + rand.N(bound/2+1)
	o.cause = cause
}

// end records a success.
func (o *outage) end() { *o = outage{} }

// left returns how much is left of the pause.
func (o *outage) left(now time.Time) time.Duration {
	if o.failures == 0 {
		return 0
	}
	e := elapsed(now, o.failedAt)
	if e < 0 {
		return 0 // the clock was set back: when it failed is unknown
	}
	return max(o.pause-e, 0)
}
