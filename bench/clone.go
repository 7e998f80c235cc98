package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"premiumhls/bench/internal/player"
)

// localRun is the command that the README names.
var localRun = []string{"run", "./cmd/premium", "local"}

// measureClone measures the time from a fresh clone to a premium video that
// plays: everything that a newcomer waits for. First all caches are empty, then
// only the Go modules are there, which is what does not depend on the network.
func (b *bench) measureClone(ctx context.Context) error {
	modules := filepath.Join(b.dir, "GOMODCACHE")
	defer makeWritable(modules)
	for _, name := range []string{"clone/empty", "clone/modules"} {
		took, err := b.cloneToPlaying(ctx, modules)
		if err != nil {
			return err
		}
		b.add(name, float64(took))
		b.progress("clone")
	}
	return nil
}

func (b *bench) cloneToPlaying(ctx context.Context, modules string) (time.Duration, error) {
	dir, err := os.MkdirTemp(b.dir, "clone-")
	if err != nil {
		return 0, err
	}
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	environment := []string{"GOMODCACHE=" + modules, "GOFLAGS=-mod=readonly"}
	for _, name := range []string{"GOCACHE", "JSII_RUNTIME_PACKAGE_CACHE_ROOT", "npm_config_cache", "TMPDIR", "XDG_CACHE_HOME"} {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			return 0, err
		}
		environment = append(environment, name+"="+folder)
	}
	clone := filepath.Join(dir, "clone")
	began := time.Now()
	if _, err := b.timed(ctx, nil, "git", "clone", "--quiet", b.root, clone); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append(localRun, "-port", fmt.Sprint(port))...)
	cmd.Dir = clone
	cmd.Env = append(os.Environ(), environment...)
	// A group of its own, because go run starts the command as a child.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("%s: %w", cmd, err)
	}
	ended := make(chan error, 1)
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
		}
		ended <- cmd.Wait()
	}()
	playing := make(chan error, 1)
	go func() {
		playing <- player.WaitAndPlay(ctx, fmt.Sprintf("http://localhost:%d", port), "ada", "course-1")
	}()
	select {
	case err = <-playing:
	case err = <-ended:
		return 0, errors.Join(fmt.Errorf("%s ended: %w", cmd, err), errors.New(tail(stderr.String())))
	}
	took := time.Since(began)
	cancel()
	<-ended
	return took, err
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// makeWritable lets the module cache, whose files are read-only, be removed.
func makeWritable(dir string) {
	filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return nil
	})
}
