package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"premiumhls/stacks/settings"
)

// cdk is the npm package of the CDK's command line, in the version of the file
// cdk.version.
func (b *bench) cdk() (string, error) {
	version, err := os.ReadFile(filepath.Join(b.root, "cdk.version"))
	if err != nil {
		return "", fmt.Errorf("reading the CDK's version: %w", err)
	}
	return "aws-cdk@" + strings.TrimSpace(string(version)), nil
}

// measureSynthesis measures cdk synth into an empty folder, and into the same
// folder again.
func (b *bench) measureSynthesis(ctx context.Context) error {
	if _, err := exec.LookPath("npx"); err != nil {
		b.missing = append(b.missing, "cdk synth: npx not found")
		return nil
	}
	// The first runs compile.
	if _, err := b.synth(ctx, filepath.Join(b.dir, "first")); err != nil {
		return err
	}
	if _, err := b.app(ctx, "./bench/emptyapp", filepath.Join(b.dir, "first-empty")); err != nil {
		return err
	}
	for round := range min(b.rounds, 3) {
		out := filepath.Join(b.dir, fmt.Sprintf("cdk.out-%d", round))
		for _, name := range []string{"synthesis/cold", "synthesis/warm"} {
			took, err := b.synth(ctx, out)
			if err != nil {
				return err
			}
			b.add(name, float64(took))
		}
		for _, part := range []struct {
			name    string
			measure func() (time.Duration, error)
		}{
			{"synthesis/app", func() (time.Duration, error) { return b.app(ctx, ".", out) }},
			{"synthesis/empty", func() (time.Duration, error) { return b.app(ctx, "./bench/emptyapp", out+"-empty") }},
			{"synthesis/cli", func() (time.Duration, error) {
				cdk, err := b.cdk()
				if err != nil {
					return 0, err
				}
				return b.timed(ctx, nil, "npx", "--yes", cdk, "synth", "--quiet", "--app", out)
			}},
		} {
			took, err := part.measure()
			if err != nil {
				return err
			}
			b.add(part.name, float64(took))
		}
		b.progress("synthesis")
	}
	return nil
}

func (b *bench) synth(ctx context.Context, out string, environment ...string) (time.Duration, error) {
	cdk, err := b.cdk()
	if err != nil {
		return 0, err
	}
	return b.timed(ctx, environment, "npx", "--yes", cdk, "synth", "--quiet", "--output", out)
}

// app runs only the app, as the CDK's command line does.
func (b *bench) app(ctx context.Context, pkg, out string) (time.Duration, error) {
	values, err := settings.ReadFile(filepath.Join(b.root, "cdk.json"))
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(values)
	if err != nil {
		return 0, fmt.Errorf("encoding the settings: %w", err)
	}
	return b.timed(ctx, []string{"CDK_OUTDIR=" + out, "CDK_CONTEXT_JSON=" + string(text)}, "go", "run", pkg)
}

// measureFirstSynthesis measures the first synthesis on a new machine: nothing
// is compiled, and the CDK's code is not unpacked.
func (b *bench) measureFirstSynthesis(ctx context.Context) error {
	var environment []string
	for _, name := range []string{"GOCACHE", "JSII_RUNTIME_PACKAGE_CACHE_ROOT"} {
		dir := filepath.Join(b.dir, name)
		environment = append(environment, name+"="+dir)
	}
	took, err := b.synth(ctx, filepath.Join(b.dir, "first-ever"), environment...)
	if err != nil {
		return err
	}
	b.add("synthesis/first", float64(took))
	b.progress("first synthesis")
	return nil
}

// measureSuite runs every test.
func (b *bench) measureSuite(ctx context.Context) error {
	took, err := b.timed(ctx, nil, "go", "test", "-count=1", "./...")
	if err != nil {
		return err
	}
	b.add("suite", float64(took))
	b.progress("tests")
	return nil
}

// timed runs a command in the repository and returns how long it took.
func (b *bench) timed(ctx context.Context, environment []string, name string, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), environment...)
	cmd.WaitDelay = 10 * time.Second // for a grandchild that holds the output open
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil {
		return 0, errors.Join(fmt.Errorf("%s: %w", cmd, err), errors.New(tail(output.String())))
	}
	return took, nil
}

// tail is the end of a command's output.
func tail(text string) string {
	const limit = 4000
	if len(text) > limit {
		text = "…" + text[len(text)-limit:]
	}
	return text
}

func (b *bench) synthesisTable() Table {
	t := Table{Title: "Work on the stack", Columns: []string{"", "time"}}
	for _, row := range []struct{ what, name string }{
		{"`npx aws-cdk synth`, build cache empty", "synthesis/first"},
		{"`npx aws-cdk synth` into an empty folder", "synthesis/cold"},
		{"`npx aws-cdk synth` again", "synthesis/warm"},
		{"of which the app, `go run .`", "synthesis/app"},
		{"an app without a stack", "synthesis/empty"},
		{"`npx aws-cdk synth` without the app", "synthesis/cli"},
		{"a fresh clone to a playing video, all caches empty", "clone/empty"},
		{"the same with the Go modules downloaded", "clone/modules"},
		{"all tests, `go test ./...`", "suite"},
	} {
		if len(b.samples[row.name]) > 0 {
			t.Rows = append(t.Rows, []string{row.what, b.time(row.name)})
		}
	}
	return t
}
