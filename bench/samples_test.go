package main

import (
	"math"
	"slices"
	"testing"
)

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
		text   string
	}{
		{"one", []float64{7}, 7, "7 ns"},
		{"odd", []float64{9, 1, 5}, 5, "5 ns"},
		{"even", []float64{4, 1, 3, 2}, 2.5, "2.50 ns"},
		{"an outlier", []float64{2, 1000, 1, 3, 2}, 2, "2 ns"},
		{"six, with an interval", []float64{100, 98, 101, 100, 103, 100}, 100, "100 ns ±3%"},
		{"six equal", []float64{100, 100, 100, 100, 100, 100}, 100, "100 ns ±0%"},
		{"none", nil, math.NaN(), notMeasured},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := slices.Clone(c.values)
			s := samples{"x": c.values}
			if got := s.median("x"); !same(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
			if got := s.time("x"); got != c.text {
				t.Errorf("%q, want %q", got, c.text)
			}
			if !slices.Equal(c.values, before) {
				t.Error("the order of the samples has changed")
			}
		})
	}
}

func TestRatio(t *testing.T) {
	for _, c := range []struct {
		name        string
		long, short []float64
		want        float64
		interval    bool
	}{
		{"steady", []float64{10, 10, 10}, []float64{2, 2, 2}, 5, false},
		{"a slow second round affects both", []float64{10, 30, 12}, []float64{2, 6, 2}, 5, false},
		{"six rounds", []float64{10, 30, 12, 10, 10, 10}, []float64{2, 6, 2, 2, 2, 2}, 5, true},
		{"different numbers of rounds", []float64{10, 10}, []float64{5}, 2, false},
		{"not measured", nil, []float64{5}, math.NaN(), false},
		{"neither measured", nil, nil, math.NaN(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := samples{"long": c.long, "short": c.short}.ratio("long", "short")
			if !same(got.Center, c.want) || hasInterval(got) != c.interval {
				t.Errorf("%+v, want %v, interval: %t", got, c.want, c.interval)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	s := samples{
		"a": {10, 11, 10, 12, 11, 10}, "b": {11, 10, 12, 10, 10, 11}, "slow": {20, 21, 20, 22, 21, 20},
	}
	if c := s.compare("a", "b"); c.P < c.Alpha {
		t.Errorf("equal samples differ: %+v", c)
	}
	if c := s.compare("a", "slow"); c.P >= c.Alpha {
		t.Errorf("different samples do not differ: %+v", c)
	}
}

func TestLargest(t *testing.T) {
	s := samples{"a": {1}, "b": {3}, "c": {2}}
	if got := s.largest("a", "b", "c"); got != 3 {
		t.Errorf("%v, want 3", got)
	}
	if got := s.largest("a", "b", "d"); !math.IsNaN(got) {
		t.Errorf("%v, want NaN", got)
	}
}
