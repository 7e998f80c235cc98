// Package issuance has the rules by which the signer decides how long cookies
// last and which viewers share a signature. The simulator in bench/capacity
// uses the same rules, so that its counts are those of the real system.
package issuance

import "time"

// CachedSets is the size of a generation of the signer's cache of cookie sets;
// it has two. A set is about three kilobytes with an RSA key, so both stay
// below seven megabytes.
const CachedSets = 1 << 10

// The signer reads its keys again after at most an interval, from which each
// container takes a random part off, to 1/RefreshSpread, so that containers that
// started together do not read together. After a failed read it pauses: for
// FirstPause, doubling to LongestPause while it has keys and to
// LongestPauseWithoutKeys while it has none, of which a random part of the upper
// half is used.
const (
	RefreshSpread           = 5
	FirstPause              = time.Second
	LongestPause            = time.Minute
	LongestPauseWithoutKeys = 5 * time.Second
)

// FetchTimeout bounds one read of the keys with all its retries. It leaves the
// signer time to respond.
const FetchTimeout = 8 * time.Second

// PolicyEnd returns when a policy made now expires, in seconds since 1970: now
// plus lifetime, rounded up to the next multiple of step, so that viewers of the
// same path get the same policy and share its signature. If the grant ends
// earlier, the policy expires with the grant, rounded down to a second, so that
// no cookie outlives it. A zero grantUntil means that the grant has no end.
func PolicyEnd(now time.Time, lifetime, step time.Duration, grantUntil time.Time) int64 {
	end := now.Add(lifetime)
	seconds := end.Unix()
	if end.Nanosecond() > 0 {
		seconds++
	}
	if rest := seconds % int64(step/time.Second); rest > 0 {
		seconds += int64(step/time.Second) - rest
	}
	if !grantUntil.IsZero() {
		seconds = min(seconds, grantUntil.Unix())
	}
	return seconds
}

// leastRetrySpread is the shortest time over which retries are spread.
const leastRetrySpread = 10 * time.Second

// RetryAfter returns when to repeat a request that cannot succeed before least
// has passed. The number random, from 0 to 1, spreads those who were refused
// together.
func RetryAfter(least time.Duration, random float64) time.Duration {
	return least + time.Duration(random*float64(max(least, leastRetrySpread)))
}

// The part of what is left of the cookies in which a viewer renews them, drawn
// evenly. Not from the start, so that there are few renewals; not to the end,
// so that one that fails can be repeated.
const (
	renewFrom = 1.0 / 3
	renewTo   = 0.9
)

// RenewAfter returns after how many seconds a viewer should ask for cookies
// again, whose cookies expire in left seconds. The number random, from 0 to 1,
// spreads viewers evenly over more than half of that time.
//
// All cookies of a step expire together, so a fixed fraction of what is left
// would bring viewers closer to each other with each renewal, until they all
// ask within a second. This way their requests are never closer together than
// the shortest lifetime allows, wherever they began; TestRenewalsDoNotGather
// has the numbers.
func RenewAfter(left int64, random float64) int64 {
	return max(1, int64(float64(left)*(renewFrom+random*(renewTo-renewFrom))+1e-6))
}
