package main

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/internal/signingkey"
	"premiumhls/local/cloudformation"
	"premiumhls/local/ssm"
)

const (
	secretType = "Custom::OriginSecret"
	secretName = "/S/origin-secret"
)

func generation(n int) map[string]any {
	return map[string]any{"ParameterName": secretName, "Generation": fmt.Sprint(n)}
}

// accepted returns what a signer that reads now accepts, by generation.
func (d *deployment) accepted() (generations []int, values []string) {
	d.t.Helper()
	p, _ := d.store.Get(secretName)
	if p.Type != ssm.SecureString {
		d.t.Errorf("parameter is a %s", p.Type)
	}
	secrets, err := signingkey.ParseOriginSecrets(p.Value)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, s := range secrets.Secrets {
		d.keepSecret(s.Value)
		generations = append(generations, s.Generation)
	}
	return generations, secrets.Values()
}

func TestOriginSecretLifecycle(t *testing.T) {
	d := deploy(t)
	properties := generation(1)
	first := d.succeed(event(cfn.RequestCreate, secretType, properties))
	value, _ := first.Data["Value"].(string)
	if bytes, err := base64.RawURLEncoding.DecodeString(value); err != nil || len(bytes) != 32 {
		t.Errorf("secret is %d bytes in base64url (%v), want 32", len(bytes), err)
	}
	if generations, values := d.accepted(); !slices.Equal(generations, []int{1, 2}) || values[0] != value || values[0] == values[1] {
		t.Errorf("generations %v, the first is the one sent: %t", generations, values[0] == value)
	}
	for _, e := range []cfn.Event{
		event(cfn.RequestCreate, secretType, properties),
		update(secretName, secretType, properties, properties),
	} {
		again := d.succeed(e)
		if !again.NoEcho || again.PhysicalResourceID != secretName || again.Data["Value"] != value {
			t.Errorf("%s: NoEcho %t, id %q, same secret %t", e.RequestType, again.NoEcho, again.PhysicalResourceID, again.Data["Value"] == value)
		}
	}

	d.store.Delete(secretName)
	if other := d.succeed(update(secretName, secretType, properties, properties)); other.Data["Value"] == value {
		t.Error("a lost secret cannot be the same")
	}
	for range 2 {
		d.succeed(deletion(secretName, secretType, properties))
		d.wantNames()
	}
}

// At every moment of a change both what edges still send and what they send
// next is accepted, by signers that read before the change too.
func TestOriginSecretRotation(t *testing.T) {
	d := deploy(t)
	sent := d.succeed(event(cfn.RequestCreate, secretType, generation(1))).Data["Value"].(string)
	for n := 2; n <= 4; n++ {
		_, before := d.accepted()
		next := d.succeed(update(secretName, secretType, generation(n-1), generation(n))).Data["Value"].(string)
		generations, after := d.accepted()
		if next == sent || !slices.Contains(before, next) {
			t.Errorf("generation %d: another secret %t, known before %t", n, next != sent, slices.Contains(before, next))
		}
		if !slices.Contains(after, sent) || !slices.Equal(generations, []int{n - 1, n, n + 1}) {
			t.Errorf("generation %d: the former is accepted: %t, generations %v", n, slices.Contains(after, sent), generations)
		}
		sent = next
	}
}

func TestOriginSecretRotationRolledBack(t *testing.T) {
	d := deploy(t)
	one := d.succeed(event(cfn.RequestCreate, secretType, generation(1))).Data["Value"]
	two := d.succeed(update(secretName, secretType, generation(1), generation(2))).Data["Value"]
	d.status = cloudformation.UpdateRollbackInProgress
	if back := d.succeed(update(secretName, secretType, generation(2), generation(1))).Data["Value"]; back != one {
		t.Error("the rollback came back to another secret")
	}
	if _, values := d.accepted(); !slices.Contains(values, two.(string)) {
		t.Error("what edges may still send is refused")
	}
	d.status = cloudformation.UpdateInProgress
	if again := d.succeed(update(secretName, secretType, generation(1), generation(2))).Data["Value"]; again != two {
		t.Error("the second attempt has another secret")
	}
}

// A secret that no signer has read would refuse every viewer for minutes.
func TestOriginSecretRefusesToSkipAGeneration(t *testing.T) {
	d := deploy(t)
	d.succeed(event(cfn.RequestCreate, secretType, generation(1)))
	d.fail(update(secretName, secretType, generation(1), generation(3)), codeGeneration)
	d.succeed(update(secretName, secretType, generation(1), generation(2)))
	d.succeed(update(secretName, secretType, generation(2), generation(3)))
	d.fail(update(secretName, secretType, generation(3), generation(1)), codeGeneration)
	d.status = cloudformation.UpdateRollbackInProgress
	d.succeed(update(secretName, secretType, generation(3), generation(1)))
	d.accepted() // keeps them from the log
	for _, invalid := range []string{"0", "-1", "two", "1.5"} {
		d.fail(update(secretName, secretType, generation(1), with(generation(1), "Generation", invalid)), "property Generation")
	}
}

// An earlier version kept the secret itself.
func TestOriginSecretOfAnEarlierVersion(t *testing.T) {
	d := deploy(t)
	value := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	d.hold(secretName, ssm.SecureString, value)
	properties := map[string]any{"ParameterName": secretName}
	if got := d.succeed(update(secretName, secretType, properties, generation(1))).Data["Value"]; got != value {
		t.Error("another secret")
	}
	if generations, _ := d.accepted(); !slices.Equal(generations, []int{1, 2}) {
		t.Errorf("generations %v", generations)
	}
}

func TestOriginSecretOfSomebodyElse(t *testing.T) {
	another, err := nextSecrets(signingkey.OriginSecrets{Stack: "another"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	text, err := another.Text()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ title, typ, value, code string }{
		{"a password", ssm.SecureString, "correct horse battery staple", codeInvalidValue},
		{"a short secret", ssm.SecureString, base64.RawURLEncoding.EncodeToString(make([]byte, 31)), codeInvalidValue},
		{"a secret that would do", ssm.SecureString, base64.RawURLEncoding.EncodeToString(make([]byte, 32)), codeNotOurs},
		{"the secrets of another stack", ssm.SecureString, text, codeNotOurs},
		{"a secret in clear", ssm.String, base64.RawURLEncoding.EncodeToString(make([]byte, 32)), codeNotSecure},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.hold(secretName, c.typ, c.value)
			failed := d.fail(event(cfn.RequestCreate, secretType, generation(1)), secretName, c.code)
			d.succeed(deletion(failed.PhysicalResourceID, secretType, generation(1)))
			if p, _ := d.store.Get(secretName); p.Value != c.value || p.Version != 1 {
				t.Error("the parameter was changed")
			}
		})
	}
}

func TestViewerHashKey(t *testing.T) {
	const typ, name = "Custom::ViewerHashKey", "/S/viewer-hash-key"
	properties := map[string]any{"ParameterName": name}
	d := deploy(t)
	answer := d.succeed(event(cfn.RequestCreate, typ, properties))
	made, _ := d.store.Get(name)
	if key, err := base64.RawURLEncoding.DecodeString(made.Value); err != nil || len(key) != 32 || made.Type != ssm.SecureString {
		t.Errorf("a %s of %d bytes (%v)", made.Type, len(key), err)
	}
	if answer.PhysicalResourceID != name || len(answer.Data) != 0 {
		t.Errorf("id %q, data %v: CloudFormation must not see the key", answer.PhysicalResourceID, answer.Data)
	}
	d.succeed(event(cfn.RequestCreate, typ, properties))
	d.succeed(update(name, typ, properties, properties))
	if p, _ := d.store.Get(name); p != made {
		t.Error("the key changed")
	}
	d.succeed(deletion(name, typ, properties))
	d.wantNames()

	d.hold(name, ssm.SecureString, "correct horse battery staple")
	failed := d.fail(event(cfn.RequestCreate, typ, properties), codeInvalidValue)
	d.succeed(deletion(failed.PhysicalResourceID, typ, properties))
	d.wantNames(name)
}
