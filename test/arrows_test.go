package test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A listed package is one of this module, as go list prints it.
type listed struct {
	ImportPath string
	Imports    []string // of the package without its tests
	Deps       []string // all that Imports import
}

func packages(t *testing.T) []listed {
	t.Helper()
	// go list reads the sources in another process, which go test does not see:
	// it would cache the result although a source has changed.
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" {
			_, err = os.Stat(path)
		} else if err == nil && entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			err = fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "premiumhls/...")
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// within reports whether a package is one of the folders, or below one.
func within(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		folder = "premiumhls/" + folder
		return path == folder || strings.HasPrefix(path, folder+"/")
	})
}

// TestImports holds which package may import which. Tests of any package may
// import the stand-ins in local/: they show that code works against services,
// and are in no program.
func TestImports(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	sdk := func(path string) bool { return strings.HasPrefix(path, "github.com/aws/aws-sdk-go-v2/") }
	cdk := func(path string) bool {
		return strings.HasPrefix(path, "github.com/aws/aws-cdk-go/") || strings.HasPrefix(path, "github.com/aws/constructs-go/") ||
			strings.HasPrefix(path, "github.com/aws/jsii-runtime-go") || within(path, "stacks")
	}
	rules := []struct {
		name      string
		applies   func(path string) bool
		forbidden func(path string) bool
		deep      bool // what is imported by imports counts too
	}{
		{"only local, bench, test and the command import local/",
			func(path string) bool { return !within(path, "local", "bench", "test", "cmd/premium") },
			func(path string) bool { return within(path, "local") }, true},
		{"the command imports the local run, not its stand-ins",
			func(path string) bool { return within(path, "cmd/premium") },
			func(path string) bool { return within(path, "local") && path != "premiumhls/local" }, false},
		{"internal/cloudfront decides without AWS, stand-ins and functions",
			func(path string) bool { return within(path, "internal/cloudfront") },
			func(path string) bool { return sdk(path) || within(path, "local", "lambda") }, true},
		{"functions run without the CDK", func(path string) bool { return within(path, "lambda") }, cdk, true},
		{"packages under internal/ import no folder of programs",
			func(path string) bool { return within(path, "internal") },
			func(path string) bool { return within(path, "lambda", "local", "bench", "cmd", "test") }, true},
		{"signedcookie imports nothing of this module",
			func(path string) bool { return within(path, "signedcookie") },
			func(path string) bool { return within(path, "internal", "lambda", "stacks", "local") }, true},
	}
	all := packages(t)
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			applied := 0
			for _, p := range all {
				if !rule.applies(p.ImportPath) {
					continue
				}
				applied++
				imports := p.Imports
				if rule.deep {
					imports = p.Deps
				}
				for _, path := range imports {
					if rule.forbidden(path) {
						t.Errorf("%s imports %s", p.ImportPath, path)
					}
				}
			}
			if applied == 0 {
				t.Error("no package to check: was a folder renamed?")
			}
		})
	}
}
