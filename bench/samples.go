package main

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// confidence is the confidence level of every interval.
const confidence = 0.95

// samples are the measured values by name, one for each round.
type samples map[string][]float64

func (s samples) add(name string, value float64) { s[name] = append(s[name], value) }

// median returns NaN if nothing was measured.
func (s samples) median(name string) float64 { return summarize(s[name]).Center }

// time writes the median of nanoseconds and its confidence interval, such as
// "827 µs ±2%". Fewer than six rounds have no interval.
func (s samples) time(name string) string {
	summary := summarize(s[name])
	return withInterval(duration(summary.Center), summary)
}

// ratio summarizes a divided by b, round by round, so that noise of the machine
// in a round affects both.
func (s samples) ratio(a, b string) benchmath.Summary {
	long, short := s[a], s[b]
	if len(long) != len(short) {
		ratio := s.median(a) / s.median(b)
		return benchmath.Summary{Center: ratio, Lo: math.Inf(-1), Hi: math.Inf(1)}
	}
	ratios := make([]float64, len(long))
	for i := range long {
		ratios[i] = long[i] / short[i]
	}
	return summarize(ratios)
}

// compare tests whether a and b differ significantly (Mann-Whitney U test).
func (s samples) compare(a, b string) benchmath.Comparison {
	return benchmath.AssumeNothing.Compare(sample(s[a]), sample(s[b]))
}

// largest is the largest median of names; NaN unless all were measured.
func (s samples) largest(names ...string) float64 {
	largest := math.Inf(-1)
	for _, name := range names {
		largest = math.Max(largest, s.median(name)) // NaN stays NaN
	}
	return largest
}

func sample(values []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds) // it sorts
}

// summarize returns the median and its interval, without assuming a
// distribution.
func summarize(values []float64) benchmath.Summary {
	if len(values) == 0 {
		return benchmath.Summary{Center: math.NaN(), Lo: math.NaN(), Hi: math.NaN()}
	}
	return benchmath.AssumeNothing.Summary(sample(values), confidence)
}

// withInterval appends the interval to a written median, if there is one.
func withInterval(text string, s benchmath.Summary) string {
	if !hasInterval(s) {
		return text
	}
	return fmt.Sprintf("%s ±%s", text, s.PctRangeString())
}

func hasInterval(s benchmath.Summary) bool {
	return !math.IsNaN(s.Lo) && !math.IsInf(s.Lo, 0) && !math.IsInf(s.Hi, 0)
}
