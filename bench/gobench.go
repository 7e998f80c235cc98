package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"

	"golang.org/x/perf/benchfmt"
)

// A testBinary is the compiled tests of a package. Its benchmarks can run many
// times, alternating with others.
type testBinary struct{ path, dir string } // dir is the package's folder

func (t testBinary) compile(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", t.path, ".")
	cmd.Dir = t.dir
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling the benchmarks in %s: %w\n%s", t.dir, err, output)
	}
	return nil
}

// A result is one line of a benchmark's output.
type result struct {
	name   string             // without Benchmark and the number of processors
	values map[string]float64 // by unit as printed, such as ns/op
}

// run runs the benchmarks that match a pattern, each for a time such as 200ms
// or 1x.
func (t testBinary) run(ctx context.Context, pattern, time string) ([]result, error) {
	cmd := exec.CommandContext(ctx, t.path, "-test.run", "^$", "-test.bench", pattern, "-test.benchtime", time, "-test.benchmem")
	cmd.Dir = t.dir
	output, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("running the benchmarks %s: %w\n%s", pattern, err, output)
	}
	results := parseBenchmarks(output)
	if len(results) == 0 {
		return nil, fmt.Errorf("no benchmark in %s matches %s:\n%s", t.dir, pattern, output)
	}
	return results, nil
}

// parseBenchmarks skips lines that are no results.
func parseBenchmarks(output []byte) []result {
	var results []result
	reader := benchfmt.NewReader(bytes.NewReader(output), "")
	for reader.Scan() {
		read, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		base, parts := read.Name.Parts()
		name := append([]byte{}, base...)
		for _, part := range parts {
			if part[0] != '-' { // the number of processors
				name = append(name, part...)
			}
		}
		r := result{string(name), map[string]float64{}}
		for _, v := range read.Values {
			if v.OrigUnit != "" { // benchfmt has changed ns to seconds
				v.Value, v.Unit = v.OrigValue, v.OrigUnit
			}
			r.values[v.Unit] = v.Value
		}
		results = append(results, r)
	}
	return results
}
