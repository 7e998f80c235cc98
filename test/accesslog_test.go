package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"premiumhls/local/cloud"
	"premiumhls/stacks/assets/npm"
)

var accessLogs = map[string]any{"accessLogs": true}

// edgeHeader begins each file of CloudFront's standard log (CloudFront
// developer guide, "Standard log file fields").
const edgeHeader = "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end\n"

// An edgeRow is a request in CloudFront's log.
type edgeRow struct {
	at      time.Time
	id      string
	method  string // empty: GET
	path    string
	status  int    // 0: 200
	address string // empty: 192.0.2.1
	agent   string // empty: Browser
	bytes   int
}

func (r edgeRow) line() string {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	status := r.status
	if status == 0 {
		status = 200
	}
	return strings.Join([]string{
		r.at.UTC().Format("2006-01-02"), r.at.UTC().Format("15:04:05"), "FRA50-C1", strconv.Itoa(r.bytes), or(r.address, "192.0.2.1"),
		or(r.method, "GET"), "d111111abcdef8.cloudfront.net", r.path, strconv.Itoa(status), "-", or(r.agent, "Browser"), "-", "-", "Hit", r.id,
		"d111111abcdef8.cloudfront.net", "https", "23", "0.5", "-", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "Hit", "HTTP/2.0", "-", "-", "11040",
		"0.001", "Hit", "video/mp2t", "78", "-", "-",
	}, "\t") + "\n"
}

// A signerLine is what the queries read of a line of the signer's.
type signerLine struct {
	Time        time.Time `json:"time"`
	EdgeRequest string    `json:"edgeRequest"`
	Decision    string    `json:"decision"`
	Status      int       `json:"status"`
	Path        string    `json:"path"`
	Viewer      string    `json:"viewer"`
	Until       int64     `json:"until,omitempty"`
}

// A logTable is a table with what is in its files.
type logTable struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

// table returns the columns and types of a table, and its definition.
func table(t *testing.T, a assembly, name string) (columns, types []string, input map[string]any) {
	t.Helper()
	for _, r := range a.resources("AWS::Glue::Table") {
		input = get(t, r.Properties, "TableInput").(map[string]any)
		if input["Name"] != name {
			continue
		}
		for _, c := range get(t, input, "StorageDescriptor", "Columns").([]any) {
			columns = append(columns, get(t, c, "Name").(string))
			types = append(types, get(t, c, "Type").(string))
		}
		return columns, types, input
	}
	t.Fatalf("no table %s", name)
	return nil, nil, nil
}

// readEdge reads a log file as its table says.
func readEdge(t *testing.T, a assembly, file string) logTable {
	t.Helper()
	columns, types, input := table(t, a, "edge")
	skip, err := strconv.Atoi(get(t, input, "Parameters", "skip.header.line.count").(string))
	if err != nil {
		t.Fatal(err)
	}
	read := logTable{Columns: columns}
	for _, line := range strings.Split(strings.TrimSuffix(file, "\n"), "\n")[skip:] {
		fields := strings.Split(line, get(t, input, "StorageDescriptor", "SerdeInfo", "Parameters", "field.delim").(string))
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

// readSigner reads lines of JSON as their table says, in the folder of a day.
func readSigner(t *testing.T, a assembly, lines ...any) logTable {
	t.Helper()
	columns, _, input := table(t, a, "signer")
	read := logTable{Columns: append(columns, get(t, input, "PartitionKeys", 0, "Name").(string))}
	for _, line := range lines {
		var fields map[string]any
		if err := json.Unmarshal([]byte(text(line)), &fields); err != nil {
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

type rows []map[string]any

// runQueries runs the stack's queries over logs and returns what each finds.
func runQueries(t *testing.T, a assembly, edge, signer logTable) map[string]rows {
	t.Helper()
	node := find(t, "Node (https://nodejs.org)", "node")
	if err := npm.Install(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, r := range a.resources("AWS::Athena::NamedQuery") {
		queries[r.Properties["Name"].(string)] = r.Properties["QueryString"].(string)
	}
	input, err := json.Marshal(map[string]any{"tables": map[string]logTable{"edge": edge, "signer": signer}, "queries": queries})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), node, "athena.mjs")
	command.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	var found map[string]rows
	if err := json.Unmarshal(output, &found); err != nil {
		t.Fatalf("%s: %v", output, err)
	}
	return found
}

func TestLogTables(t *testing.T) {
	a := synthesize(t, accessLogs)
	columns, _, input := table(t, a, "edge")
	header := edgeHeader[strings.Index(edgeHeader, "#Fields: ")+len("#Fields: "):]
	var fields []string
	for _, field := range strings.Fields(header) {
		fields = append(fields, strings.NewReplacer("-", "_", "(", "_", ")", "").Replace(strings.ToLower(field)))
	}
	if len(fields) != 33 || !slices.Equal(columns, fields) {
		t.Errorf("the table of CloudFront's log has %v", columns)
	}
	if got := short(get(t, input, "StorageDescriptor", "Location")); got != "s3://AccessLogs/distribution/" {
		t.Errorf("CloudFront's log is read from %s", got)
	}
	config := get(t, a.only(t, "AWS::CloudFront::Distribution").Properties, "DistributionConfig", "Logging")
	if get(t, config, "Prefix") != "distribution/" || get(t, config, "IncludeCookies") != false {
		t.Errorf("CloudFront logs %s", text(config))
	}

	_, _, input = table(t, a, "signer")
	destination := get(t, a.only(t, "AWS::KinesisFirehose::DeliveryStream").Properties, "ExtendedS3DestinationConfiguration")
	written := strings.Replace(get(t, destination, "Prefix").(string), "!{timestamp:yyyy-MM-dd}", "${day}", 1)
	if got := short(get(t, input, "Parameters", "storage.location.template")); got != "s3://AccessLogs/"+written {
		t.Errorf("the signer's lines are read from %s and written to %s", got, written)
	}
	var processors []string
	for _, p := range get(t, destination, "ProcessingConfiguration", "Processors").([]any) {
		processors = append(processors, get(t, p, "Type").(string))
	}
	if want := []string{"Decompression", "CloudWatchLogProcessing", "AppendDelimiterToRecord"}; !slices.Equal(processors, want) {
		t.Errorf("the lines go through %v", processors)
	}
	subscription := a.only(t, "AWS::Logs::SubscriptionFilter").Properties
	if subscription["FilterPattern"] != `{ $.msg = "request" }` || short(subscription["LogGroupName"]) != "SignerLog" {
		t.Errorf("%v of %s is kept", subscription["FilterPattern"], short(subscription["LogGroupName"]))
	}
}

// What tells who watched what ends, and nobody can have a query's result
// written elsewhere or in the clear.
func TestLogsEnd(t *testing.T) {
	a := synthesize(t, accessLogs)
	for id, r := range a.resources("AWS::S3::Bucket") {
		if named(id) != "AccessLogs" {
			continue
		}
		got := text(get(t, r.Properties, "LifecycleConfiguration", "Rules"))
		want := `[{"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":3},"ExpirationInDays":400,"Id":"EndOldLogs","NoncurrentVersionExpiration":{"NoncurrentDays":7},"Status":"Enabled"},` +
			`{"ExpirationInDays":7,"Id":"EndResults","Prefix":"results/","Status":"Enabled"}]`
		if got != want {
			t.Errorf("logs end by %s", got)
		}
	}
	for id, r := range a.resources("AWS::Logs::LogGroup") {
		if text(r.Properties["RetentionInDays"]) != "30" {
			t.Errorf("%s is kept for %v days", id, r.Properties["RetentionInDays"])
		}
	}
	config := get(t, a.only(t, "AWS::Athena::WorkGroup").Properties, "WorkGroupConfiguration")
	if get(t, config, "EnforceWorkGroupConfiguration") != true ||
		get(t, config, "ResultConfiguration", "EncryptionConfiguration", "EncryptionOption") != "SSE_S3" ||
		short(get(t, config, "ResultConfiguration", "OutputLocation")) != "s3://AccessLogs/results/" {
		t.Errorf("the workgroup is %s", text(config))
	}
}

func TestNothingIsLoggedByDefault(t *testing.T) {
	a := synthesize(t, nil)
	for _, resourceType := range []string{"AWS::KinesisFirehose::DeliveryStream", "AWS::Logs::SubscriptionFilter", "AWS::Glue::Database", "AWS::Glue::Table", "AWS::Athena::WorkGroup", "AWS::Athena::NamedQuery"} {
		if n := len(a.resources(resourceType)); n != 0 {
			t.Errorf("%d of %s", n, resourceType)
		}
	}
}

func TestWhoWatchedWhat(t *testing.T) {
	a := synthesize(t, accessLogs)
	began := time.Now().UTC().Truncate(time.Second).Add(-26 * time.Hour)
	at := func(minutes int) time.Time { return began.Add(time.Duration(minutes) * time.Minute) }
	until := func(minutes int) int64 { return at(minutes).Unix() }
	asked := func(minute int, id string) edgeRow {
		return edgeRow{at: at(minute), id: id, method: "POST", path: "/api/cookies"}
	}
	issued := func(minute int, id, viewer, path string, until int64) signerLine {
		return signerLine{Time: at(minute), EdgeRequest: id, Decision: "issued", Status: 200, Path: path, Viewer: viewer, Until: until}
	}
	got := func(minute int, id, path string) edgeRow {
		return edgeRow{at: at(minute), id: id, path: path, bytes: 100}
	}
	ada := issued(0, "cookies-1", "ada", "course-1", until(60))

	for _, test := range []struct {
		name    string
		edge    []edgeRow
		signer  []signerLine
		watched []string // viewer path: requests, bytes, shared; from minute to minute
		unasked []string // address path: requests
	}{
		{"two segments", []edgeRow{asked(0, "cookies-1"), got(1, "1", "/premium/course-1/0.ts"), got(9, "2", "/premium/course-1/1.ts")}, []signerLine{ada},
			[]string{"ada course-1: 2 200 0; 1 to 9"}, nil},
		{"several folders", []edgeRow{asked(0, "cookies-1"), got(1, "1", "/premium/course-1/360p/0.ts"), got(2, "2", "/premium/course-1/720p/1.ts")}, []signerLine{ada},
			[]string{"ada course-1/360p: 1 100 0; 1 to 1", "ada course-1/720p: 1 100 0; 2 to 2"}, nil},
		{"playlists, trailers, refusals and clicks", []edgeRow{
			asked(0, "cookies-1"), got(1, "1", "/premium/course-1/master.m3u8"), got(1, "2", "/trailers/sample/0.ts"),
			{at: at(1), id: "3", path: "/premium/course-1/0.ts", status: 403}, {at: at(1), id: "4", path: "/premium/course-1/0.ts", method: "HEAD"},
		}, []signerLine{ada}, nil, nil},
		{"a part and one not modified", []edgeRow{
			asked(0, "cookies-1"), {at: at(1), id: "1", path: "/premium/course-1/0.ts", status: 206, bytes: 7}, {at: at(2), id: "2", path: "/premium/course-1/0.ts", status: 304, bytes: 1},
		}, []signerLine{ada}, []string{"ada course-1: 2 8 0; 1 to 2"}, nil},
		{"another address, another browser", []edgeRow{
			asked(0, "cookies-1"), {at: at(1), id: "1", path: "/premium/course-1/0.ts", address: "192.0.2.2"}, {at: at(1), id: "2", path: "/premium/course-1/0.ts", agent: "App"},
		}, []signerLine{ada}, nil, []string{"192.0.2.1 course-1: 1", "192.0.2.2 course-1: 1"}},
		{"before the cookies and after their end", []edgeRow{
			got(-1, "1", "/premium/course-1/0.ts"), asked(0, "cookies-1"), got(61, "2", "/premium/course-1/0.ts"),
		}, []signerLine{ada}, nil, []string{"192.0.2.1 course-1: 2"}},
		{"begun before the end", []edgeRow{asked(0, "cookies-1"), got(60, "1", "/premium/course-1/0.ts")}, []signerLine{ada}, []string{"ada course-1: 1 100 0; 60 to 60"}, nil},
		{"cookies renewed", []edgeRow{asked(0, "cookies-1"), asked(30, "cookies-2"), got(40, "1", "/premium/course-1/0.ts")},
			[]signerLine{ada, issued(30, "cookies-2", "ada", "course-1", until(90))}, []string{"ada course-1: 1 100 0; 40 to 40"}, nil},
		{"two viewers at one address with one browser", []edgeRow{
			asked(0, "cookies-1"), got(5, "1", "/premium/course-1/0.ts"), asked(10, "cookies-2"), got(20, "2", "/premium/course-1/1.ts"),
		}, []signerLine{ada, issued(10, "cookies-2", "ben", "course-1", until(70))},
			[]string{"ada course-1: 2 200 1; 5 to 20", "ben course-1: 1 100 1; 20 to 20"}, nil},
		{"cookies for everything", []edgeRow{asked(0, "cookies-1"), got(1, "1", "/premium/course-1/0.ts"), got(2, "2", "/premium/course-2/0.ts")},
			[]signerLine{issued(0, "cookies-1", "ada", "", until(60))}, []string{"ada course-1: 1 100 0; 1 to 1", "ada course-2: 1 100 0; 2 to 2"}, nil},
		{"a name that begins alike", []edgeRow{asked(0, "cookies-1"), got(1, "1", "/premium/course-10/0.ts")}, []signerLine{ada},
			nil, []string{"192.0.2.1 course-10: 1"}},
		{"refused by the signer", []edgeRow{asked(0, "cookies-1"), got(1, "1", "/premium/course-1/0.ts")},
			[]signerLine{{Time: at(0), EdgeRequest: "cookies-1", Decision: "not_entitled", Status: 403, Path: "course-1", Viewer: "ben"}},
			nil, []string{"192.0.2.1 course-1: 1"}},
		{"nine days ago", []edgeRow{asked(-9*24*60, "cookies-1"), got(-9*24*60+1, "1", "/premium/course-1/0.ts")},
			[]signerLine{issued(-9*24*60, "cookies-1", "ada", "course-1", until(-9*24*60+60))}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := edgeHeader
			for _, row := range test.edge {
				file += row.line()
			}
			var lines []any
			for _, line := range test.signer {
				lines = append(lines, line)
			}
			found := runQueries(t, a, readEdge(t, a, file), readSigner(t, a, lines...))
			minute := func(v any) int {
				at, err := time.Parse(time.RFC3339, v.(string))
				if err != nil {
					t.Fatal(err)
				}
				return int(at.Sub(began).Minutes())
			}
			var watched, unasked []string
			for _, r := range found["Who watched what"] {
				watched = append(watched, fmt.Sprintf("%v %v: %v %v %v; %d to %d", r["viewer"], r["path"], r["requests"], r["bytes"], r["shared_requests"], minute(r["first_request"]), minute(r["last_request"])))
			}
			for _, r := range found["Watched without asking"] {
				unasked = append(unasked, fmt.Sprintf("%v %v: %v", r["c_ip"], r["path"], r["requests"]))
			}
			slices.Sort(unasked)
			if !slices.Equal(watched, test.watched) {
				t.Errorf("watched %q, want %q", watched, test.watched)
			}
			if !slices.Equal(unasked, test.unasked) {
				t.Errorf("unasked %q, want %q", unasked, test.unasked)
			}
		})
	}
}

// The signer's own lines, and the names that the edge gives requests, lead
// from the segments to the viewer.
func TestLogsLeadFromSegmentsToViewers(t *testing.T) {
	var log logbook
	s := newSite(t, map[string]any{"accessLogs": true, "premiumPath": "paid", "entitlements": map[string]any{"claim": "custom:courses", "paths": true}},
		func(o *cloud.Options) { o.Functions = &log })
	file := edgeHeader
	note := func(method, path, agent string, r reply) reply {
		file += edgeRow{at: time.Now(), id: r.Header.Get("X-Amz-Cf-Id"), method: method, path: path, status: r.StatusCode, address: "127.0.0.1", agent: agent, bytes: len(r.body)}.line()
		return r
	}
	watch := func(viewer, course string) {
		asked := note("POST", "/api/cookies", viewer, s.api("POST", "/api/cookies", s.token(viewer), `{"path":"`+course+`"}`))
		folder := "/paid/" + course + "/"
		master := note("GET", folder+"master.m3u8", viewer, s.get(folder+"master.m3u8", asked.Cookies()...))
		if master.StatusCode != http.StatusOK {
			return
		}
		media := playlist(folder, master.body)[0]
		segment := playlist(media, note("GET", media, viewer, s.get(media, asked.Cookies()...)).body)[0]
		note("GET", segment, viewer, s.get(segment, asked.Cookies()...))
	}
	watch("ada", "course-2")
	watch("ben", "course-2") // who has not bought it

	var lines []any
	for _, line := range log.lines(t) {
		lines = append(lines, line)
	}
	found := runQueries(t, s.assembly, readEdge(t, s.assembly, file), readSigner(t, s.assembly, lines...))
	const ada = "5f7a5c0a045e0d07"
	if r := found["Who watched what"]; len(r) != 1 || r[0]["viewer"] != ada || !strings.HasPrefix(r[0]["path"].(string), "course-2") || r[0]["requests"] != 1.0 || r[0]["bytes"].(float64) < 1000 {
		t.Errorf("watched %v, want what ada did", r)
	}
	if r := found["Watched without asking"]; len(r) != 0 {
		t.Errorf("unasked %v", r)
	}
	if r := found["Who was refused"]; len(r) != 1 || r[0]["decision"] != "not_entitled" || r[0]["path"] != "course-2" || r[0]["viewer"] == ada || r[0]["requests"] != 1.0 {
		t.Errorf("refused %v, want ben", r)
	}
}
