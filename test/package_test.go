package test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"premiumhls/stacks/assets/npm"
	"premiumhls/test/sitetest"
)

// The npm package of the player element has what it should and nothing else. Its
// types fit what users write, and its core plays a video without a browser.
func TestPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	node := find(t, "Node (https://nodejs.org)", "node")
	if err := npm.Install(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	run := func(t *testing.T, dir, name string, arguments ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, arguments...)
		cmd.Dir = dir
		var problems bytes.Buffer
		cmd.Stderr = &problems
		output, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(arguments, " "), err, output, &problems)
		}
		return output
	}

	var packed []struct {
		Filename string
		Files    []struct{ Path string }
	}
	if err := json.Unmarshal(run(t, "../player/element", "npm", "pack", "--json", "--pack-destination", folder), &packed); err != nil {
		t.Fatal(err)
	}
	t.Run("files", func(t *testing.T) {
		var got []string
		for _, file := range packed[0].Files {
			got = append(got, file.Path)
		}
		// Everything in the folder but the examples.
		var want []string
		root := os.DirFS("../player/element")
		err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
			if path == "examples" {
				return fs.SkipDir
			}
			if err == nil && !entry.IsDir() {
				want = append(want, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("the package has %q, the folder %q", got, want)
		}
		mine, err := fs.ReadFile(root, "LICENSE")
		if err != nil {
			t.Fatal(err)
		}
		if license, err := os.ReadFile("../LICENSE"); err != nil || !bytes.Equal(mine, license) {
			t.Errorf("LICENSE is not that of the repository (%v)", err)
		}
	})

	// As npm installs it, beside the players that its users have.
	modules := filepath.Join(folder, "node_modules")
	if err := os.MkdirAll(modules, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, folder, "tar", "-xzf", packed[0].Filename)
	if err := os.Rename(filepath.Join(folder, "package"), filepath.Join(modules, "premium-hls-element")); err != nil {
		t.Fatal(err)
	}
	installed, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hls.js", "shaka-player", "video.js"} {
		if err := os.Symlink(filepath.Join(installed, name), filepath.Join(modules, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(folder, os.DirFS("testdata/package")); err != nil {
		t.Fatal(err)
	}

	t.Run("types", func(t *testing.T) {
		check := func(arguments ...string) {
			t.Helper()
			run(t, folder, node, append([]string{
				filepath.Join(installed, "typescript", "bin", "tsc"), "--noEmit", "--strict", "--target", "esnext",
				"--lib", "esnext,dom,dom.iterable", "--types", "",
			}, arguments...)...)
		}
		var declarations []string
		for _, file := range packed[0].Files {
			if strings.HasSuffix(file.Path, ".d.ts") {
				declarations = append(declarations, filepath.Join("node_modules", "premium-hls-element", file.Path))
			}
		}
		check(append(declarations, "--module", "nodenext")...)
		// With a bundler, as the players' own declarations want it, which are not checked.
		check("--module", "esnext", "--moduleResolution", "bundler", "--skipLibCheck", "use.ts")
	})

	t.Run("core in Node", func(t *testing.T) {
		s := newSite(t, sitetest.LinkSettings(nil))
		cmd := exec.CommandContext(t.Context(), node, "use.mjs")
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "API="+s.Origin, "TOKEN="+s.Token("ben"))
		output, err := cmd.CombinedOutput()
		if want := "200 200 not_entitled Not part of your plan\n"; err != nil || string(output) != want {
			t.Errorf("%v: %s, want %s", err, output, want)
		}
	})
}
