package grants

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"premiumhls/internal/grantitem"
)

// The columns of a file of grants.
const (
	columnEmail  = "email"
	columnViewer = "viewer"
	columnPath   = "path"
	columnUntil  = "until"
)

var columns = []string{columnEmail, columnViewer, columnPath, columnUntil}

const (
	maxHeader = 16 << 10 // bytes of the first line
	maxLine   = 1 << 20  // bytes of any line, which can have columns that are ignored
)

// capped reads a file until so many bytes were read for one line: a quote without
// an end would take the rest of the file into memory.
type capped struct {
	file io.Reader
	left int
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("a line is longer than %d bytes: is there a quote without an end?", maxLine)
	}
	n, err := c.file.Read(p)
	c.left -= n
	return n, err
}

// A Row is a line of a file: a grant to a viewer or an address.
type Row struct {
	Line   int
	Holder string // the partition key in the table
	Path   string
	Until  time.Time // zero: does not expire
}

// A RowError is an error in a line of a file. The lines after it can be read.
type RowError struct {
	Line int
	Err  error
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *RowError) Unwrap() error { return e.Err }

// A Reader reads a file of grants: comma-separated values (RFC 4180) or, as
// spreadsheets write them in countries with a decimal comma, values separated by
// semicolons; tabs too. The first line names the columns, in any order: path,
// one of email and viewer or both, and until. It has one row in memory.
type Reader struct {
	file    *capped
	csv     *csv.Reader
	columns map[string]int
	// Ignored are the columns that are not read.
	Ignored []string
}

// NewReader reads the first line.
func NewReader(file io.Reader) (*Reader, error) {
	limited := &capped{file: file, left: maxLine}
	buffered := bufio.NewReaderSize(limited, maxHeader)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		buffered.Discard(3) // a byte order mark
	}
	start, err := buffered.Peek(maxHeader)
	if len(start) == 0 && errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: its first line must name the columns: path, email or viewer, and until")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	header, _, _ := bytes.Cut(start, []byte("\n"))
	r := &Reader{file: limited, csv: csv.NewReader(buffered), columns: map[string]int{}}
	r.csv.Comma = separator(header)
	r.csv.FieldsPerRecord = -1 // checked here, so that reading continues after an error
	r.csv.ReuseRecord = true
	names, err := r.csv.Read()
	if err != nil {
		return nil, rowError(err)
	}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		_, twice := r.columns[name]
		_, expiry := grantitem.UnknownExpiry(slices.Values([]string{name}))
		switch {
		case !slices.Contains(columns, name) && expiry:
			// Without it the grants would not expire.
			return nil, fmt.Errorf("line 1: column %q: name it until, or remove it", name)
		case !slices.Contains(columns, name):
			if name != "" {
				r.Ignored = append(r.Ignored, name)
			}
		case twice:
			return nil, fmt.Errorf("line 1: column %s is there twice", name)
		default:
			r.columns[name] = i
		}
	}
	_, hasPath := r.columns[columnPath]
	_, hasEmail := r.columns[columnEmail]
	_, hasViewer := r.columns[columnViewer]
	if !hasPath || !hasEmail && !hasViewer {
		return nil, errors.New("line 1: must name the columns: path, email or viewer, and until if grants expire, separated by commas, semicolons or tabs")
	}
	return r, nil
}

// separator returns what separates the columns of a first line, none of whose
// names has any of these.
func separator(header []byte) rune {
	best := ','
	for _, s := range []rune{';', '\t'} {
		if bytes.Count(header, []byte(string(s))) > bytes.Count(header, []byte(string(best))) {
			best = s
		}
	}
	return best
}

// Next returns the next row. Rows without any value are skipped. The error is
// [io.EOF] at the end, a [*RowError] for a row with a mistake, and any other if
// the file cannot be read.
func (r *Reader) Next() (Row, error) {
	for {
		r.file.left = maxLine
		record, err := r.csv.Read()
		if err != nil {
			return Row{}, rowError(err)
		}
		line, _ := r.csv.FieldPos(0)
		if !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			continue
		}
		row, err := r.row(record)
		if err != nil {
			return Row{}, &RowError{line, err}
		}
		row.Line = line
		return row, nil
	}
}

func rowError(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return &RowError{parse.StartLine, fmt.Errorf("column %d: %w", parse.Column, parse.Err)}
	}
	return err
}

func (r *Reader) row(record []string) (row Row, err error) {
	cell := func(name string) string {
		i, ok := r.columns[name]
		if !ok || i >= len(record) {
			return ""
		}
		return plain(strings.TrimSpace(record[i]))
	}
	email, viewer := cell(columnEmail), cell(columnViewer)
	switch {
	case email != "" && viewer != "":
		return row, errors.New("has both email and viewer: must have one")
	case email == "" && viewer == "":
		return row, errors.New("has neither email nor viewer: must have one")
	case email != "":
		if row.Holder, err = grantitem.Email(email); err != nil {
			return row, fmt.Errorf("email: invalid value %q: %w", email, err)
		}
	default:
		if err := grantitem.CheckViewer(viewer); err != nil {
			return row, err
		}
		row.Holder = viewer
	}
	row.Path = cell(columnPath)
	if err := CheckPath(row.Path); err != nil {
		return row, err
	}
	row.Until, err = parseMoment(cell(columnUntil))
	// Strings of a record share memory with all of it.
	row.Holder, row.Path = strings.Clone(row.Holder), strings.Clone(row.Path)
	return row, err
}

// parseMoment reads the expiry in a file. A duration would be another moment each
// time that the file is imported. A moment that is over is not an error: its
// grant grants nothing.
func parseMoment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		if moment, err = time.Parse(time.DateOnly, text); err == nil {
			moment = moment.AddDate(0, 0, 1)
		}
	}
	if err != nil || moment.Unix() <= 0 || moment.Year() > 9999 {
		return time.Time{}, fmt.Errorf("until: invalid value %q: must be empty, a day (2027-01-31, to its end in UTC) or a time (2027-01-31T12:00:00Z)", text)
	}
	return moment.UTC().Truncate(time.Second), nil
}

// formulas are the characters with which a spreadsheet begins a formula (OWASP,
// "CSV Injection"), and the apostrophe that makes it text.
const formulas = "=+-@'"

// guarded returns a value that no spreadsheet takes for a formula.
func guarded(value string) string {
	if value != "" && strings.Contains(formulas, value[:1]) {
		return "'" + value
	}
	return value
}

// plain is the inverse of guarded.
func plain(value string) string {
	if len(value) > 1 && value[0] == '\'' && strings.Contains(formulas, value[1:2]) {
		return value[1:]
	}
	return value
}

// A Writer writes a file that a [Reader] reads.
type Writer struct{ csv *csv.Writer }

// NewWriter writes the first line.
func NewWriter(file io.Writer) (*Writer, error) {
	w := &Writer{csv.NewWriter(file)}
	return w, w.csv.Write(columns)
}

// Write writes what a person granted of a grant, and reports whether there is
// any: sales are not in the file, nor what the signer ignores.
func (w *Writer) Write(g Grant) (written bool, err error) {
	if g.Fault != "" || g.Parts.Manual == nil {
		return false, nil
	}
	record := []string{"", "", guarded(g.Path), ""}
	if address, ok := grantitem.Address(g.Viewer); ok {
		record[0] = guarded(address)
	} else {
		record[1] = guarded(g.Viewer)
	}
	if until := *g.Parts.Manual; until != grantitem.NoExpiry {
		record[3] = time.Unix(until, 0).UTC().Format(time.RFC3339)
	}
	return true, w.csv.Write(record)
}

// Flush writes what is buffered.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}
