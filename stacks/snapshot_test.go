package stacks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"regexp"
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

func BenchmarkSynthesis(b *testing.B) {
	values := stacktest.Values(b, nil)
	for b.Loop() {
		if _, err := stacks.Synthesize(context.Background(), b.TempDir(), values); err != nil {
			b.Fatal(err)
		}
	}
}
