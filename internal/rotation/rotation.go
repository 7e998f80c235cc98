// Package rotation decides which changes of the signing keys keep every viewer
// playing.
//
// Cookies and links stay valid after the signer has turned to a newer key. A key can
// therefore be dropped only when everything it signed has expired. The same
// rule applies at synthesis, where the deployed keys can be read, and at deploy
// time.
package rotation

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"premiumhls/internal/signingkey"
)

// A Key is a signing key as the settings have it.
type Key struct {
	Name    string `json:"name"`
	Custody string `json:"custody"`
	// Type is empty for a key that keeps the type it was made with.
	Type string `json:"type"`
}

// is reports whether a wanted key is a deployed one.
func (k Key) is(deployed Key) bool {
	return k.Name == deployed.Name && k.Custody == deployed.Custody && (k.Type == "" || k.Type == deployed.Type)
}

// A DeployedKey is a key in the key group.
type DeployedKey struct {
	Key
	ID           string    `json:"id"` // CloudFront's, of the public key
	TrustedSince time.Time `json:"trustedSince"`
}

// Deployed are the keys of a stack, oldest first, and what is recorded of them.
type Deployed struct {
	Keys []DeployedKey
	// State is nil for a stack that has recorded nothing.
	State *signingkey.State
}

// Times are durations that the settings give. The record counts where there is
// one.
type Times struct {
	// Wait is how long a key is in the key group before the signer uses it, so
	// that every edge location knows it.
	Wait time.Duration
	// Lifetime is how long after the signer turned to another key something
	// that the former signed can be valid: the longest lifetime that the
	// settings allow and [RefreshTime].
	Lifetime time.Duration
}

// RefreshTime is how long a warm signer can sign with the keys it read before:
// it reads them every five minutes, and waits for the read after fifteen at
// most while requests come.
const RefreshTime = 10 * time.Minute

// Why a change is refused.
const (
	CodeKeyChanged  = "KeyChanged"  // a name stands for another key
	CodeKeyOrder    = "KeyOrder"    // the list is not oldest first
	CodeKeyInUse    = "KeyInUse"    // what a dropped key signed may be valid
	CodeKeySigns    = "KeySigns"    // the key that signs is dropped
	CodeKeyRevoked  = "KeyRevoked"  // the key must never be trusted again
	CodeUnknownKeys = "UnknownKeys" // the deployed keys cannot be read
)

// A Refusal is a change that would refuse viewers, or trust a key that must not
// be trusted.
type Refusal struct {
	Code   string
	Key    string // its name
	Detail string
	After  time.Time // when the change can be made; zero if waiting does not help
}

func (r *Refusal) Error() string {
	text := "signingKeys: " + r.Detail
	if !r.After.IsZero() {
		text += fmt.Sprintf(" Deploy again after %s.", r.After.UTC().Format("2006-01-02 15:04:05 MST"))
	}
	return text
}

// CheckRevoked returns a [*Refusal] if a wanted key was revoked.
func CheckRevoked(deployed Deployed, wanted []Key) error {
	if deployed.State == nil {
		return nil
	}
	for _, key := range wanted {
		if deployed.State.IsRevoked(key.Name) {
			return &Refusal{Code: CodeKeyRevoked, Key: key.Name, Detail: fmt.Sprintf("key %s was revoked by a deploy with endAllCookies and must not be trusted again. Use a name that no key has had.", key.Name)}
		}
	}
	return nil
}

// Check compares the deployed keys with the wanted ones, each oldest first, and
// returns a [*Refusal] if the change would refuse a playing viewer.
func Check(deployed Deployed, wanted []Key, now time.Time, times Times) error {
	position := -1
	for _, key := range deployed.Keys {
		i := slices.IndexFunc(wanted, func(w Key) bool { return w.Name == key.Name })
		if i < 0 {
			continue
		}
		if !wanted[i].is(key.Key) {
			return &Refusal{Code: CodeKeyChanged, Key: key.Name, Detail: fmt.Sprintf(
				"key %s is %s in %s and would become %s in %s, but CloudFront cannot change a public key. To keep it, give its entry \"custody\": %q and \"type\": %q; to replace it, add a key with a new name and drop this one later.",
				key.Name, key.Type, key.Custody, wanted[i].Type, wanted[i].Custody, key.Custody, key.Type)}
		}
		if i < position {
			return &Refusal{Code: CodeKeyOrder, Key: key.Name, Detail: fmt.Sprintf("key %s must stay after the keys that are older. List keys oldest first.", key.Name)}
		}
		position = i
	}
	for i, key := range deployed.Keys {
		if !slices.ContainsFunc(wanted, func(w Key) bool { return w.Name == key.Name }) {
			if err := deployed.checkDrop(i, wanted, now, times); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkDrop refuses to drop the i-th key while something it signed may be
// valid.
func (d Deployed) checkDrop(i int, wanted []Key, now time.Time, times Times) error {
	dropped := d.Keys[i]
	if from, ok := d.activeFrom(i, times); i > 0 && (!ok || now.Before(from)) {
		return nil // it has not signed yet: an older key signs
	}
	var after time.Time
	for j := i + 1; j < len(d.Keys); j++ {
		from, active := d.activeFrom(j, times)
		if !active || !slices.ContainsFunc(wanted, func(w Key) bool { return w.is(d.Keys[j].Key) }) {
			continue
		}
		expired := from.Add(d.longest(dropped.Name, times))
		if !now.Before(expired) {
			return nil
		}
		if after.IsZero() || expired.Before(after) {
			after = expired
		}
	}
	if after.IsZero() {
		return &Refusal{Code: CodeKeySigns, Key: dropped.Name, Detail: fmt.Sprintf(
			"key %s signs and no newer key can replace it yet. Add a key with a new name and deploy; drop %s in a later deploy.", dropped.Name, dropped.Name)}
	}
	return &Refusal{Code: CodeKeyInUse, Key: dropped.Name, After: after, Detail: fmt.Sprintf(
		"key %s cannot be dropped while viewers use cookies or links that it signed.", dropped.Name)}
}

// activeFrom returns when the signer turns to the i-th key, which is in the
// past if it has, and false if no deploy has shown yet that the key works.
func (d Deployed) activeFrom(i int, times Times) (time.Time, bool) {
	key := d.Keys[i]
	if d.State == nil {
		return key.TrustedSince.Add(times.Wait), true
	}
	entry := d.State.Keys[key.Name]
	return entry.ActiveFrom, !entry.ActiveFrom.IsZero() && entry.ID == key.ID
}

// longest returns the longest lifetime of anything that a key can have signed.
func (d Deployed) longest(name string, times Times) time.Duration {
	if d.State != nil {
		if longest := d.State.Keys[name].Longest; longest > 0 {
			return time.Duration(longest)
		}
	}
	return times.Lifetime
}

// superseded reports whether no signer signs with the i-th key any more.
func (d Deployed) superseded(i int, wanted []Key, now time.Time, times Times) bool {
	for j := i + 1; j < len(d.Keys); j++ {
		from, active := d.activeFrom(j, times)
		if active && !now.Before(from.Add(RefreshTime)) && slices.ContainsFunc(wanted, func(w Key) bool { return w.is(d.Keys[j].Key) }) {
			return true
		}
	}
	return false
}

// Record returns the state of the keys under new settings: it must be kept
// before these take effect. Lifetimes only grow, and only of keys that may
// still sign. former are the times of the settings so far, or nil.
func Record(deployed Deployed, wanted []Key, now time.Time, times Times, former *Times) signingkey.State {
	state := signingkey.State{Keys: map[string]signingkey.KeyState{}}
	if deployed.State != nil {
		state.Stack, state.Revoked = deployed.State.Stack, deployed.State.Revoked
	}
	before := times // of keys without a record
	if former != nil {
		before = Times{Wait: max(before.Wait, former.Wait), Lifetime: max(before.Lifetime, former.Lifetime)}
	}
	for i, key := range deployed.Keys {
		var entry signingkey.KeyState
		if deployed.State != nil {
			entry = deployed.State.Keys[key.Name]
		} else {
			entry = signingkey.KeyState{ID: key.ID, ActiveFrom: key.TrustedSince.Add(before.Wait)}
		}
		switch {
		case entry.Longest == 0:
			entry.Longest = signingkey.Duration(before.Lifetime)
		case !deployed.superseded(i, wanted, now, times):
			entry.Longest = max(entry.Longest, signingkey.Duration(times.Lifetime))
		}
		state.Keys[key.Name] = entry
	}
	for _, key := range wanted {
		if _, ok := state.Keys[key.Name]; ok {
			continue
		}
		var entry signingkey.KeyState
		// An entry with an id is of a dropped key that had the same name.
		if deployed.State != nil && deployed.State.Keys[key.Name].ID == "" {
			entry = deployed.State.Keys[key.Name]
		}
		entry.Longest = max(entry.Longest, signingkey.Duration(times.Lifetime))
		state.Keys[key.Name] = entry
	}
	return state
}

// Parse reads the deployed keys from the text of the signer's parameter and,
// unless it is empty, of the state's. A key of an earlier version of the stack
// has no custody there, which is ssm, and no type, which is taken to be the
// wanted one: CloudFront refuses the change if it is not.
func Parse(signer, state string, wanted []Key) (Deployed, error) {
	var document struct {
		Keys []DeployedKey `json:"keys"`
	}
	if err := json.Unmarshal([]byte(signer), &document); err != nil {
		return Deployed{}, err
	}
	if len(document.Keys) == 0 {
		return Deployed{}, fmt.Errorf("keys: must not be empty")
	}
	for i := range document.Keys {
		key := &document.Keys[i]
		if key.Name == "" || key.TrustedSince.IsZero() {
			return Deployed{}, fmt.Errorf("keys[%d]: name or trustedSince is missing", i)
		}
		if key.Custody == "" {
			key.Custody = signingkey.CustodySSM
		}
		if key.Type == "" {
			if j := slices.IndexFunc(wanted, func(w Key) bool { return w.Name == key.Name }); j >= 0 {
				key.Type = wanted[j].Type
			}
		}
	}
	deployed := Deployed{Keys: document.Keys}
	if state != "" {
		parsed, err := signingkey.ParseState(state)
		if err != nil {
			return Deployed{}, err
		}
		deployed.State = &parsed
	}
	return deployed, nil
}
