package main

import (
	"math"
	"math/rand/v2"
)

// planRetry is the page's rule of player/page/renewal.js: how long to wait
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

// renewAfter is when a viewer requests cookies again, in seconds after the last
// response.
func renewAfter(expiresIn float64, r *rand.Rand) float64 {
	return expiresIn * (0.4 + r.Float64()*0.4)
}
