package main

import "math"

// planRetry is the page's rule of player/element/renewal.js: how long to wait
// before a failed request is retried, in seconds. It is false if the cookies
// expire before that.
func planRetry(attempt int, remaining, retryAfter, random float64) (float64, bool) {
	backoff := math.Min(60, 2*math.Pow(2, float64(min(attempt, 10))))
	earliest := math.Max(backoff/2, retryAfter)
	if earliest >= remaining {
		return 0, false
	}
	return earliest + random*math.Min(earliest, remaining-earliest), true
}
