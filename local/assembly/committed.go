package assembly

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

//go:generate go test . -run TestCommittedAssemblyIsCurrent -update

// committed is the folder with the cloud assembly of a local run with the
// settings of cdk.json, as far as a local run reads it and it does not follow
// from other files: without the functions' code, the page and the sample. A
// fresh clone plays a video without compiling the CDK.
const committed = "local/assembly/committed"

// digestFile holds the digest of what the committed assembly was made from.
const digestFile = "digest"

// The folders of the assets that a local run lays out itself.
const pageFolder, sampleFolder = "page", "sample"

// isCurrent reports whether a synthesis with these settings would make the
// committed assembly. In doubt it does not.
func isCurrent(root string, values map[string]any) bool {
	want, err := os.ReadFile(filepath.Join(root, committed, digestFile))
	if err != nil {
		return false
	}
	got, err := digest(root, values)
	return err == nil && got == strings.TrimSpace(string(want))
}

// copyCommitted writes the committed assembly into a folder, with the page and
// the sample as they are now.
func copyCommitted(root, libraries, folder string, s settings.Settings) error {
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(root, committed))); err != nil {
		return fmt.Errorf("copying the template of this version: %w", err)
	}
	if err := assets.LayOutPage(root, libraries, filepath.Join(folder, pageFolder)); err != nil {
		return err
	}
	return assets.LayOutSample(root, s.PremiumPath, filepath.Join(folder, sampleFolder))
}

// packages are the folders of this module's source that the CDK app is compiled
// from. A test holds that none is missing.
var packages = []string{
	".",
	"internal/catalog",
	"internal/cfn",
	"internal/deploycheck",
	"internal/grantitem",
	"internal/ingestsettings",
	"internal/link",
	"internal/linksettings",
	"internal/logfield",
	"internal/metric",
	"internal/premiumpath",
	"internal/purchase",
	"internal/rotation",
	"internal/sales",
	"internal/setting",
	"internal/signersettings",
	"internal/signingkey",
	"internal/strictjson",
	"internal/stripe",
	"internal/stripesettings",
	"signedcookie",
	"stacks",
	"stacks/assets",
	"stacks/assets/npm",
	"stacks/queries",
	"stacks/quiet",
	"stacks/settings",
}

// listed are the folders whose names, not contents, are in the template: what
// the uploader may write.
var listed = []string{"player/page", "player/sample/premium"}

// environment are the variables that the source reads.
var environment = []string{"CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION"}

// digest changes with whatever the template follows from.
func digest(root string, values map[string]any) (string, error) {
	h := sha256.New()
	text, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("encoding the settings: %w", err)
	}
	fmt.Fprintf(h, "%s\n", text)
	for _, name := range environment {
		fmt.Fprintf(h, "%s=%q\n", name, os.Getenv(name))
	}
	files, err := sources(root)
	if err != nil {
		return "", err
	}
	for _, file := range files {
		if err := add(h, root, file); err != nil {
			return "", err
		}
	}
	for _, folder := range listed {
		entries, err := os.ReadDir(filepath.Join(root, folder))
		if err != nil {
			return "", fmt.Errorf("listing what the page and the sample are made of: %w", err)
		}
		for _, entry := range entries {
			fmt.Fprintf(h, "%q %t\n", folder+"/"+entry.Name(), entry.IsDir())
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// add adds a file's name and content to a digest.
func add(h io.Writer, root, file string) error {
	content, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return fmt.Errorf("reading the source of the template: %w", err)
	}
	fmt.Fprintf(h, "%q %d\n%s", filepath.ToSlash(file), len(content), content)
	return nil
}

// sources are the files that decide on the template, by their paths below root.
func sources(root string) ([]string, error) {
	files := []string{"go.mod", "go.sum", "player/vendor.json"}
	for _, folder := range packages {
		entries, err := os.ReadDir(filepath.Join(root, folder))
		if err != nil {
			return nil, fmt.Errorf("listing the source of the template: %w", err)
		}
		for _, entry := range entries {
			if name := entry.Name(); slices.Contains([]string{".go", ".sql"}, filepath.Ext(name)) && !strings.HasSuffix(name, "_test.go") {
				files = append(files, filepath.Join(folder, name))
			}
		}
	}
	return files, nil
}
