package assets

import (
	"bytes"
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

// LayOutPage lays out the web page: its own files, the modules of the player
// element, and the files of npm packages that player/vendor.json lists.
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
	files := map[string]string{}
	if err := collect(files, ".", filepath.Join(player, "page")); err != nil {
		return err
	}
	element := filepath.Join(player, "element")
	for _, folder := range []string{".", "adapters"} {
		modules, err := filepath.Glob(filepath.Join(element, folder, "*.js"))
		if err != nil {
			return err // the pattern is a constant
		}
		for _, module := range modules {
			files[filepath.Join("element", folder, filepath.Base(module))] = module
		}
	}
	for to, from := range vendor {
		files[filepath.FromSlash(to)] = filepath.Join(libraries, filepath.FromSlash(from))
	}
	return layOut(out, files)
}

// LayOutSample lays out the sample videos under the bucket's own paths.
func LayOutSample(root, premiumPath, out string) error {
	videos := filepath.Join(root, "player", "sample")
	files := map[string]string{}
	if err := collect(files, "public", filepath.Join(videos, "public")); err != nil {
		return err
	}
	if err := collect(files, premiumPath, filepath.Join(videos, "premium")); err != nil {
		return err
	}
	return layOut(out, files)
}

// collect adds every file below a folder to files: its source by its name
// below at.
func collect(files map[string]string, at, folder string) error {
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files[filepath.Join(at, filepath.FromSlash(name))] = filepath.Join(folder, filepath.FromSlash(name))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("reading %s: %w", folder, err)
	}
	return nil
}

// layOut makes out a folder with copies of files, their sources by name, and
// nothing else. It does not touch what is there already: another process may be
// reading it.
func layOut(out string, files map[string]string) error {
	for name, source := range files {
		content, err := os.ReadFile(source)
		if err != nil {
			return fmt.Errorf("laying out %s: %w", name, err)
		}
		target := filepath.Join(out, name)
		if there, err := os.ReadFile(target); err == nil && bytes.Equal(there, content) {
			continue
		}
		// Not a copy with its mode: what was read-only in Go's module cache could
		// not be replaced at the next build.
		if err := write(target, content); err != nil {
			return err
		}
	}
	err := filepath.WalkDir(out, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(out, path)
		if err != nil {
			return err
		}
		if _, wanted := files[name]; wanted {
			return nil
		}
		return os.Remove(path)
	})
	if err != nil {
		return fmt.Errorf("clearing %s: %w", out, err)
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
