// Package fault is about what viewers get while something fails. README.md has
// it in tables; this holds tests to them, and them to tests.
package fault

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// A Table is a table of a Markdown file. The first two cells of a row name it.
type Table struct {
	rows map[string][]string // what follows the name
}

// ReadTable reads the table below a heading of a file.
func ReadTable(file, heading string) (Table, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Table{}, fmt.Errorf("reading the table %q: %w", heading, err)
	}
	_, below, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		return Table{}, fmt.Errorf("%s has no heading %q", file, heading)
	}
	below, _, _ = strings.Cut(below, "\n## ")
	t := Table{rows: make(map[string][]string)}
	columns := 0
	for line := range strings.Lines(below) {
		line, isRow := strings.CutPrefix(strings.TrimSpace(line), "|")
		line, ends := strings.CutSuffix(line, "|")
		if !isRow || !ends {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(line, "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		switch {
		case columns == 0:
			columns = len(cells)
		case len(cells) != columns || columns < 3:
			return Table{}, fmt.Errorf("the table %q of %s has the row %q, which is not of its columns", heading, file, line)
		case strings.Trim(cells[0], "-") != "":
			name := Name(cells[0], cells[1])
			if t.rows[name] != nil {
				return Table{}, fmt.Errorf("the table %q of %s has two rows for %s", heading, file, name)
			}
			t.rows[name] = cells[2:]
		}
	}
	if len(t.rows) == 0 {
		return Table{}, fmt.Errorf("%s has no table below %q", file, heading)
	}
	return t, nil
}

// Name is the name of a row.
func Name(what, fault string) string { return what + ": " + fault }

// Match reports the cases that have no row and the rows that have no case, by
// their names.
func (t Table) Match(names []string) error {
	var wrong []error
	cases := make(map[string]bool)
	for _, name := range names {
		cases[name] = true
		if t.rows[name] == nil {
			wrong = append(wrong, fmt.Errorf("there is no row for the case %s", name))
		}
	}
	for name := range t.rows {
		if !cases[name] {
			wrong = append(wrong, fmt.Errorf("there is no case for the row %s", name))
		}
	}
	return errors.Join(wrong...)
}

// Compare reports a row that says something else, from one of its cells on
// (the first after its name is 0), than what a test saw.
func (t Table) Compare(name string, from int, saw ...string) error {
	row := t.rows[name]
	if len(row) < from+len(saw) {
		return fmt.Errorf("there is no row for the case %s, or it is too short; the test saw %q", name, saw)
	}
	if says := row[from : from+len(saw)]; strings.Join(says, "|") != strings.Join(saw, "|") {
		return fmt.Errorf("the row for the case %s says %q, and the test saw %q", name, says, saw)
	}
	return nil
}
