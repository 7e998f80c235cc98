package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The README's table has a row for each setting, with its default.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := Default()
	known := fields(&s)
	for name, field := range known {
		value := field.Value.Interface()
		if field.Value.Kind().String() == "slice" && field.Value.Len() == 0 {
			value = []string{}
		}
		standard, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if row := fmt.Sprintf("| `%s` | `%s` |", name, standard); !strings.Contains(string(text), row) {
			t.Errorf("the README has no row that begins %s", row)
		}
	}
	_, table, _ := strings.Cut(string(text), "| setting | default | what it is |")
	table, _, _ = strings.Cut(table, "\n\n")
	if rows := strings.Count(table, "\n| `"); rows != len(known) {
		t.Errorf("the README has %d settings, and there are %d", rows, len(known))
	}
}
