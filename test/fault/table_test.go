package fault_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"premiumhls/test/fault"
)

const document = `# Title

## First

| service | fault | cold | warm |
|---|---|---|---|
| KMS | is slow | cookies | cookies |
| KMS | is down | 503 ` + "`x`" + ` | cookies |

Text with a | in it.

## Second

| a | b | c |
|---|---|---|
| KMS | is slow | 1 |

## Empty

No table.
`

func readTable(t *testing.T, text, heading string) (fault.Table, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return fault.ReadTable(file, heading)
}

func TestTable(t *testing.T) {
	table, err := readTable(t, document, "First")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		got  error
		want string // empty: nil
	}{
		{"all cases", table.Match([]string{"KMS: is slow", "KMS: is down"}), ""},
		{"a case without a row", table.Match([]string{"KMS: is slow", "KMS: is down", "KMS: is new"}), "no row for the case KMS: is new"},
		{"a row without a case", table.Match([]string{"KMS: is slow"}), "no case for the row KMS: is down"},
		{"what a test saw", table.Compare("KMS: is down", 0, "503 `x`", "cookies"), ""},
		{"a part of it", table.Compare("KMS: is down", 1, "cookies"), ""},
		{"something else", table.Compare("KMS: is down", 0, "cookies"), "saw [\"cookies\"]"},
		{"more than there is", table.Compare("KMS: is slow", 1, "cookies", ""), "too short"},
		{"no such row", table.Compare("KMS: is new", 0, "cookies"), "no row"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if (tt.got == nil) != (tt.want == "") || tt.got != nil && !strings.Contains(tt.got.Error(), tt.want) {
				t.Errorf("%v, want %q", tt.got, tt.want)
			}
		})
	}
	for _, tt := range []struct{ name, text, heading, want string }{
		{"no heading", document, "Third", "no heading"},
		{"no table", document, "Empty", "no table"},
		{"two rows of one name", strings.Replace(document, "is down", "is slow", 1), "First", "two rows"},
		{"a cell too many", strings.Replace(document, "| KMS | is down", "| KMS | is | down", 1), "First", "not of its columns"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := readTable(t, tt.text, tt.heading); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
