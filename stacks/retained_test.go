package stacks_test

import (
	"context"
	"slices"
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
		"stripe": stacktest.Variants["stripe"]["stripe"], "salesTable": "PremiumHls-Sales-ABC", "emailGrants": true, "selfSignUp": true,
		"sesIdentityArn": "arn:aws:ses:us-east-1:111122223333:identity/example.com", "emailFrom": "no-reply@example.com",
	})
	for resourceType, want := range map[string]int{
		"AWS::DynamoDB::Table": 0, "AWS::Cognito::UserPool": 0, "AWS::S3::Bucket": 1, "AWS::Cognito::UserPoolClient": 1, "AWS::Cognito::UserPoolDomain": 1,
	} {
		if got := len(a.Resources(resourceType)); got != want {
			t.Errorf("%d of %s, want %d", got, resourceType, want)
		}
	}
	all := text(a.Template)
	for _, name := range []string{"PremiumHls-Grants-ABC", "PremiumHls-Sales-ABC", "premiumhls-logs-abc", "us-east-1_AbCdEfGhI"} {
		if !strings.Contains(all, name) {
			t.Errorf("%s is not used", name)
		}
	}
	if got := text(distributionConfig(t, a)["Logging"]); !strings.Contains(got, "premiumhls-logs-abc") {
		t.Errorf("the distribution logs to %s", got)
	}
	id, policy := policyOf(t, a, "premiumhls-logs-abc")
	for _, service := range []string{"logging.s3.amazonaws.com", "delivery.logs.amazonaws.com"} {
		if !strings.Contains(policy, service) {
			t.Errorf("%s cannot write access logs: %s", service, policy)
		}
	}
	if got := a.Only(t, "AWS::Logs::Delivery").DependsOn; !slices.Contains(got, id) {
		t.Errorf("the delivery depends on %v, want %s", got, id)
	}
}

// A removed stack that is deployed again uses its old bucket of videos. The new
// distribution, and nobody else, can read it, over TLS.
func TestRetainedBucket(t *testing.T) {
	a := synthesize(t, map[string]any{"bucket": "premiumhls-videos-abc", "entitlements": "table", "grantsTable": "PremiumHls-Grants-ABC"})
	if n := len(a.Resources("AWS::S3::Bucket")); n != 0 {
		t.Errorf("%d new buckets", n)
	}
	id, policy := policyOf(t, a, "premiumhls-videos-abc")
	got := readStatements(t, a)
	for _, want := range []string{
		`premiumhls-videos-abc admits cloudfront.amazonaws.com: s3:GetObject s3:ListBucket on arn:aws:s3:::premiumhls-videos-abc arn:aws:s3:::premiumhls-videos-abc/* if AWS:SourceArn StringEquals arn:aws:cloudfront::AWS::AccountId:distribution/Distribution`,
		`premiumhls-videos-abc denies *: s3:* on arn:aws:s3:::premiumhls-videos-abc arn:aws:s3:::premiumhls-videos-abc/* if aws:SecureTransport Bool false`,
		`premiumhls-videos-abc denies *: s3:* on arn:aws:s3:::premiumhls-videos-abc arn:aws:s3:::premiumhls-videos-abc/* if s3:TlsVersion NumericLessThan 1.2`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no statement %s: %s", want, policy)
		}
	}
	if n := strings.Count(policy, `"Effect"`); n != 3 {
		t.Errorf("%d statements, want 3: %s", n, policy)
	}
	for _, raw := range get(t, distributionConfig(t, a), "Origins").([]any) {
		if origin := raw.(map[string]any); origin["S3OriginConfig"] != nil && !strings.Contains(text(origin["DomainName"]), "premiumhls-videos-abc") {
			t.Errorf("an origin is %s", text(origin))
		}
	}
	if check := a.Only(t, "Custom::DeployCheck"); !slices.Contains(check.DependsOn, id) {
		t.Errorf("the deploy check runs before the bucket can be read: %v", check.DependsOn)
	}
	if got := text(a.Template.Outputs["Bucket"]); !strings.Contains(got, "premiumhls-videos-abc") {
		t.Errorf("the output is %s", got)
	}
}

// policyOf returns the id and properties of a bucket's policy.
func policyOf(t *testing.T, a assembly, bucket string) (id, properties string) {
	t.Helper()
	for id, r := range a.Resources("AWS::S3::BucketPolicy") {
		if r.Properties["Bucket"] == bucket {
			return id, text(r.Properties)
		}
	}
	t.Fatalf("%s has no policy", bucket)
	return "", ""
}

// An attribute of the user pool that the last template had cannot be lost.
func TestUserPoolAttributesOnlyGrow(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
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
