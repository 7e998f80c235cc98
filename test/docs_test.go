package test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	linked  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// Links between the docs lead to files and headings that exist.
func TestDocsLinks(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../README.md", "../player/element/README.md", "../CHANGELOG.md", "../CONTRIBUTING.md", "../SECURITY.md")
	anchors := map[string]map[string]bool{}
	for _, file := range files {
		anchors[filepath.Clean(file)] = headings(prose(t, file))
	}
	count := 0
	for _, file := range files {
		for _, match := range link.FindAllStringSubmatch(prose(t, file), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			count++
			path, anchor, _ := strings.Cut(match[1], "#")
			target := filepath.Clean(file)
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: link to %s: there is no such file", file, match[1])
			} else if known, ok := anchors[target]; ok && anchor != "" && !known[anchor] {
				t.Errorf("%s: link to %s: there is no such heading", file, match[1])
			}
		}
	}
	if count < 50 {
		t.Errorf("found %d links, want those of the docs", count)
	}
}

// The README is read in one go; tables belong in docs/.
func TestReadmeLength(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > 160 {
		t.Errorf("README.md has %d lines: must have at most 160", lines)
	}
}

// The log messages that docs/operations.md names are those of the signer.
func TestDocsLogMessages(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| other line of the signer |")
	table, _, _ = strings.Cut(table, "\n\n")
	messages := regexp.MustCompile("(?m)^\\| `([^`]*)`").FindAllStringSubmatch(table, -1)
	if len(messages) < 3 {
		t.Fatalf("found %d messages, want those of the table", len(messages))
	}
	var source strings.Builder
	err = filepath.WalkDir("../lambda", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		source.Write(code)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range messages {
		if !strings.Contains(source.String(), `"`+message[1]) {
			t.Errorf("docs/operations.md: message %q: must be one of the functions'", message[1])
		}
	}
}

// prose is a file without its code.
func prose(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fence.ReplaceAllString(string(text), "")
}

// headings are the anchors that GitHub makes of headings.
func headings(text string) map[string]bool {
	anchors := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		name := linked.ReplaceAllString(match[1], "$1")
		name = dropped.ReplaceAllString(strings.ToLower(name), "")
		anchors[strings.ReplaceAll(name, " ", "-")] = true
	}
	return anchors
}
