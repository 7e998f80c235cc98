package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/internal/rotation"
	"premiumhls/local/cloudformation"
	"premiumhls/local/ssm"
)

const (
	changeType = "Custom::KeyChange"
	signerName = "/S/signer"
	stateName  = "/S/signing-key-state"
)

// changeTo is the properties for keys that wait 10 minutes and whose cookies
// live for 70, as CloudFormation sends them: every scalar is a string.
func changeTo(names ...string) map[string]any {
	var keys []any
	for _, name := range names {
		keys = append(keys, map[string]any{"Name": name, "Custody": "ssm", "Type": "RSA_2048"})
	}
	return map[string]any{
		"ServiceToken": "arn", "SignerParameter": signerName, "Keys": keys,
		"Wait": "10m0s", "Lifetime": "70m0s", "EndAllCookies": "false", "StateParameter": stateName,
	}
}

func with(properties map[string]any, name string, value any) map[string]any {
	changed := make(map[string]any, len(properties))
	for n, v := range properties {
		changed[n] = v
	}
	changed[name] = value
	return changed
}

// A deployedKey is a key of the signer's parameter.
type deployedKey struct {
	name string
	ago  time.Duration // since it is trusted
}

// publish writes the signer's parameter as the stack does.
func (d *deployment) publish(keys ...deployedKey) {
	d.t.Helper()
	var entries []map[string]string
	for _, key := range keys {
		entries = append(entries, map[string]string{
			"name": key.name, "custody": "ssm", "type": "RSA_2048", "hash": "SHA256", "id": "K" + key.name,
			"trustedSince": time.Now().Add(-key.ago).UTC().Format(time.RFC3339),
		})
	}
	d.publishText(map[string]any{"host": "d111.cloudfront.net", "keys": entries})
}

func (d *deployment) publishText(document any) {
	d.t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.store.Put(signerName, ssm.String, string(text)); err != nil {
		d.t.Fatal(err)
	}
}

// Ages of a key: its waiting time is over after 10 minutes, and 70 minutes
// later no cookie of an older key lives.
const (
	old     = 24 * time.Hour
	settled = 2 * time.Hour
	signing = 45 * time.Minute
	waiting = 2 * time.Minute
)

func TestKeyChange(t *testing.T) {
	for _, c := range []struct {
		title    string
		deployed []deployedKey
		wanted   []string
		reason   string // empty: succeeds
	}{
		{"a key joins", []deployedKey{{"a", old}}, []string{"a", "b"}, ""},
		{"nothing changes", []deployedKey{{"a", old}, {"b", signing}}, []string{"a", "b"}, ""},
		{"the old key goes when its cookies have ended", []deployedKey{{"a", old}, {"b", settled}}, []string{"b"}, ""},
		{"the old key goes while its cookies live", []deployedKey{{"a", old}, {"b", signing}}, []string{"b"}, rotation.CodeKeyInUse},
		{"the old key goes and the new one waits", []deployedKey{{"a", old}, {"b", waiting}}, []string{"b"}, rotation.CodeKeyInUse},
		{"all keys go", []deployedKey{{"a", old}}, []string{"b"}, rotation.CodeKeySigns},
		{"a key goes that never signed", []deployedKey{{"a", old}, {"b", waiting}}, []string{"a"}, ""},
		{"the order turns", []deployedKey{{"a", old}, {"b", settled}}, []string{"b", "a"}, rotation.CodeKeyOrder},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.publish(c.deployed...)
			var names []string
			for _, key := range c.deployed {
				names = append(names, key.name)
			}
			before, after := changeTo(names...), changeTo(c.wanted...)
			// Also where the stack had no such resource before.
			for _, e := range []cfn.Event{event(cfn.RequestCreate, changeType, after), update(signerName, changeType, before, after)} {
				if c.reason != "" {
					failed := d.fail(e, c.reason)
					d.succeed(deletion(failed.PhysicalResourceID, changeType, after))
					continue
				}
				answer := d.succeed(e)
				if answer.PhysicalResourceID != signerName || len(answer.Data) != 0 {
					t.Errorf("%s: id %q, data %v", e.RequestType, answer.PhysicalResourceID, answer.Data)
				}
			}

			d.succeed(update(signerName, changeType, before, with(after, "EndAllCookies", "true")))
			d.succeed(deletion(signerName, changeType, after))
			d.wantNames(signerName)
		})
	}
}

func TestKeyChangeOfFirstDeploy(t *testing.T) {
	d := deploy(t)
	for range 2 {
		if answer := d.succeed(event(cfn.RequestCreate, changeType, changeTo("a"))); answer.PhysicalResourceID != signerName {
			t.Errorf("physical id %q", answer.PhysicalResourceID)
		}
	}
	d.wantNames(stateName)
	d.succeed(deletion(signerName, changeType, changeTo("a")))
	d.wantNames()
}

func TestKeyChangeOfCustody(t *testing.T) {
	for _, c := range []struct{ title, custody, typ string }{
		{"another custody", "kms", "RSA_2048"},
		{"another type", "ssm", "ECDSA_P256"},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.publish(deployedKey{"a", old})
			changed := map[string]any{"Name": "a", "Custody": c.custody, "Type": c.typ}
			d.fail(update(signerName, changeType, changeTo("a"), with(changeTo("a"), "Keys", []any{changed})), rotation.CodeKeyChanged)
			joined := []any{changeTo("a")["Keys"].([]any)[0], map[string]any{"Name": "b", "Custody": c.custody, "Type": c.typ}}
			d.succeed(update(signerName, changeType, changeTo("a"), with(changeTo("a"), "Keys", joined)))
		})
	}
}

// What is deployed may come from a stack that had no custodies yet.
func TestKeyChangeOfAnEarlierStack(t *testing.T) {
	entry := map[string]string{"name": "a", "hash": "SHA256", "id": "KA", "trustedSince": "2026-01-01T00:00:00Z"}
	for _, c := range []struct{ title, custody, typ, reason string }{
		{"the same key", "ssm", "ECDSA_P256", ""},
		{"another custody", "kms", "RSA_2048", rotation.CodeKeyChanged},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.publishText(map[string]any{"host": "d111.cloudfront.net", "keys": []any{entry}})
			e := event(cfn.RequestCreate, changeType, with(changeTo("a"), "Keys", []any{map[string]any{"Name": "a", "Custody": c.custody, "Type": c.typ}}))
			if c.reason == "" {
				d.succeed(e)
			} else {
				d.fail(e, c.reason)
			}
		})
	}
}

// Cookies that were made under other times count with those.
func TestKeyChangeWithChangedTimes(t *testing.T) {
	for _, c := range []struct {
		title    string
		deployed []deployedKey
		was, is  [2]string // Wait and Live
		wanted   string
		allowed  bool
	}{
		{"the life is shorter", []deployedKey{{"a", old}, {"b", settled}}, [2]string{"10m", "1440m"}, [2]string{"10m", "70m"}, "b", false},
		{"the life is longer", []deployedKey{{"a", old}, {"b", settled}}, [2]string{"10m", "70m"}, [2]string{"10m", "1440m"}, "b", false},
		{"the wait is longer, and the newer key has signed", []deployedKey{{"a", old}, {"b", signing}}, [2]string{"10m", "70m"}, [2]string{"60m", "70m"}, "a", false},
		{"the wait is shorter, and the newer key has not signed", []deployedKey{{"a", old}, {"b", signing}}, [2]string{"60m", "70m"}, [2]string{"10m", "70m"}, "a", false},
		{"both are over", []deployedKey{{"a", old}, {"b", settled}}, [2]string{"10m", "70m"}, [2]string{"5m", "15m"}, "b", true},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.publish(c.deployed...)
			times := func(properties map[string]any, times [2]string) map[string]any {
				return with(with(properties, "Wait", times[0]), "Lifetime", times[1])
			}
			e := update(signerName, changeType, times(changeTo("a", "b"), c.was), times(changeTo(c.wanted), c.is))
			if c.allowed {
				d.succeed(e)
			} else {
				d.fail(e, "Key")
			}
		})
	}
}

// A rollback is an Update with the old properties. What is deployed then is
// the old list, or the new one where the update came that far.
func TestKeyChangeRollback(t *testing.T) {
	list := func(names string) []string { return strings.Split(names, " ") }
	for _, c := range []struct {
		title    string
		from, to string // of the update that failed
		end      bool   // it was to end all cookies
		deployed []deployedKey
		updates  bool // the same is allowed of an update
	}{
		{"before the list changed, dropping", "a b", "b", false, []deployedKey{{"a", old}, {"b", settled}}, true},
		{"after the list changed, dropping", "a b", "b", false, []deployedKey{{"b", settled}}, true},
		{"before the list changed, adding", "a", "a c", false, []deployedKey{{"a", old}}, true},
		{"after the list changed, adding", "a", "a c", false, []deployedKey{{"a", old}, {"c", waiting}}, true},
		{"after the new key began to sign", "a", "a c", false, []deployedKey{{"a", old}, {"c", signing}}, false},
		{"long after", "a", "a c", false, []deployedKey{{"a", old}, {"c", settled}}, false},
		{"before the list changed, of a refused update", "a", "c", false, []deployedKey{{"a", old}}, true},
		{"before the list changed, ending all cookies", "a", "c", true, []deployedKey{{"a", old}}, true},
		{"after the list changed, ending all cookies", "a", "c", true, []deployedKey{{"c", waiting}}, false},
		{"after the list changed, dropping and adding", "a b", "b c", false, []deployedKey{{"b", settled}, {"c", waiting}}, true},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.publish(c.deployed...)
			back := update(signerName, changeType, with(changeTo(list(c.to)...), "EndAllCookies", fmt.Sprint(c.end)), changeTo(list(c.from)...))

			for _, status := range []string{cloudformation.UpdateInProgress, ""} {
				d.status = status
				if c.updates {
					d.succeed(back)
				} else {
					d.fail(back, "Key")
				}
			}
			d.status = cloudformation.UpdateRollbackInProgress
			if answer := d.succeed(back); answer.PhysicalResourceID != signerName {
				t.Errorf("physical id %q", answer.PhysicalResourceID)
			}
			if logged := strings.Contains(d.said.String(), "ignored because the stack is rolling back"); logged == c.updates {
				t.Errorf("logged that it let pass: %t", logged)
			}
		})
	}

	t.Run("CloudFormation does not tell", func(t *testing.T) {
		d := deploy(t)
		d.status = ""
		d.publish(deployedKey{"a", old}, deployedKey{"c", settled})
		d.fail(update(signerName, changeType, changeTo("a", "c"), changeTo("a")), rotation.CodeKeySigns, "could not determine", "does not exist")
	})
	t.Run("a creation is none", func(t *testing.T) {
		d := deploy(t)
		d.status = cloudformation.UpdateRollbackInProgress
		d.publish(deployedKey{"a", old}, deployedKey{"c", settled})
		d.fail(event(cfn.RequestCreate, changeType, changeTo("a")), rotation.CodeKeySigns)
	})
}

func TestKeyChangeServiceErrors(t *testing.T) {
	for _, c := range []struct {
		title  string
		fault  ssm.Fault
		reason string
	}{
		{"denied", ssm.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: ssm:GetParameter"}, "not authorized to perform: ssm:GetParameter"},
		{"throttled", ssm.Fault{Code: "ThrottlingException", Message: "Rate exceeded"}, "Rate exceeded"},
		{"cut", ssm.Fault{Cut: true}, "reading parameter"},
		{"truncated", ssm.Fault{Truncate: true}, "reading parameter"},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.publish(deployedKey{"a", old})
			d.store.SetFault(func(string) ssm.Fault { return c.fault })
			e := update(signerName, changeType, changeTo("a"), changeTo("a", "b"))
			for _, request := range []cfn.Event{e, event(cfn.RequestCreate, changeType, changeTo("a", "b"))} {
				d.fail(request, c.reason)
			}
			d.status = cloudformation.UpdateRollbackInProgress
			d.succeed(e)
			d.store.SetFault(nil)
			d.succeed(deletion(signerName, changeType, changeTo("a")))
		})
	}
}

func TestKeyChangeOfAnUnreadableList(t *testing.T) {
	for _, c := range []struct {
		title    string
		document any
	}{
		{"no object", "text"},
		{"no keys", map[string]any{"host": "d111.cloudfront.net"}},
		{"an empty list", map[string]any{"keys": []any{}}},
		{"a key without a name", map[string]any{"keys": []any{map[string]any{"trustedSince": "2026-01-01T00:00:00Z"}}}},
		{"a key without a time", map[string]any{"keys": []any{map[string]any{"name": "a"}}}},
		{"a time that is none", map[string]any{"keys": []any{map[string]any{"name": "a", "trustedSince": "yesterday"}}}},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.publishText(c.document)
			d.fail(update(signerName, changeType, changeTo("a"), changeTo("a", "b")), rotation.CodeUnknownKeys, signerName)
			d.succeed(update(signerName, changeType, changeTo("a"), with(changeTo("b"), "EndAllCookies", "true")))
		})
	}
}

func TestKeyChangeRefusesProperties(t *testing.T) {
	for _, c := range []struct {
		title, property string
		value           any
		reason          string
	}{
		{"no parameter", "SignerParameter", nil, "property SignerParameter"},
		{"no keys", "Keys", nil, "property Keys"},
		{"an empty list", "Keys", []any{}, "property Keys"},
		{"keys that are names", "Keys", []any{"a"}, "property Keys[0].Name"},
		{"a key without a name", "Keys", []any{map[string]any{"Custody": "ssm", "Type": "RSA_2048"}}, "property Keys[0].Name"},
		{"a key without a custody", "Keys", []any{map[string]any{"Name": "a", "Type": "RSA_2048"}}, "property Keys[0].Custody"},
		{"no wait", "Wait", nil, "property Wait"},
		{"a wait below zero", "Wait", "-1m", "property Wait"},
		{"a life that is no number", "Lifetime", "an hour", "property Lifetime"},
		{"a life too long to count", "Lifetime", "9999999999999h", "property Lifetime"},
		{"no word about cookies", "EndAllCookies", nil, "property EndAllCookies"},
		{"another word about cookies", "EndAllCookies", "yes", "property EndAllCookies"},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			properties := with(changeTo("a"), c.property, c.value)
			failed := d.fail(event(cfn.RequestCreate, changeType, properties), c.reason)
			d.succeed(deletion(failed.PhysicalResourceID, changeType, properties))
		})
	}
}

// A key stays as long as a link that it signed can be valid, also if two deploys
// ago links were turned off.
func TestKeyOfLinksStays(t *testing.T) {
	for _, c := range []struct {
		title, lifetime string // what the first deploy allowed
		reason          string
	}{
		{"links of four hours", "255m0s", rotation.CodeKeyInUse},
		{"cookies of an hour", "75m0s", ""},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			withLinks := func(names ...string) map[string]any { return with(changeTo(names...), "Lifetime", c.lifetime) }
			withoutLinks := func(names ...string) map[string]any { return with(changeTo(names...), "Lifetime", "75m0s") }
			activated := func(names ...string) {
				t.Helper()
				var entries []any
				for _, name := range names {
					entries = append(entries, map[string]any{"Name": name, "PublicKeyId": "K" + name, "TrustedSince": time.Now().Add(-settled).UTC().Format(time.RFC3339)})
				}
				d.succeed(event(cfn.RequestCreate, activationType, map[string]any{"StateParameter": stateName, "Keys": entries, "Wait": "10m0s"}))
			}
			d.succeed(event(cfn.RequestCreate, changeType, withLinks("a")))
			d.publish(deployedKey{"a", old})
			activated("a")
			d.succeed(update(signerName, changeType, withLinks("a"), withLinks("a", "b")))
			d.publish(deployedKey{"a", old}, deployedKey{"b", settled})
			activated("a", "b")
			d.succeed(update(signerName, changeType, withLinks("a", "b"), withoutLinks("a", "b")))
			drop := update(signerName, changeType, withoutLinks("a", "b"), withoutLinks("b"))
			if c.reason == "" {
				d.succeed(drop)
			} else {
				d.fail(drop, c.reason, "cookies or links")
			}
		})
	}
}
