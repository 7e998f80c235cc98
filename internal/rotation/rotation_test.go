package rotation

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"premiumhls/internal/signingkey"
)

var (
	now   = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	times = Times{Wait: 10 * time.Minute, Lifetime: 70 * time.Minute}
)

func key(name string) Key { return Key{Name: name, Custody: "ssm", Type: "RSA_2048"} }

func keys(names ...string) (list []Key) {
	for _, n := range names {
		list = append(list, key(n))
	}
	return list
}

func since(name string, ago time.Duration) DeployedKey {
	return DeployedKey{Key: key(name), ID: "K" + name, TrustedSince: now.Add(-ago)}
}

func wantCode(t *testing.T, err error, code string) *Refusal {
	t.Helper()
	var refusal *Refusal
	if code == "" {
		if err != nil {
			t.Fatal(err)
		}
		return nil
	}
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("got %v, want a refusal with code %s", err, code)
	}
	return refusal
}

// A stack without a record: the waiting time decides when a key began to sign.
func TestCheckWithoutState(t *testing.T) {
	a, settled, signing, waiting := since("a", 24*time.Hour), since("b", 80*time.Minute), since("b", 79*time.Minute), since("b", 9*time.Minute)
	tests := []struct {
		name     string
		deployed []DeployedKey
		wanted   []Key
		code     string
		after    time.Time
	}{
		{"first deploy", nil, keys("a"), "", time.Time{}},
		{"no change", []DeployedKey{a}, keys("a"), "", time.Time{}},
		{"added key", []DeployedKey{a}, keys("a", "b"), "", time.Time{}},
		{"old key dropped, its cookies expired", []DeployedKey{a, settled}, keys("b"), "", time.Time{}},
		{"old key dropped and another added", []DeployedKey{a, settled}, keys("b", "c"), "", time.Time{}},
		{"old key dropped, its cookies valid", []DeployedKey{a, signing}, keys("b"), CodeKeyInUse, now.Add(time.Minute)},
		{"old key dropped, new key waits", []DeployedKey{a, waiting}, keys("b"), CodeKeyInUse, now.Add(71 * time.Minute)},
		{"only key dropped", []DeployedKey{a}, keys("b"), CodeKeySigns, time.Time{}},
		{"signing key dropped, old key stays", []DeployedKey{a, settled}, keys("a"), CodeKeySigns, time.Time{}},
		{"unused key dropped", []DeployedKey{a, waiting}, keys("a"), "", time.Time{}},
		{"only key dropped while it waits", []DeployedKey{since("a", time.Minute)}, keys("b"), CodeKeySigns, time.Time{}},
		{"middle key dropped, newer key settled", []DeployedKey{a, since("x", 3*time.Hour), settled}, keys("a", "b"), "", time.Time{}},
		{"other order", []DeployedKey{a, settled}, keys("b", "a"), CodeKeyOrder, time.Time{}},
		{"other custody under the same name", []DeployedKey{a}, []Key{{Name: "a", Custody: "kms", Type: "RSA_2048"}}, CodeKeyChanged, time.Time{}},
		{"other type under the same name", []DeployedKey{a}, []Key{{Name: "a", Custody: "ssm", Type: "ECDSA_P256"}}, CodeKeyChanged, time.Time{}},
		{"type left open", []DeployedKey{a}, []Key{{Name: "a", Custody: "ssm"}}, "", time.Time{}},
		{"type left open, old key dropped", []DeployedKey{a, settled}, []Key{{Name: "b", Custody: "ssm"}}, "", time.Time{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := wantCode(t, Check(Deployed{Keys: test.deployed}, test.wanted, now, times), test.code)
			if got != nil && !got.After.Equal(test.after) {
				t.Errorf("after %v, want %v", got.After, test.after)
			}
		})
	}
}

// With a record the signer turned to a key at the recorded time, if any, and
// what counts of lifetimes is the longest.
func TestCheckWithState(t *testing.T) {
	state := func(entries map[string]signingkey.KeyState) *signingkey.State {
		return &signingkey.State{Stack: "s", Keys: entries}
	}
	active := func(id string, ago, longest time.Duration) signingkey.KeyState {
		return signingkey.KeyState{ID: id, ActiveFrom: now.Add(-ago), Longest: signingkey.Duration(longest)}
	}
	a, b := since("a", 48*time.Hour), since("b", 24*time.Hour)
	tests := []struct {
		name   string
		state  *signingkey.State
		wanted []Key
		code   string
		after  time.Time
	}{
		{"new key never passed a check: old key signs", state(map[string]signingkey.KeyState{"a": active("Ka", 40*time.Hour, time.Hour), "b": {}}), keys("b"), CodeKeySigns, time.Time{}},
		{"new key never passed a check: it can be dropped", state(map[string]signingkey.KeyState{"a": active("Ka", 40*time.Hour, time.Hour), "b": {}}), keys("a"), "", time.Time{}},
		{"record of another public key of that name", state(map[string]signingkey.KeyState{"a": active("Ka", 40*time.Hour, time.Hour), "b": active("K9", 24*time.Hour, time.Hour)}), keys("b"), CodeKeySigns, time.Time{}},
		{"cookies of an earlier, longer lifetime", state(map[string]signingkey.KeyState{"a": active("Ka", 40*time.Hour, 24*time.Hour), "b": active("Kb", 2*time.Hour, time.Hour)}), keys("b"), CodeKeyInUse, now.Add(22 * time.Hour)},
		{"cookies expired", state(map[string]signingkey.KeyState{"a": active("Ka", 40*time.Hour, 24*time.Hour), "b": active("Kb", 24*time.Hour, time.Hour)}), keys("b"), "", time.Time{}},
		{"longer lifetimes of today do not count for a key that no longer signs", state(map[string]signingkey.KeyState{"a": active("Ka", 40*time.Hour, time.Hour), "b": active("Kb", time.Hour, 24*time.Hour)}), keys("b"), "", time.Time{}},
		{"no recorded lifetime: that of the settings", state(map[string]signingkey.KeyState{"b": active("Kb", time.Hour, time.Hour)}), keys("b"), CodeKeyInUse, now.Add(10 * time.Minute)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := wantCode(t, Check(Deployed{Keys: []DeployedKey{a, b}, State: test.state}, test.wanted, now, times), test.code)
			if got != nil && !got.After.Equal(test.after) {
				t.Errorf("after %v, want %v", got.After, test.after)
			}
		})
	}
}

func TestCheckRevoked(t *testing.T) {
	revoked := Deployed{State: &signingkey.State{Stack: "s", Revoked: []string{"a"}}}
	wantCode(t, CheckRevoked(revoked, keys("b", "a")), CodeKeyRevoked)
	wantCode(t, CheckRevoked(revoked, keys("b")), "")
	wantCode(t, CheckRevoked(Deployed{}, keys("a")), "")
}

// Four deploys: a lifetime of a day, a new key with a lifetime of an hour,
// another change, and the drop of the old key. The last must know of the first.
func TestRecordRemembersEveryLifetime(t *testing.T) {
	day, hour := Times{Wait: 10 * time.Minute, Lifetime: 24 * time.Hour}, Times{Wait: 10 * time.Minute, Lifetime: time.Hour}
	at := now.Add(-30 * time.Hour)
	deployed := Deployed{Keys: []DeployedKey{{Key: key("a"), ID: "Ka", TrustedSince: at}}}

	record := func(at time.Time, wanted []Key, times Times, former *Times) {
		state := Record(deployed, wanted, at, times, former)
		state.Stack = "s"
		deployed.State = &state
	}
	record(at, keys("a"), day, nil)
	added := now.Add(-2 * time.Hour)
	record(added, keys("a", "b"), hour, &day)
	deployed.Keys = append(deployed.Keys, DeployedKey{Key: key("b"), ID: "Kb", TrustedSince: added})
	deployed.State.Keys["b"] = signingkey.KeyState{ID: "Kb", ActiveFrom: added.Add(hour.Wait), Longest: deployed.State.Keys["b"].Longest}
	half := Times{Wait: 10 * time.Minute, Lifetime: 30 * time.Minute}
	record(now.Add(-time.Hour), keys("a", "b"), half, &hour)

	refusal := wantCode(t, Check(deployed, keys("b"), now, half), CodeKeyInUse)
	if want := added.Add(10 * time.Minute).Add(24 * time.Hour); !refusal.After.Equal(want) {
		t.Errorf("after %v, want %v", refusal.After, want)
	}
	if got := deployed.State.Keys["b"].Longest; got != signingkey.Duration(time.Hour) {
		t.Errorf("b: longest %v, want an hour", time.Duration(got))
	}

	// a signs no more: what is allowed from now on is signed with b.
	record(now, keys("a", "b"), Times{Lifetime: 48 * time.Hour}, &half)
	if a, b := deployed.State.Keys["a"].Longest, deployed.State.Keys["b"].Longest; a != signingkey.Duration(24*time.Hour) || b != signingkey.Duration(48*time.Hour) {
		t.Errorf("longest of a %v and b %v, want 24 and 48 hours", time.Duration(a), time.Duration(b))
	}

	// A dropped key is forgotten: another of its name begins at nothing.
	deployed.Keys = deployed.Keys[1:]
	record(now.Add(48*time.Hour), keys("b", "a"), hour, &hour)
	if a := deployed.State.Keys["a"]; !a.ActiveFrom.IsZero() || a.ID != "" {
		t.Errorf("new key a: %+v", a)
	}
}

// A stack that recorded nothing yet is recorded as it signed.
func TestRecordOfAnEarlierStack(t *testing.T) {
	deployed := Deployed{Keys: []DeployedKey{since("a", 24*time.Hour), since("b", time.Hour)}}
	state := Record(deployed, keys("a", "b", "c"), now, times, &Times{Wait: 20 * time.Minute, Lifetime: 2 * time.Hour})
	b := state.Keys["b"]
	if b.ID != "Kb" || !b.ActiveFrom.Equal(now.Add(-40*time.Minute)) || b.Longest != signingkey.Duration(2*time.Hour) {
		t.Errorf("b: %+v", b)
	}
	if c := state.Keys["c"]; !c.ActiveFrom.IsZero() || c.Longest != signingkey.Duration(times.Lifetime) {
		t.Errorf("c: %+v", c)
	}
}

func TestParse(t *testing.T) {
	document := func(entries ...map[string]any) string {
		text, err := json.Marshal(map[string]any{"host": "h", "keys": entries})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	entry := map[string]any{"name": "a", "id": "K1", "trustedSince": "2026-11-24T12:00:00Z"}
	deployed, err := Parse(document(entry), `{"stack":"s","keys":{"a":{"longest":"1h0m0s"}}}`, keys("a"))
	if err != nil {
		t.Fatal(err)
	}
	if got := deployed.Keys[0]; got.Key != key("a") || got.ID != "K1" || !got.TrustedSince.Equal(now) {
		t.Errorf("key %+v", got)
	}
	if got := deployed.longest("a", times); got != time.Hour {
		t.Errorf("longest %v", got)
	}
	for name, text := range map[string][2]string{
		"no JSON":           {"", ""},
		"no keys":           {document(), ""},
		"no name":           {document(map[string]any{"trustedSince": "2026-11-24T12:00:00Z"}), ""},
		"no time":           {document(map[string]any{"name": "a"}), ""},
		"state is not JSON": {document(entry), "x"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(text[0], text[1], nil); err == nil {
				t.Error("accepted")
			}
		})
	}
}
