package target

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"premiumhls/internal/cfn"
	"premiumhls/signedcookie"
)

func newPEM(t *testing.T) []byte {
	t.Helper()
	key, err := signedcookie.GenerateKey(signedcookie.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := signedcookie.MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem
}

func TestFromTemplate(t *testing.T) {
	for name, path := range map[string]string{"the file": "testdata/stack.template.json", "its folder": "testdata"} {
		t.Run(name, func(t *testing.T) {
			target, err := FromTemplate(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			var patterns []string
			for _, b := range target.Behaviors {
				patterns = append(patterns, b.PathPattern)
				if b.Signed != (b.PathPattern == "/premium/*") {
					t.Errorf("behavior %s: signed %v", b.PathPattern, b.Signed)
				}
			}
			if !slices.Equal(patterns, []string{"/api/*", "/premium/*", "*"}) || !slices.Equal(target.Aliases, []string{"video.example.com"}) {
				t.Errorf("behaviors %q of %q", patterns, target.Aliases)
			}
			if target.KeysUnknown != keysAfterDeploy || len(target.Keys) != 0 || !target.AnyHost {
				t.Errorf("%+v", target)
			}
			if !slices.Contains(target.Notes, webACLNote) {
				t.Errorf("no word of the web ACL: %q", target.Notes)
			}
		})
	}
}

func TestFromTemplateWithKeys(t *testing.T) {
	target, err := FromTemplate("testdata", []Key{{"K1", newPEM(t)}, {"K2", newPEM(t)}})
	if err != nil {
		t.Fatal(err)
	}
	premium := target.Behaviors[1]
	if target.KeysUnknown != "" || len(target.Keys) != 2 || len(premium.PublicKeys) != 2 || premium.PublicKeys["K2"].ID != "K2" {
		t.Errorf("%q %v %v", target.KeysUnknown, target.Keys, premium.PublicKeys)
	}
	if target.Behaviors[0].PublicKeys != nil || target.Behaviors[2].PublicKeys != nil {
		t.Error("a behavior that is not signed has keys")
	}
}

func TestFromTemplateRefuses(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct{ name, path, want string }{
		{"nothing there", filepath.Join(folder, "none"), "finding the template"},
		{"a folder without one", folder, "has 0 files *.template.json"},
		{"no JSON", write("a.json", "<html>"), "reading the template"},
		{"no distribution", write("b.json", `{"Resources":{"A":{"Type":"AWS::SNS::Topic"}}}`), "the template has 0 distributions"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := FromTemplate(test.path, nil); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func TestSetAside(t *testing.T) {
	functions := []any{map[string]any{"EventType": "viewer-request"}}
	r := cfn.Resolved{Properties: map[string]any{"DistributionConfig": map[string]any{
		"WebACLId":             "arn",
		"DefaultCacheBehavior": map[string]any{"LambdaFunctionAssociations": []any{}},
		"CacheBehaviors":       []any{map[string]any{"PathPattern": "/a/*", "LambdaFunctionAssociations": functions}},
	}}}
	if notes := setAside(&r); len(notes) != 2 || notes[0] != webACLNote || !strings.HasPrefix(notes[1], "Behavior /a/* has functions") {
		t.Errorf("%q", notes)
	}
	if _, ok := r.Properties["DistributionConfig"].(map[string]any)["WebACLId"]; ok {
		t.Error("the web ACL is still there")
	}
}

func TestFromKeys(t *testing.T) {
	target, err := FromKeys("h", "/premium/*", []Key{{"K1", newPEM(t)}})
	if err != nil {
		t.Fatal(err)
	}
	if target.Domain != "h" || target.AnyHost || target.AnyKeyID || len(target.Behaviors) != 2 || !target.Behaviors[0].Signed || target.Behaviors[1].Signed {
		t.Errorf("%+v", target)
	}
	if target, err = FromKeys("", "*", []Key{{"", newPEM(t)}}); err != nil || !target.AnyHost || !target.AnyKeyID || len(target.Behaviors) != 1 {
		t.Errorf("%+v %v", target, err)
	}
	if named := target.Identify("K7"); named.Behaviors[0].PublicKeys["K7"].ID == "" || named.Keys["K7"] == nil {
		t.Errorf("%+v", named)
	}
	if target.Behaviors[0].PublicKeys["K7"].ID != "" {
		t.Error("the target itself has changed")
	}
}

func TestFromKeysRefuses(t *testing.T) {
	for name, keys := range map[string][]Key{
		"two without ids":   {{"", newPEM(t)}, {"", newPEM(t)}},
		"the same id twice": {{"K1", newPEM(t)}, {"K1", newPEM(t)}},
		"no key":            {{"K1", []byte("ssh-rsa AAAA")}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := FromKeys("h", "*", keys); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestNeeds(t *testing.T) {
	const identity = "arn:aws:ses:us-east-1:111122223333:identity/example.com"
	for text, want := range map[string]string{
		`{"Resources":{"Pool":{"Type":"AWS::Cognito::UserPool","Properties":{"EmailConfiguration":{"SourceArn":"` + identity + `"}}},"K":{"Type":"AWS::CloudFront::PublicKey"}}}`: identity,
		`{"Resources":{"Pool":{"Type":"AWS::Cognito::UserPool"},"K":{"Type":"AWS::CloudFront::PublicKey"}}}`:                                                                      "",
	} {
		path := filepath.Join(t.TempDir(), "S.template.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		counts, sender, err := Needs(filepath.Dir(path))
		if err != nil || sender != want || counts["AWS::CloudFront::PublicKey"] != 1 {
			t.Errorf("%v, %q, %v; want %q", counts, sender, err, want)
		}
	}
}
