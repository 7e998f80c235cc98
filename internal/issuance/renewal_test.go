package issuance

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// arrive returns when each viewer first asks, in seconds: at random within a
// window.
func arrive(random *rand.Rand, viewers int, window float64) []float64 {
	times := make([]float64, viewers)
	for i := range times {
		times[i] = random.Float64() * window
	}
	return times
}

// renew returns when viewers ask again who asked at some time and follow after.
func renew(random *rand.Rand, asked []float64, lifetime, step time.Duration, after func(left int64, random float64) int64) []float64 {
	next := make([]float64, len(asked))
	for i, at := range asked {
		now := time.UnixMilli(int64(at * 1000))
		left := PolicyEnd(now, lifetime, step, time.Time{}) - now.Unix()
		next[i] = at + float64(after(left, random.Float64()))
	}
	return next
}

// peak returns the largest number of times within one second.
func peak(rounds ...[]float64) int {
	count := make(map[int64]int)
	most := 0
	for _, round := range rounds {
		for _, at := range round {
			count[int64(at)]++
			most = max(most, count[int64(at)])
		}
	}
	return most
}

const (
	viewers  = 100_000
	window   = 300 // seconds in which they arrive
	renewals = 5
)

// simulate returns the peak of the arrivals and that of the renewals, in
// requests a second.
func simulate(lifetime, step time.Duration, after func(int64, float64) int64) (arrivals, renewed int) {
	random := rand.New(rand.NewPCG(1, 2))
	asked := arrive(random, viewers, window)
	arrivals = peak(asked)
	var rounds [][]float64
	for range renewals {
		asked = renew(random, asked, lifetime, step, after)
		rounds = append(rounds, asked)
	}
	return arrivals, peak(rounds...)
}

// Of 100,000 viewers who arrive within five minutes, no more than 1.2 times as
// many ask in a second when they renew as when they arrive, whatever the step.
//
// Where cookies last less than ten minutes this is impossible: so many viewers
// renew more often than they arrive, however evenly. There the limit is 1.2
// times the rate of viewers who each renew once in the mean time that the
// shortest lifetime gives, spread evenly.
func TestRenewalsDoNotGather(t *testing.T) {
	const mean = (renewFrom + renewTo) / 2
	for _, minutes := range []int{1, 2, 5, 10, 15, 30, 60, 240, 1440} {
		for _, step := range []int{1, 2, 5, 15, 30, 60} {
			if step > minutes {
				continue // refused by the settings
			}
			t.Run(fmt.Sprintf("%d minutes by %d", minutes, step), func(t *testing.T) {
				t.Parallel()
				arrivals, renewed := simulate(time.Duration(minutes)*time.Minute, time.Duration(step)*time.Minute, RenewAfter)
				limit := 1.2 * float64(arrivals)
				if minutes < 10 {
					limit = 1.2 * viewers / (mean * 60 * float64(minutes))
				}
				t.Logf("arrivals %d a second, renewals %d a second", arrivals, renewed)
				if float64(renewed) > limit {
					t.Errorf("%d renewals in a second, want at most %.0f; %d arrive in a second", renewed, limit, arrivals)
				}
			})
		}
	}
}

// The simulation finds what it is for: at a fixed fraction of what is left,
// viewers gather.
func TestFixedFractionGathers(t *testing.T) {
	arrivals, renewed := simulate(time.Hour, 5*time.Minute, func(left int64, _ float64) int64 { return left * 2 / 3 })
	if renewed < 10*arrivals {
		t.Errorf("%d renewals in a second and %d arrivals: they do not gather", renewed, arrivals)
	}
}

func TestRenewAfter(t *testing.T) {
	for _, tt := range []struct {
		left   int64
		random float64
		want   int64
	}{{3600, 0, 1200}, {3600, 1, 3240}, {3600, 0.5, 2220}, {90, 0, 30}, {2, 0.999, 1}, {1, 0, 1}, {0, 0, 1}} {
		if got := RenewAfter(tt.left, tt.random); got != tt.want {
			t.Errorf("%d seconds left, %v: %d, want %d", tt.left, tt.random, got, tt.want)
		}
	}
}
