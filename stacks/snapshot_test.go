package stacks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"premiumhls/stacks"
	"premiumhls/stacks/stacktest"
)

var update = flag.Bool("update", false, "update the template's snapshot")

// hashes are what changes with the content of assets.
var hashes = regexp.MustCompile(`[0-9a-f]{64}`)

// The whole template, for a person to see what a change of the code changes.
// Run go test ./stacks -run TestTemplateSnapshot -update to take it as it is.
func TestTemplateSnapshot(t *testing.T) {
	const file = "testdata/template.json"
	raw, err := os.ReadFile(synthesize(t, nil).File)
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, hashes.ReplaceAll(raw, []byte("HASH")), "", " "); err != nil {
		t.Fatal(err)
	}
	got := append(indented.Bytes(), '\n')
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
		for i := range min(len(gotLines), len(wantLines)) {
			if !bytes.Equal(gotLines[i], wantLines[i]) {
				t.Fatalf("the template is another from line %d:\n%s\nwas\n%s\nRun with -update if that is meant.", i+1, gotLines[i], wantLines[i])
			}
		}
		t.Fatalf("the template has %d lines, and had %d", len(gotLines), len(wantLines))
	}
}

// What each part that is off by default adds to the template, and nothing else:
// with all of them off it is as TestTemplateSnapshot has it.
func TestPartSnapshots(t *testing.T) {
	for _, part := range []struct {
		name    string
		without map[string]any
		with    map[string]any
	}{
		{"links", nil, links},
		{"ingest", nil, map[string]any{"ingest": true}},
		{"emailgrants", map[string]any{"entitlements": "table"}, variants["grants by email"]},
		{"stripe", variants["grants by email"], variants["stripe"]},
	} {
		t.Run(part.name, func(t *testing.T) {
			file := "testdata/" + part.name + ".json"
			off, on := synthesize(t, part.without).Template.Resources, synthesize(t, part.with).Template.Resources
			changes := map[string]any{}
			for _, id := range slices.Sorted(maps.Keys(on)) {
				switch before, ok := off[id]; {
				case !ok:
					changes["+ "+id] = on[id]
				case !bytes.Equal(encode(t, before), encode(t, on[id])):
					changes["* "+id] = differences(before.Properties, on[id].Properties)
				}
			}
			for id := range off {
				if _, ok := on[id]; !ok {
					t.Errorf("it removes %s", id)
				}
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, hashes.ReplaceAll(encode(t, changes), []byte("HASH")), "", " "); err != nil {
				t.Fatal(err)
			}
			got := append(indented.Bytes(), '\n')
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is out of date: read the difference after go test ./stacks -run TestPartSnapshots -update", file)
			}
		})
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// differences are the members of b, however deep, that a does not have so. The
// dashboard's body, which every change of the dashboard changes, is left out.
func differences(a, b map[string]any) map[string]any {
	changed := map[string]any{}
	for name, value := range b {
		inA, isMap := a[name].(map[string]any)
		inB, areMaps := value.(map[string]any)
		switch {
		case text(a[name]) == text(value):
		case name == "DashboardBody":
			changed[name] = "changed"
		case isMap && areMaps:
			changed[name] = differences(inA, inB)
		default:
			changed[name] = value
		}
	}
	return changed
}

func BenchmarkSynthesis(b *testing.B) {
	values := stacktest.Values(b, nil)
	for b.Loop() {
		if _, err := stacks.Synthesize(context.Background(), b.TempDir(), values); err != nil {
			b.Fatal(err)
		}
	}
}
