package assets

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"premiumhls/stacks/assets/npm"
)

// InstallLibraries installs the npm packages that the page loads and returns
// the node_modules folder: that of the module's own source where the app is this
// module, so that its JavaScript tests find it, or else one in the build folder.
func InstallLibraries(ctx context.Context, place Place) (string, error) {
	player := filepath.Join(place.Module, "player")
	if place.Build == filepath.Join(place.Module, ".build") {
		return filepath.Join(player, "node_modules"), npm.Install(ctx, player)
	}
	dir := filepath.Join(place.Build, "player")
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join(player, name))
		if err != nil {
			return "", fmt.Errorf("reading the page's libraries: %w", err)
		}
		if err := write(filepath.Join(dir, name), content); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "node_modules"), npm.Install(ctx, dir)
}

// LayOutPage lays out the web page: its own files, and the files of npm packages that
// player/vendor.json lists.
func LayOutPage(root, libraries, out string) error {
	player := filepath.Join(root, "player")
	text, err := os.ReadFile(filepath.Join(player, "vendor.json"))
	if err != nil {
		return fmt.Errorf("reading which libraries the page loads: %w", err)
	}
	var vendor map[string]string
	if err := json.Unmarshal(text, &vendor); err != nil {
		return fmt.Errorf("reading player/vendor.json: %w", err)
	}
	if err := replace(out, filepath.Join(player, "page"), "."); err != nil {
		return err
	}
	for to, from := range vendor {
		content, err := os.ReadFile(filepath.Join(libraries, filepath.FromSlash(from)))
		if err != nil {
			return fmt.Errorf("laying out the page: %w", err)
		}
		if err := write(filepath.Join(out, filepath.FromSlash(to)), content); err != nil {
			return err
		}
	}
	return nil
}

// LayOutSample lays out the sample videos under the bucket's own paths.
func LayOutSample(root, premiumPath, out string) error {
	videos := filepath.Join(root, "player", "sample")
	if err := replace(out, filepath.Join(videos, "public"), "public"); err != nil {
		return err
	}
	return copyInto(filepath.Join(out, premiumPath), filepath.Join(videos, "premium"))
}

// replace makes out a folder with nothing but a copy of from at out/at.
func replace(out, from, at string) error {
	if err := os.RemoveAll(out); err != nil {
		return fmt.Errorf("clearing %s: %w", out, err)
	}
	return copyInto(filepath.Join(out, at), from)
}

func copyInto(out, from string) error {
	// Not os.CopyFS: it copies the modes too, and what was read-only in Go's module
	// cache could not be replaced at the next build.
	err := fs.WalkDir(os.DirFS(from), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		return write(filepath.Join(out, name), content)
	})
	if err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	return nil
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
