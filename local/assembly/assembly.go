// Package assembly synthesizes the stack for commands that run it on this
// machine: with the settings of cdk.json, and changes to them.
package assembly

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks"
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

// Synthesize writes the cloud assembly into a folder, and ends the Node process
// that does it. It returns the template's file and the settings.
func Synthesize(ctx context.Context, folder string, changes Changes) (file string, s settings.Settings, err error) {
	defer jsii.Close()
	root, err := assets.Root(".")
	if err != nil {
		return "", s, err
	}
	values, err := settings.ReadFile(filepath.Join(root, "cdk.json"))
	if err != nil {
		return "", s, err
	}
	for name, value := range changes {
		values[name] = value
	}
	if s, err = settings.Read(values); err != nil {
		return "", s, err
	}
	stack, err := stacks.Synthesize(ctx, folder, values)
	if err != nil {
		return "", s, err
	}
	return filepath.Join(folder, *stack.TemplateFile()), s, nil
}
