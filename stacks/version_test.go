package stacks_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"premiumhls/stacks/assets"
)

// The version of the CDK's command line stands in the file cdk.version. Commands
// in the docs, which people copy, name the same.
func TestCDKVersion(t *testing.T) {
	root, err := assets.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	version, err := os.ReadFile(filepath.Join(root, "cdk.version"))
	if err != nil {
		t.Fatal(err)
	}
	want := "aws-cdk@" + strings.TrimSpace(string(version))
	list := exec.CommandContext(t.Context(), "git", "ls-files", "*.md", "*.yml", "*.go", ".ci", "Makefile")
	list.Dir = root
	files, err := list.Output()
	if err != nil {
		t.Skip("not a git repository: ", err)
	}
	for file := range strings.FieldsSeq(string(files)) {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			continue // deleted, and not committed yet
		}
		for _, found := range regexp.MustCompile(`aws-cdk@[0-9][0-9.]*[0-9]`).FindAllString(string(text), -1) {
			if found != want {
				t.Errorf("%s: %s, want %s as in cdk.version", file, found, want)
			}
		}
	}
}
