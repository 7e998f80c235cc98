package stacks_test

import (
	"slices"
	"strings"
	"testing"

	"premiumhls/internal/cfn"
)

var links = map[string]any{"links": true}

// The behavior of links trusts the key group, is served by the API with the
// origin secret, caches nothing and comes first.
func TestLinkBehavior(t *testing.T) {
	a := synthesize(t, links)
	config := get(t, a.Only(t, "AWS::CloudFront::Distribution").Properties, "DistributionConfig").(map[string]any)
	var patterns []string
	behaviors := map[string]map[string]any{}
	for _, raw := range config["CacheBehaviors"].([]any) {
		b := raw.(map[string]any)
		patterns = append(patterns, b["PathPattern"].(string))
		behaviors[b["PathPattern"].(string)] = b
	}
	if want := []string{"/premium/*.link.m3u8", "/api/*", "/premium/*"}; !slices.Equal(patterns, want) {
		t.Errorf("behaviors %q, want %q", patterns, want)
	}
	b, api, premium := behaviors["/premium/*.link.m3u8"], behaviors["/api/*"], behaviors["/premium/*"]
	if text(b["TrustedKeyGroups"]) != text(premium["TrustedKeyGroups"]) || b["TrustedKeyGroups"] == nil {
		t.Errorf("links trust %s", text(b["TrustedKeyGroups"]))
	}
	for _, same := range []string{"TargetOriginId", "CachePolicyId", "OriginRequestPolicyId", "ResponseHeadersPolicyId", "ViewerProtocolPolicy"} {
		if text(b[same]) != text(api[same]) {
			t.Errorf("%s is %s, and of the API %s", same, text(b[same]), text(api[same]))
		}
	}
	if b["FunctionAssociations"] != nil || text(b["AllowedMethods"]) != `["GET","HEAD"]` || b["ViewerProtocolPolicy"] != "https-only" {
		t.Errorf("the behavior of links is %s", text(b))
	}
	for _, raw := range config["Origins"].([]any) {
		if origin := raw.(map[string]any); origin["Id"] == b["TargetOriginId"] && get(t, origin, "OriginCustomHeaders", 0, "HeaderName") != "X-Origin-Secret" {
			t.Errorf("the origin of links is %s", text(origin))
		}
	}
}

// With links no log has queries: the distribution's legacy log is off in every
// region, and the other one omits them.
func TestLinksAreNotLogged(t *testing.T) {
	a := synthesize(t, map[string]any{"links": true, "accessLogs": true})
	config := get(t, a.Only(t, "AWS::CloudFront::Distribution").Properties, "DistributionConfig").(map[string]any)
	if config["Logging"] != nil {
		t.Errorf("the legacy log is on: %s", text(config["Logging"]))
	}
	fields := get(t, a.Only(t, "AWS::Logs::Delivery").Properties, "RecordFields").([]any)
	if len(fields) < 30 || slices.Contains(fields, any("cs-uri-query")) || slices.Contains(fields, any("cs(Cookie)")) {
		t.Errorf("the log has %v", fields)
	}
	format := text(get(t, a.Only(t, "AWS::ApiGatewayV2::Stage").Properties, "AccessLogSettings", "Format"))
	for _, variable := range []string{"$context.path", "querystring", "$request", "$context.protocol"} {
		if strings.Contains(format, variable) {
			t.Errorf("the API's log has %s: %s", variable, format)
		}
	}
}

// A key can be dropped when the last link that it signed has expired.
func TestLinksKeepKeys(t *testing.T) {
	for _, test := range []struct {
		name    string
		changes map[string]any
		want    string
	}{
		{"off", nil, "1h15m0s"},
		{"off, with a lifetime", map[string]any{"linkMinutes": 600.0}, "1h15m0s"},
		{"on", links, "4h15m0s"},
		{"a day", map[string]any{"links": true, "linkMinutes": 1440.0, "cookieStepMinutes": 60.0}, "25h10m0s"},
		{"shorter than cookies", map[string]any{"links": true, "linkMinutes": 10.0}, "1h15m0s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var change cfn.Resource
			for _, r := range synthesize(t, test.changes).Resources("Custom::KeyChange") {
				change = r
			}
			if got := change.Properties["Lifetime"]; got != test.want {
				t.Errorf("keys stay for %v, want %s", got, test.want)
			}
		})
	}
}
