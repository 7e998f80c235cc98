package stacks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"premiumhls/stacks/settings"
)

func TestLeftBehind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template.json")
	if warnings, err := checkAgainstLast(file, settings.Default()); err != nil || warnings != nil {
		t.Errorf("without a last template: %v, %v", warnings, err)
	}
	if err := os.WriteFile(file, []byte(`{"Resources":{
		"Sales1":{"Type":"AWS::DynamoDB::Table","DeletionPolicy":"Retain","Properties":{}},
		"Grants1":{"Type":"AWS::DynamoDB::Table","DeletionPolicy":"Retain","Properties":{}},
		"Viewers1":{"Type":"AWS::Cognito::UserPool","DeletionPolicy":"Retain","Properties":{}},
		"AccessLogs1":{"Type":"AWS::S3::Bucket","DeletionPolicy":"Retain","Properties":{}},
		"Videos1":{"Type":"AWS::S3::Bucket","DeletionPolicy":"Retain","Properties":{}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	on := settings.Default()
	on.Entitlements.Table, on.AccessLogs = true, true
	on.Stripe.Mode = "live"
	off := settings.Default()
	off.JWTIssuer = "https://issuer.example.com"
	other := on
	other.Bucket = "premiumhls-videos-abc"
	for _, test := range []struct {
		s    settings.Settings
		want []string
	}{{on, nil}, {other, []string{"bucket"}}, {off, []string{"logBucket", "grantsTable", "salesTable", "userPoolId"}}} {
		warnings, err := checkAgainstLast(file, test.s)
		if err != nil || len(warnings) != len(test.want) {
			t.Fatalf("%q, %v, want %q", warnings, err, test.want)
		}
		for i, name := range test.want {
			if !strings.Contains(warnings[i], name) {
				t.Errorf("%q does not name %s", warnings[i], name)
			}
		}
	}
}
