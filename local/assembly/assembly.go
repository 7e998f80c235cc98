// Package assembly synthesizes the stack for commands that run it on this
// machine: with the settings of cdk.json, and changes to them. A local run with
// default settings takes the committed template, which the CDK synthesized from
// the same source.
package assembly

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

// Changes are settings that replace those of cdk.json. As a [flag.Value] it
// takes name=value, as the CDK's -c.
type Changes map[string]any

func (c Changes) String() string { return "" }

// Set takes one setting as text.
func (c Changes) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("-c: invalid value %q: must be NAME=VALUE", text)
	}
	c[name] = value
	return nil
}

// Default sets a setting that neither cdk.json nor the changes have.
func (c Changes) Default(name, value string) error {
	root, err := assets.Root(".")
	if err != nil {
		return err
	}
	values, err := settings.ReadFile(filepath.Join(root, "cdk.json"))
	if err != nil {
		return err
	}
	if _, set := values[name]; !set && c[name] == nil {
		c[name] = value
	}
	return nil
}

// Synthesize writes the cloud assembly into a folder, with the CDK app of the
// checkout in a process of its own: commands that link the CDK would take a
// minute to compile before they could print anything. It returns the template's
// file and the settings.
func Synthesize(ctx context.Context, folder string, changes Changes) (file string, s settings.Settings, err error) {
	root, values, s, err := read(changes, nil)
	if err != nil {
		return "", s, err
	}
	if err := run(ctx, root, folder, values); err != nil {
		return "", s, err
	}
	return templateFile(folder, s), s, nil
}

// Step runs one step of a longer task and says what it does.
type Step func(what string, do func() error) error

// localDefaults are a local run's settings that neither cdk.json nor a change
// has. With a table a newcomer sees a refusal, and the grant that ends it.
var localDefaults = Changes{"entitlements": "table"}

// Prepare writes the cloud assembly for a local run into a folder: the committed
// one if it is that of this source and these settings, or else a synthesized
// one. It returns the template's file and the settings.
func Prepare(ctx context.Context, folder string, changes Changes, step Step) (file string, s settings.Settings, err error) {
	root, values, s, err := read(changes, localDefaults)
	if err != nil {
		return "", s, err
	}
	place := assets.Place{Module: root, Build: filepath.Join(root, ".build"), Keys: root}
	var libraries string
	err = step("Installing the page's libraries", func() (err error) {
		libraries, err = assets.InstallLibraries(ctx, place)
		return err
	})
	if err != nil {
		return "", s, err
	}
	if isCurrent(root, values) {
		err = step("Using the template of this version", func() error { return copyCommitted(root, libraries, folder, s) })
	} else {
		err = step("Synthesizing the stack (the first time this compiles the CDK, which can take minutes)", func() error {
			return run(ctx, root, folder, values)
		})
	}
	return templateFile(folder, s), s, err
}

func templateFile(folder string, s settings.Settings) string {
	return filepath.Join(folder, s.StackName+".template.json")
}

// read reads the settings of the checkout, with changes, and with defaults for
// those that are set nowhere.
func read(changes, defaults Changes) (root string, values map[string]any, s settings.Settings, err error) {
	if root, err = assets.Root("."); err != nil {
		return "", nil, s, err
	}
	set, err := settings.ReadFile(filepath.Join(root, "cdk.json"))
	if err != nil {
		return "", nil, s, err
	}
	values = maps.Clone(map[string]any(defaults))
	if values == nil {
		values = map[string]any{}
	}
	maps.Copy(values, set)
	maps.Copy(values, changes)
	// Invalid settings are reported before anything is compiled.
	s, err = settings.Read(values)
	return root, values, s, err
}

// run runs the app as the CDK's command line does.
func run(ctx context.Context, root, folder string, values map[string]any) error {
	settings, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("encoding the settings: %w", err)
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return fmt.Errorf("finding the folder for the cloud assembly: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "run", ".")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CDK_OUTDIR="+folder, "CDK_CONTEXT_JSON="+string(settings), "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20,21,22,23")
	// The process under go run gets the signal too.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	// Of what the CDK's runtime writes nothing matters unless it fails.
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("synthesizing the stack: %w\n%s", err, bytes.TrimSpace(output))
	}
	return nil
}
