package test

import (
	"slices"
	"testing"

	"premiumhls/internal/cloudfront"
	"premiumhls/internal/explain/target"
)

// The explaining command reads every template that the stack can be.
func TestTemplatesCanBeExplained(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	eachVariant(t, func(t *testing.T, a assembly) {
		found, err := target.FromTemplate(a.File, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(found.Behaviors, func(b cloudfront.Behavior) bool { return b.Signed }) {
			t.Error("no behavior needs a signature")
		}
	})
}
