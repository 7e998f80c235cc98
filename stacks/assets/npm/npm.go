// Package npm installs packages from npm where they are needed.
package npm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Install installs exactly what dir/package-lock.json says, where
// dir/node_modules is not that already. No package's own scripts run.
func Install(ctx context.Context, dir string) error {
	lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("reading what to install with npm: %w", err)
	}
	// Two installations at once, as of tests, would remove each other's files.
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, ".npm.lock")).Lock()
	if err != nil {
		return fmt.Errorf("locking %s: %w", dir, err)
	}
	defer unlock()
	installed := filepath.Join(dir, "node_modules", ".installed-lock.json")
	if have, err := os.ReadFile(installed); err == nil && bytes.Equal(have, lock) {
		return nil
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("npm is not installed, or not on the PATH: install Node 20 or newer, which brings it (https://nodejs.org)")
	}
	if err != nil {
		return fmt.Errorf("installing %s with npm: %w\n%s", filepath.Base(dir), err, strings.TrimSpace(string(output)))
	}
	if err := os.WriteFile(installed, lock, 0o644); err != nil {
		return fmt.Errorf("noting what is installed: %w", err)
	}
	return nil
}
