package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"premiumhls/internal/cfn"
	"premiumhls/internal/metric"
)

// signerMetrics are those that the signer counts, with the dimension Stack.
var signerMetrics = []string{metric.Issued, metric.Refused, metric.Failed, metric.Latency, metric.KeyAge, metric.KeyFetchFailures}

// A watched metric is one that an alarm or a graph reads.
type watched struct {
	namespace, name string
	dimensions      map[string]string
	statistic       string
}

// alarmMetrics are the metrics of an alarm, alone or in an expression.
func alarmMetrics(t *testing.T, p map[string]any) (found []watched) {
	t.Helper()
	dimensions := func(v any) map[string]string {
		m := map[string]string{}
		for _, d := range v.([]any) {
			m[get(t, d, "Name").(string)] = short(get(t, d, "Value"))
		}
		return m
	}
	if p["MetricName"] != nil {
		return []watched{{p["Namespace"].(string), p["MetricName"].(string), dimensions(p["Dimensions"]), p["Statistic"].(string)}}
	}
	for _, m := range p["Metrics"].([]any) {
		if stat, ok := m.(map[string]any)["MetricStat"]; ok {
			found = append(found, watched{
				get(t, stat, "Metric", "Namespace").(string), get(t, stat, "Metric", "MetricName").(string),
				dimensions(get(t, stat, "Metric", "Dimensions")), get(t, stat, "Stat").(string),
			})
		}
	}
	return found
}

// check checks that something publishes the metric under the same name.
func (w watched) check(t *testing.T, a assembly) {
	t.Helper()
	var ok bool
	switch w.namespace {
	case metric.Namespace:
		made := slices.Clone(signerMetrics)
		for _, r := range a.Resources("AWS::Logs::MetricFilter") {
			transformation := get(t, r.Properties, "MetricTransformations", 0)
			if get(t, transformation, "MetricNamespace") == metric.Namespace && get(t, transformation, "Dimensions", 0, "Key") == metric.Stack {
				made = append(made, get(t, transformation, "MetricName").(string))
			}
		}
		ok = slices.Contains(made, w.name) && maps.Equal(w.dimensions, map[string]string{metric.Stack: "PremiumHls"})
	case "AWS/Lambda":
		ok = slices.Contains([]string{"Errors", "Throttles"}, w.name) && maps.Equal(w.dimensions, map[string]string{"FunctionName": "Signer"})
	case "AWS/ApiGateway":
		ok = slices.Contains([]string{"Count", "4xx", "5xx"}, w.name) && maps.Equal(w.dimensions, map[string]string{"ApiId": "Api"})
	case "AWS/CloudFront":
		// Each has one statistic (CloudFront developer guide, "Types of metrics").
		statistic := map[string]string{"Requests": "Sum", "4xxErrorRate": "Average", "5xxErrorRate": "Average"}[w.name]
		ok = statistic == w.statistic && maps.Equal(w.dimensions, map[string]string{"DistributionId": "Distribution", "Region": "Global"})
	}
	if !ok {
		t.Errorf("nothing publishes %+v", w)
	}
}

func TestAlarms(t *testing.T) {
	ids := []string{"ApiThrottledAlarm", "EdgeRefusedAlarm", "KeyAgeAlarm", "KeyFetchAlarm", "SignerErrorsAlarm", "SignerFailedAlarm", "SignerThrottledAlarm"}
	for _, test := range []struct {
		name     string
		changes  map[string]any
		ids      []string
		actions  string
		key      float64 // the age in seconds
		refusals float64 // in percent
	}{
		{"no topic", nil, ids, `null`, 365 * 24 * 3600, 25},
		{"a topic", variants["everything"], ids, `["arn:aws:sns:us-east-1:111122223333:on-call"]`, 90 * 24 * 3600, 40},
		{"no monitoring", map[string]any{"monitoring": false}, nil, "", 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := synthesize(t, test.changes)
			var found []string
			for id, r := range a.Resources("AWS::CloudWatch::Alarm") {
				name := named(id)
				found = append(found, name)
				p := r.Properties
				for _, w := range alarmMetrics(t, p) {
					w.check(t, a)
					// CloudFront's metrics are in one region only.
					if (w.namespace == "AWS/CloudFront") != (r.Condition != "") {
						t.Errorf("%s of %s has the condition %q", name, w.namespace, r.Condition)
					}
				}
				if got := text(p["AlarmActions"]); got != test.actions {
					t.Errorf("%s notifies %s, want %s", name, got, test.actions)
				}
				if about := p["AlarmDescription"].(string); strings.Count(about, ". ") < 1 || len(about) > 1024 {
					t.Errorf("%s does not say what to do: %s", name, about)
				}
				// Without requests there are no data, and an alarm is not
				// about that.
				missing := "notBreaching"
				if name == "KeyAgeAlarm" {
					missing = "ignore"
				}
				if p["TreatMissingData"] != missing {
					t.Errorf("%s takes missing data as %v", name, p["TreatMissingData"])
				}
				threshold := fmt.Sprint(p["Threshold"])
				for id, want := range map[string]float64{"KeyAgeAlarm": test.key, "EdgeRefusedAlarm": test.refusals} {
					if name == id && threshold != fmt.Sprint(int(want)) {
						t.Errorf("%s at %s, want %v", name, threshold, want)
					}
				}
				if threshold == "0" || p["ComparisonOperator"] != "GreaterThanOrEqualToThreshold" {
					t.Errorf("%s goes off when nothing happens", name)
				}
			}
			slices.Sort(found)
			if !slices.Equal(found, test.ids) {
				t.Errorf("alarms %v, want %v", found, test.ids)
			}
			if dashboards := len(a.Resources("AWS::CloudWatch::Dashboard")); (dashboards == 1) != (test.ids != nil) {
				t.Errorf("%d dashboards", dashboards)
			}
		})
	}
}

// A share of few requests means nothing.
func TestRefusalsNeedAMinimumOfRequests(t *testing.T) {
	for id, r := range synthesize(t, nil).Resources("AWS::CloudWatch::Alarm") {
		if named(id) == "EdgeRefusedAlarm" && !strings.Contains(text(r.Properties), `"Expression":"IF(requests \u003e= 100, refused, 0)"`) {
			t.Errorf("the alarm is about %s", text(r.Properties["Metrics"]))
		}
	}
}

// The alarm on CloudFront's metrics exists only in the region of the metrics.
func TestEdgeAlarmIsMadeInItsRegion(t *testing.T) {
	a := synthesize(t, nil)
	for region, want := range map[string]bool{"us-east-1": true, "eu-central-1": false} {
		resolver, err := cfn.NewResolver(a.Template, cfn.Environment{Region: region}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for id := range a.Resources("AWS::CloudWatch::Alarm") {
			if named(id) == "EdgeRefusedAlarm" && resolver.Included(id) != want {
				t.Errorf("in %s the alarm is made: %v", region, !want)
			}
		}
	}
}

// Every metric of the signer has a graph, and every graph a metric that
// somebody makes, in the region where it is.
func TestDashboard(t *testing.T) {
	a := synthesize(t, nil)
	dashboard := a.Only(t, "AWS::CloudWatch::Dashboard").Properties
	var body struct {
		Widgets []struct {
			Properties struct {
				Title, Region string
				Metrics       [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(short(dashboard["DashboardBody"])), &body); err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, widget := range body.Widgets {
		p := widget.Properties
		for _, m := range p.Metrics {
			options, ok := m[len(m)-1].(map[string]any)
			if !ok {
				options = map[string]any{}
			} else {
				m = m[:len(m)-1]
			}
			if expression, ok := options["expression"].(string); ok {
				if search := `SEARCH('{PremiumHLS,Stack,Reason} MetricName="Refused" AND Stack="PremiumHls"', 'Sum', 300)`; strings.Contains(expression, "SEARCH") && expression != search {
					t.Errorf("%s searches for %s", p.Title, expression)
				}
				continue
			}
			w := watched{namespace: m[0].(string), name: m[1].(string), dimensions: map[string]string{}, statistic: "Average"}
			for i := 2; i < len(m); i += 2 {
				w.dimensions[m[i].(string)] = m[i+1].(string)
			}
			if statistic, ok := options["stat"].(string); ok {
				w.statistic = statistic
			}
			w.check(t, a)
			if home := p.Region == "us-east-1"; home != (w.namespace == "AWS/CloudFront") {
				t.Errorf("%s looks for %s in %s", p.Title, w.namespace, p.Region)
			}
			shown[w.name] = true
		}
	}
	for _, name := range append(slices.Clone(signerMetrics), "Throttled", "Requests", "4xxErrorRate", "5xxErrorRate", "Throttles") {
		if !shown[name] {
			t.Errorf("no graph of %s", name)
		}
	}
}

// An HTTP API has no metric of its 429: a filter finds them in its log.
func TestThrottledRequestsAreCounted(t *testing.T) {
	a := synthesize(t, nil)
	format := get(t, a.Only(t, "AWS::ApiGatewayV2::Stage").Properties, "AccessLogSettings", "Format").(string)
	line := strings.ReplaceAll(format, "$context.error.messageString", `"Too Many Requests"`)
	line = strings.ReplaceAll(line, "$context.status", "429")
	var fields map[string]any
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if fields["integrationStatus"] != "$context.integration.status" || fields["status"] != "429" || fields["stack"] != "PremiumHls" {
		t.Errorf("a line is %s", line)
	}
	p := a.Only(t, "AWS::Logs::MetricFilter").Properties
	if p["FilterPattern"] != `{ $.status = "429" && $.integrationStatus != "429" }` || short(p["LogGroupName"]) != "ApiLog" {
		t.Errorf("%v of %s is counted", p["FilterPattern"], short(p["LogGroupName"]))
	}
	for id, r := range a.Resources("AWS::Logs::LogGroup") {
		// One entry of the region's resource policy covers all groups below this.
		if name, _ := r.Properties["LogGroupName"].(string); named(id) == "ApiLog" && name != "/aws/vendedlogs/apis/PremiumHls" {
			t.Errorf("the API's log group is named %q", name)
		}
	}
	if got := text(get(t, p, "MetricTransformations", 0, "Dimensions")); got != `[{"Key":"Stack","Value":"$.stack"}]` {
		t.Errorf("it is counted by %s", got)
	}
	if n := len(synthesize(t, map[string]any{"monitoring": false}).Resources("AWS::Logs::MetricFilter")); n != 0 {
		t.Errorf("%d filters where nothing is watched", n)
	}
}

// What serves viewers is traced; the rest runs at deploy time.
func TestTracing(t *testing.T) {
	for tracing, want := range map[bool][]string{false: nil, true: {"Signer"}} {
		var traced []string
		for id, r := range synthesize(t, map[string]any{"tracing": tracing}).Resources("AWS::Lambda::Function") {
			if config := text(r.Properties["TracingConfig"]); config == `{"Mode":"Active"}` {
				traced = append(traced, named(id))
			} else if config != "null" {
				t.Errorf("%s has %s", id, config)
			}
		}
		if !slices.Equal(traced, want) {
			t.Errorf("with tracing %v, X-Ray traces %v", tracing, traced)
		}
	}
}
