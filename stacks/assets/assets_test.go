package assets

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"premiumhls/stacks/settings"
)

// The same source gives the same binary, wherever and whenever it is built, so
// that a deploy without a change changes nothing.
func TestFunctionsAreReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.MkdirAll(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum", "internal", "lambda", "signedcookie"} {
		if err := copyTree(filepath.Join(elsewhere, name), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"signer", "keymaker", "deploycheck"} {
		var binaries [2][]byte
		for i, from := range []string{root, elsewhere} {
			out := t.TempDir()
			if err := function(t.Context(), from, name, out); err != nil {
				t.Fatal(err)
			}
			if binaries[i], err = os.ReadFile(filepath.Join(out, "bootstrap")); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(binaries[0], binaries[1]) {
			t.Errorf("%s differs between two builds", name)
		}
		if mb := float64(len(binaries[0])) / 1e6; name == "signer" && mb >= 10 {
			t.Errorf("the signer is %.1f MB, and a cold start reads all of it", mb)
		}
	}
}

// The digest changes with the functions and with the source of the stack, and
// with nothing else.
func TestDigest(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) {
		t.Helper()
		if err := write(filepath.Join(dir, name), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	built := Assets{Signer: filepath.Join(dir, "signer"), DeployCheck: filepath.Join(dir, "deploycheck")}
	sum := func() string {
		t.Helper()
		sum, err := digest(digested(dir, built, settings.Default())...)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	put("signer/bootstrap", "binary")
	put("deploycheck/bootstrap", "binary")
	put("go.mod", "module a")
	put("internal/cfn/template.go", "package cfn")
	put("stacks/stack.go", "package stacks")
	put("stacks/settings/settings.go", "package settings")
	was := sum()
	if got := sum(); got != was {
		t.Errorf("without a change it is %s, and was %s", got, was)
	}
	for _, test := range []struct {
		name, file, content string
		same                bool
	}{
		{"the signer", "signer/bootstrap", "another binary", false},
		{"the deploy check", "deploycheck/bootstrap", "another binary", false},
		{"a shared package", "internal/cfn/template.go", "package cfn\n", false},
		{"the CDK's version", "go.mod", "module a\n", false},
		{"a file", "stacks/stack.go", "package stacks\n", false},
		{"a file in a folder", "stacks/settings/settings.go", "package settings\n", false},
		{"a new file", "stacks/new.go", "package stacks", false},
		{"a moved file", "stacks/settings/new.go", "package stacks", false},
		{"a test", "stacks/stack_test.go", "package stacks", true},
		{"another kind of file", "stacks/notes.md", "# Notes", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := sum()
			put(test.file, test.content)
			if got := sum(); (got == before) != test.same {
				t.Errorf("the digest is the same: %t", got == before)
			}
		})
	}
}

func copyTree(to, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}
