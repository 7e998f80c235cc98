package test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/cfn"
	"premiumhls/internal/deploycheck"
	"premiumhls/local/cloud"
	"premiumhls/local/cloudformation"
	"premiumhls/local/cloudfront"
	"premiumhls/local/kms"
	"premiumhls/local/s3"
	"premiumhls/local/ssm"
)

const probePath = "/premium/" + deploycheck.Folder + "/" + deploycheck.Name

// impatient returns the template of some settings with a proof that does not
// wait, after a change as if the stack were another.
func impatient(t *testing.T, a assembly, change func(resources map[string]any)) *cfn.Template {
	t.Helper()
	raw, err := os.ReadFile(a.File)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	resources := document["Resources"].(map[string]any)
	last := get(t, resources, "DeployCheckRun", "Properties").(map[string]any)
	if last["Patience"] != "10m0s" {
		t.Fatalf("the proof has the patience %v", last["Patience"])
	}
	last["Patience"] = "0s"
	if change != nil {
		last["Digest"] = "changed" // as a synthesis would
		change(resources)
	}
	if raw, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	parsed, err := cfn.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// of returns the one resource of a type in a template's JSON.
func of(t *testing.T, resources map[string]any, resourceType string) map[string]any {
	t.Helper()
	for _, r := range resources {
		if r := r.(map[string]any); r["Type"] == resourceType {
			return r["Properties"].(map[string]any)
		}
	}
	t.Fatalf("there is no %s", resourceType)
	return nil
}

// premiumBehavior returns the behavior of premium paths, and its origin.
func premiumBehavior(t *testing.T, resources map[string]any) (behavior, origin map[string]any) {
	t.Helper()
	config := get(t, of(t, resources, "AWS::CloudFront::Distribution"), "DistributionConfig").(map[string]any)
	for _, b := range config["CacheBehaviors"].([]any) {
		if b := b.(map[string]any); b["PathPattern"] == "/premium/*" {
			for _, o := range config["Origins"].([]any) {
				if o := o.(map[string]any); o["Id"] == b["TargetOriginId"] {
					return b, o
				}
			}
		}
	}
	t.Fatal("there is no premium behavior")
	return nil, nil
}

// A deploy proves each of its keys on the distribution itself, also one that
// waits for its turn, and one in KMS.
func TestDeployProves(t *testing.T) {
	var asked []string
	s := prepareSite(t, map[string]any{"signingKeys": []any{"a"}, "sample": false}, func(o *cloud.Options) {
		o.Requests = func(e cloudfront.Entry) { asked = append(asked, e.Path+" "+e.Decision.Code) }
	})
	deploy := func(keys ...any) string {
		t.Helper()
		asked = nil
		if err := s.Deploy(t.Context(), synthesize(t, map[string]any{"signingKeys": keys, "sample": false}).Template); err != nil {
			t.Fatal(err)
		}
		outputs, err := s.Outputs()
		if err != nil {
			t.Fatal(err)
		}
		return outputs["DeployCheck"]
	}
	elsewhere := strings.Replace(probePath, deploycheck.Folder, deploycheck.Folder+"-elsewhere", 1)
	perKey := []string{probePath + " ", elsewhere + " AccessDenied", probePath + " AccessDenied"}

	if got := deploy("a"); got != "Premium videos are served with cookies signed by a, and refused without." {
		t.Errorf("the deploy says %q", got)
	}
	if want := append([]string{probePath + " MissingKey"}, perKey...); text(asked) != text(want) {
		t.Errorf("the edge was asked for\n%q, want\n%q", asked, want)
	}
	before := s.KMS.Calls("Sign")
	if got := deploy("a", map[string]any{"name": "b", "custody": "kms"}); !strings.Contains(got, "signed by a, b,") {
		t.Errorf("the deploy says %q", got)
	}
	if len(asked) != 1+2*len(perKey) || s.KMS.Calls("Sign") != before+1 {
		t.Errorf("the edge was asked for %q, and KMS for %d signatures", asked, s.KMS.Calls("Sign")-before)
	}
	if deploy("a", map[string]any{"name": "b", "custody": "kms"}); len(asked) != 0 {
		t.Errorf("a deploy that changes nothing asked for %q", asked)
	}
}

// The proof asks as viewers do, under the name that policies are for, before
// any DNS record leads there.
func TestDeployProvesOwnName(t *testing.T) {
	hosts := map[string]int{}
	newSite(t, variants["everything"], func(o *cloud.Options) {
		o.Requests = func(e cloudfront.Entry) { hosts[e.Host]++ }
	})
	if len(hosts) != 1 || hosts["video.example.com"] != 7 {
		t.Errorf("the hosts that were asked, and how often: %v", hosts)
	}
}

// A deploy that breaks what viewers need fails at a check that says so, and is
// rolled back to what works.
func TestDeployThatBreaksViewersIsRolledBack(t *testing.T) {
	a := map[string]any{"name": "a", "type": "RSA_2048"}
	kmsKey := map[string]any{"name": "b", "custody": "kms", "type": "RSA_2048"}
	s := prepareSite(t, map[string]any{"signingKeys": []any{a, kmsKey}}, func(o *cloud.Options) { o.RefuseECDSASHA256 = true })
	good := impatient(t, s.Assembly, nil)
	if err := s.Deploy(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	videos, err := s.Bucket()
	if err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct {
		name   string
		change func(t *testing.T, resources map[string]any)
		around func() (mend func()) // what is changed beside the template
		keys   []any                // in place of a and b
		check  string               // that fails, and of which key
		says   []string
	}{
		{"a key group without a key", func(t *testing.T, resources map[string]any) {
			group := get(t, of(t, resources, "AWS::CloudFront::KeyGroup"), "KeyGroupConfig").(map[string]any)
			group["Items"] = group["Items"].([]any)[:1]
		}, nil, nil, `"serve" of key b`, []string{"InvalidKey", "key group"}},
		{"premium paths that trust no key group", func(t *testing.T, resources map[string]any) {
			behavior, _ := premiumBehavior(t, resources)
			delete(behavior, "TrustedKeyGroups")
		}, nil, nil, `"refuse"`, []string{"200 and the probe without cookies", "key group"}},
		{"an origin with a path", func(t *testing.T, resources map[string]any) {
			_, origin := premiumBehavior(t, resources)
			origin["OriginPath"] = "/public"
		}, nil, nil, `"serve" of key a`, []string{"404 NoSuchKey", "path"}},
		{"no probe", nil, func() func() {
			videos.Delete(probePath[1:])
			return func() {
				if err := videos.Put(probePath[1:], s3.Object{Content: []byte(deploycheck.Content)}); err != nil {
					t.Error(err)
				}
			}
		}, nil, `"serve" of key a`, []string{"404 NoSuchKey", probePath[1:]}},
		{"policies for another host", func(t *testing.T, resources map[string]any) {
			value := get(t, of(t, resources, "AWS::SSM::Parameter"), "Value", "Fn::Join", 1).([]any)
			if value[0] != `{"host":"` {
				t.Fatalf("the parameter begins with %v", value[0])
			}
			value[0], value[1] = `{"host":"other.example.com`, ""
		}, nil, nil, `"sign" of key a`, []string{"https://other.example.com/premium/.deploy-check/*", s.Host}},
		{"a key in KMS that is disabled", nil, func() func() {
			set := func(state kms.State) {
				for _, key := range s.kmsKeys() {
					s.KMS.SetState(key, state)
				}
			}
			set(kms.Disabled)
			return func() { set(kms.Enabled) }
		}, nil, `"sign" of key b`, []string{"DisabledException"}},
		{"a signer that may not read its keys", nil, func() func() {
			s.Parameters.SetFault(func(operation string) ssm.Fault {
				if operation != "GetParameters" {
					return ssm.Fault{}
				}
				return ssm.Fault{Code: "AccessDeniedException", Message: "User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: ssm:GetParameters"}
			})
			return func() { s.Parameters.SetFault(nil) }
		}, nil, `"sign" of key a`, []string{"not authorized to perform: ssm:GetParameters"}},
		{"ECDSA with SHA-256, where it is refused", nil, nil,
			[]any{a, kmsKey, map[string]any{"name": "c", "type": "ECDSA_P256", "hash": "SHA256"}},
			`"serve" of key c`, []string{"403 AccessDenied", "ECDSA with SHA256"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The edge caches the probe for a second, and an error for ten.
			s.Clock.Forward(11 * time.Second)
			assembly := s.Assembly
			if tt.keys != nil {
				assembly = synthesize(t, map[string]any{"signingKeys": tt.keys})
			}
			broken := impatient(t, assembly, func(resources map[string]any) {
				if tt.change != nil {
					tt.change(t, resources)
				}
			})
			if tt.around != nil {
				defer tt.around()()
			}
			before := len(s.Events())
			err := s.Deploy(t.Context(), broken)
			if err == nil || !strings.Contains(err.Error(), `check `+tt.check+" failed") {
				t.Fatalf("the deploy says %v, want that the check %s failed", err, tt.check)
			}
			for _, words := range tt.says {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q does not say %q", err, words)
				}
			}
			if strings.Contains(err.Error(), "rolling back") {
				t.Errorf("the rollback failed too: %v", err)
			}
			if events := text(s.Events()[before:]); !strings.Contains(events, string(cloudformation.Rollback)) {
				t.Errorf("nothing was rolled back: %s", events)
			}
		})
		// Viewers saw nothing of it, or no longer do.
		if r := s.Get("/premium/course-1/sample/master.m3u8"); r.Code() != "MissingKey" {
			t.Errorf("after %s: %d %s without cookies", tt.name, r.StatusCode, r.Code())
		}
		watch(s, "/premium/course-1/sample/master.m3u8", "premium/course-1/sample", s.Cookies("ada", "course-1"))
	}
}

// kmsKeys are the ARNs of the stack's keys in KMS.
func (s *site) kmsKeys() (arns []string) {
	var published struct {
		Keys []struct{ KMSKey string }
	}
	parameter, _ := s.Parameters.Get("/PremiumHls/signer")
	if err := json.Unmarshal([]byte(parameter.Value), &published); err != nil {
		s.T.Fatal(err)
	}
	for _, key := range published.Keys {
		if key.KMSKey != "" {
			arns = append(arns, key.KMSKey)
		}
	}
	return arns
}

// A first deploy that is broken leaves nothing that serves, and the next one
// is not hindered by it.
func TestFirstDeployThatIsBroken(t *testing.T) {
	s := prepareSite(t, nil)
	open := impatient(t, s.Assembly, func(resources map[string]any) {
		behavior, _ := premiumBehavior(t, resources)
		delete(behavior, "TrustedKeyGroups")
	})
	if err := s.Deploy(t.Context(), open); err == nil || !strings.Contains(err.Error(), `check "refuse"`) {
		t.Fatalf("the deploy says %v", err)
	}
	if r := s.Get("/premium/course-1/sample/master.m3u8"); r.StatusCode != 503 {
		t.Errorf("somebody serves: %d", r.StatusCode)
	}
	if err := s.Deploy(t.Context(), s.Assembly.Template); err != nil {
		t.Fatal(err)
	}
	watch(s, "/premium/course-1/sample/master.m3u8", "premium/course-1/sample", s.Cookies("ada", "course-1"))
}
