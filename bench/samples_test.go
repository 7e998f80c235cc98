package main

import (
	"math"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"one", []float64{7}, 7},
		{"odd", []float64{9, 1, 5}, 5},
		{"even", []float64{4, 1, 3, 2}, 2.5},
		{"an outlier", []float64{2, 1000, 1, 3, 2}, 2},
		{"none", nil, math.NaN()},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := append([]float64(nil), c.values...)
			got := median(c.values)
			if got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
				t.Errorf("%v, want %v", got, c.want)
			}
			for i := range given {
				if c.values[i] != given[i] {
					t.Error("the samples were put into another order")
				}
			}
		})
	}
}

func TestRatio(t *testing.T) {
	for _, c := range []struct {
		name        string
		long, short []float64
		want        float64
	}{
		{"steady", []float64{10, 10, 10}, []float64{2, 2, 2}, 5},
		// In the second round the machine was three times as slow.
		{"noise that meets both", []float64{10, 30, 12}, []float64{2, 6, 2}, 5},
		{"rounds of different number", []float64{10, 10}, []float64{5}, 2},
		{"not measured", nil, []float64{5}, math.NaN()},
		{"neither measured", nil, nil, math.NaN()},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := samples{"long": c.long, "short": c.short}
			if got := s.ratio("long", "short"); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestMost(t *testing.T) {
	s := samples{"a": {1}, "b": {3}, "c": {2}}
	if got := s.most("a", "b", "c"); got != 3 {
		t.Errorf("%v, want 3", got)
	}
	if got := s.most("a", "b", "d"); !math.IsNaN(got) {
		t.Errorf("%v of what was not all measured", got)
	}
}
