package assets

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The same source gives the same binary, wherever and whenever it is built, so
// that a deploy without a change changes nothing.
func TestFunctionsAreReproducible(t *testing.T) {
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
