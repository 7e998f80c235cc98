package stacks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/cfn"
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
	logging := get(t, a.Only(t, "AWS::CloudFront::Distribution").Properties, "DistributionConfig", "Logging", "Fn::If")
	if get(t, logging, 0) != "IsUsEast1" || text(get(t, logging, 1)) != `{"Ref":"AWS::NoValue"}` {
		t.Errorf("CloudFront logs %s", text(logging))
	}
	config := get(t, logging, 2)
	if get(t, config, "Prefix") != "distribution/" || get(t, config, "IncludeCookies") != false || !strings.Contains(text(get(t, config, "Bucket")), `"RegionalDomainName"`) {
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

// In us-east-1, CloudFront delivers its log without credentials, into folders by
// day and hour that the table reads.
func TestEdgeLogDelivery(t *testing.T) {
	a := synthesize(t, accessLogs)
	source, destination, delivery := a.Only(t, "AWS::Logs::DeliverySource"), a.Only(t, "AWS::Logs::DeliveryDestination"), a.Only(t, "AWS::Logs::Delivery")
	for _, r := range []cfn.Resource{source, destination, delivery} {
		if r.Condition != "IsUsEast1" {
			t.Errorf("%s has the condition %q", r.Type, r.Condition)
		}
	}
	if got := text(a.Template.Conditions["IsUsEast1"]); got != `{"Fn::Equals":[{"Ref":"AWS::Region"},"us-east-1"]}` {
		t.Errorf("the condition is %s", got)
	}
	if source.Properties["LogType"] != "ACCESS_LOGS" || source.Properties["Name"] != "PremiumHls-edge" || !strings.Contains(text(source.Properties["ResourceArn"]), `:distribution/",{"Ref":"Distribution`) {
		t.Errorf("the source is %s", text(source.Properties))
	}
	if short(destination.Properties["DestinationResourceArn"]) != "AccessLogs.Arn" || destination.Properties["OutputFormat"] != "plain" {
		t.Errorf("the destination is %s", text(destination.Properties))
	}
	if delivery.Properties["S3EnableHiveCompatiblePath"] != false || delivery.Properties["FieldDelimiter"] != "\t" {
		t.Errorf("the delivery is %s", text(delivery.Properties))
	}
	policy := false
	for _, id := range delivery.DependsOn {
		policy = policy || a.Template.Resources[id].Type == "AWS::S3::BucketPolicy"
	}
	if !policy {
		t.Error("the delivery does not wait for the bucket's policy")
	}

	columns, _, input := athena.Table(t, a, "edge_daily")
	if strings.Contains(text(columns), "cookie") || strings.Contains(text(columns), "query") {
		t.Errorf("the table has %v", columns)
	}
	var fields []string
	for _, field := range get(t, delivery.Properties, "RecordFields").([]any) {
		fields = append(fields, strings.NewReplacer("-", "_", "(", "_", ")", "").Replace(strings.ToLower(field.(string))))
	}
	if len(fields) != 31 || !slices.Equal(columns, fields) {
		t.Errorf("the delivery has %v, and the table %v", fields, columns)
	}
	parameters := get(t, input, "Parameters").(map[string]any)
	if parameters["skip.header.line.count"] != nil || parameters["projection.day.format"] != "yyyy/MM/dd" {
		t.Errorf("the table has %s", text(parameters))
	}
	suffix, ok := strings.CutSuffix(delivery.Properties["S3SuffixPath"].(string), "{yyyy}/{MM}/{dd}/{HH}")
	written := "s3://AccessLogs/AWSLogs/AWS::AccountId/CloudFront/" + suffix + "${day}/"
	if got := short(parameters["storage.location.template"]); !ok || got != written {
		t.Errorf("the table reads %s, and CloudFront writes to %s", got, written)
	}
}

// The suffix of a delivery can never change under its logical id: see
// newEdgeLogDelivery.
func TestEdgeLogSuffixIsFixed(t *testing.T) {
	a := synthesize(t, accessLogs)
	for id, r := range a.Resources("AWS::Logs::Delivery") {
		if id != "EdgeLogDelivery" || r.Properties["S3SuffixPath"] != "PremiumHls/{yyyy}/{MM}/{dd}/{HH}" {
			t.Errorf("%s writes to %v", id, r.Properties["S3SuffixPath"])
		}
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
		want := `[{"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":3},"ExpirationInDays":400,"Id":"ExpireLogs","NoncurrentVersionExpiration":{"NoncurrentDays":7},"Status":"Enabled"},` +
			`{"ExpirationInDays":7,"Id":"ExpireQueryResults","Prefix":"results/","Status":"Enabled"}]`
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
	for _, resourceType := range []string{"AWS::KinesisFirehose::DeliveryStream", "AWS::Logs::SubscriptionFilter", "AWS::Logs::DeliverySource", "AWS::Logs::DeliveryDestination", "AWS::Logs::Delivery", "AWS::Glue::Database", "AWS::Glue::Table", "AWS::Athena::WorkGroup", "AWS::Athena::NamedQuery"} {
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
			rows := make([]string, len(test.edge))
			for i, row := range test.edge {
				rows[i] = row.Line()
			}
			var lines []any
			for _, line := range test.signer {
				lines = append(lines, line)
			}
			minute := func(v any) int {
				at, err := time.Parse(time.RFC3339, v.(string))
				if err != nil {
					t.Fatal(err)
				}
				return int(at.Sub(began).Minutes())
			}
			legacy := func(rows ...string) athena.Log {
				return athena.ReadEdge(t, a, athena.EdgeHeader+strings.Join(rows, ""))
			}
			daily := func(rows ...string) athena.Log {
				return athena.ReadDailyEdge(t, a, athena.Daily(t, a, strings.Join(rows, "")))
			}
			half := len(rows) / 2
			signed := athena.ReadSigner(t, a, lines...)
			for i, found := range athena.RunEach(t, a,
				[]athena.Log{signed, legacy(rows...)},
				[]athena.Log{signed, daily(rows...)},
				[]athena.Log{signed, legacy(rows[:half]...), daily(rows[half:]...)},
			) {
				layout := []string{"legacy", "daily", "both"}[i]
				var watched, unasked []string
				for _, r := range found["Who watched what"] {
					watched = append(watched, fmt.Sprintf("%v %v: %v %v %v; %d to %d", r["viewer"], r["path"], r["requests"], r["bytes"], r["shared_requests"], minute(r["first_request"]), minute(r["last_request"])))
				}
				for _, r := range found["Watched without asking"] {
					unasked = append(unasked, fmt.Sprintf("%v %v: %v", r["c_ip"], r["path"], r["requests"]))
				}
				slices.Sort(unasked)
				if !slices.Equal(watched, test.watched) {
					t.Errorf("%s: watched %q, want %q", layout, watched, test.watched)
				}
				if !slices.Equal(unasked, test.unasked) {
					t.Errorf("%s: unasked %q, want %q", layout, unasked, test.unasked)
				}
			}
		})
	}
}
