package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchmath"
)

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		write func(float64) string
		value float64
		want  string
	}{
		{duration, 57.25, "57.2 ns"},
		{duration, 0, "0 ns"},
		{duration, 999.6, "1.00 µs"},
		{duration, 3792, "3.79 µs"},
		{duration, 1_250_712, "1.25 ms"},
		{duration, 63_100_000, "63.1 ms"},
		{duration, 3_999_900_000, "4.00 s"},
		{duration, math.NaN(), "not measured"},
		{size, 512, "512 B"},
		{size, 9.02e3, "9.02 kB"},
		{size, 6_684_672, "6.68 MB"},
		{size, 10e6, "10 MB"},
		{number, 44.68, "44.7"},
		{number, 15321.4, "15321"},
		{number, 99.97, "100"},
		{percent, 0.2, "20 %"},
		{percent, 0.0204, "2.04 %"},
		{percent, math.Inf(1), "not measured"},
	} {
		if got := c.write(c.value); got != c.want {
			t.Errorf("%v: %q, want %q", c.value, got, c.want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	got := Table{
		Title: "One", Columns: []string{"", "time"}, Rows: [][]string{{"a", "1 ms"}, {"b", ""}}, Notes: []string{"A note."},
	}.markdown()
	want := "**One**\n\n|  | time |\n|---|--:|\n| a | 1 ms |\n| b |  |\n\nA note.\n"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTargets(t *testing.T) {
	steady := func(v float64) benchmath.Summary { return benchmath.Summary{Center: v, Lo: v * 0.99, Hi: v * 1.01} }
	for _, c := range []struct {
		name    string
		target  Target
		verdict string
		got     string
	}{
		{"as fast as required", atLeast("x", 10, value(10), "why"), "met", "10 times"},
		{"a little slower", atLeast("x", 10, value(9.99), "why"), "**missed**", "9.99 times"},
		{"a little slower, with an interval", atLeast("x", 10, steady(9.95), "why"), "**missed**, within the noise", "9.95 times ±1%"},
		{"clearly faster", atLeast("x", 10, steady(12), "why"), "met", "12 times ±1%"},
		{"not measured", atLeast("x", 10, value(math.NaN()), "why"), "not measured", ""},
		{"divided by zero", atLeast("x", 10, value(math.Inf(1)), "why"), "not measured", ""},
		{"at most, equal", atMost("x", 1.2, value(1.2), "why"), "met", "1.20 times"},
		{"at most, more", atMost("x", 1.2, value(1.21), "why"), "**missed**", "1.21 times"},
		{"below", below("x", 5e3, value(4999), duration, "why"), "met", "5.00 µs"},
		{"at the limit", below("x", 5e3, value(5000), duration, "why"), "**missed**", "5 µs"},
		{"size not measured", below("x", 5e3, value(math.NaN()), size, "why"), "not measured", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.target.verdict(); got != c.verdict || c.target.Got != c.got {
				t.Errorf("%s with %q, want %s with %q", got, c.target.Got, c.verdict, c.got)
			}
			if explained := c.target.Why != ""; explained != strings.Contains(c.verdict, "missed") {
				t.Errorf("explanation %q", c.target.Why)
			}
		})
	}
}

// A small or insignificant difference between two medians of the same work is
// no miss; a large one is.
func TestRSATarget(t *testing.T) {
	six := func(v float64) []float64 { return []float64{v, v * 1.01, v * 0.99, v * 1.02, v * 0.98, v} }
	for _, c := range []struct {
		name      string
		sdk, ours []float64
		met       bool
	}{
		{"equal", []float64{1e6}, []float64{1e6}, true},
		{"within the tolerance", []float64{1e6}, []float64{1.04e6}, true},
		{"slower", []float64{1e6}, []float64{1.10e6}, false},
		{"slower in six rounds", six(1e6), six(1.10e6), false},
		{"slower, but the rounds overlap", []float64{1e6, 1.3e6, 1e6, 1.3e6, 1e6, 1.3e6}, []float64{1.3e6, 1.1e6, 1.2e6, 1.2e6, 1.1e6, 1.2e6}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bench{samples: samples{alternating("RSA-SHA1", "SDK"): c.sdk, alternating("RSA-SHA1", "signer"): c.ours}}
			if target := b.rsaTarget(); target.Met != c.met || (target.Why == "") != c.met {
				t.Errorf("%+v", target)
			}
		})
	}
}

// A million sign-ins by the prices of the Lambda pricing page.
func TestCost(t *testing.T) {
	for _, c := range []struct {
		took   time.Duration
		memory int
		billed time.Duration
		usd    float64
	}{
		{time.Millisecond, 1769, time.Millisecond, 0.02303},
		{time.Microsecond, 1769, time.Millisecond, 0.02303},
		{time.Millisecond, 256, 7 * time.Millisecond, 0.02333},
		{1500 * time.Microsecond, 128, 21 * time.Millisecond, 0.03500},
		{10 * time.Millisecond, 1024, 18 * time.Millisecond, 0.24000},
	} {
		got := billed(c.took, c.memory)
		if got != c.billed || math.Abs(usd(got, c.memory)-c.usd) > 0.00001 {
			t.Errorf("%v at %d MB: %v and %.5f USD, want %v and %.5f", c.took, c.memory, got, usd(got, c.memory), c.billed, c.usd)
		}
	}
}

// The real documents take a report, and a second one in its place.
func TestDocs(t *testing.T) {
	dir := t.TempDir()
	original := map[string]string{}
	for _, name := range []string{performanceDoc, costsDoc} {
		text, err := os.ReadFile(filepath.Join("../docs", name))
		if err != nil {
			t.Fatal(err)
		}
		original[name] = string(text)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	report := func(what string) *Report {
		return &Report{Tables: []Table{{Title: what, Columns: []string{""}}}, Cost: Table{Columns: []string{what + " costs"}}}
	}
	for _, what := range []string{"the first", "the second"} {
		if err := report(what).writeDocs(dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, section := range map[string]struct{ begin, want string }{
		performanceDoc: {beginMeasured, "**the second**"},
		costsDoc:       {beginCost, "| the second costs |"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), section.want) != 1 || strings.Contains(string(text), "the first") && !strings.Contains(original[name], "the first") {
			t.Errorf("%s does not hold exactly the second report", name)
		}
		outside := func(text string) string {
			before, rest, _ := strings.Cut(text, section.begin)
			_, after, _ := strings.Cut(rest, end)
			return before + after
		}
		if outside(string(text)) != outside(original[name]) {
			t.Errorf("%s has changed outside the section", name)
		}
	}
}

func TestDocsWithoutMarkers(t *testing.T) {
	for name, text := range map[string]string{
		"no begin": "# A title\n",
		"no end":   beginMeasured + beginCost,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range []string{performanceDoc, costsDoc} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := new(Report).writeDocs(dir); err == nil {
				t.Error("no error")
			}
			if got, err := os.ReadFile(filepath.Join(dir, performanceDoc)); err != nil || string(got) != text {
				t.Errorf("the document has changed to %q, %v", got, err)
			}
		})
	}
}
