package stacks_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/cfn"
	"premiumhls/stacks"
	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
	"premiumhls/stacks/stacktest"
)

// A changed setting makes CloudFormation run the deploy check again, and a
// synthesis without a change does not. The digest of the source has a test in
// the package assets.
func TestDeployCheckDigest(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	digest := func(t *testing.T, changes map[string]any) string {
		t.Helper()
		return synthesize(t, changes).Only(t, "Custom::DeployCheck").Properties["Digest"].(string)
	}
	was := digest(t, nil)

	t.Run("from one synthesis to the next", func(t *testing.T) {
		values := stacktest.Values(t, nil)
		dir := t.TempDir()
		stack, err := stacks.Synthesize(context.Background(), dir, values)
		if err != nil {
			t.Fatal(err)
		}
		again, err := cfn.Read(filepath.Join(dir, *stack.TemplateFile()))
		if err != nil {
			t.Fatal(err)
		}
		if got := again.Resources["DeployCheckRun"].Properties["Digest"]; got != was {
			t.Errorf("it is %v, and was %v", got, was)
		}
	})
	t.Run("changed functions or source", func(t *testing.T) {
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false)})
		s, err := settings.Read(stacktest.Values(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		place, err := assets.Here(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		built, err := assets.Build(t.Context(), place, s)
		if err != nil {
			t.Fatal(err)
		}
		built.Digest = "changed"
		stack := stacks.New(app, s, built)
		changed, err := cfn.Read(*app.Synth(nil).GetStackArtifact(stack.ArtifactId()).TemplateFullPath())
		if err != nil {
			t.Fatal(err)
		}
		if changed.Resources["DeployCheckRun"].Properties["Digest"] == was {
			t.Error("the digest is the same")
		}
	})
	for _, tt := range []struct {
		name    string
		changes map[string]any
	}{
		{"the keys", map[string]any{"signingKeys": []any{"a"}}},
		{"a key's custody", map[string]any{"keyCustody": "kms"}},
		{"a key's hash", map[string]any{"signatureHash": "SHA1", "allowEcdsaSha1": true}},
		{"a behavior", map[string]any{"allowedOrigins": []any{"https://www.example.org"}}},
		{"the host", map[string]any{"domainNames": []any{"video.example.com"}, "certificateArn": variants["everything"]["certificateArn"]}},
		{"where CloudFront serves from", map[string]any{"priceClass": "PriceClass_All"}},
		{"the signer", map[string]any{"cookieMinutes": 30}},
		{"logs", map[string]any{"logDays": 90}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if digest(t, tt.changes) == was {
				t.Error("the digest is the same")
			}
		})
	}
}

func TestDeployCheckIsASetting(t *testing.T) {
	with, without := synthesize(t, map[string]any{"sample": false}), synthesize(t, variants["an existing issuer, no sample, no deploy check"])
	for what, count := range map[string]func(assembly) int{
		"check": func(a assembly) int { return len(a.Resources("Custom::DeployCheck")) },
		"probe": func(a assembly) int { return len(a.Resources("Custom::CDKBucketDeployment")) - 1 }, // the page
		"role":  func(a assembly) int { return strings.Count(text(a.Resources("AWS::IAM::Policy")), `"RequestCookies"`) },
		"function": func(a assembly) int {
			return strings.Count(text(a.Resources("AWS::Lambda::Function")), "./lambda/deploycheck")
		},
		"output": func(a assembly) int { _, ok := a.Template.Outputs["DeployCheck"]; return map[bool]int{true: 1}[ok] },
	} {
		if n, m := count(with), count(without); n != 1 || m != 0 {
			t.Errorf("%d %s with the setting, %d without", n, what, m)
		}
	}
}
