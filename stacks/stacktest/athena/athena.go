// Package athena runs the stack's log queries over logs that a test writes. It
// reads the logs as the stack's tables say and runs the SQL in SQLite.
package athena

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"premiumhls/stacks/assets"
	"premiumhls/stacks/assets/npm"
	"premiumhls/stacks/stacktest"
)

// EdgeHeader begins each file of CloudFront's legacy standard log (CloudFront
// developer guide, "Standard log file fields").
const EdgeHeader = "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end\n"

// An EdgeRow is a request in CloudFront's log.
type EdgeRow struct {
	At      time.Time
	ID      string
	Method  string // empty: GET
	Path    string
	Status  int    // 0: 200
	Address string // empty: 192.0.2.1
	Agent   string // empty: Browser
	Bytes   int
}

// Line is the row in the legacy log.
func (r EdgeRow) Line() string {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	status := r.Status
	if status == 0 {
		status = 200
	}
	return strings.Join([]string{
		r.At.UTC().Format("2006-01-02"), r.At.UTC().Format("15:04:05"), "FRA50-C1", strconv.Itoa(r.Bytes), or(r.Address, "192.0.2.1"),
		or(r.Method, "GET"), "d111111abcdef8.cloudfront.net", r.Path, strconv.Itoa(status), "-", or(r.Agent, "Browser"), "-", "-", "Hit", r.ID,
		"d111111abcdef8.cloudfront.net", "https", "23", "0.5", "-", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "Hit", "HTTP/2.0", "-", "-", "11040",
		"0.001", "Hit", "video/mp2t", "78", "-", "-",
	}, "\t") + "\n"
}

// Daily returns rows of the legacy log as the stack's delivery of the newer log
// writes them: with the fields of the delivery only.
func Daily(t *testing.T, a stacktest.Assembly, rows string) string {
	t.Helper()
	names := strings.Fields(EdgeHeader[strings.Index(EdgeHeader, "#Fields: ")+len("#Fields: "):])
	delivery := a.Only(t, "AWS::Logs::Delivery").Properties
	var b strings.Builder
	for line := range strings.Lines(rows) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		var kept []string
		for _, name := range stacktest.Get(t, delivery, "RecordFields").([]any) {
			kept = append(kept, fields[slices.Index(names, name.(string))])
		}
		b.WriteString(strings.Join(kept, delivery["FieldDelimiter"].(string)) + "\n")
	}
	return b.String()
}

// A SignerLine has the fields of the signer's log that the queries read.
type SignerLine struct {
	Time        time.Time `json:"time"`
	EdgeRequest string    `json:"edgeRequest"`
	Decision    string    `json:"decision"`
	Status      int       `json:"status"`
	Path        string    `json:"path"`
	Viewer      string    `json:"viewer"`
	Expires     int64     `json:"expires,omitempty"`
}

// A Log is a table with the rows of its files.
type Log struct {
	name    string
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

// Table returns the columns and types of a table, and its definition.
func Table(t *testing.T, a stacktest.Assembly, name string) (columns, types []string, input map[string]any) {
	t.Helper()
	for _, r := range a.Resources("AWS::Glue::Table") {
		input = stacktest.Get(t, r.Properties, "TableInput").(map[string]any)
		if input["Name"] != name {
			continue
		}
		for _, c := range stacktest.Get(t, input, "StorageDescriptor", "Columns").([]any) {
			columns = append(columns, stacktest.Get(t, c, "Name").(string))
			types = append(types, stacktest.Get(t, c, "Type").(string))
		}
		return columns, types, input
	}
	t.Fatalf("no table %s", name)
	return nil, nil, nil
}

// ReadEdge reads a file of the legacy log as its table says.
func ReadEdge(t *testing.T, a stacktest.Assembly, file string) Log {
	t.Helper()
	_, _, input := Table(t, a, "edge")
	skip, err := strconv.Atoi(stacktest.Get(t, input, "Parameters", "skip.header.line.count").(string))
	if err != nil {
		t.Fatal(err)
	}
	return readRows(t, a, "edge", slices.Collect(strings.Lines(file))[skip:])
}

// ReadDailyEdge reads files of the newer log as their table says, each row in
// the folder of its day.
func ReadDailyEdge(t *testing.T, a stacktest.Assembly, files string) Log {
	t.Helper()
	read := readRows(t, a, "edge_daily", slices.Collect(strings.Lines(files)))
	_, _, input := Table(t, a, "edge_daily")
	format := stacktest.Get(t, input, "Parameters", "projection.day.format").(string)
	format = strings.NewReplacer("yyyy", "2006", "MM", "01", "dd", "02").Replace(format)
	read.Columns = append(read.Columns, stacktest.Get(t, input, "PartitionKeys", 0, "Name").(string))
	for i, row := range read.Rows {
		day, err := time.Parse(time.DateOnly, row[0].(string))
		if err != nil {
			t.Fatal(err)
		}
		read.Rows[i] = append(row, day.Format(format))
	}
	return read
}

func readRows(t *testing.T, a stacktest.Assembly, table string, lines []string) Log {
	t.Helper()
	columns, types, input := Table(t, a, table)
	read := Log{name: table, Columns: columns, Rows: [][]any{}}
	for _, line := range lines {
		line = strings.TrimSuffix(line, "\n")
		fields := strings.Split(line, stacktest.Get(t, input, "StorageDescriptor", "SerdeInfo", "Parameters", "field.delim").(string))
		row := make([]any, len(columns))
		for i := range row {
			row[i] = fields[i]
			if types[i] != "string" && types[i] != "date" {
				var err error
				if row[i], err = strconv.ParseFloat(fields[i], 64); err != nil {
					row[i] = nil // as Hive reads it
				}
			}
		}
		read.Rows = append(read.Rows, row)
	}
	return read
}

// ReadSigner reads lines of JSON as their table says, in the folder of a day.
func ReadSigner(t *testing.T, a stacktest.Assembly, lines ...any) Log {
	t.Helper()
	columns, _, input := Table(t, a, "signer")
	read := Log{name: "signer", Columns: append(columns, stacktest.Get(t, input, "PartitionKeys", 0, "Name").(string)), Rows: [][]any{}}
	for _, line := range lines {
		var fields map[string]any
		if err := json.Unmarshal([]byte(stacktest.JSON(line)), &fields); err != nil {
			t.Fatal(err)
		}
		row := make([]any, len(columns), len(columns)+1)
		for name, value := range fields {
			if i := slices.Index(columns, strings.ToLower(name)); i >= 0 {
				row[i] = value
			}
		}
		read.Rows = append(read.Rows, append(row, fields["time"].(string)[:10]))
	}
	return read
}

// Rows are what a query finds, by column.
type Rows []map[string]any

// Run runs the stack's queries over logs and returns what each finds. With rows
// of the newer log it runs the queries of a stack in us-east-1.
func Run(t *testing.T, a stacktest.Assembly, logs ...Log) map[string]Rows {
	t.Helper()
	return RunEach(t, a, logs)[0]
}

// RunEach is Run for several sets of logs.
func RunEach(t *testing.T, a stacktest.Assembly, sets ...[]Log) []map[string]Rows {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("install Node (https://nodejs.org)")
	}
	root, err := assets.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "stacks", "stacktest", "athena")
	if err := npm.Install(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	type run struct {
		Tables  map[string]Log    `json:"tables"`
		Queries map[string]string `json:"queries"`
	}
	var runs []run
	for _, logs := range sets {
		columns, _, _ := Table(t, a, "edge")
		tables := map[string]Log{"edge": {Columns: columns, Rows: [][]any{}}}
		for _, log := range logs {
			tables[log.name] = log
		}
		_, daily := tables["edge_daily"]
		runs = append(runs, run{tables, queries(t, a, daily)})
	}
	input, err := json.Marshal(runs)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), node, filepath.Join(dir, "athena.mjs"))
	command.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var found []map[string]Rows
	if err := json.Unmarshal(output, &found); err != nil {
		t.Fatalf("%s: %v", output, err)
	}
	return found
}

// queries returns the saved queries by name, as they are in us-east-1 or
// elsewhere.
func queries(t *testing.T, a stacktest.Assembly, usEast1 bool) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, r := range a.Resources("AWS::Athena::NamedQuery") {
		query, ok := r.Properties["QueryString"].(string)
		if !ok {
			branch := 2
			if usEast1 {
				branch = 1
			}
			query = stacktest.Get(t, r.Properties["QueryString"], "Fn::If", branch).(string)
		}
		found[r.Properties["Name"].(string)] = query
	}
	return found
}
