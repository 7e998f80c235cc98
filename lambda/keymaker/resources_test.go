package main

import (
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

const trustType = "Custom::KeyTrust"

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
		{"an unknown type", "Custom::Other", map[string]any{"ParameterName": keyName}, codeUnknownRequest},
		{"a key without a name", keyType, map[string]any{"KeyType": "RSA_2048"}, "property ParameterName"},
		{"a key whose name is a list", keyType, map[string]any{"KeyType": "RSA_2048", "ParameterName": []any{keyName}}, "property ParameterName"},
		{"a key outside any path", keyType, keyOf("key", signedcookie.RSA2048), "property ParameterName"},
		{"a key without a type", keyType, map[string]any{"ParameterName": keyName}, "property KeyType"},
		{"a key of an unknown type", keyType, keyOf(keyName, "RSA_4096"), "RSA_4096"},
		{"a secret without a name", secretType, nil, "property ParameterName"},
		{"a trust without a name", trustType, map[string]any{"PublicKeyId": "K", "KeyGroupId": "G"}, "property KeyName"},
		{"a trust without a key", trustType, map[string]any{"KeyName": "a", "KeyGroupId": "G"}, "property PublicKeyId"},
		{"a trust without a group", trustType, map[string]any{"KeyName": "a", "PublicKeyId": "K"}, "property KeyGroupId"},
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
		d.fail(event("Read", keyType, keyOf(keyName, signedcookie.RSA2048)), codeUnknownRequest)
		d.wantNames()
	})
}
