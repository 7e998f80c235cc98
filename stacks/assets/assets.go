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
	"runtime"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
	"golang.org/x/sync/errgroup"

	"premiumhls/internal/signingkey"
	"premiumhls/signedcookie"
	"premiumhls/stacks/settings"
)

// Assets are the folders that the stack uploads, and the public halves of
// external keys, in PEM by their names.
type Assets struct {
	Signer      string // the signer's Lambda
	Keymaker    string // the custom resources' Lambda
	DeployCheck string // the deploy check's Lambda; built unless it is off
	Links       string // the links Lambda; built if it is on
	Ingest      string // the ingest Lambda; built if it is on
	Stripe      string // the stripe Lambda; built if it is on
	Page        string // the web page, with the libraries that it loads
	Sample      string // the sample videos, laid out as in the bucket

	PageFiles     []string // the files in Page; a folder ends in a slash
	SampleFolders []string // the sample's folders below the premium path

	PublicKeys map[string]string

	// Digest changes with the functions' code and with the source that makes
	// the template.
	Digest string
}

// PackageMetadata is the key under which a function in the template names the
// Go package that it was built from. The local run builds that package for the
// machine it is on.
const PackageMetadata = "PremiumHls::Package"

// A Place says where assets are built from and to.
type Place struct {
	Module string // the folder of this module's source, which may be read-only
	Build  string // the folder that built files go to
	Keys   string // the folder that a relative publicKeyFile begins at
}

// Here returns the place for an app that runs in the current folder. An app of
// this module builds into .build beside its go.mod; an app of another module
// builds into the user's cache folder, since neither this module, which may be
// in Go's module cache, nor the app's own folders are ours to write to.
func Here(ctx context.Context) (Place, error) {
	module, err := source(ctx)
	if err != nil {
		return Place{}, err
	}
	app, err := Root(".")
	if err != nil { // an app that was built elsewhere
		if app, err = filepath.Abs("."); err != nil {
			return Place{}, err
		}
	}
	if app == module {
		return Place{module, filepath.Join(module, ".build"), app}, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Place{}, fmt.Errorf("no folder to build in: %w", err)
	}
	sum := sha256.Sum256([]byte(app + "\n" + module))
	return Place{module, filepath.Join(cache, "premiumhls", hex.EncodeToString(sum[:8])), app}, nil
}

// modulePath is the path of this module.
const modulePath = "premiumhls"

// source finds the folder of this module: the one that this package was
// compiled from or, if that is not known, the one that Go would compile now.
func source(ctx context.Context) (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) { // not absolute with -trimpath
		if root, err := Root(filepath.Dir(file)); err == nil {
			return root, nil
		}
	}
	output, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", modulePath).Output()
	dir := strings.TrimSpace(string(output))
	if err != nil || dir == "" {
		return "", fmt.Errorf("the source of the module %s was not found; run the app in the folder of its go.mod, without -mod=vendor", modulePath)
	}
	return dir, nil
}

// Build builds everything that the stack uploads. It needs the Go toolchain and,
// unless the page's libraries are installed, npm.
func Build(ctx context.Context, place Place, s settings.Settings) (Assets, error) {
	root := place.Module
	publicKeys, err := readPublicKeys(place.Keys, s)
	if err != nil {
		return Assets{}, err
	}
	build := filepath.Join(place.Build, s.StackName)
	if err := os.MkdirAll(build, 0o755); err != nil {
		return Assets{}, fmt.Errorf("making the build folder: %w", err)
	}
	// Two syntheses at once, as in tests, would write the same files.
	unlock, err := lockedfile.MutexAt(filepath.Join(place.Build, "lock")).Lock()
	if err != nil {
		return Assets{}, fmt.Errorf("locking the build folder: %w", err)
	}
	defer unlock()

	p := Assets{
		Signer:      filepath.Join(build, "signer"),
		Keymaker:    filepath.Join(build, "keymaker"),
		DeployCheck: filepath.Join(build, "deploycheck"),
		Links:       filepath.Join(build, "links"),
		Ingest:      filepath.Join(build, "ingest"),
		Stripe:      filepath.Join(build, "stripe"),
		Page:        filepath.Join(build, "page"),
		Sample:      filepath.Join(build, "sample-"+s.PremiumPath),

		PublicKeys: publicKeys,
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return function(ctx, root, "signer", p.Signer) })
	group.Go(func() error { return function(ctx, root, "keymaker", p.Keymaker) })
	if s.DeployCheck {
		group.Go(func() error { return function(ctx, root, "deploycheck", p.DeployCheck) })
	}
	if s.Links {
		group.Go(func() error { return function(ctx, root, "links", p.Links) })
	}
	if s.Ingest {
		group.Go(func() error { return function(ctx, root, "ingest", p.Ingest) })
	}
	if s.Stripe.On() {
		group.Go(func() error { return function(ctx, root, "stripe", p.Stripe) })
	}
	group.Go(func() error {
		libraries, err := InstallLibraries(ctx, place)
		if err != nil {
			return err
		}
		return LayOutPage(root, libraries, p.Page)
	})
	if s.Sample {
		group.Go(func() error { return LayOutSample(root, s.PremiumPath, p.Sample) })
	}
	if err := group.Wait(); err != nil {
		return Assets{}, err
	}
	if p.PageFiles, err = list(p.Page); err != nil {
		return Assets{}, err
	}
	if s.Sample {
		if p.SampleFolders, err = list(filepath.Join(p.Sample, s.PremiumPath)); err != nil {
			return Assets{}, err
		}
		// A course of the sample may have the name of one of the owner's: the
		// sample's files are in a folder of their own below it.
		for i := range p.SampleFolders {
			p.SampleFolders[i] += sampleFolder
		}
	}
	p.Digest, err = digest(digested(root, p, s)...)
	return p, err
}

// digested lists what the digest is of: the functions that decide whether the
// deploy check passes, and the source that makes the template.
func digested(root string, p Assets, s settings.Settings) []string {
	paths := []string{filepath.Join(p.Signer, "bootstrap")}
	if s.DeployCheck {
		paths = append(paths, filepath.Join(p.DeployCheck, "bootstrap"))
	}
	for _, name := range []string{"go.mod", "stacks", "internal"} {
		paths = append(paths, filepath.Join(root, name))
	}
	return paths
}

// sampleFolder holds the sample's files in each of its courses.
const sampleFolder = "sample/"

// list returns the names in a folder, those of folders with a slash at the end.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing what to upload: %w", err)
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	return names, nil
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
		if key.Custody != signingkey.CustodyExternal {
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

// Root finds the module that a folder is in: the nearest folder above it with a
// go.mod.
func Root(dir string) (string, error) {
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for dir := from; ; {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod in %s or a folder above it", from)
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
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
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
