package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Report holds everything that was measured.
type Report struct {
	Date    time.Time
	Took    string
	Machine Machine
	Tables  []Table
	Targets []Target
	Cost    Table
	Missing []string `json:",omitempty"` // what could not be measured here, and why
	Samples samples  // by name, in nanoseconds or bytes
}

// A Table is a table in Markdown.
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

// measured is the section of docs/performance.md: the tables and the targets.
func (r *Report) measured() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, on %s. All in one run of %s. Medians; ± is the 95 %% confidence interval.\n", r.Date.Format("2 January 2006"), r.Machine, r.Took)
	for _, reason := range r.Missing {
		fmt.Fprintf(&text, "\nNot measured: %s.\n", reason)
	}
	for _, t := range r.Tables {
		text.WriteString("\n" + t.markdown())
	}
	targets := Table{Title: "Targets", Columns: []string{"", "target", "measured", ""}}
	for _, t := range r.Targets {
		targets.Rows = append(targets.Rows, []string{t.What, t.Want, t.Got, t.verdict()})
		if t.Why != "" {
			targets.Notes = append(targets.Notes, t.Why)
		}
	}
	text.WriteString("\n" + targets.markdown())
	return text.String()
}

// The documents that a run updates, between a begin line and the next end line.
const (
	performanceDoc = "performance.md"
	costsDoc       = "costs.md"

	beginMeasured = "<!-- go run ./bench -docs: measured -->\n"
	beginCost     = "<!-- go run ./bench -docs: cost -->\n"
	end           = "<!-- end -->\n"
)

// writeDocs replaces the sections of an earlier run in a folder of documents.
func (r *Report) writeDocs(dir string) error {
	for _, section := range []struct{ file, begin, text string }{
		{performanceDoc, beginMeasured, r.measured()},
		{costsDoc, beginCost, r.Cost.markdown()},
	} {
		file := filepath.Join(dir, section.file)
		document, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		updated, err := replaceBetween(string(document), section.begin, section.text)
		if err != nil {
			return fmt.Errorf("updating %s: %w", file, err)
		}
		if err := os.WriteFile(file, []byte(updated), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func replaceBetween(document, begin, section string) (string, error) {
	before, rest, ok := strings.Cut(document, begin)
	if !ok {
		return "", fmt.Errorf("no line %s", strings.TrimSpace(begin))
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		return "", fmt.Errorf("no line %s after %s", strings.TrimSpace(end), strings.TrimSpace(begin))
	}
	return before + begin + section + end + after, nil
}

// duration writes nanoseconds with three significant digits.
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

// size writes bytes in decimal units, as Lambda's limits are.
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

// number writes three significant digits, or all before the point.
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
