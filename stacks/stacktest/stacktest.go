// Package stacktest synthesizes the stack for tests and reads the template.
package stacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/cfn"
	"premiumhls/stacks"
	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

// Main runs the tests of a package that synthesizes, and removes what they
// left behind, with cleanups of the package's own. A TestMain calls it.
func Main(m *testing.M, cleanups ...func()) {
	code := m.Run()
	jsii.Close()
	for _, a := range assemblies {
		os.RemoveAll(a.Dir)
	}
	for _, cleanup := range cleanups {
		cleanup()
	}
	os.Exit(code)
}

// An Assembly is the output of a synthesis.
type Assembly struct {
	Dir      string
	File     string // the template
	Template *cfn.Template
}

var (
	assemblies   = map[string]Assembly{}
	assembliesMu sync.Mutex
)

// Values returns the settings of cdk.json with some of them changed.
func Values(t testing.TB, changes map[string]any) map[string]any {
	t.Helper()
	root, err := assets.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	values, err := settings.ReadFile(filepath.Join(root, "cdk.json"))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(values, changes)
	return values
}

// Synthesize synthesizes the stack with the settings of cdk.json, some of them
// changed. Tests that ask for the same settings share one synthesis. In short
// mode only the settings of cdk.json are synthesized; it skips other tests.
func Synthesize(t testing.TB, changes map[string]any) Assembly {
	t.Helper()
	if testing.Short() && len(changes) > 0 {
		t.Skip("slow: skipped in short mode")
	}
	return SynthesizeExactly(t, Values(t, changes))
}

// SynthesizeExactly is Synthesize without the settings of cdk.json.
func SynthesizeExactly(t testing.TB, values map[string]any) Assembly {
	t.Helper()
	key, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	assembliesMu.Lock()
	defer assembliesMu.Unlock()
	if a, ok := assemblies[string(key)]; ok {
		return a
	}
	dir, err := os.MkdirTemp("", "premiumhls-assembly-")
	if err != nil {
		t.Fatal(err)
	}
	stack, err := stacks.Synthesize(context.Background(), dir, values)
	if err != nil {
		t.Fatal(err)
	}
	a := Assembly{Dir: dir, File: filepath.Join(dir, *stack.TemplateFile())}
	if a.Template, err = cfn.Read(a.File); err != nil {
		t.Fatal(err)
	}
	assemblies[string(key)] = a
	return a
}

// Resources returns the resources of a type by their logical ids.
func (a Assembly) Resources(resourceType string) map[string]cfn.Resource {
	found := map[string]cfn.Resource{}
	for id, r := range a.Template.Resources {
		if r.Type == resourceType {
			found[id] = r
		}
	}
	return found
}

// Only returns the one resource of a type.
func (a Assembly) Only(t testing.TB, resourceType string) cfn.Resource {
	t.Helper()
	found := a.Resources(resourceType)
	if len(found) != 1 {
		t.Fatalf("%d resources of type %s, want one", len(found), resourceType)
	}
	for _, r := range found {
		return r
	}
	panic("unreachable")
}

// Get walks into properties by keys and indexes, and fails the test if there
// is no such value.
func Get(t testing.TB, v any, path ...any) any {
	t.Helper()
	for i, step := range path {
		ok := false
		switch step := step.(type) {
		case string:
			var m map[string]any
			if m, ok = v.(map[string]any); ok {
				v, ok = m[step]
			}
		case int:
			var l []any
			if l, ok = v.([]any); ok && step < len(l) {
				v = l[step]
			}
		}
		if !ok {
			t.Fatalf("nothing at %v", path[:i+1])
		}
	}
	return v
}

// JSON writes a value as JSON, for comparisons and messages.
func JSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}
