package stacks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"premiumhls/stacks/stacktest/athena"
)

var accessLogs = map[string]any{"accessLogs": true}

func TestLogTables(t *testing.T) {
	a := synthesize(t, accessLogs)
	columns, _, input := athena.Table(t, a, "edge")
	header := athena.EdgeHeader[strings.Index(athena.EdgeHeader, "#Fields: ")+len("#Fields: "):]
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
	config := get(t, a.Only(t, "AWS::CloudFront::Distribution").Properties, "DistributionConfig", "Logging")
	if get(t, config, "Prefix") != "distribution/" || get(t, config, "IncludeCookies") != false {
		t.Errorf("CloudFront logs %s", text(config))
	}

	_, _, input = athena.Table(t, a, "signer")
	destination := get(t, a.Only(t, "AWS::KinesisFirehose::DeliveryStream").Properties, "ExtendedS3DestinationConfiguration")
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
	subscription := a.Only(t, "AWS::Logs::SubscriptionFilter").Properties
	if subscription["FilterPattern"] != `{ $.msg = "request" }` || short(subscription["LogGroupName"]) != "SignerLog" {
		t.Errorf("%v of %s is kept", subscription["FilterPattern"], short(subscription["LogGroupName"]))
	}
}

// Logs expire, and a query's result can only be written to the log bucket, and
// encrypted.
func TestLogsEnd(t *testing.T) {
	a := synthesize(t, accessLogs)
	for id, r := range a.Resources("AWS::S3::Bucket") {
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
	for id, r := range a.Resources("AWS::Logs::LogGroup") {
		if text(r.Properties["RetentionInDays"]) != "30" {
			t.Errorf("%s is kept for %v days", id, r.Properties["RetentionInDays"])
		}
	}
	config := get(t, a.Only(t, "AWS::Athena::WorkGroup").Properties, "WorkGroupConfiguration")
	if get(t, config, "EnforceWorkGroupConfiguration") != true ||
		get(t, config, "ResultConfiguration", "EncryptionConfiguration", "EncryptionOption") != "SSE_S3" ||
		short(get(t, config, "ResultConfiguration", "OutputLocation")) != "s3://AccessLogs/results/" {
		t.Errorf("the workgroup is %s", text(config))
	}
}

func TestNothingIsLoggedByDefault(t *testing.T) {
	a := synthesize(t, nil)
	for _, resourceType := range []string{"AWS::KinesisFirehose::DeliveryStream", "AWS::Logs::SubscriptionFilter", "AWS::Glue::Database", "AWS::Glue::Table", "AWS::Athena::WorkGroup", "AWS::Athena::NamedQuery"} {
		if n := len(a.Resources(resourceType)); n != 0 {
			t.Errorf("%d of %s", n, resourceType)
		}
	}
}

func TestWhoWatchedWhat(t *testing.T) {
	a := synthesize(t, accessLogs)
	began := time.Now().UTC().Truncate(time.Second).Add(-26 * time.Hour)
	at := func(minutes int) time.Time { return began.Add(time.Duration(minutes) * time.Minute) }
	until := func(minutes int) int64 { return at(minutes).Unix() }
	asked := func(minute int, id string) athena.EdgeRow {
		return athena.EdgeRow{At: at(minute), ID: id, Method: "POST", Path: "/api/cookies"}
	}
	issued := func(minute int, id, viewer, path string, until int64) athena.SignerLine {
		return athena.SignerLine{Time: at(minute), EdgeRequest: id, Decision: "issued", Status: 200, Path: path, Viewer: viewer, Expires: until}
	}
	got := func(minute int, id, path string) athena.EdgeRow {
		return athena.EdgeRow{At: at(minute), ID: id, Path: path, Bytes: 100}
	}
	ada := issued(0, "cookies-1", "ada", "course-1", until(60))

	for _, test := range []struct {
		name    string
		edge    []athena.EdgeRow
		signer  []athena.SignerLine
		watched []string // viewer Path: requests, bytes, shared; from minute to minute
		unasked []string // address Path: requests
	}{
		{"two segments", []athena.EdgeRow{asked(0, "cookies-1"), got(1, "1", "/premium/course-1/0.ts"), got(9, "2", "/premium/course-1/1.ts")}, []athena.SignerLine{ada},
			[]string{"ada course-1: 2 200 0; 1 to 9"}, nil},
		{"several folders", []athena.EdgeRow{asked(0, "cookies-1"), got(1, "1", "/premium/course-1/360p/0.ts"), got(2, "2", "/premium/course-1/720p/1.ts")}, []athena.SignerLine{ada},
			[]string{"ada course-1/360p: 1 100 0; 1 to 1", "ada course-1/720p: 1 100 0; 2 to 2"}, nil},
		{"playlists, trailers, refusals and clicks", []athena.EdgeRow{
			asked(0, "cookies-1"), got(1, "1", "/premium/course-1/master.m3u8"), got(1, "2", "/trailers/sample/0.ts"),
			{At: at(1), ID: "3", Path: "/premium/course-1/0.ts", Status: 403}, {At: at(1), ID: "4", Path: "/premium/course-1/0.ts", Method: "HEAD"},
		}, []athena.SignerLine{ada}, nil, nil},
		{"a part and one not modified", []athena.EdgeRow{
			asked(0, "cookies-1"), {At: at(1), ID: "1", Path: "/premium/course-1/0.ts", Status: 206, Bytes: 7}, {At: at(2), ID: "2", Path: "/premium/course-1/0.ts", Status: 304, Bytes: 1},
		}, []athena.SignerLine{ada}, []string{"ada course-1: 2 8 0; 1 to 2"}, nil},
		{"another address, another browser", []athena.EdgeRow{
			asked(0, "cookies-1"), {At: at(1), ID: "1", Path: "/premium/course-1/0.ts", Address: "192.0.2.2"}, {At: at(1), ID: "2", Path: "/premium/course-1/0.ts", Agent: "App"},
		}, []athena.SignerLine{ada}, nil, []string{"192.0.2.1 course-1: 1", "192.0.2.2 course-1: 1"}},
		{"before the cookies and after their end", []athena.EdgeRow{
			got(-1, "1", "/premium/course-1/0.ts"), asked(0, "cookies-1"), got(61, "2", "/premium/course-1/0.ts"),
		}, []athena.SignerLine{ada}, nil, []string{"192.0.2.1 course-1: 2"}},
		{"begun before the end", []athena.EdgeRow{asked(0, "cookies-1"), got(60, "1", "/premium/course-1/0.ts")}, []athena.SignerLine{ada}, []string{"ada course-1: 1 100 0; 60 to 60"}, nil},
		{"cookies renewed", []athena.EdgeRow{asked(0, "cookies-1"), asked(30, "cookies-2"), got(40, "1", "/premium/course-1/0.ts")},
			[]athena.SignerLine{ada, issued(30, "cookies-2", "ada", "course-1", until(90))}, []string{"ada course-1: 1 100 0; 40 to 40"}, nil},
		{"two viewers at one address with one browser", []athena.EdgeRow{
			asked(0, "cookies-1"), got(5, "1", "/premium/course-1/0.ts"), asked(10, "cookies-2"), got(20, "2", "/premium/course-1/1.ts"),
		}, []athena.SignerLine{ada, issued(10, "cookies-2", "ben", "course-1", until(70))},
			[]string{"ada course-1: 2 200 1; 5 to 20", "ben course-1: 1 100 1; 20 to 20"}, nil},
		{"cookies for everything", []athena.EdgeRow{asked(0, "cookies-1"), got(1, "1", "/premium/course-1/0.ts"), got(2, "2", "/premium/course-2/0.ts")},
			[]athena.SignerLine{issued(0, "cookies-1", "ada", "", until(60))}, []string{"ada course-1: 1 100 0; 1 to 1", "ada course-2: 1 100 0; 2 to 2"}, nil},
		{"a name that begins alike", []athena.EdgeRow{asked(0, "cookies-1"), got(1, "1", "/premium/course-10/0.ts")}, []athena.SignerLine{ada},
			nil, []string{"192.0.2.1 course-10: 1"}},
		{"refused by the signer", []athena.EdgeRow{asked(0, "cookies-1"), got(1, "1", "/premium/course-1/0.ts")},
			[]athena.SignerLine{{Time: at(0), EdgeRequest: "cookies-1", Decision: "not_entitled", Status: 403, Path: "course-1", Viewer: "ben"}},
			nil, []string{"192.0.2.1 course-1: 1"}},
		{"nine days ago", []athena.EdgeRow{asked(-9*24*60, "cookies-1"), got(-9*24*60+1, "1", "/premium/course-1/0.ts")},
			[]athena.SignerLine{issued(-9*24*60, "cookies-1", "ada", "course-1", until(-9*24*60+60))}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := athena.EdgeHeader
			for _, row := range test.edge {
				file += row.Line()
			}
			var lines []any
			for _, line := range test.signer {
				lines = append(lines, line)
			}
			found := athena.Run(t, a, athena.ReadEdge(t, a, file), athena.ReadSigner(t, a, lines...))
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
