package main

import (
	"fmt"
	"io"
	"time"
)

// What memory may grow by after the first fifth of a run. The caches may still
// be filling: the edge remembers some thousand signatures, a signer keeps two
// thousand sets of cookies of three kilobytes, and as much again may wait for
// the collector. What is kept of each request would be far more.
const (
	mayGrowHeap     = 8 << 20
	mayGrowResident = 32 << 20
	mayGrowSigner   = 16 << 20
)

// found is what a run has found.
type found struct {
	tally
	sent          int64
	took          time.Duration
	warm          *sample // nil: the run was too short
	end           sample
	before, after int    // goroutines
	stacks        string // of all goroutines, where some were left behind
}

func (f *found) held() bool { return f.failures == 0 && len(f.wrongs()) == 0 }

// wrongs says of memory and goroutines what is not as it must be.
func (f *found) wrongs() (wrongs []string) {
	grew := func(what string, from, to, may int64) {
		if to > from+may {
			wrongs = append(wrongs, fmt.Sprintf("%s grew from %s to %s", what, megabytes(from), megabytes(to)))
		}
	}
	if f.warm != nil {
		grew("The heap of the edge's process", f.warm.heap, f.end.heap, mayGrowHeap)
		grew("The memory of the edge's process", f.warm.resident, f.end.resident, f.warm.resident/4+mayGrowResident)
		grew("The memory of the largest signer", f.warm.largest, f.end.largest, mayGrowSigner)
	}
	if f.after > f.before {
		wrongs = append(wrongs, fmt.Sprintf("%d goroutines are left behind:\n%.8000s", f.after-f.before, f.stacks))
	}
	return wrongs
}

func (f *found) print(out io.Writer) {
	fmt.Fprintf(out, "\n%-30s %10s %10s %10s\n", "kind of request", "requests", "p50", "p99")
	var all histogram
	for k := range f.times {
		h := &f.times[k]
		all.merge(h)
		printTimes(out, kindNames[k], h)
	}
	printTimes(out, "all", &all)

	fmt.Fprintf(out, "\n%d requests in %v: %.0f a second. Wrong answers: %d.\n", f.sent, f.took.Round(100*time.Millisecond), float64(f.sent)/f.took.Seconds(), f.failures)
	for _, what := range f.first {
		fmt.Fprintln(out, " ", what)
	}
	wrongs := f.wrongs()
	for _, what := range wrongs {
		fmt.Fprintln(out, what)
	}
	switch {
	case len(wrongs) > 0:
	case f.warm == nil:
		fmt.Fprintf(out, "The run was too short to tell of memory. No goroutine is left behind: %d before, %d after.\n", f.before, f.after)
	default:
		fmt.Fprintf(out, "Memory is flat. From the first fifth to the end: heap %s to %s, edge's process %s to %s, largest signer %s to %s.\nNo goroutine is left behind: %d before, %d after.\n",
			megabytes(f.warm.heap), megabytes(f.end.heap), megabytes(f.warm.resident), megabytes(f.end.resident), megabytes(f.warm.largest), megabytes(f.end.largest), f.before, f.after)
	}
}

func printTimes(out io.Writer, name string, h *histogram) {
	fmt.Fprintf(out, "%-30s %10d %10s %10s\n", name, h.total, milliseconds(h.quantile(0.5)), milliseconds(h.quantile(0.99)))
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}
