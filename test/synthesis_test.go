// Package test holds the tests that need more than one part of the project.
package test

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
	"premiumhls/stacks/settings"
)

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	for _, a := range assemblies {
		os.RemoveAll(a.dir)
	}
	os.Exit(code)
}

// An assembly is what a synthesis wrote.
type assembly struct {
	dir      string
	file     string // the template
	template *cfn.Template
}

var (
	assemblies   = map[string]assembly{}
	assembliesMu sync.Mutex
)

// synthesize makes the stack with the settings of cdk.json and the given ones,
// once for all tests that ask for the same.
func synthesize(t testing.TB, changes map[string]any) assembly {
	t.Helper()
	values, err := settings.ReadFile("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(values, changes)
	return synthesizeExactly(t, values)
}

func synthesizeExactly(t testing.TB, values map[string]any) assembly {
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
	a := assembly{dir: dir, file: filepath.Join(dir, *stack.TemplateFile())}
	if a.template, err = cfn.Read(a.file); err != nil {
		t.Fatal(err)
	}
	assemblies[string(key)] = a
	return a
}

// resources returns the resources of a type by their logical ids.
func (a assembly) resources(resourceType string) map[string]cfn.Resource {
	found := map[string]cfn.Resource{}
	for id, r := range a.template.Resources {
		if r.Type == resourceType {
			found[id] = r
		}
	}
	return found
}

// only returns the one resource of a type.
func (a assembly) only(t testing.TB, resourceType string) cfn.Resource {
	t.Helper()
	found := a.resources(resourceType)
	if len(found) != 1 {
		t.Fatalf("%d resources of type %s, want one", len(found), resourceType)
	}
	for _, r := range found {
		return r
	}
	panic("unreachable")
}

// get walks into properties by keys and indexes, and fails where there is no
// such thing.
func get(t testing.TB, v any, path ...any) any {
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

// text writes a value as JSON, for comparisons and messages.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}
