package main

import (
	"math"
	"math/rand/v2"
	"time"

	"premiumhls/internal/cost"
)

// tableReads are the items that the signer reads for a path of a course and a
// lesson: a grant for everything, for the course and for the lesson.
const tableReads = 3

// defaults are the default settings, and what was measured or is assumed of the
// rest.
func defaults() Config {
	return Config{
		Lifetime: time.Hour, Step: 5 * time.Minute, Refresh: 5 * time.Minute, KeyWait: 10 * time.Minute,
		Table: true, Cognito: true,
		// The default lifetime of a link, and what docs/links.md assumes for a
		// playlist.
		LinkLifetime: 4 * time.Hour, Playlist: 20 * time.Millisecond,
		SegmentSeconds: 6, SeparateAudio: true, Mbps: 3, PageRequests: cost.PageRequests, TokenLifetime: time.Hour,
		// Measured on one processor and scaled to 256 MB (docs/costs.md).
		Warm: 3 * time.Millisecond, Sign: time.Millisecond,
		// Assumed: a call of KMS within a region.
		KMSCall: 10 * time.Millisecond,
		// The signer's start at 256 MB (docs/costs.md), and 200 ms assumed for the
		// microVM, the download, and TLS to Parameter Store.
		Cold: 235 * time.Millisecond,
		// Not documented; assumed from what is seen.
		Idle: 6 * time.Minute, MaxAge: 2 * time.Hour,
		StageRate: 2000, StageBurst: 4000, SSMRate: 40,
		// At no step of the expiry, so that a run crosses them as any other.
		Start: time.Date(2026, 11, 26, 18, 57, 30, 0, time.UTC),
		Seed:  1,
	}
}

// spread returns a moment of a duration, more of them early: most viewers of a
// premiere come at its beginning. The density falls linearly to half.
func spread(r *rand.Rand, d time.Duration) time.Duration {
	u := r.Float64()
	// The inverse of F(x) = (4x - x²)/3, whose density is 4/3 at 0 and 2/3 at 1.
	return time.Duration((2 - math.Sqrt(4-3*u)) * float64(d))
}

// scenarios are what the simulator knows.
func scenarios() []Scenario {
	watching := func(r *rand.Rand, viewer int) (time.Duration, time.Duration, int) {
		// Everyone comes within 40 minutes and stays to the end; ten courses.
		return time.Duration(r.Float64() * float64(40*time.Minute)), 5 * time.Hour, viewer % 10
	}
	return []Scenario{
		{
			Name: "premiere", Title: "Premiere: everyone arrives within five minutes and watches one film of two hours",
			Duration: 2*time.Hour + 6*time.Minute,
			Arrival: func(r *rand.Rand, _ int) (time.Duration, time.Duration, int) {
				return spread(r, 5*time.Minute), 2 * time.Hour, 0
			},
		},
		{
			Name: "day", Title: "A course platform's day: 1,000 courses, visits of 20 to 40 minutes, most in the evening",
			Duration: 25 * time.Hour,
			Arrival: func(r *rand.Rand, _ int) (time.Duration, time.Duration, int) {
				at := 12 * time.Hour // a day that is busiest at its 20th hour
				for {
					at = time.Duration(r.Float64() * float64(24*time.Hour))
					load := 0.55 + 0.45*math.Cos(2*math.Pi*(at.Hours()-20)/24)
					if r.Float64() < load {
						break
					}
				}
				// Popularity falls as 1/rank.
				path := int(math.Exp(r.Float64()*math.Log(1000))) - 1
				return at, 20*time.Minute + time.Duration(r.Float64()*float64(20*time.Minute)), path
			},
		},
		{
			Name: "rotation", Title: "Key rotation: another key signs, while everyone watches",
			Duration: 3 * time.Hour, Arrival: watching, KeyChange: 80 * time.Minute,
		},
		{
			Name: "emergency", Title: "Emergency rotation: the old key is dropped, and all cookies end within two minutes",
			Duration: 2 * time.Hour, Arrival: watching, KeyChange: 80 * time.Minute, Emergency: true, Spread: 2 * time.Minute,
		},
		{
			Name: "outage", Title: "Parameter Store is down for an hour, while everyone watches",
			Duration: 3 * time.Hour, Arrival: watching, Outage: 80 * time.Minute, OutageEnd: 140 * time.Minute,
		},
		{
			Name: "flood", Title: "A bot floods the API for an hour with 5,000 requests a second and the token of one account, while everyone watches, without a web ACL",
			Duration: 3 * time.Hour, Arrival: watching, Bot: 5000, BotToken: true, BotStart: 80 * time.Minute, BotEnd: 140 * time.Minute,
		},
	}
}
