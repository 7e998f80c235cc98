package stacks_test

import (
	"context"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"premiumhls/stacks"
	"premiumhls/stacks/stacktest"
)

// A webRequest is what the rules of the web ACL look at.
type webRequest struct {
	path, query, cookie, agent string
	body                       int // bytes
	fromAddress                int // requests of its address within five minutes
}

// A firewall evaluates the web ACL of a template, with the rules of AWS's
// common rule set that depend on sizes (AWS WAF developer guide, "Core rule set
// (CRS) managed rule group").
type firewall struct {
	t      *testing.T
	acl    map[string]any
	labels []string
}

// verdict returns the name of the rule that blocks a request, or "".
func (f *firewall) verdict(r webRequest) string {
	f.labels = nil
	rules := slices.Clone(f.acl["Rules"].([]any))
	slices.SortFunc(rules, func(a, b any) int {
		return strings.Compare(text(get(f.t, a, "Priority")), text(get(f.t, b, "Priority")))
	})
	for _, rule := range rules {
		rule := rule.(map[string]any)
		name, statement := rule["Name"].(string), rule["Statement"].(map[string]any)
		if group, ok := statement["ManagedRuleGroupStatement"].(map[string]any); ok {
			if blocked := f.group(group, r); blocked != "" {
				return name + "/" + blocked
			}
			continue
		}
		if get(f.t, rule, "Action", "Block") != nil && f.matches(statement, r) {
			return name
		}
	}
	return ""
}

func (f *firewall) group(group map[string]any, r webRequest) string {
	if group["Name"] != "AWSManagedRulesCommonRuleSet" {
		return ""
	}
	counted := text(group["RuleActionOverrides"])
	for _, rule := range []struct {
		name, label string
		matches     bool
	}{
		{"NoUserAgent_HEADER", "NoUserAgent_Header", r.agent == ""},
		{"SizeRestrictions_QUERYSTRING", "SizeRestrictions_QueryString", len(r.query) > 2048},
		{"SizeRestrictions_Cookie_HEADER", "SizeRestrictions_Cookie_Header", len(r.cookie) > 10240},
		{"SizeRestrictions_BODY", "SizeRestrictions_Body", r.body > 8192},
		{"SizeRestrictions_URIPATH", "SizeRestrictions_URIPath", len(r.path) > 1024},
	} {
		if !rule.matches {
			continue
		}
		if !strings.Contains(counted, `{"ActionToUse":{"Count":{}},"Name":"`+rule.name+`"}`) {
			return rule.name
		}
		f.labels = append(f.labels, "awswaf:managed:aws:core-rule-set:"+rule.label)
	}
	return ""
}

func (f *firewall) matches(statement map[string]any, r webRequest) bool {
	for kind, v := range statement {
		s := v.(map[string]any)
		all := func() (list []map[string]any) {
			for _, item := range s["Statements"].([]any) {
				list = append(list, item.(map[string]any))
			}
			return list
		}
		switch kind {
		case "AndStatement":
			return !slices.ContainsFunc(all(), func(s map[string]any) bool { return !f.matches(s, r) })
		case "OrStatement":
			return slices.ContainsFunc(all(), func(s map[string]any) bool { return f.matches(s, r) })
		case "NotStatement":
			return !f.matches(s["Statement"].(map[string]any), r)
		case "LabelMatchStatement":
			return slices.Contains(f.labels, s["Key"].(string))
		case "RateBasedStatement":
			if s["AggregateKeyType"] != "IP" || text(s["EvaluationWindowSec"]) != "300" {
				f.t.Fatalf("rate %s", text(s))
			}
			only, _ := s["ScopeDownStatement"].(map[string]any)
			limit := 3000
			if only == nil {
				limit = 30000
			}
			if got := text(s["Limit"]); got != text(limit) {
				f.t.Fatalf("limit %s, want %d", got, limit)
			}
			return (only == nil || f.matches(only, r)) && r.fromAddress > limit
		case "ByteMatchStatement":
			if transformations := text(s["TextTransformations"]); !strings.Contains(transformations, "URL_DECODE") || !strings.Contains(transformations, "NORMALIZE_PATH") {
				f.t.Fatalf("a path as it came: %s", transformations)
			}
			decoded, err := url.PathUnescape(r.path)
			if err != nil {
				f.t.Fatal(err)
			}
			normal, want := path.Clean(decoded), s["SearchString"].(string)
			switch s["PositionalConstraint"] {
			case "EXACTLY":
				return normal == want
			case "STARTS_WITH":
				return strings.HasPrefix(normal, want)
			}
		}
		f.t.Fatalf("a statement that this test does not know: %s", text(statement))
	}
	return false
}

func TestWebACL(t *testing.T) {
	for _, test := range []struct {
		name    string
		changes map[string]any
		free    bool
	}{
		{"free", map[string]any{"plan": "free"}, true},
		{"pro", map[string]any{"plan": "pro"}, false},
		{"pay-as-you-go", map[string]any{"webAcl": true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := synthesize(t, test.changes)
			acl := a.Only(t, "AWS::WAFv2::WebACL").Properties
			if acl["Scope"] != "CLOUDFRONT" || text(acl["DefaultAction"]) != `{"Allow":{}}` || strings.Contains(text(acl), `"SampledRequestsEnabled":true`) {
				t.Errorf("the web ACL is %s", text(acl))
			}
			if got := short(distributionConfig(t, a)["WebACLId"]); got != "WebAcl.Arn" {
				t.Errorf("the distribution has the web ACL %s", got)
			}
			if most := len(acl["Rules"].([]any)); test.free && most != 1 || most > 25 {
				t.Errorf("%d rules", most)
			}
			f := &firewall{t: t, acl: acl}
			const agent = "Mozilla/5.0"
			rsa := "Policy=" + strings.Repeat("a", 300) + "&Signature=" + strings.Repeat("b", 344) + "&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256"
			for _, request := range []struct {
				name       string
				r          webRequest
				free, paid string // the rule that blocks it
			}{
				{"a payment event of 64 KB", webRequest{path: "/api/stripe", agent: "Stripe/1.0", body: 64 << 10, fromAddress: 20_000}, "", ""},
				{"a payment event below", webRequest{path: "/api/stripe/live", agent: "Stripe/1.0", body: 64 << 10}, "", ""},
				{"a link with an RSA signature", webRequest{path: "/premium/course-1/master.m3u8", query: rsa, agent: agent}, "", ""},
				{"a long link", webRequest{path: "/premium/course-1/master.m3u8", query: strings.Repeat("q", 4000), agent: agent}, "", ""},
				{"a school of 300 viewers who start a lesson", webRequest{path: "/api/cookies", agent: agent, body: 20, fromAddress: 300 * 5}, "", ""},
				{"the segments of the school", webRequest{path: "/premium/course-1/0.ts", agent: agent, cookie: strings.Repeat("c", 600), fromAddress: 300 * 60}, "", ""},
				{"a flood of the API", webRequest{path: "/api/cookies", agent: agent, fromAddress: 3001}, "", "ApiRate"},
				{"a flood in another spelling", webRequest{path: "/%61pi/cookies", agent: agent, fromAddress: 3001}, "", "ApiRate"},
				{"a flood through the exception", webRequest{path: "/api/stripe/../cookies", agent: agent, fromAddress: 3001}, "", "ApiRate"},
				{"a flood beside the exception", webRequest{path: "/api/stripes", agent: agent, fromAddress: 3001}, "", "ApiRate"},
				{"a flood of everything", webRequest{path: "/index.html", agent: agent, fromAddress: 30001}, "Rate", ""},
				{"a large body elsewhere", webRequest{path: "/api/cookies", agent: agent, body: 9000}, "", "BodySize"},
				{"no user agent", webRequest{path: "/"}, "", "Common/NoUserAgent_HEADER"},
			} {
				want := request.paid
				if test.free {
					want = request.free
				}
				if got := f.verdict(request.r); got != want {
					t.Errorf("%s is blocked by %q, want %q", request.name, got, want)
				}
			}
		})
	}
}

func TestSubscription(t *testing.T) {
	const existing = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/acl/12345678-1234-1234-1234-123456789012"
	for _, test := range []struct {
		name           string
		changes        map[string]any
		tier           string // of the subscription in the stack
		acls           int
		output, within string
	}{
		{"pay-as-you-go", nil, "", 0, "", ""},
		{"free", map[string]any{"plan": "free"}, "FREE", 1, "", ""},
		{"pro", map[string]any{"plan": "pro", "accessLogs": true}, "PRO", 1, "ApproveSubscription", "approve-paid-subscription --region us-east-1"},
		{"business with another web ACL", map[string]any{"plan": "business", "webAclArn": existing}, "BUSINESS", 0, "ApproveSubscription", "--if-match"},
		{"pro elsewhere", map[string]any{"plan": "pro", "region": "eu-central-1", "webAclArn": existing}, "", 0, "CreateSubscription", "--plan-tier PRO"},
		{"free elsewhere", map[string]any{"plan": "free", "region": "eu-central-1", "webAclArn": existing}, "", 0, "CreateSubscription", "--plan-tier FREE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := synthesize(t, test.changes)
			if n := len(a.Resources("AWS::WAFv2::WebACL")); n != test.acls {
				t.Errorf("%d web ACLs, want %d", n, test.acls)
			}
			if test.tier == "" {
				if n := len(a.Resources("AWS::PricingPlanManager::Subscription")); n != 0 {
					t.Errorf("%d subscriptions", n)
				}
			} else {
				p := a.Only(t, "AWS::PricingPlanManager::Subscription").Properties
				if p["PlanFamily"] != "CloudFront" || p["PlanTier"] != test.tier || len(p["ResourceArns"].([]any)) != 2 {
					t.Errorf("the subscription is %s", text(p))
				}
				if got := text(distributionConfig(t, a)["WebACLId"]); !strings.Contains(text(p["ResourceArns"]), got) {
					t.Errorf("the web ACL %s is not among %s", got, text(p["ResourceArns"]))
				}
			}
			for _, name := range []string{"ApproveSubscription", "CreateSubscription"} {
				got, ok := a.Template.Outputs[name]
				if ok != (name == test.output) || ok && !strings.Contains(text(got), test.within) {
					t.Errorf("output %s is %s", name, text(got))
				}
				if ok && strings.Contains(text(got), "approval-mode") != (test.name == "pro elsewhere") {
					t.Errorf("output %s is %s", name, text(got))
				}
			}
		})
	}
}

// A setting that cannot be had in the stack's region fails synthesis.
func TestRegionsAreChecked(t *testing.T) {
	for name, changes := range map[string]map[string]any{
		"plan":       {"plan": "free", "region": "eu-central-1"},
		"webAcl":     {"webAcl": true, "region": "eu-central-1"},
		"accessLogs": {"accessLogs": true, "region": "eu-central-2"},
		// The log of this region has the queries of URLs.
		"accessLogs: invalid value true: CloudFront's log of a stack in eu-central-1 (legacy) has the queries of URLs, and the query of a link plays the video": {"accessLogs": true, "links": true, "region": "eu-central-1"},
	} {
		if _, err := stacks.Synthesize(context.Background(), t.TempDir(), stacktest.Values(t, changes)); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%v: %v", changes, err)
		}
	}
}
