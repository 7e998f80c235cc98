package lambda

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"premiumhls/stacks/assets"
)

// Build builds the Go package pkg ("./lambda/signer") of the module at root
// into the file out. The binary is built as it is for Lambda, only for this
// machine's system and processor. The error holds what the compiler said.
func Build(ctx context.Context, root, pkg, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return fmt.Errorf("building %s: %w", pkg, err)
	}
	return assets.BuildFunction(ctx, root, pkg, out, runtime.GOOS, runtime.GOARCH)
}
