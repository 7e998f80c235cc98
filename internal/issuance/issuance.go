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
