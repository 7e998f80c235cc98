package main

import (
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/local/kms"
	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

// A permission that the same deploy gave may come into force after the function
// is called.
func TestPermissionComesLate(t *testing.T) {
	for _, c := range []struct {
		title   string
		denials int32
		code    string
		calls   int
		granted bool
	}{
		{"in time", 2, "AccessDeniedException", 3, true},
		{"too late", 3, "AccessDeniedException", 3, false},
		{"another error is final", 1, "KMSInvalidStateException", 1, false},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			var calls atomic.Int32
			d.keys.SetFault(func(string) kms.Fault {
				if calls.Add(1) <= c.denials {
					return kms.Fault{Code: c.code}
				}
				return kms.Fault{}
			})
			e := event(cfn.RequestCreate, kmsType, kmsKeyOf(d.keys.CreateKey()))
			if c.granted {
				d.succeed(e)
			} else {
				d.fail(e, c.code)
			}
			if n := d.keys.Calls("GetPublicKey"); n != c.calls {
				t.Errorf("%d calls, want %d", n, c.calls)
			}
		})
	}

	for _, c := range []struct {
		title, operation string
		event            cfn.Event
	}{
		{"to read a parameter", "GetParameter", event(cfn.RequestCreate, changeType, changeTo("a"))},
		{"to make a secret", "PutParameter", event(cfn.RequestCreate, keyType, keyOf(keyName, signedcookie.ECDSAP256))},
		{"to write the record", "PutParameter", event(cfn.RequestCreate, changeType, changeTo("a"))},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			var calls atomic.Int32
			d.store.SetFault(func(operation string) ssm.Fault {
				if operation == c.operation && calls.Add(1) <= 2 {
					return ssm.Fault{Code: "AccessDeniedException"}
				}
				return ssm.Fault{}
			})
			d.succeed(c.event)
			if calls.Load() < 3 {
				t.Errorf("%s was called %d times", c.operation, calls.Load())
			}
		})
	}
}
