package parts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// page lays out the web page: its own files as they are, and beside them those
// files of npm packages that player/vendor.json names.
func page(ctx context.Context, root, out string) error {
	player := filepath.Join(root, "player")
	if err := install(ctx, player); err != nil {
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

// install runs npm where player/node_modules is not what the lock file says.
func install(ctx context.Context, player string) error {
	lock, err := os.ReadFile(filepath.Join(player, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("reading the page's libraries: %w", err)
	}
	installed := filepath.Join(player, "node_modules", ".installed-lock.json")
	if have, err := os.ReadFile(installed); err == nil && bytes.Equal(have, lock) {
		return nil
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = player
	if err := run(cmd, "installing the page's libraries with npm"); err != nil {
		return err
	}
	return write(installed, lock)
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
