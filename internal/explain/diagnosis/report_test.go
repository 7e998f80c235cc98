package diagnosis

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/cloudfront"
	"premiumhls/internal/explain/target"
	"premiumhls/signedcookie"
)

func TestServedRequests(t *testing.T) {
	bound := courseOne()
	bound.SourceIP = "198.51.100.0/24"
	end := now.Add(time.Hour)
	exact := cookies{expiresName + "=" + fmt.Sprint(end.Unix()), keyName + "=" + rsaKey.id,
		signatureName + "=" + signedcookie.Encode(sign(rsaKey, signedcookie.SHA1, string(signedcookie.CannedPolicy(segment, end))))}
	unknown := func(r *Request) { r.Viewer = Request{}.Viewer }
	tests := []struct {
		name    string
		request Request
		advice  string
	}{
		{"cookies", asks(segment, good()),
			"The edge serves this request: key K1RSA opens https://d111.cloudfront.net/premium/course-1/* until 2026-11-23T11:00:00Z."},
		{"ECDSA and SHA-1", asks(segment, signed(ecdsaKey, signedcookie.SHA1, text(courseOne()))),
			"The edge serves this request: key K2ECDSA opens https://d111.cloudfront.net/premium/course-1/* until 2026-11-23T11:00:00Z."},
		{"a canned policy for this very URL", asks(segment, exact),
			"The edge serves this request: key K1RSA opens https://d111.cloudfront.net/premium/course-1/segment.ts until 2026-11-23T11:00:00Z."},
		{"a signed URL", asks(signedURL(good(), "&v=1"), nil),
			"The edge serves this request: key K1RSA opens https://d111.cloudfront.net/premium/course-1/* until 2026-11-23T11:00:00Z."},
		{"an answer that says so too", asks(segment, good(), answered(206, nil, "")),
			"The edge serves this request: key K1RSA opens https://d111.cloudfront.net/premium/course-1/* until 2026-11-23T11:00:00Z."},
		{"the page", asks("https://"+host+"/", nil),
			"The edge serves this request: behavior * needs no signature."},
		{"an address that is not known", asks(segment, malformed(text(bound)), unknown),
			"The edge serves this request: everything else matches, if the viewer is at 198.51.100.0/24."},
		{"a signature that is not checked", asks("https://"+host+"/Premium/course-1/a.ts", good()),
			"The edge serves this request without checking its signature: behavior * needs none, and serves the path because the pattern /premium/* differs from it in upper and lower case. If you mean behavior /premium/*, ask for the path as the pattern has it."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report := Explain(site(), test.request)
			if !report.Served || report.Code != "" {
				t.Errorf("not served: %+v", report)
			}
			for _, c := range report.Checks {
				if c.Verdict == Failed {
					t.Errorf("failed: %+v", c)
				}
			}
			if report.Advice != test.advice {
				t.Errorf("advice\n\t%s\nwant\n\t%s", report.Advice, test.advice)
			}
		})
	}
}

func verdicts(r Report) map[string]Verdict {
	all := map[string]Verdict{}
	for _, c := range r.Checks {
		all[c.Name] = c.Verdict
	}
	return all
}

// What needs no key is judged without one.
func TestWithoutKeys(t *testing.T) {
	blind := func() target.Target {
		s := site()
		s.KeysUnknown, s.Keys = "the key is a secret of the test", nil
		return s
	}
	ended := courseOne()
	ended.Expires = now.Add(-time.Hour)
	canned := fmt.Sprint(now.Add(time.Hour).Unix())
	tests := []struct {
		name    string
		request Request
		check   string // at which the chain ends; empty where it does not
	}{
		{"any key", asks(segment, signed(foreignKey, signedcookie.SHA256, text(courseOne()))), ""},
		{"a signed URL", asks(signedURL(good(), ""), nil), ""},
		{"a canned policy", asks(segment, cookies{expiresName + "=" + canned, signatureName + "=AAAA", keyName + "=K9"}), ""},
		{"no cookies", asks(segment, nil), cloudfront.CheckKeyPairID},
		{"a signature that does not decode", asks(segment, good().with(signatureName, "!")), cloudfront.CheckSignature},
		{"an invalid policy", asks(segment, malformed("{}")), cloudfront.CheckPolicy},
		{"an unknown hash", asks(segment, good().with(hashName, "MD5")), cloudfront.CheckHash},
		{"expired", asks(segment, malformed(text(ended))), cloudfront.CheckEnd},
		{"another video", asks("https://"+host+"/premium/course-2/a.ts", good()), cloudfront.CheckResource},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report := Explain(blind(), test.request)
			if report.Served != (test.check == "") {
				t.Errorf("served %v: %s", report.Served, report.Advice)
			}
			found := verdicts(report)
			if test.check != "" && found[test.check] != Failed {
				t.Errorf("%s is %q, want failed: %s", test.check, found[test.check], report.Advice)
			}
			if test.check == "" && !strings.HasPrefix(report.Advice, "Everything that can be checked without the public key matches. ") {
				t.Errorf("advice %s", report.Advice)
			}
			for _, name := range []string{cloudfront.CheckKey, cloudfront.CheckVerification} {
				if v, ok := found[name]; ok && v != NotChecked {
					t.Errorf("%s is %q without a key", name, v)
				}
			}
		})
	}
}

func TestAddressNotKnown(t *testing.T) {
	bound := courseOne()
	bound.SourceIP = "198.51.100.0/24"
	r := asks(segment, malformed(text(bound)))
	r.Viewer = Request{}.Viewer
	if v := verdicts(Explain(site(), r))[cloudfront.CheckAddress]; v != NotChecked {
		t.Errorf("the address is %q, want %q", v, NotChecked)
	}
}

func TestComparison(t *testing.T) {
	tests := []struct{ name, pattern, text, want string }{
		{"another folder", "https://h/premium/course-1/*", "https://h/premium/course-2/a.ts", `
policy   https://h/premium/course-1/*
request  https://h/premium/course-2/a.ts
                                  ^`},
		{"after a wildcard", "https://h/*/b/*.ts", "https://h/long/c/x.ts", `
policy   https://h/*/b/*.ts
                     ^
request  https://h/long/c/x.ts
                          ^`},
		{"too long", "https://h/a", "https://h/a/b", `
policy   https://h/a
request  https://h/a/b
                    ^`},
		{"too short", "https://h/a/*", "https://h/a", `
policy   https://h/a/*
request  https://h/a
                    ^`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := &explanation{}
			e.compare("policy", test.pattern, "request", test.text)
			if got := "\n" + strings.Join(e.report.Comparison, "\n"); got != test.want {
				t.Errorf("got%s\nwant%s", got, test.want)
			}
		})
	}
}

// A report contains no credentials.
func TestReportsAreDiscreet(t *testing.T) {
	policy := text(courseOne())
	requests := map[string]Request{
		"served":            asks(segment, good()),
		"an unknown key":    asks(segment, signed(foreignKey, signedcookie.SHA256, policy)),
		"plain base64":      asks(segment, good().edit(signatureName, func(s string) string { return strings.ReplaceAll(s, "_", "=") })),
		"a broken policy":   asks(segment, good().edit(policyName, func(s string) string { return s + "!" })),
		"the wrong hash":    asks(segment, good().without(hashName)),
		"a signed URL":      asks(signedURL(good(), ""), nil),
		"signature as key":  asks(segment, good().with(keyName, good().value(signatureName))),
		"signature as hash": asks(segment, good().with(hashName, good().value(signatureName))),
		"signature as end":  asks(segment, good().without(policyName).with(expiresName, good().value(signatureName))),
		"another URL":       asks("https://"+host+"/premium/course-2/a.ts", good()),
		"over HTTP":         asks(strings.Replace(signedURL(good(), ""), "https", "http", 1), nil),
	}
	for name, r := range requests {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(Explain(site(), r))
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range []string{good().value(signatureName), good().value(policyName), strings.ReplaceAll(good().value(signatureName), "_", "=")} {
				if strings.Contains(string(text), value[:40]) {
					t.Errorf("the report holds %s…: %s", value[:40], text)
				}
			}
		})
	}
}

func TestAnswersThatDisagree(t *testing.T) {
	tests := []struct {
		name string
		with func(*Request)
		note string
	}{
		{"served", answered(200, nil, ""), "The response was 200: "},
		{"the bucket's", answered(403, http.Header{"Server": {"AmazonS3"}}, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`), "The answer was S3's"},
		{"another refusal", answered(403, nil, `<Error><Code>InvalidKey</Code><Message>Unknown Key</Message></Error>`), "CloudFront returned InvalidKey"},
		{"the same refusal", answered(403, nil, `<Error><Code>MissingKey</Code><Message>Missing</Message></Error>`), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report := Explain(site(), asks(segment, nil, test.with))
			found := slices.ContainsFunc(report.Notes, func(n string) bool { return test.note != "" && strings.HasPrefix(n, test.note) })
			if found != (test.note != "") || len(report.Notes) > 1 {
				t.Errorf("notes %q, want %q…", report.Notes, test.note)
			}
		})
	}
}

func TestUnknownHostAndKeyID(t *testing.T) {
	pem, err := signedcookie.MarshalPublicKey(rsaKey.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	s, err := target.FromKeys("", "/premium/*", []target.Key{{PEM: pem}})
	if err != nil {
		t.Fatal(err)
	}
	if report := Explain(s, asks(segment, good())); !report.Served {
		t.Errorf("not served: %s", report.Advice)
	}
	if report := Explain(s, asks(segment, good().without(hashName))); report.Served || !strings.Contains(report.Advice, "made with SHA256") {
		t.Errorf("served %v: %s", report.Served, report.Advice)
	}
	if report := Explain(s, asks(segment, signed(foreignKey, signedcookie.SHA256, text(courseOne())))); report.Served {
		t.Error("a foreign signature is served")
	}
}

func TestReportInJSON(t *testing.T) {
	text, err := json.Marshal(Explain(site(), asks("https://"+host+"/premium/course-2/a.ts", good())))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	if fields["served"] != false || fields["code"] != "AccessDenied" || fields["url"] != "https://"+host+"/premium/course-2/a.ts" || fields["time"] != "2026-11-23T10:00:00Z" || fields["method"] != "GET" {
		t.Errorf("%s", text)
	}
	checks := fields["checks"].([]any)
	last := checks[len(checks)-1].(map[string]any)
	if last["name"] != "resource" || last["verdict"] != "failed" || last["found"] == "" || last["expected"] == "" {
		t.Errorf("the last check is %v", last)
	}
	if fields["advice"] == "" || len(fields["comparison"].([]any)) < 3 {
		t.Errorf("%s", text)
	}
}
