package main

import (
	"fmt"
	"io"
	"time"
)

// Limits for the growth of memory after the first fifth of a run. The caches may
// still be filling: the edge caches some thousand signatures, a signer two
// thousand cookie sets of three kilobytes, and as much again may be garbage.
// A leak per request would be far larger.
const (
	maxHeapGrowth     = 8 << 20
	maxResidentGrowth = 32 << 20
	maxSignerGrowth   = 16 << 20
)

// result is the outcome of a run.
type result struct {
	tally
	sent          int64
	took          time.Duration
	warm          *sample // nil if the run was too short
	end           sample
	before, after int    // goroutines
	stacks        string // of all goroutines, if some leaked
}

func (r *result) ok() bool { return r.failures == 0 && len(r.problems()) == 0 }

// problems describes memory that grew and goroutines that leaked.
func (r *result) problems() (problems []string) {
	grew := func(what string, from, to, limit int64) {
		if to > from+limit {
			problems = append(problems, fmt.Sprintf("%s grew from %s to %s", what, megabytes(from), megabytes(to)))
		}
	}
	if r.warm != nil {
		grew("heap of the edge's process", r.warm.heap, r.end.heap, maxHeapGrowth)
		grew("resident memory of the edge's process", r.warm.resident, r.end.resident, r.warm.resident/4+maxResidentGrowth)
		grew("resident memory of the largest signer", r.warm.largest, r.end.largest, maxSignerGrowth)
	}
	if r.after > r.before {
		problems = append(problems, fmt.Sprintf("%d goroutines leaked:\n%.8000s", r.after-r.before, r.stacks))
	}
	return problems
}

func (r *result) print(out io.Writer) {
	fmt.Fprintf(out, "\n%-30s %10s %10s %10s\n", "kind of request", "requests", "p50", "p99")
	var all histogram
	for k := range r.times {
		h := &r.times[k]
		all.merge(h)
		printTimes(out, kindNames[k], h)
	}
	printTimes(out, "all", &all)

	fmt.Fprintf(out, "\n%d requests in %v: %.0f a second. Wrong responses: %d.\n", r.sent, r.took.Round(100*time.Millisecond), float64(r.sent)/r.took.Seconds(), r.failures)
	for _, what := range r.first {
		fmt.Fprintln(out, " ", what)
	}
	problems := r.problems()
	for _, what := range problems {
		fmt.Fprintln(out, what)
	}
	switch {
	case len(problems) > 0:
	case r.warm == nil:
		fmt.Fprintf(out, "The run was too short to judge memory. No goroutine leaked: %d before, %d after.\n", r.before, r.after)
	default:
		fmt.Fprintf(out, "Memory is flat. From the first fifth to the end: heap %s to %s, edge's process %s to %s, largest signer %s to %s.\nNo goroutine leaked: %d before, %d after.\n",
			megabytes(r.warm.heap), megabytes(r.end.heap), megabytes(r.warm.resident), megabytes(r.end.resident), megabytes(r.warm.largest), megabytes(r.end.largest), r.before, r.after)
	}
}

func printTimes(out io.Writer, name string, h *histogram) {
	fmt.Fprintf(out, "%-30s %10d %10s %10s\n", name, h.total, milliseconds(h.quantile(0.5)), milliseconds(h.quantile(0.99)))
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}
