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

// cdk is the command line of the CDK that the README names.
const cdk = "aws-cdk@2.1148.1"

// measureSynthesis measures cdk synth into an empty folder and into the same
// one again. Each is a process of its own, of the app and of the CDK's code.
func (b *bench) measureSynthesis(ctx context.Context) error {
	if _, err := exec.LookPath("npx"); err != nil {
		b.missing = append(b.missing, "there is no npx here for cdk synth")
		return nil
	}
	// These compile what is not yet.
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
	return b.timed(ctx, environment, "npx", "--yes", cdk, "synth", "--quiet", "--output", out)
}

// app runs an app alone, as the CDK's command line does.
func (b *bench) app(ctx context.Context, pkg, out string) (time.Duration, error) {
	values, err := settings.ReadFile(filepath.Join(b.root, "cdk.json"))
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(values)
	if err != nil {
		return 0, fmt.Errorf("passing on the settings: %w", err)
	}
	return b.timed(ctx, []string{"CDK_OUTDIR=" + out, "CDK_CONTEXT_JSON=" + string(text)}, "go", "run", pkg)
}

// measureFirstSynthesis is the first one ever on a machine: nothing compiled,
// and nothing of the CDK's code unpacked.
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
	cmd.WaitDelay = 10 * time.Second // for a grandchild that holds the output
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

// tail is the end of what a command said.
func tail(text string) string {
	const most = 4000
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return text
}

func (b *bench) synthesisTable() Table {
	t := Table{Title: "Work on the stack", Columns: []string{"", "time"}}
	for _, row := range []struct{ what, name string }{
		{"`npx aws-cdk synth`, the first ever: nothing compiled", "synthesis/first"},
		{"`npx aws-cdk synth` into an empty folder", "synthesis/cold"},
		{"`npx aws-cdk synth` again", "synthesis/warm"},
		{"of it the app, `go run .`", "synthesis/app"},
		{"of that an app without a stack", "synthesis/empty"},
		{"`npx aws-cdk synth` without the app", "synthesis/cli"},
		{"every test, `go test ./...`", "suite"},
	} {
		if len(b.samples[row.name]) > 0 {
			t.Rows = append(t.Rows, []string{row.what, duration(b.median(row.name))})
		}
	}
	return t
}
