// Command bench measures this project against what people would use instead,
// side by side on the machine it runs on, and prints a table in Markdown. See
// `go run ./bench -h`.
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

Measures, in turns so that noise meets all alike, and prints medians:

  signature   one set of cookies: the signer, the AWS SDK for Go, the SDK for
              JavaScript, botocore, OpenSSL
  request     one request in a warm function: the signer, and functions in Node
              and Python as posts have them
  coldstart   the start of a process to its first answer, and its memory
  edge        the local edge's check of one request
  synthesis   cdk synth

It takes a few minutes. A machine that does nothing else gives better figures.
What needs Node, Python with boto3 and cryptography, or OpenSSL is left out
where these are not installed.

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
	var asJSON, readme bool
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	only := flags.String("only", strings.Join(sectionNames, ","), "what to measure")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each is measured")
	flags.DurationVar(&o.time, "time", 200*time.Millisecond, "how long a signature or check is measured in a round")
	flags.IntVar(&o.requests, "requests", 50, "how many requests a function gets in a round")
	flags.IntVar(&o.starts, "starts", 2, "how many cold starts there are in a round")
	flags.BoolVar(&o.first, "first", false, "measure the first cdk synth ever, with nothing compiled: some minutes")
	flags.BoolVar(&o.suite, "suite", false, "measure all of the tests: some minutes")
	flags.BoolVar(&asJSON, "json", false, "print JSON instead, with every sample")
	flags.BoolVar(&readme, "readme", false, "write the tables into README.md, too")
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 || o.rounds < 1 || o.requests < 1 || o.starts < 1 || o.time < time.Millisecond {
		flags.Usage()
		return fmt.Errorf("rounds, requests and starts must be at least 1, and time at least 1ms; nothing follows the flags")
	}
	o.sections = strings.Split(*only, ",")
	for _, name := range o.sections {
		if !slices.Contains(sectionNames, name) {
			return fmt.Errorf("%q is none of %s", name, strings.Join(sectionNames, ", "))
		}
	}
	if readme && len(o.sections) != len(sectionNames) {
		return fmt.Errorf("-readme needs all of %s", strings.Join(sectionNames, ", "))
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
	if readme {
		if err := report.writeInto(filepath.Join(root, "README.md")); err != nil {
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

// sectionNames are what is measured, in this order.
var sectionNames = []string{"signature", "request", "coldstart", "edge", "synthesis"}

type options struct {
	sections     []string
	rounds       int
	time         time.Duration // of one benchmark in Go, and of one script
	requests     int           // to a function in a round
	starts       int           // of each function in a round
	warmUp       int           // requests that do not count
	fill         int           // requests for signatures of their own, before the peak of memory is read
	first, suite bool
	hurry        bool // leaves out what takes seconds however little is asked for
}

// bench is one run.
type bench struct {
	options
	samples
	root     string
	dir      string // gone at the end
	out      io.Writer
	store    *store
	subjects []*subject
	node     *interpreter // nil where it is not here
	python   *interpreter
	openssl  string // its version; empty where it is not here
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
		{slices.Contains(o.sections, "synthesis") || o.first || o.suite, b.synthesisTable},
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

// find looks for what this project is measured against.
func (b *bench) find(ctx context.Context, m *Machine) error {
	here := filepath.Join(b.root, "bench")
	if node, err := findNode(ctx, filepath.Join(here, "node")); err != nil {
		b.missing = append(b.missing, err.Error())
	} else if err := npm.Install(ctx, node.scripts); err != nil {
		b.missing = append(b.missing, "the AWS SDK for JavaScript is not here: "+err.Error())
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

// progress tells a person that something is done.
func (b *bench) progress(what string) {
	fmt.Fprintf(b.out, "%6s  %s\n", time.Since(b.began).Round(time.Second), what)
}

// tested are the packages whose benchmarks are run.
var tested = []string{"lambda/signer", "local/cloudfront", "signedcookie"}

// build builds the functions and the tests, and with them what is measured.
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

// benchtime is how long a benchmark runs: where there is hurry, once.
func (b *bench) benchtime() string {
	if b.hurry {
		return "1x"
	}
	return b.time.String()
}

// goBenchmarks runs benchmarks and keeps what they measured, below a name.
func (b *bench) goBenchmarks(ctx context.Context, below, pkg, pattern string) error {
	results, err := b.tests[pkg].run(ctx, pattern, b.benchtime())
	if err != nil {
		return err
	}
	for _, m := range results {
		for unit, value := range m.values {
			name := below + "/" + m.name
			if unit != "ns/op" {
				name += " " + unit
			}
			b.add(name, value)
		}
	}
	return nil
}
