package stacks_test

import (
	"context"
	"strings"
	"testing"

	"premiumhls/stacks"
	"premiumhls/stacks/stacktest"
)

// A feature that is turned on again uses the resource that a setting names, and
// the stack makes no other.
func TestRetainedResources(t *testing.T) {
	a := synthesize(t, map[string]any{
		"entitlements": "table", "grantsTable": "PremiumHls-Grants-ABC", "accessLogs": true, "logBucket": "premiumhls-logs-abc", "userPoolId": "us-east-1_AbCdEfGhI",
	})
	for resourceType, want := range map[string]int{
		"AWS::DynamoDB::Table": 0, "AWS::Cognito::UserPool": 0, "AWS::S3::Bucket": 1, "AWS::Cognito::UserPoolClient": 1, "AWS::Cognito::UserPoolDomain": 1,
	} {
		if got := len(a.Resources(resourceType)); got != want {
			t.Errorf("%d of %s, want %d", got, resourceType, want)
		}
	}
	all := text(a.Template)
	for _, name := range []string{"PremiumHls-Grants-ABC", "premiumhls-logs-abc", "us-east-1_AbCdEfGhI"} {
		if !strings.Contains(all, name) {
			t.Errorf("%s is not used", name)
		}
	}
	if got := text(distributionConfig(t, a)["Logging"]); !strings.Contains(got, "premiumhls-logs-abc") {
		t.Errorf("the distribution logs to %s", got)
	}
	logging := false
	for _, r := range a.Resources("AWS::S3::BucketPolicy") {
		logging = logging || r.Properties["Bucket"] == "premiumhls-logs-abc" && strings.Contains(text(r.Properties), "logging.s3.amazonaws.com")
	}
	if !logging {
		t.Error("S3 may not write its access logs")
	}
}

// An attribute of the user pool that the last template had cannot be lost.
func TestUserPoolAttributesOnlyGrow(t *testing.T) {
	dir := t.TempDir()
	synth := func(attributes ...any) error {
		_, err := stacks.Synthesize(context.Background(), dir, stacktest.Values(t, map[string]any{"sample": false, "userPoolAttributes": attributes}))
		return err
	}
	if err := synth("courses"); err != nil {
		t.Fatal(err)
	}
	if err := synth("courses", "plan"); err != nil {
		t.Errorf("an attribute more: %v", err)
	}
	if err := synth("plan"); err == nil || !strings.HasPrefix(err.Error(), "userPoolAttributes: ") || !strings.Contains(err.Error(), "courses") {
		t.Errorf("an attribute less: %v", err)
	}
}
