package main

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
	"premiumhls/signedcookie"
)

// counted returns the metrics of a log line as CloudWatch takes them from it,
// by name and dimensions, such as Refused/PremiumHls/not_entitled.
func counted(t *testing.T, line map[string]any) map[string]float64 {
	t.Helper()
	values := make(map[string]float64)
	aws, ok := line["_aws"].(map[string]any)
	if !ok {
		return values
	}
	if at := time.UnixMilli(int64(aws["Timestamp"].(float64))); !at.Equal(now) {
		t.Errorf("the line is of %v, want %v", at, now)
	}
	for _, d := range aws["CloudWatchMetrics"].([]any) {
		directive := d.(map[string]any)
		if directive["Namespace"] != "PremiumHLS" {
			t.Errorf("namespace %v", directive["Namespace"])
		}
		for _, set := range directive["Dimensions"].([]any) {
			under := ""
			for _, name := range set.([]any) {
				under += fmt.Sprintf("/%s", line[name.(string)])
			}
			for _, m := range directive["Metrics"].([]any) {
				name := m.(map[string]any)["Name"].(string)
				value, ok := line[name].(float64)
				if !ok {
					t.Errorf("metric %s has the value %v", name, line[name])
				}
				values[name+under+" "+m.(map[string]any)["Unit"].(string)] = value
			}
		}
	}
	return values
}

func TestMetrics(t *testing.T) {
	const latency = "Latency/PremiumHls Milliseconds"
	good := storeWith(signedcookie.ECDSAP256, signedcookie.SHA1)
	for _, tt := range []struct {
		name    string
		store   source
		decider entitlement.Decider
		event   events.APIGatewayV2HTTPRequest
		want    map[string]float64 // besides the latency
	}{
		{"cookies", good, entitlement.Authenticated{}, event("POST", ""), map[string]float64{
			"Issued/PremiumHls Count":   1,
			"KeyAge/PremiumHls Seconds": 26*3600 + 1.5, // trusted since 10:00 of the day before
		}},
		{"cookies cleared", good, entitlement.Authenticated{}, event("DELETE", ""), nil},
		{"refused", good, grants{err: entitlement.ErrNotEntitled}, event("POST", ""), map[string]float64{
			"Refused/PremiumHls Count": 1, "Refused/PremiumHls/not_entitled Count": 1,
		}},
		{"failed", good, grants{err: errors.New("a fault")}, event("POST", ""), map[string]float64{
			"Refused/PremiumHls Count": 1, "Refused/PremiumHls/entitlements_unavailable Count": 1, "Failed/PremiumHls Count": 1,
		}},
		{"panic", good, panics{}, event("POST", ""), map[string]float64{
			"Refused/PremiumHls Count": 1, "Refused/PremiumHls/internal Count": 1, "Failed/PremiumHls Count": 1,
		}},
		{"no keys", source{}, entitlement.Authenticated{}, event("POST", ""), map[string]float64{
			"Refused/PremiumHls Count": 1, "Refused/PremiumHls/keys_unavailable Count": 1, "Failed/PremiumHls Count": 1,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, log := newTestHandler(t, tt.store, tt.decider, "metricsStack=PremiumHls")
			serve(t, h, tt.event)
			got := counted(t, lastLog(t, log))
			if _, ok := got[latency]; !ok {
				t.Error("no latency")
			}
			delete(got, latency)
			if !maps.Equal(got, tt.want) {
				t.Errorf("counted %v, want %v", got, tt.want)
			}
		})
	}
}

// Each read that fails is counted, in the line that tells why.
func TestKeyFetchFailuresAreCounted(t *testing.T) {
	h, log := newTestHandler(t, nil, entitlement.Authenticated{}, "metricsStack=PremiumHls")
	h.ring = keyring.New(source{}, keyring.Config{
		Now: h.now, Logger: h.logger, Metrics: h.settings.metrics,
	})
	serve(t, h, event("POST", ""))
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	log.Reset()
	log.WriteString(lines[0])
	line := lastLog(t, log)
	want := map[string]float64{"KeyFetchFailures/PremiumHls Count": 1}
	if got := counted(t, line); !maps.Equal(got, want) || !strings.Contains(fmt.Sprint(line["cause"]), "origin secret") {
		t.Errorf("counted %v in %v, want %v", got, line, want)
	}
}

func TestLogOfViewers(t *testing.T) {
	for _, tt := range []struct{ name, setting, want string }{
		{"hashed unless the settings say otherwise", "cookieMinutes=60", "c01b2d549040118b"},
		{"plain", "logViewers=plain", "ada"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, log := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), entitlement.Authenticated{}, tt.setting)
			serve(t, h, event("POST", ""))
			if got := lastLog(t, log)["viewer"]; got != tt.want {
				t.Errorf("viewer %v, want %s", got, tt.want)
			}
		})
	}
}

// A request that bypasses the distribution cannot set the edge request id in the
// log.
func TestEdgeRequestOnlyThroughTheDistribution(t *testing.T) {
	h, log := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), entitlement.Authenticated{})
	e := event("POST", "")
	e.Headers[originSecretHeader] = "a guess"
	serve(t, h, e)
	if got := lastLog(t, log)["edgeRequest"]; got != "" {
		t.Errorf("edgeRequest %v", got)
	}
}
