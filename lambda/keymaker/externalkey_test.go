package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/local/cloudformation"
	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

const (
	externalType = "Custom::ExternalKey"
	externalName = "/somebody/key"
)

func externalOf(name, public string, typ signedcookie.KeyType) map[string]any {
	return map[string]any{"ServiceToken": "arn", "ParameterName": name, "PublicKey": public, "KeyType": string(typ)}
}

// A pair is a key pair as its owner has it.
type pair struct {
	key             crypto.Signer
	private, public string
}

func newPair(t *testing.T, typ signedcookie.KeyType) pair {
	t.Helper()
	key, err := signedcookie.GenerateKey(typ)
	if err != nil {
		t.Fatal(err)
	}
	private, err := signedcookie.MarshalPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := signedcookie.MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pair{key, string(private), string(public)}
}

func (d *deployment) wantUntouched(name, value string) {
	d.t.Helper()
	if p, _ := d.store.Get(name); p.Value != value || p.Version != 1 {
		d.t.Errorf("the parameter was changed: version %d", p.Version)
	}
}

func TestExternalKeyLifecycle(t *testing.T) {
	rsa, ec := newPair(t, signedcookie.RSA2048), newPair(t, signedcookie.ECDSAP256)
	sec1, err := x509.MarshalECPrivateKey(ec.key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		title           string
		typ             signedcookie.KeyType
		private, public string
		canonical       string
	}{
		{"RSA", signedcookie.RSA2048, rsa.private, rsa.public, rsa.public},
		{"ECDSA", signedcookie.ECDSAP256, ec.private, ec.public, ec.public},
		{"Windows line ends", signedcookie.ECDSAP256, ec.private, strings.ReplaceAll(ec.public, "\n", "\r\n"), ec.public},
		{"space around", signedcookie.ECDSAP256, "\n" + ec.private + "\n\n", "a comment\n" + ec.public + "\n\n", ec.public},
		{"no line break at the end", signedcookie.ECDSAP256, strings.TrimSpace(ec.private), strings.TrimSpace(ec.public), ec.public},
		{"as openssl ecparam writes it", signedcookie.ECDSAP256, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})), ec.public, ec.public},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			if err := d.store.Put(externalName, ssm.SecureString, c.private); err != nil {
				t.Fatal(err)
			}
			// The first line alone: the later ones of some forms hold the
			// public half too.
			d.keepSecret(strings.Split(strings.TrimSpace(c.private), "\n")[1])
			properties := externalOf(externalName, c.public, c.typ)
			for _, e := range []cfn.Event{
				event(cfn.RequestCreate, externalType, properties),
				event(cfn.RequestCreate, externalType, properties),
				update(externalName, externalType, properties, properties),
			} {
				answer := d.succeed(e)
				if answer.Data["PublicKey"] != c.canonical || len(answer.Data) != 3 || answer.PhysicalResourceID != externalName {
					t.Errorf("%s: id %q, data %v, want\n%s", e.RequestType, answer.PhysicalResourceID, answer.Data, c.canonical)
				}
			}
			// The parameter is its owner's, also when the key goes.
			for range 2 {
				d.succeed(deletion(externalName, externalType, properties))
			}
			d.succeed(deletion("PremiumHls-theExternalKey-1ABCDEF", externalType, properties))
			d.wantUntouched(externalName, c.private)
		})
	}
}

func TestExternalKeyThatDoesNotFit(t *testing.T) {
	rsa, ec, other := newPair(t, signedcookie.RSA2048), newPair(t, signedcookie.ECDSAP256), newPair(t, signedcookie.RSA2048)
	secure := ssm.SecureString
	for _, c := range []struct {
		title      string
		typ, value string // empty: no parameter
		public     string
		keyType    signedcookie.KeyType
		code       string
	}{
		{"not there", "", "", rsa.public, signedcookie.RSA2048, codeMissing},
		{"in clear", ssm.String, rsa.private, rsa.public, signedcookie.RSA2048, codeNotSecure},
		{"a list", ssm.StringList, rsa.private, rsa.public, signedcookie.RSA2048, codeNotSecure},
		{"no key", secure, "correct horse battery staple", rsa.public, signedcookie.RSA2048, codeInvalidValue},
		{"cut short", secure, rsa.private[:len(rsa.private)/2], rsa.public, signedcookie.RSA2048, codeInvalidValue},
		{"the public half", secure, rsa.public, rsa.public, signedcookie.RSA2048, codeInvalidValue},
		{"another type", secure, ec.private, ec.public, signedcookie.RSA2048, codeKeyType},
		{"another type and half", secure, ec.private, rsa.public, signedcookie.RSA2048, codeKeyType},
		{"another key", secure, other.private, rsa.public, signedcookie.RSA2048, codeKeyPair},
		{"a public half of another type", secure, rsa.private, ec.public, signedcookie.RSA2048, codeKeyPair},
		{"a public half that is none", secure, rsa.private, "ssh-rsa AAAA", signedcookie.RSA2048, codeInvalidValue},
		{"the private half for the public", secure, rsa.private, rsa.private, signedcookie.RSA2048, codeInvalidValue},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			if c.typ != "" {
				d.hold(externalName, c.typ, c.value)
			}
			properties := externalOf(externalName, c.public, c.keyType)
			failed := d.fail(event(cfn.RequestCreate, externalType, properties), c.code, externalName)
			d.fail(update(externalName, externalType, properties, properties), c.code, externalName)
			d.succeed(deletion(failed.PhysicalResourceID, externalType, properties))
			if c.typ != "" {
				d.wantUntouched(externalName, c.value)
			}
		})
	}
}

func TestExternalKeyServiceErrors(t *testing.T) {
	ec := newPair(t, signedcookie.ECDSAP256)
	for _, c := range []struct {
		title  string
		fault  ssm.Fault
		reason []string
	}{
		{"denied", ssm.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: ssm:GetParameter"}, []string{"not authorized to perform: ssm:GetParameter", "alias/aws/ssm"}},
		{"throttled", ssm.Fault{Code: "ThrottlingException", Message: "Rate exceeded"}, []string{"Rate exceeded"}},
		{"cut", ssm.Fault{Cut: true}, []string{"reading parameter"}},
		{"truncated", ssm.Fault{Truncate: true}, []string{"reading parameter"}},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.hold(externalName, ssm.SecureString, ec.private)
			d.store.SetFault(func(string) ssm.Fault { return c.fault })
			properties := externalOf(externalName, ec.public, signedcookie.ECDSAP256)
			failed := d.fail(event(cfn.RequestCreate, externalType, properties), append(c.reason, externalName)...)
			d.succeed(deletion(failed.PhysicalResourceID, externalType, properties))
			d.wantUntouched(externalName, ec.private)
		})
	}
}

func TestExternalKeyMoves(t *testing.T) {
	d := deploy(t)
	ec := newPair(t, signedcookie.ECDSAP256)
	const moved = "/somebody/else"
	d.hold(externalName, ssm.SecureString, ec.private)
	d.hold(moved, ssm.SecureString, ec.private)
	old, properties := externalOf(externalName, ec.public, signedcookie.ECDSAP256), externalOf(moved, ec.public, signedcookie.ECDSAP256)
	if answer := d.succeed(update(externalName, externalType, old, properties)); answer.PhysicalResourceID != moved {
		t.Errorf("physical id %q, want %q", answer.PhysicalResourceID, moved)
	}
	d.succeed(deletion(externalName, externalType, old))
	d.wantNames(moved, externalName)
}

// The owner put another pair in the place of the first, under one name.
func TestExternalKeyChanges(t *testing.T) {
	first, second := newPair(t, signedcookie.ECDSAP256), newPair(t, signedcookie.ECDSAP256)
	before := externalOf(externalName, first.public, signedcookie.ECDSAP256)
	after := externalOf(externalName, second.public, signedcookie.ECDSAP256)

	d := deploy(t)
	d.hold(externalName, ssm.SecureString, second.private)
	d.fail(update(externalName, externalType, before, after), codePublicChanged)

	t.Run("the rollback succeeds", func(t *testing.T) {
		d.status = cloudformation.UpdateRollbackInProgress
		if answer := d.succeed(update(externalName, externalType, after, before)); answer.Data["PublicKey"] != first.public {
			t.Errorf("public key %v, want the first", answer.Data["PublicKey"])
		}
		if !strings.Contains(d.said.String(), "ignored because the stack is rolling back") {
			t.Error("nothing was logged")
		}
	})
	t.Run("an update back fails", func(t *testing.T) {
		d.status = cloudformation.UpdateInProgress
		d.fail(update(externalName, externalType, after, before), codePublicChanged)
	})
	t.Run("CloudFormation does not tell", func(t *testing.T) {
		d.status = ""
		d.fail(update(externalName, externalType, after, before), codePublicChanged, "could not determine", "does not exist")
	})
}
