package main

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

const (
	secretType = "Custom::OriginSecret"
	secretName = "/S/origin-secret"
	trustType  = "Custom::KeyTrust"
)

func TestOriginSecretLifecycle(t *testing.T) {
	d := deploy(t)
	properties := map[string]any{"ParameterName": secretName}
	first := d.succeed(event(cfn.RequestCreate, secretType, properties))
	value, _ := first.Data["Value"].(string)
	if bytes, err := base64.RawURLEncoding.DecodeString(value); err != nil || len(bytes) != 32 {
		t.Errorf("secret is %d bytes in base64url (%v), want 32", len(bytes), err)
	}
	p, _ := d.store.Get(secretName)
	if p.Value != value || p.Type != ssm.SecureString {
		t.Errorf("stored a %s that is the secret: %t", p.Type, p.Value == value)
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
	if anew := d.succeed(update(secretName, secretType, properties, properties)); anew.Data["Value"] == value {
		t.Error("a lost secret cannot be the same")
	}
	for range 2 {
		d.succeed(deletion(secretName, secretType, properties))
		d.wantNames()
	}
}

func TestOriginSecretsDiffer(t *testing.T) {
	d := deploy(t)
	one := d.succeed(event(cfn.RequestCreate, secretType, map[string]any{"ParameterName": "/S/1"}))
	two := d.succeed(event(cfn.RequestCreate, secretType, map[string]any{"ParameterName": "/S/2"}))
	if one.Data["Value"] == two.Data["Value"] {
		t.Error("two secrets are the same")
	}
}

func TestOriginSecretFindsSomethingElse(t *testing.T) {
	for _, c := range []struct{ title, typ, value string }{
		{"a password", ssm.SecureString, "correct horse battery staple"},
		{"a short secret", ssm.SecureString, base64.RawURLEncoding.EncodeToString(make([]byte, 31))},
		{"a secret in clear", ssm.String, base64.RawURLEncoding.EncodeToString(make([]byte, 32))},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.hold(secretName, c.typ, c.value)
			properties := map[string]any{"ParameterName": secretName}
			failed := d.fail(event(cfn.RequestCreate, secretType, properties), secretName)
			d.succeed(deletion(failed.PhysicalResourceID, secretType, properties))
			d.wantNames(secretName)
		})
	}
}

func TestKeyTrust(t *testing.T) {
	trust := func(key, publicKey, group string) map[string]any {
		return map[string]any{"KeyName": key, "PublicKeyId": publicKey, "KeyGroupId": group}
	}
	const made, since = "2026-11@2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"
	zone := time.FixedZone("elsewhere", 3600)
	now := time.Date(2026, 12, 1, 13, 30, 15, 999, zone)
	const nowText = "2026-12-01T12:30:15Z"

	for _, c := range []struct {
		title     string
		event     cfn.Event
		id, since string
	}{
		{"created", event(cfn.RequestCreate, trustType, trust("2026-12", "K2", "G")), "2026-12@" + nowText, nowText},
		{"nothing changed", update(made, trustType, trust("2026-11", "K1", "G"), trust("2026-11", "K1", "G")), made, since},
		{"another key group", update(made, trustType, trust("2026-11", "K1", "G"), trust("2026-11", "K1", "G2")), made, since},
		{"another name", update(made, trustType, trust("2026-11", "K1", "G"), trust("2026@11", "K1", "G")), "2026@11@" + since, since},
		{"a name with the sign in it", update("2026@11@"+since, trustType, trust("2026@11", "K1", "G"), trust("2026@11", "K1", "G2")), "2026@11@" + since, since},
		{"another public key", update(made, trustType, trust("2026-11", "K1", "G"), trust("2026-11", "K2", "G")), "2026-11@" + nowText, nowText},
		{"an id of another's", update("PremiumHls-Trust-1A", trustType, trust("2026-11", "K1", "G"), trust("2026-11", "K1", "G")), "2026-11@" + nowText, nowText},
	} {
		t.Run(c.title, func(t *testing.T) {
			maker := keymaker{map[string]resource{trustType: keyTrust{func() time.Time { return now }}}}
			got, err := maker.handle(t.Context(), c.event)
			if err != nil {
				t.Fatal(err)
			}
			if got.PhysicalID != c.id || got.Attributes["Since"] != c.since {
				t.Errorf("id %q since %q, want %q since %q", got.PhysicalID, got.Attributes["Since"], c.id, c.since)
			}
		})
	}

	t.Run("through CloudFormation", func(t *testing.T) {
		d := deploy(t)
		answer := d.succeed(event(cfn.RequestCreate, trustType, trust("2026-12", "K2", "G")))
		text, _ := answer.Data["Since"].(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("Since %q: %v", text, err)
		}
		d.succeed(deletion(answer.PhysicalResourceID, trustType, trust("2026-12", "K2", "G")))
	})
}

func TestRefusedRequests(t *testing.T) {
	for _, c := range []struct {
		title, resourceType string
		properties          map[string]any
		reason              string
	}{
		{"an unknown type", "Custom::Other", map[string]any{"ParameterName": keyName}, `resource type "Custom::Other" is not one`},
		{"a key without a name", keyType, map[string]any{"KeyType": "RSA_2048"}, "needs the property ParameterName"},
		{"a key whose name is a list", keyType, map[string]any{"KeyType": "RSA_2048", "ParameterName": []any{keyName}}, "needs the property ParameterName"},
		{"a key outside any path", keyType, keyOf("key", signedcookie.RSA2048), "begins with a slash"},
		{"a key without a type", keyType, map[string]any{"ParameterName": keyName}, "needs the property KeyType"},
		{"a key of an unknown type", keyType, keyOf(keyName, "RSA_4096"), "RSA_4096"},
		{"a secret without a name", secretType, nil, "needs the property ParameterName"},
		{"a trust without a name", trustType, map[string]any{"PublicKeyId": "K", "KeyGroupId": "G"}, "needs the property KeyName"},
		{"a trust without a key", trustType, map[string]any{"KeyName": "a", "KeyGroupId": "G"}, "needs the property PublicKeyId"},
		{"a trust without a group", trustType, map[string]any{"KeyName": "a", "PublicKeyId": "K"}, "needs the property KeyGroupId"},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.hold(keyName, ssm.SecureString, "somebody else's value")
			failed := d.fail(event(cfn.RequestCreate, c.resourceType, c.properties), c.reason)
			// The rollback succeeds, and ends nothing that was there before.
			d.succeed(deletion(failed.PhysicalResourceID, c.resourceType, c.properties))
			d.wantNames(keyName)
		})
	}

	t.Run("an unknown request", func(t *testing.T) {
		d := deploy(t)
		d.fail(event("Read", keyType, keyOf(keyName, signedcookie.RSA2048)), `request type "Read"`)
		d.wantNames()
	})
}
