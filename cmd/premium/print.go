package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"premiumhls/internal/explain/diagnosis"
	"premiumhls/internal/explain/doctor"
)

func printJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func printReports(out io.Writer, reports []diagnosis.Report, served, asJSON bool) error {
	if asJSON {
		return printJSON(out, map[string]any{"served": served, "requests": reports})
	}
	var b strings.Builder
	for i, r := range reports {
		if i > 0 {
			b.WriteString("\n\n")
		}
		printReport(&b, r)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

var marks = map[diagnosis.Verdict]string{diagnosis.OK: "ok", diagnosis.Failed: "FAILED", diagnosis.NotChecked: "not checked"}

func printReport(b *strings.Builder, r diagnosis.Report) {
	fmt.Fprintf(b, "%s %s\nat %s\n\n", printable(r.Method), printable(r.URL), r.Time.Format(time.RFC3339))
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tCHECK\tFOUND\tEXPECTED")
	for _, c := range r.Checks {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", marks[c.Verdict], c.Name, printable(c.Found), printable(c.Expected))
	}
	table.Flush()
	if len(r.Comparison) > 0 {
		b.WriteString("\n")
	}
	for _, line := range r.Comparison {
		fmt.Fprintln(b, printable(line))
	}
	fmt.Fprintf(b, "\n%s\n", printable(r.Advice))
	for _, note := range r.Notes {
		fmt.Fprintf(b, "\nNote: %s\n", printable(note))
	}
}

func printResults(out io.Writer, site string, results []doctor.Result, asJSON bool) error {
	if asJSON {
		return printJSON(out, map[string]any{"site": site, "healthy": doctor.Healthy(results), "checks": results})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", site)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range results {
		mark := string(r.Status)
		if r.Status == doctor.Failed {
			mark = "FAILED"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", mark, r.Name, printable(r.Found))
	}
	table.Flush()
	for _, r := range results {
		if r.Advice != "" {
			fmt.Fprintf(&b, "\n%s: %s\n", r.Name, printable(r.Advice))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// printable replaces control characters: a request's text comes from others, and
// must not control the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}
