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

// EdgeHeader begins each file of CloudFront's standard log (CloudFront
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

// Line is the row as CloudFront writes it.
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

// A SignerLine is what the queries read of a line of the signer's.
type SignerLine struct {
	Time        time.Time `json:"time"`
	EdgeRequest string    `json:"edgeRequest"`
	Decision    string    `json:"decision"`
	Status      int       `json:"status"`
	Path        string    `json:"path"`
	Viewer      string    `json:"viewer"`
	Expires     int64     `json:"expires,omitempty"`
}

// A Log is a table with what is in its files.
type Log struct {
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

// ReadEdge reads a log file as its table says.
func ReadEdge(t *testing.T, a stacktest.Assembly, file string) Log {
	t.Helper()
	columns, types, input := Table(t, a, "edge")
	skip, err := strconv.Atoi(stacktest.Get(t, input, "Parameters", "skip.header.line.count").(string))
	if err != nil {
		t.Fatal(err)
	}
	read := Log{Columns: columns}
	for _, line := range strings.Split(strings.TrimSuffix(file, "\n"), "\n")[skip:] {
		fields := strings.Split(line, stacktest.Get(t, input, "StorageDescriptor", "SerdeInfo", "Parameters", "field.delim").(string))
		row := make([]any, len(columns))
		for i := range row {
			row[i] = fields[i]
			if types[i] != "string" && types[i] != "date" {
				if row[i], err = strconv.ParseFloat(fields[i], 64); err != nil {
					row[i] = nil // as Hive reads what is no number
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
	read := Log{Columns: append(columns, stacktest.Get(t, input, "PartitionKeys", 0, "Name").(string))}
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

// Run runs the stack's queries over logs and returns what each finds.
func Run(t *testing.T, a stacktest.Assembly, edge, signer Log) map[string]Rows {
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
	queries := map[string]string{}
	for _, r := range a.Resources("AWS::Athena::NamedQuery") {
		queries[r.Properties["Name"].(string)] = r.Properties["QueryString"].(string)
	}
	input, err := json.Marshal(map[string]any{"tables": map[string]Log{"edge": edge, "signer": signer}, "queries": queries})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), node, filepath.Join(dir, "athena.mjs"))
	command.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	var found map[string]Rows
	if err := json.Unmarshal(output, &found); err != nil {
		t.Fatalf("%s: %v", output, err)
	}
	return found
}
