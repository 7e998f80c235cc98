package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Report is all that was measured.
type Report struct {
	Date    time.Time
	Took    string
	Machine Machine
	Tables  []Table
	Targets []Target
	Cost    Table
	Missing []string `json:",omitempty"` // what is not here, each a sentence
	Samples samples  // by name: nanoseconds or bytes
}

// A Table is one of Markdown.
type Table struct {
	Title   string
	Columns []string
	Rows    [][]string
	Notes   []string `json:",omitempty"`
}

func (t Table) markdown() string {
	var text strings.Builder
	if t.Title != "" {
		fmt.Fprintf(&text, "**%s**\n\n", t.Title)
	}
	line := func(cells []string) { fmt.Fprintf(&text, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.Columns)
	text.WriteString("|")
	for i := range t.Columns {
		if i == 0 {
			text.WriteString("---|")
		} else {
			text.WriteString("--:|")
		}
	}
	text.WriteString("\n")
	for _, row := range t.Rows {
		line(row)
	}
	for _, note := range t.Notes {
		text.WriteString("\n" + note + "\n")
	}
	return text.String()
}

// measured is the README's section: what was measured, and the targets.
func (r *Report) measured() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, on %s. Medians, all in one run of %s.\n", r.Date.Format("2 January 2006"), r.Machine, r.Took)
	for _, sentence := range r.Missing {
		fmt.Fprintf(&text, "\nLeft out: %s.\n", sentence)
	}
	for _, t := range r.Tables {
		text.WriteString("\n" + t.markdown())
	}
	targets := Table{Title: "Targets", Columns: []string{"", "target", "measured", ""}}
	for _, t := range r.Targets {
		targets.Rows = append(targets.Rows, []string{t.What, t.Want, t.Got, t.verdict()})
		if t.Rest != "" {
			targets.Notes = append(targets.Notes, t.Rest)
		}
	}
	text.WriteString("\n" + targets.markdown())
	return text.String()
}

// Between a begin and the end that follows, the README is written here.
const (
	beginMeasured = "<!-- go run ./bench -readme: measured -->\n"
	beginCost     = "<!-- go run ./bench -readme: cost -->\n"
	end           = "<!-- end -->\n"
)

// writeInto replaces what an earlier run wrote into a file.
func (r *Report) writeInto(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	document := string(text)
	for begin, section := range map[string]string{beginMeasured: r.measured(), beginCost: r.Cost.markdown()} {
		if document, err = replaceBetween(document, begin, section); err != nil {
			return fmt.Errorf("writing into %s: %w", file, err)
		}
	}
	return os.WriteFile(file, []byte(document), 0o644)
}

func replaceBetween(document, begin, section string) (string, error) {
	before, rest, ok := strings.Cut(document, begin)
	if !ok {
		return "", fmt.Errorf("it has no %s", strings.TrimSpace(begin))
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		return "", fmt.Errorf("nothing ends %s", strings.TrimSpace(begin))
	}
	return before + begin + section + end + after, nil
}

// duration writes nanoseconds with three digits.
func duration(ns float64) string {
	for _, unit := range []struct {
		name string
		ns   float64
	}{{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}} {
		if math.Abs(ns) >= unit.ns*0.9995 {
			return with(ns/unit.ns, unit.name)
		}
	}
	return with(ns, "ns")
}

// size writes bytes in the units of thousands that Lambda's limits have.
func size(bytes float64) string {
	for _, unit := range []struct {
		name  string
		bytes float64
	}{{"MB", 1e6}, {"kB", 1e3}} {
		if bytes >= unit.bytes*0.9995 {
			return with(bytes/unit.bytes, unit.name)
		}
	}
	return with(bytes, "B")
}

func percent(share float64) string { return with(100*share, "%") }

const notMeasured = "not measured"

func with(v float64, unit string) string {
	if text := number(v); text != notMeasured {
		return text + " " + unit
	}
	return notMeasured
}

// number writes three digits.
func number(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return notMeasured
	case math.Abs(v) < 9.995 && v != math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 2, 64)
	case math.Abs(v) < 99.95 && v != math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}
