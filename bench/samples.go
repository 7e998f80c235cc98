package main

import (
	"math"
	"slices"
)

// samples are what was measured, by name: one value for each round.
type samples map[string][]float64

func (s samples) add(name string, value float64) { s[name] = append(s[name], value) }

// median is NaN where nothing was measured.
func (s samples) median(name string) float64 { return median(s[name]) }

// ratio is how many times as long a takes as b: the median over the rounds, in
// each of which the machine's noise meets both.
func (s samples) ratio(a, b string) float64 {
	long, short := s[a], s[b]
	if len(long) != len(short) {
		return s.median(a) / s.median(b)
	}
	ratios := make([]float64, len(long))
	for i := range long {
		ratios[i] = long[i] / short[i]
	}
	return median(ratios)
}

// most is the greatest median among names; it is NaN unless all were measured.
func (s samples) most(names ...string) float64 {
	greatest := math.Inf(-1)
	for _, name := range names {
		greatest = math.Max(greatest, s.median(name)) // NaN stays
	}
	return greatest
}

func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
