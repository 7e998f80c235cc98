package main

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

const (
	keyType  = "Custom::SigningKey"
	keyName  = "/S/signing-keys/2026-11"
	keyName2 = "/S/signing-keys/2026-12"
)

func keyOf(name string, typ signedcookie.KeyType) map[string]any {
	return map[string]any{"ServiceToken": "arn", "ParameterName": name, "KeyType": string(typ)}
}

// wantPair checks that an answer's public key is that of the stored key.
func (d *deployment) wantPair(name string, typ signedcookie.KeyType, answer cfn.Response) {
	d.t.Helper()
	stored, ok := d.store.Get(name)
	if !ok {
		d.t.Fatalf("no parameter %s", name)
	}
	if stored.Type != ssm.SecureString {
		d.t.Errorf("parameter is a %s", stored.Type)
	}
	key, err := signedcookie.ParsePrivateKey([]byte(stored.Value))
	if err != nil {
		d.t.Fatal(err)
	}
	if is, err := signedcookie.TypeOf(key.Public()); err != nil || is != typ {
		d.t.Errorf("stored key is a %s (%v), want %s", is, err, typ)
	}
	want, err := signedcookie.MarshalPublicKey(key.Public())
	if err != nil {
		d.t.Fatal(err)
	}
	if answer.Data["PublicKey"] != string(want) || len(answer.Data) != 3 {
		d.t.Errorf("data %v, want the stored key's public half alone:\n%s", answer.Data, want)
	}
	if answer.PhysicalResourceID != name {
		d.t.Errorf("physical id %q, want %q", answer.PhysicalResourceID, name)
	}
}

func TestSigningKeyLifecycle(t *testing.T) {
	for _, typ := range []signedcookie.KeyType{signedcookie.RSA2048, signedcookie.ECDSAP256} {
		t.Run(string(typ), func(t *testing.T) {
			d := deploy(t)
			properties := keyOf(keyName, typ)
			first := d.succeed(event(cfn.RequestCreate, keyType, properties))
			d.wantPair(keyName, typ, first)
			if first.NoEcho {
				t.Error("a public key need not be hidden")
			}

			// Each again, as a retry, must change nothing.
			for _, e := range []cfn.Event{
				event(cfn.RequestCreate, keyType, properties),
				update(keyName, keyType, properties, properties),
				update(keyName, keyType, properties, properties),
			} {
				d.wantPair(keyName, typ, d.succeed(e))
			}
			if p, _ := d.store.Get(keyName); p.Version != 1 {
				t.Errorf("parameter was written %d times", p.Version)
			}
			for range 2 {
				d.succeed(deletion(keyName, keyType, properties))
				d.wantNames()
			}
		})
	}
}

func TestSigningKeyRacingCreatesAgree(t *testing.T) {
	d := deploy(t)
	e := event(cfn.RequestCreate, keyType, keyOf(keyName, signedcookie.ECDSAP256))
	e.ResponseURL = d.address
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := d.function(t.Context(), e); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, answer := range d.answers {
		d.wantPair(keyName, signedcookie.ECDSAP256, answer)
	}
}

func TestSigningKeyAnswerLost(t *testing.T) {
	d := deploy(t)
	properties := keyOf(keyName, signedcookie.ECDSAP256)

	// The key is written and the function never learns of it.
	d.store.SetFault(func(operation string) ssm.Fault {
		return ssm.Fault{Lose: operation == "PutParameter"}
	})
	failed := d.fail(event(cfn.RequestCreate, keyType, properties), keyName)
	d.wantNames(keyName)
	d.store.SetFault(nil)

	t.Run("a retry finds it", func(t *testing.T) {
		d.wantPair(keyName, signedcookie.ECDSAP256, d.succeed(event(cfn.RequestCreate, keyType, properties)))
	})
	t.Run("a rollback ends it", func(t *testing.T) {
		d.succeed(deletion(failed.PhysicalResourceID, keyType, properties))
		d.wantNames()
	})
}

func TestSigningKeyDeleteOfCreateThatNeverAnswered(t *testing.T) {
	d := deploy(t)
	properties := keyOf(keyName, signedcookie.ECDSAP256)
	d.succeed(event(cfn.RequestCreate, keyType, properties))
	d.succeed(deletion("PremiumHls-theSigningKey-1ABCDEF", keyType, properties))
	d.wantNames()
}

func TestSigningKeyReplacement(t *testing.T) {
	d := deploy(t)
	old, renamed := keyOf(keyName, signedcookie.ECDSAP256), keyOf(keyName2, signedcookie.ECDSAP256)
	d.succeed(event(cfn.RequestCreate, keyType, old))

	d.wantPair(keyName2, signedcookie.ECDSAP256, d.succeed(update(keyName, keyType, old, renamed)))
	d.wantNames(keyName, keyName2)

	// The deletion of the old one must not meet the new, whichever
	// properties come with it.
	d.succeed(deletion(keyName, keyType, renamed))
	d.wantNames(keyName2)
}

func TestSigningKeyReplacementRolledBack(t *testing.T) {
	d := deploy(t)
	old, renamed := keyOf(keyName, signedcookie.ECDSAP256), keyOf(keyName2, signedcookie.ECDSAP256)
	first := d.succeed(event(cfn.RequestCreate, keyType, old))

	d.store.SetFault(func(operation string) ssm.Fault {
		return ssm.Fault{Lose: operation == "PutParameter"}
	})
	failed := d.fail(update(keyName, keyType, old, renamed))
	d.store.SetFault(nil)
	d.wantNames(keyName, keyName2)

	back := d.succeed(update(failed.PhysicalResourceID, keyType, renamed, old))
	if back.Data["PublicKey"] != first.Data["PublicKey"] {
		t.Error("the rollback came back to another key")
	}
	d.succeed(deletion(failed.PhysicalResourceID, keyType, renamed))
	d.wantNames(keyName)
}

func TestSigningKeyTypeCannotChange(t *testing.T) {
	d := deploy(t)
	rsa, ecdsa := keyOf(keyName, signedcookie.RSA2048), keyOf(keyName, signedcookie.ECDSAP256)
	d.succeed(event(cfn.RequestCreate, keyType, ecdsa))
	before, _ := d.store.Get(keyName)

	answer := d.fail(update(keyName, keyType, ecdsa, rsa), codeKeyType, keyName)
	if answer.PhysicalResourceID != keyName {
		t.Errorf("physical id %q: CloudFormation would take it for a replacement", answer.PhysicalResourceID)
	}
	d.wantPair(keyName, signedcookie.ECDSAP256, d.succeed(update(keyName, keyType, rsa, ecdsa))) // the rollback
	if after, _ := d.store.Get(keyName); after != before {
		t.Error("the key changed")
	}
}

func TestSigningKeyGone(t *testing.T) {
	d := deploy(t)
	properties := keyOf(keyName, signedcookie.ECDSAP256)
	d.succeed(event(cfn.RequestCreate, keyType, properties))
	d.store.Delete(keyName)
	d.fail(update(keyName, keyType, properties, properties), codeMissing, keyName)
	d.wantNames()
}

// What a creation finds and did not make belongs to somebody else: the creation
// is refused and its rollback deletes nothing.
func TestSigningKeyOfSomebodyElse(t *testing.T) {
	ec, rsa := newPair(t, signedcookie.ECDSAP256), newPair(t, signedcookie.RSA2048)
	for _, c := range []struct{ title, typ, value, code string }{
		{"another value", ssm.SecureString, "correct horse battery staple", codeNotOurs},
		{"half a key", ssm.SecureString, rsa.private[:len(rsa.private)/2], codeNotOurs},
		{"a key of another type", ssm.SecureString, ec.private, codeNotOurs},
		{"a key that would do", ssm.SecureString, rsa.private, codeNotOurs},
		{"a key of another stack", ssm.SecureString, ownerLine + "another\n" + rsa.private, codeNotOurs},
		{"a key in clear", ssm.String, rsa.private, codeNotSecure},
		{"half a key of this stack", ssm.SecureString, ownerLine + "stack\n" + rsa.private[:len(rsa.private)/2], codeInvalidValue},
		{"a key of this stack of another type", ssm.SecureString, ownerLine + "stack\n" + ec.private, codeKeyType},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.hold(keyName, c.typ, c.value)
			properties := keyOf(keyName, signedcookie.RSA2048)
			failed := d.fail(event(cfn.RequestCreate, keyType, properties), keyName, c.code)
			d.succeed(deletion(failed.PhysicalResourceID, keyType, properties))
			if p, _ := d.store.Get(keyName); p.Value != c.value || p.Version != 1 {
				t.Error("the parameter was changed")
			}
		})
	}
}

// A key that another stack made meanwhile is not deleted with this stack's
// resource, nor used by it. One that an earlier version made is.
func TestSigningKeyOfAnotherStackIsKept(t *testing.T) {
	ec := newPair(t, signedcookie.ECDSAP256)
	properties := keyOf(keyName, signedcookie.ECDSAP256)
	d := deploy(t)
	d.hold(keyName, ssm.SecureString, ownerLine+"another\n"+ec.private)
	d.fail(update(keyName, keyType, properties, properties), codeNotOurs)
	d.succeed(deletion(keyName, keyType, properties))
	d.wantNames(keyName)

	d.hold(keyName2, ssm.SecureString, ec.private)
	properties = keyOf(keyName2, signedcookie.ECDSAP256)
	d.wantPair(keyName2, signedcookie.ECDSAP256, d.succeed(update(keyName2, keyType, properties, properties)))
	d.succeed(deletion(keyName2, keyType, properties))
	d.wantNames(keyName)
}

// A key keeps the type it was made with when the type of new keys changes.
func TestSigningKeyKeepsItsType(t *testing.T) {
	d := deploy(t)
	anyType := func(typ signedcookie.KeyType) map[string]any { return with(keyOf(keyName, typ), "AnyType", "true") }
	rsa, ecdsa := anyType(signedcookie.RSA2048), anyType(signedcookie.ECDSAP256)
	d.succeed(event(cfn.RequestCreate, keyType, rsa))
	answer := d.succeed(update(keyName, keyType, rsa, ecdsa))
	d.wantPair(keyName, signedcookie.RSA2048, answer)
	if answer.Data["KeyType"] != "RSA_2048" {
		t.Errorf("KeyType %v", answer.Data["KeyType"])
	}
}

func TestSigningKeyServiceErrors(t *testing.T) {
	for _, c := range []struct {
		title, operation string
		fault            ssm.Fault
		reason           string
	}{
		{"reading denied", "GetParameter", ssm.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: ssm:GetParameter"}, "not authorized to perform: ssm:GetParameter"},
		{"writing denied", "PutParameter", ssm.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: ssm:PutParameter"}, "not authorized to perform: ssm:PutParameter"},
		{"throttled", "PutParameter", ssm.Fault{Code: "ThrottlingException", Message: "Rate exceeded"}, "Rate exceeded"},
		{"a server error", "GetParameter", ssm.Fault{Code: "InternalServerError", Status: http.StatusInternalServerError}, "InternalServerError"},
		{"cut", "PutParameter", ssm.Fault{Cut: true}, "creating parameter " + keyName},
		{"truncated", "GetParameter", ssm.Fault{Truncate: true}, "reading parameter " + keyName},
		{"exists and is not found", "PutParameter", ssm.Fault{Code: "ParameterAlreadyExists"}, keyName},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			if c.title == "truncated" { // an answer that holds the key
				d.succeed(event(cfn.RequestCreate, keyType, keyOf(keyName, signedcookie.ECDSAP256)))
			}
			var broken atomic.Bool
			broken.Store(true)
			d.store.SetFault(func(operation string) ssm.Fault {
				if operation == c.operation && broken.Load() {
					return c.fault
				}
				return ssm.Fault{}
			})
			properties := keyOf(keyName, signedcookie.ECDSAP256)
			failed := d.fail(event(cfn.RequestCreate, keyType, properties), c.reason)
			broken.Store(false)
			d.wantPair(keyName, signedcookie.ECDSAP256, d.succeed(event(cfn.RequestCreate, keyType, properties)))
			d.succeed(deletion(failed.PhysicalResourceID, keyType, properties))
			d.wantNames()
		})
	}

	t.Run("deletion fails", func(t *testing.T) {
		d := deploy(t)
		properties := keyOf(keyName, signedcookie.ECDSAP256)
		d.succeed(event(cfn.RequestCreate, keyType, properties))
		d.store.SetFault(func(string) ssm.Fault {
			return ssm.Fault{Code: "AccessDeniedException", Message: "not authorized"}
		})
		answer := d.fail(deletion(keyName, keyType, properties), "deleting parameter "+keyName, "not authorized")
		if answer.PhysicalResourceID != keyName {
			t.Errorf("physical id %q", answer.PhysicalResourceID)
		}
	})
}

func TestServiceErrorThatQuotesTheKey(t *testing.T) {
	d := deploy(t)
	d.quoteValues = true
	d.fail(event(cfn.RequestCreate, keyType, keyOf(keyName, signedcookie.RSA2048)), keyName, "ValidationException")
	d.fail(event(cfn.RequestCreate, secretType, map[string]any{"ParameterName": secretName}), secretName, "ValidationException")
}
