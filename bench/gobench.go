package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// A testBinary is a package's tests, compiled: its benchmarks can be run many
// times, in turns with other things.
type testBinary struct{ path, dir string } // dir is the package's

func (t testBinary) compile(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", t.path, ".")
	cmd.Dir = t.dir
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling the benchmarks in %s: %w\n%s", t.dir, err, output)
	}
	return nil
}

// A measured is a line of what a benchmark prints: values by their units, such
// as ns/op.
type measured struct {
	name   string // without Benchmark and the number of processors
	values map[string]float64
}

// run runs the benchmarks that match a pattern, each for a time such as 200ms
// or 1x.
func (t testBinary) run(ctx context.Context, pattern, time string) ([]measured, error) {
	cmd := exec.CommandContext(ctx, t.path, "-test.run", "^$", "-test.bench", pattern, "-test.benchtime", time, "-test.benchmem")
	cmd.Dir = t.dir
	output, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("running the benchmarks %s: %w\n%s", pattern, err, output)
	}
	found := parseBenchmarks(string(output))
	if len(found) == 0 {
		return nil, fmt.Errorf("there are no benchmarks %s:\n%s", pattern, output)
	}
	return found, nil
}

func parseBenchmarks(output string) []measured {
	var found []measured
	for line := range strings.Lines(output) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		m := measured{name: strings.TrimPrefix(fields[0], "Benchmark")}
		if i := strings.LastIndexByte(m.name, '-'); i > 0 {
			if _, err := strconv.Atoi(m.name[i+1:]); err == nil {
				m.name = m.name[:i]
			}
		}
		m.values = map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				break
			}
			m.values[fields[i+1]] = value
		}
		if len(m.values) > 0 {
			found = append(found, m)
		}
	}
	return found
}
