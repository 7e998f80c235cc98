package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "buyers.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestGrantFile(t *testing.T) {
	startTable(t, map[string]string{"EmailGrants": "on"})
	file := write(t, "name;email;viewer;path;until\nAda;ada@example.com;;course-1;\nBen;;ben;course-1;2100-01-01\nBen;;ben;course-2;2001-01-01\n")
	for _, step := range []struct {
		args []string
		says string
	}{
		{[]string{"--dry-run", file}, "Ignored columns: name\n+ ada@example.com course-1, expires: never\n|+ ben course-1, expires: 2100-01-02T00:00:00Z\n|Dry run of 3 rows: 3 new, 0 changed, 0 as they were.\n1 of them have expired and grant nothing.\n"},
		{[]string{file}, "Ignored columns: name\nImported 3 rows: 3 new, 0 changed, 0 as they were.\n1 of them have expired"},
		{[]string{"--rate", "10", file}, "Imported 3 rows: 0 new, 0 changed, 3 as they were.\n"},
	} {
		code, out := runLocal(t, append([]string{"grants", "import"}, step.args...)...)
		if code != yes {
			t.Errorf("%q: %d %s", step.args, code, out)
		}
		for _, part := range strings.Split(step.says, "|") {
			if !strings.Contains(out, strings.TrimPrefix(part, "Ignored columns: name\n")) {
				t.Errorf("%q: %s\nwant %s", step.args, out, part)
			}
		}
	}
	if code, out := runLocal(t, "grants", "ben"); code != yes || !strings.Contains(out, "ben     course-1  2100-01-02T00:00:00Z") {
		t.Errorf("%d %s", code, out)
	}

	code, out := runLocal(t, "grants", "export")
	if code != yes || !strings.HasPrefix(out, "email,viewer,path,until\n") || !strings.Contains(out, "\nada@example.com,,course-1,\n") || !strings.Contains(out, "\n,b-1,course-1,2100-01-02T00:00:00Z\n") || !strings.HasSuffix(out, "Exported 3 grants.\n") {
		t.Errorf("%d %s", code, out)
	}
	exported := filepath.Join(t.TempDir(), "grants.csv")
	if code, out := runLocal(t, "grants", "export", exported); code != yes || out != "Exported 3 grants.\n" {
		t.Errorf("%d %s", code, out)
	}
	if info, err := os.Stat(exported); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if code, out := runLocal(t, "grants", "export", exported); code != failed || !strings.Contains(out, "exists") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := runLocal(t, "grants", "import", exported); code != yes || !strings.Contains(out, "0 new, 0 changed, 3 as they were") {
		t.Errorf("%d %s", code, out)
	}
}

// Every mistake is printed, and nothing is written.
func TestGrantFileWithMistakes(t *testing.T) {
	startTable(t, nil)
	file := write(t, "viewer,path\nada,../x\nben,course-1\n,course-1\n")
	code, out := runLocal(t, "grants", "import", file)
	want := file + ": line 2: path: invalid value \"../x\""
	if code != no || !strings.Contains(out, want) || !strings.Contains(out, file+": line 4: has neither email nor viewer") || !strings.HasSuffix(out, "2 of 3 lines have mistakes: nothing was changed\n") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := runLocal(t, "grants"); code != yes || out != "No grants in table Grants.\n" {
		t.Errorf("%d %s", code, out)
	}
	for name, text := range map[string]string{
		"addresses, which this stack does not claim": "email,path\nada@example.com,a\n",
		"an expiry of another name":                  "viewer,path,expires\nada,a,2030-01-01\n",
		"empty":                                      "",
	} {
		if code, out := runLocal(t, "grants", "import", write(t, text)); code != failed {
			t.Errorf("%s: %d %s", name, code, out)
		}
	}
	for _, args := range [][]string{{"/nonexistent"}, {}, {"--rate", "0", file}} {
		if code, out := runLocal(t, append([]string{"grants", "import"}, args...)...); code != failed || out == "" {
			t.Errorf("%q: %d %s", args, code, out)
		}
	}
}
