package main

import (
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/internal/rotation"
	"premiumhls/internal/signingkey"
	"premiumhls/local/cloudformation"
	"premiumhls/local/ssm"
)

const (
	activationType = "Custom::KeyActivation"
	revocationType = "Custom::KeyRevocation"
)

// state returns the record of the signing keys.
func (d *deployment) state() signingkey.State {
	d.t.Helper()
	p, ok := d.store.Get(stateName)
	if !ok {
		return signingkey.State{}
	}
	state, err := signingkey.ParseState(p.Value)
	if err != nil || p.Type != ssm.String {
		d.t.Fatalf("record is a %s: %v", p.Type, err)
	}
	return state
}

const since = "2026-11-26T12:00:00Z"

func activate(wait string, keys ...[2]string) map[string]any {
	var entries []any
	for _, key := range keys {
		entries = append(entries, map[string]any{"Name": key[0], "PublicKeyId": key[1], "TrustedSince": since})
	}
	return map[string]any{"StateParameter": stateName, "Keys": entries, "Wait": wait}
}

func TestKeyActivation(t *testing.T) {
	d := deploy(t)
	at, err := time.Parse(time.RFC3339, since)
	if err != nil {
		t.Fatal(err)
	}
	a, b := [2]string{"a", "K1"}, [2]string{"b", "K2"}
	want := func(name, id string, from time.Time) {
		t.Helper()
		if got := d.state().Keys[name]; got.ID != id || !got.ActiveFrom.Equal(from) {
			t.Errorf("%s: %+v, want %s from %v", name, got, id, from)
		}
	}
	// The lifetimes that are recorded before stay.
	d.succeed(event(cfn.RequestCreate, changeType, changeTo("a", "b")))
	d.succeed(event(cfn.RequestCreate, activationType, activate("10m0s", a)))
	want("a", "K1", at.Add(10*time.Minute))
	want("b", "", time.Time{})
	d.succeed(update("active-keys", activationType, activate("10m0s", a), activate("60m0s", a, b)))
	want("a", "K1", at.Add(10*time.Minute)) // the signer may have turned to it
	want("b", "K2", at.Add(time.Hour))
	d.succeed(update("active-keys", activationType, activate("60m0s", a, b), activate("10m0s", a, [2]string{"b", "K3"})))
	want("b", "K3", at.Add(10*time.Minute)) // another public key
	if longest := d.state().Keys["b"].Longest; longest != signingkey.Duration(70*time.Minute) {
		t.Errorf("b: longest lifetime %v", time.Duration(longest))
	}

	version := func() int64 { p, _ := d.store.Get(stateName); return p.Version }
	before := version()
	d.succeed(event(cfn.RequestCreate, activationType, activate("10m0s", a, [2]string{"b", "K3"})))
	d.succeed(deletion("active-keys", activationType, activate("10m0s", a)))
	if version() != before {
		t.Error("the same was written again")
	}
}

// A record that an earlier stack of the same name left behind says nothing.
func TestKeyStateOfAnotherStack(t *testing.T) {
	d := deploy(t)
	d.hold(stateName, ssm.String, `{"stack":"another","keys":{"a":{"id":"K1","activeFrom":"2020-01-01T00:00:00Z"}},"revoked":["a"]}`)
	d.succeed(event(cfn.RequestCreate, changeType, changeTo("a")))
	state := d.state()
	if state.Stack != "stack" || len(state.Revoked) != 0 || !state.Keys["a"].ActiveFrom.IsZero() {
		t.Errorf("record %+v", state)
	}
	d.succeed(deletion(signerName, changeType, changeTo("a")))
	d.wantNames()
}

func TestKeyActivationRefusesProperties(t *testing.T) {
	good := activate("10m0s", [2]string{"a", "K1"})
	bad := func(member string, value any) map[string]any {
		entry := map[string]any{"Name": "a", "PublicKeyId": "K1", "TrustedSince": since}
		entry[member] = value
		return with(good, "Keys", []any{entry})
	}
	for title, properties := range map[string]map[string]any{
		"StateParameter": with(good, "StateParameter", nil), "Keys": with(good, "Keys", nil), "Wait": with(good, "Wait", "soon"),
		"Name": bad("Name", ""), "PublicKeyId": bad("PublicKeyId", nil), "TrustedSince": bad("TrustedSince", "yesterday"),
	} {
		t.Run(title, func(t *testing.T) {
			d := deploy(t)
			failed := d.fail(event(cfn.RequestCreate, activationType, properties), "InvalidProperty", title)
			d.succeed(deletion(failed.PhysicalResourceID, activationType, properties))
			d.wantNames()
		})
	}
}

func revoke(keep ...string) map[string]any {
	var entries []any
	for _, name := range keep {
		entries = append(entries, map[string]any{"Name": name})
	}
	return map[string]any{"SignerParameter": signerName, "StateParameter": stateName, "Keys": entries}
}

// What a deploy with endAllCookies has dropped comes back neither by a later
// deploy nor by a rollback.
func TestRevokedKeyStaysRevoked(t *testing.T) {
	d := deploy(t)
	d.publish(deployedKey{"a", old})
	leaked := with(changeTo("b"), "EndAllCookies", "true")
	d.succeed(update(signerName, changeType, changeTo("a"), leaked))
	rollback := update(signerName, changeType, leaked, changeTo("a"))

	// Before the key group has changed, the deploy can still be rolled back.
	d.status = cloudformation.UpdateRollbackInProgress
	d.succeed(rollback)

	d.status = cloudformation.UpdateInProgress
	for range 2 {
		d.succeed(event(cfn.RequestCreate, revocationType, revoke("b")))
	}
	if got := d.state().Revoked; len(got) != 1 || got[0] != "a" {
		t.Fatalf("revoked %v", got)
	}
	d.publish(deployedKey{"b", waiting})
	d.status = cloudformation.UpdateRollbackInProgress
	d.fail(rollback, rotation.CodeKeyRevoked)
	d.succeed(deletion("revoked-keys", revocationType, revoke("b"))) // of the rollback, or of the next deploy
	d.status = cloudformation.UpdateInProgress
	d.fail(rollback, rotation.CodeKeyRevoked)
	d.fail(update(signerName, changeType, leaked, changeTo("b", "a")), rotation.CodeKeyRevoked)
	d.fail(update(signerName, changeType, leaked, with(changeTo("b", "a"), "EndAllCookies", "true")), rotation.CodeKeyRevoked)
	d.succeed(update(signerName, changeType, leaked, changeTo("b", "c")))
}

func TestKeyRevocationOfOtherDeploys(t *testing.T) {
	t.Run("the first deploy", func(t *testing.T) {
		d := deploy(t)
		d.succeed(event(cfn.RequestCreate, revocationType, revoke("a")))
		d.wantNames()
	})
	t.Run("no key dropped", func(t *testing.T) {
		d := deploy(t)
		d.publish(deployedKey{"a", old})
		d.succeed(event(cfn.RequestCreate, revocationType, revoke("a", "b")))
		d.wantNames(signerName)
	})
	t.Run("a list that cannot be read", func(t *testing.T) {
		d := deploy(t)
		d.publishText("text")
		d.succeed(event(cfn.RequestCreate, revocationType, revoke("b")))
	})
	t.Run("the rollback of a second such deploy", func(t *testing.T) {
		d := deploy(t)
		d.publish(deployedKey{"b", waiting}, deployedKey{"c", waiting})
		d.status = cloudformation.UpdateRollbackInProgress
		d.succeed(update("revoked-keys", revocationType, revoke("c"), revoke("b")))
		if got := d.state().Revoked; len(got) != 0 {
			t.Errorf("revoked %v", got)
		}
	})
	t.Run("many over the years", func(t *testing.T) {
		d := deploy(t)
		for range 2 * maxRevoked {
			name := "key-with-a-long-name-" + time.Now().Format("150405-000000000")
			d.publish(deployedKey{name, old})
			d.succeed(event(cfn.RequestCreate, revocationType, revoke("b")))
		}
		if n := len(d.state().Revoked); n > maxRevoked {
			t.Errorf("%d names", n)
		}
	})
}

// The record is made by the attempt that fails, too: the signer may have had
// the new settings until the rollback took them back.
func TestLifetimeOfAFailedDeployCounts(t *testing.T) {
	d := deploy(t)
	d.publish(deployedKey{"a", old}, deployedKey{"b", waiting})
	day := with(changeTo("a", "b"), "Lifetime", "24h10m0s")
	d.succeed(update(signerName, changeType, changeTo("a", "b"), day))
	d.status = cloudformation.UpdateRollbackInProgress
	d.succeed(update(signerName, changeType, day, changeTo("a", "b")))
	if got := d.state().Keys["a"].Longest; got != signingkey.Duration(24*time.Hour+10*time.Minute) {
		t.Errorf("longest lifetime %v", time.Duration(got))
	}
}
