// Command bench measures this project against its alternatives, side by side on
// one machine, and prints tables in Markdown. See `go run ./bench -h`.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"premiumhls/local/lambda"
	"premiumhls/stacks/assets"
	"premiumhls/stacks/assets/npm"
)

const usage = `Usage: go run ./bench [flags]

Measures, alternating so that noise affects all alike, and prints medians with
confidence intervals:

  signature   one set of cookies: the signer, the AWS SDK for Go, the SDK for
              JavaScript, botocore, OpenSSL
  request     one request in a warm function: the signer, and functions in Node
              and Python as found in posts
  coldstart   the start of a process to its first response, and its memory
  edge        one decision of the local edge
  synthesis   cdk synth

It takes some minutes. Use an idle machine. Comparisons with Node, Python
(boto3, cryptography) and OpenSSL are skipped if these are not installed.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	var asJSON, docs bool
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	only := flags.String("only", strings.Join(sectionNames, ","), "parts to measure, separated by commas")
	flags.IntVar(&o.rounds, "rounds", 6, "number of rounds; intervals need at least 6")
	flags.DurationVar(&o.benchTime, "time", 200*time.Millisecond, "time for each benchmark in a round")
	flags.IntVar(&o.requests, "requests", 50, "requests to each function in a round")
	flags.IntVar(&o.starts, "starts", 2, "cold starts of each function in a round")
	flags.BoolVar(&o.first, "first", false, "also measure the first cdk synth, with an empty build cache: some minutes")
	flags.BoolVar(&o.suite, "suite", false, "also measure all tests: some minutes")
	flags.BoolVar(&asJSON, "json", false, "print JSON with every sample")
	flags.BoolVar(&o.clone, "clone", false, "also measure a fresh clone to a playing video with empty caches: some minutes, and downloads")
	flags.BoolVar(&docs, "docs", false, "also write the tables to docs/")
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return nil
		}
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.rounds < 1 || o.requests < 1 || o.starts < 1:
		return fmt.Errorf("-rounds %d -requests %d -starts %d: each must be at least 1", o.rounds, o.requests, o.starts)
	case o.benchTime < time.Millisecond:
		return fmt.Errorf("-time: invalid value %v: must be at least 1ms", o.benchTime)
	}
	o.sections = strings.Split(*only, ",")
	for _, name := range o.sections {
		if !slices.Contains(sectionNames, name) {
			return fmt.Errorf("-only: invalid value %q: must be among %s", name, strings.Join(sectionNames, ", "))
		}
	}
	if docs && len(o.sections) != len(sectionNames) {
		return fmt.Errorf("-docs needs all parts: %s", strings.Join(sectionNames, ", "))
	}
	o.warmUp, o.fill = 20, 2500

	root, err := assets.Root(".")
	if err != nil {
		return err
	}
	report, err := measure(ctx, root, o, stderr)
	if err != nil {
		return err
	}
	if docs {
		if err := report.writeDocs(filepath.Join(root, "docs")); err != nil {
			return err
		}
	}
	if asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	_, err = io.WriteString(stdout, report.measured()+"\n"+report.Cost.markdown())
	return err
}

// sectionNames are the parts, in the order in which they are measured.
var sectionNames = []string{"signature", "request", "coldstart", "edge", "synthesis"}

type options struct {
	sections     []string
	rounds       int
	benchTime    time.Duration // of one benchmark in Go, and of one script
	requests     int           // to each function in a round
	starts       int           // of each function in a round
	warmUp       int           // requests before the first measured one
	fill         int           // requests for new signatures before the peak memory is read
	first        bool
	suite, clone bool
	hurry        bool // skips what takes seconds whatever the other options are
}

// bench is one run.
type bench struct {
	options
	samples
	root     string
	dir      string // temporary
	out      io.Writer
	store    *store
	subjects []*subject
	node     *interpreter // nil if not installed
	python   *interpreter
	openssl  string // its version; empty if not installed
	missing  []string
	tests    map[string]testBinary // by package
	began    time.Time
}

// measure makes the whole report.
func measure(ctx context.Context, root string, o options, progress io.Writer) (*Report, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "premiumhls-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, samples: samples{}, root: root, dir: dir, out: progress, tests: map[string]testBinary{}, began: time.Now()}
	report := &Report{Date: b.began, Machine: describeMachine(), Samples: b.samples}
	if b.store, err = newStore(); err != nil {
		return nil, err
	}
	defer b.store.server.Close()
	if err := b.find(ctx, &report.Machine); err != nil {
		return nil, err
	}
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	b.progress("built")

	type section struct {
		name    string
		wanted  bool
		measure func(context.Context) error
	}
	for _, s := range []section{
		{"signature", slices.Contains(o.sections, "signature"), b.measureSignatures},
		{"request", slices.Contains(o.sections, "request"), b.measureRequests},
		{"coldstart", slices.Contains(o.sections, "coldstart"), b.measureColdStarts},
		{"edge", slices.Contains(o.sections, "edge"), b.measureEdge},
		{"synthesis", slices.Contains(o.sections, "synthesis"), b.measureSynthesis},
		{"the first synthesis", o.first, b.measureFirstSynthesis},
		{"the clone", o.clone, b.measureClone},
		{"the tests", o.suite, b.measureSuite},
	} {
		if !s.wanted {
			continue
		}
		if err := s.measure(ctx); err != nil {
			return nil, fmt.Errorf("measuring %s: %w", s.name, err)
		}
	}
	for _, t := range []struct {
		wanted bool
		table  func() Table
	}{
		{slices.Contains(o.sections, "signature"), b.signatureTable},
		{slices.Contains(o.sections, "request"), b.requestTable},
		{slices.Contains(o.sections, "coldstart"), b.coldStartTable},
		{slices.Contains(o.sections, "edge"), b.edgeTable},
		{slices.Contains(o.sections, "synthesis") || o.first || o.suite || o.clone, b.synthesisTable},
	} {
		if t.wanted {
			report.Tables = append(report.Tables, t.table())
		}
	}
	report.Targets = b.targets()
	report.Cost = b.cost()
	report.Missing = b.missing
	report.Took = time.Since(b.began).Round(time.Second).String()
	return report, nil
}

// find looks for the programs to compare with.
func (b *bench) find(ctx context.Context, m *Machine) error {
	here := filepath.Join(b.root, "bench")
	if node, err := findNode(ctx, filepath.Join(here, "node")); err != nil {
		b.missing = append(b.missing, err.Error())
	} else if err := npm.Install(ctx, node.scripts); err != nil {
		b.missing = append(b.missing, "AWS SDK for JavaScript not installed: "+err.Error())
	} else {
		b.node, m.Node = &node, node.version
	}
	if python, err := findPython(ctx, filepath.Join(here, "python")); err != nil {
		b.missing = append(b.missing, err.Error())
	} else {
		b.python, m.Python = &python, python.version
	}
	var err error
	if b.openssl, err = opensslVersion(ctx); err != nil {
		b.missing = append(b.missing, err.Error())
	}
	m.OpenSSL = b.openssl
	return nil
}

// progress prints that a part is done.
func (b *bench) progress(what string) {
	fmt.Fprintf(b.out, "%6s  %s\n", time.Since(b.began).Round(time.Second), what)
}

// tested are the packages whose benchmarks are run.
var tested = []string{"lambda/signer", edgePackage, "signedcookie"}

// build builds the functions, and the tests for their benchmarks.
func (b *bench) build(ctx context.Context) error {
	for _, name := range []string{"signer", "empty", nodeBlog, pythonBlog, "lambda", "tests"} {
		if err := os.Mkdir(filepath.Join(b.dir, name), 0o755); err != nil {
			return err
		}
	}
	signer, empty := filepath.Join(b.dir, "signer", "bootstrap"), filepath.Join(b.dir, "empty", "bootstrap")
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return lambda.Build(ctx, b.root, "./lambda/signer", signer) })
	group.Go(func() error { return lambda.Build(ctx, b.root, "./bench/empty", empty) })
	for _, pkg := range tested {
		tests := testBinary{filepath.Join(b.dir, "tests", filepath.Base(pkg)), filepath.Join(b.root, pkg)}
		b.tests[pkg] = tests
		group.Go(func() error { return tests.compile(ctx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return b.newSubjects(signer, empty)
}

// benchtime is how long a benchmark runs.
func (b *bench) benchtime() string {
	if b.hurry {
		return "1x"
	}
	return b.benchTime.String()
}

// goBenchmarks runs benchmarks and adds their results under a prefix.
func (b *bench) goBenchmarks(ctx context.Context, prefix, pkg, pattern string) error {
	results, err := b.tests[pkg].run(ctx, pattern, b.benchtime())
	if err != nil {
		return err
	}
	for _, m := range results {
		for unit, value := range m.values {
			name := prefix + "/" + m.name
			if unit != "ns/op" {
				name += " " + unit
			}
			b.add(name, value)
		}
	}
	return nil
}
