package assets

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"premiumhls/stacks/assets/npm"
)

// page lays out the web page: its own files as they are, and beside them those
// files of npm packages that player/vendor.json names.
func page(ctx context.Context, root, out string) error {
	player := filepath.Join(root, "player")
	if err := npm.Install(ctx, player); err != nil {
		return err
	}
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
		content, err := os.ReadFile(filepath.Join(player, "node_modules", filepath.FromSlash(from)))
		if err != nil {
			return fmt.Errorf("laying out the page: %w", err)
		}
		if err := write(filepath.Join(out, filepath.FromSlash(to)), content); err != nil {
			return err
		}
	}
	return nil
}

// sample lays out the sample videos under the bucket's own paths.
func sample(root, premiumPath, out string) error {
	videos := filepath.Join(root, "player", "sample")
	if err := replace(out, filepath.Join(videos, "public"), "public"); err != nil {
		return err
	}
	return copyInto(filepath.Join(out, premiumPath), filepath.Join(videos, "premium"))
}

// replace makes out anew with a copy of from at out/at.
func replace(out, from, at string) error {
	if err := os.RemoveAll(out); err != nil {
		return fmt.Errorf("clearing %s: %w", out, err)
	}
	return copyInto(filepath.Join(out, at), from)
}

func copyInto(out, from string) error {
	if err := os.CopyFS(out, os.DirFS(from)); err != nil {
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
