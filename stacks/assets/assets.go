// Package assets builds what the stack uploads: the Lambda binaries and the
// page. The same source gives the same bytes, and so the same asset hash.
package assets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
	"golang.org/x/sync/errgroup"

	"premiumhls/signedcookie"
	"premiumhls/stacks/settings"
)

// Assets are folders, each an asset of the stack, and the public keys that were
// brought along, in PEM by their names.
type Assets struct {
	Signer      string // the signer's Lambda
	Keymaker    string // the custom resources' Lambda
	DeployCheck string // the deploy check's Lambda; built unless it is off
	Page        string // the web page, with the libraries that it loads
	Sample      string // the sample videos, laid out as in the bucket

	PublicKeys map[string]string

	// Digest changes with the functions' code and with the source that makes
	// the template.
	Digest string
}

// PackageMetadata is the key under which a function in the template names the
// Go package that it was built from. The local run builds that package for the
// machine it is on.
const PackageMetadata = "PremiumHls::Package"

// Build makes every part in the .build folder of the repository at root. It
// needs the Go toolchain, and npm where the page's libraries are not installed
// yet.
func Build(ctx context.Context, root string, s settings.Settings) (Assets, error) {
	publicKeys, err := readPublicKeys(root, s)
	if err != nil {
		return Assets{}, err
	}
	build := filepath.Join(root, ".build", s.StackName)
	if err := os.MkdirAll(build, 0o755); err != nil {
		return Assets{}, fmt.Errorf("making the build folder: %w", err)
	}
	// Two syntheses at once, as in tests, would write the same files.
	unlock, err := lockedfile.MutexAt(filepath.Join(root, ".build", "lock")).Lock()
	if err != nil {
		return Assets{}, fmt.Errorf("locking the build folder: %w", err)
	}
	defer unlock()

	p := Assets{
		Signer:      filepath.Join(build, "signer"),
		Keymaker:    filepath.Join(build, "keymaker"),
		DeployCheck: filepath.Join(build, "deploycheck"),
		Page:        filepath.Join(build, "page"),
		Sample:      filepath.Join(build, "sample"),

		PublicKeys: publicKeys,
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return function(ctx, root, "signer", p.Signer) })
	group.Go(func() error { return function(ctx, root, "keymaker", p.Keymaker) })
	if s.DeployCheck {
		group.Go(func() error { return function(ctx, root, "deploycheck", p.DeployCheck) })
	}
	group.Go(func() error { return page(ctx, root, p.Page) })
	if s.Sample {
		group.Go(func() error { return sample(root, s.PremiumPath, p.Sample) })
	}
	if err := group.Wait(); err != nil {
		return Assets{}, err
	}
	checked := []string{filepath.Join(p.Signer, "bootstrap")}
	if s.DeployCheck {
		checked = append(checked, filepath.Join(p.DeployCheck, "bootstrap"))
	}
	p.Digest, err = digest(append(checked, filepath.Join(root, "go.mod"), filepath.Join(root, "stacks"), filepath.Join(root, "internal"))...)
	return p, err
}

// digest hashes files, and below folders the Go files that are not tests.
func digest(paths ...string) (string, error) {
	h := sha256.New()
	for _, path := range paths {
		err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if file != path && (filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go")) {
				return nil
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			within, err := filepath.Rel(path, file)
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "%q %d\n", within, len(text))
			h.Write(text)
			return nil
		})
		if err != nil {
			return "", fmt.Errorf("hashing the source: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// readPublicKeys reads the public halves of external keys.
func readPublicKeys(root string, s settings.Settings) (map[string]string, error) {
	found := map[string]string{}
	for _, key := range s.Keys() {
		if key.Custody != settings.CustodyExternal {
			continue
		}
		path := key.PublicKeyFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(root, path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the public key %s of signingKeys: %w", key.Name, err)
		}
		public, err := signedcookie.ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("the public key %s of signingKeys, in %s, is none that CloudFront takes: %w", key.Name, key.PublicKeyFile, err)
		}
		canonical, err := signedcookie.MarshalPublicKey(public)
		if err != nil {
			return nil, err
		}
		found[key.Name] = string(canonical)
	}
	return found, nil
}

// Root finds the repository: the nearest folder above dir with a go.mod.
func Root(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("this must be run inside the repository: no go.mod here or above")
		}
		dir = parent
	}
}

// function builds a Lambda function for provided.al2023 on arm64, whose entry
// point must be called bootstrap.
func function(ctx context.Context, root, name, out string) error {
	return BuildFunction(ctx, root, "./lambda/"+name, filepath.Join(out, "bootstrap"), "linux", "arm64")
}

// BuildFunction builds the Go package pkg ("./lambda/signer") of the module at
// root into the file out, for a system and processor. Without cgo, build paths
// and version control stamps the result depends on the source alone. The error
// holds what the compiler said.
func BuildFunction(ctx context.Context, root, pkg, out, goos, goarch string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-ldflags", "-s -w", "-o", out, pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=")
	return run(cmd, "building "+pkg)
}

// run runs a command and puts what it printed into the error.
func run(cmd *exec.Cmd, doing string) error {
	output, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s: %s is not installed, or not on the PATH", doing, cmd.Args[0])
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", doing, err, strings.TrimSpace(string(output)))
	}
	return nil
}
