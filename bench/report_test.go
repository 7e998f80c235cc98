package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	for _, c := range []struct {
		name    string
		target  Target
		verdict string
		got     string
	}{
		{"as fast as that", atLeast("x", 10, 10, "why"), "met", "10 times"},
		{"a little slower", atLeast("x", 10, 9.99, "why"), "**missed**", "9.99 times"},
		{"not measured", atLeast("x", 10, math.NaN(), "why"), "not measured", ""},
		{"divided by nothing", atLeast("x", 10, math.Inf(1), "why"), "not measured", ""},
		{"below", below("x", 5e3, 4999, duration, "why"), "met", "5.00 µs"},
		{"at the limit", below("x", 5e3, 5000, duration, "why"), "**missed**", "5 µs"},
		{"size not measured", below("x", 5e3, math.NaN(), size, "why"), "not measured", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.target.verdict(); got != c.verdict || c.target.Got != c.got {
				t.Errorf("%s with %q, want %s with %q", got, c.target.Got, c.verdict, c.got)
			}
			if told := c.target.Rest != ""; told != (c.verdict == "**missed**") {
				t.Errorf("what the rest is: %q", c.target.Rest)
			}
		})
	}
}

// The noise that two medians of the same thing may have is no miss; more is.
func TestRSATarget(t *testing.T) {
	for ours, met := range map[float64]bool{1.00e6: true, 1.04e6: true, 1.10e6: false} {
		b := &bench{samples: samples{"signature/CookiesInTurns/RSA-SHA1 SDK-ns": {1e6}, "signature/CookiesInTurns/RSA-SHA1 signer-ns": {ours}}}
		for _, target := range b.targets() {
			if strings.Contains(target.What, "RSA signature") && (target.Met != met || (target.Rest == "") != met) {
				t.Errorf("%s for 1 ms by the SDK: %+v", duration(ours), target)
			}
		}
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

// The real README takes a report, and a second one in its place.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	report := func(what string) *Report {
		return &Report{Tables: []Table{{Title: what, Columns: []string{""}}}, Cost: Table{Columns: []string{what + " costs"}}}
	}
	for _, what := range []string{"the first", "the second"} {
		if err := report(what).writeInto(file); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"**the second**", "| the second costs |"} {
		if strings.Count(string(written), want) != 1 {
			t.Errorf("the README does not have %q once", want)
		}
	}
	if strings.Contains(string(written), "the first**") {
		t.Error("an earlier report is left")
	}
	outside := func(text string) string {
		for _, begin := range []string{beginMeasured, beginCost} {
			before, rest, _ := strings.Cut(text, begin)
			_, after, _ := strings.Cut(rest, end)
			text = before + after
		}
		return text
	}
	if outside(string(written)) != outside(string(text)) {
		t.Error("the rest of the README has changed")
	}
}

func TestREADMEWithoutMarkers(t *testing.T) {
	for name, text := range map[string]string{
		"none":   "# A title\n",
		"no end": beginMeasured + beginCost,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "README.md")
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := new(Report).writeInto(file); err == nil {
				t.Error("no error")
			}
			if left, err := os.ReadFile(file); err != nil || string(left) != text {
				t.Errorf("left %q, %v", left, err)
			}
		})
	}
}
