// Package rotation says which changes of the signing keys leave every playing
// viewer playing.
//
// Cookies live on after the signer has turned to a newer key. A key may
// therefore go only when no cookie can be alive that it signed.
package rotation

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Key is a signing key as the settings have it.
type Key struct {
	Name    string `json:"name"`
	Custody string `json:"custody"` // ssm, kms or external
	Type    string `json:"type"`    // as signedcookie.KeyType
}

// A DeployedKey is one that the key group has.
type DeployedKey struct {
	Key
	TrustedSince time.Time `json:"trustedSince"`
}

// Times are what the signer waits for.
type Times struct {
	// Wait is how long the signer leaves a key unused after the key group took
	// it in, so that every edge knows it.
	Wait time.Duration
	// Live is how long after the signer turned to another key a cookie of the
	// old one may still be in use: the longest life of a cookie, and the time
	// in which a warm signer reads its keys anew.
	Live time.Duration
}

// A Refusal is a change that would refuse viewers. Its text is a sentence for
// the person who made the change.
type Refusal struct {
	Why   string
	After time.Time // when the change can be made; zero where waiting is no help
}

func (r *Refusal) Error() string {
	text := "The setting signingKeys " + r.Why
	if !r.After.IsZero() {
		text += fmt.Sprintf(" Deploy again after %s.", r.After.UTC().Format("2006-01-02 15:04 MST"))
	}
	return text
}

// Check compares the deployed keys with the wanted ones, each oldest first,
// and returns a [*Refusal] where the change would refuse a playing viewer.
func Check(deployed []DeployedKey, wanted []Key, now time.Time, times Times) error {
	position := -1
	for _, key := range deployed {
		i := slices.IndexFunc(wanted, func(w Key) bool { return w.Name == key.Name })
		if i < 0 {
			continue
		}
		if wanted[i] != key.Key {
			return &Refusal{Why: fmt.Sprintf("keeps the name %s and changes what key it is (%s in %s, now %s in %s): CloudFront cannot change a public key. Add a new name instead, and drop the old one later.",
				key.Name, key.Type, key.Custody, wanted[i].Type, wanted[i].Custody)}
		}
		if i < position {
			return &Refusal{Why: fmt.Sprintf("moves %s before a key that is older. Keep the order, oldest first.", key.Name)}
		}
		position = i
	}
	for i, key := range deployed {
		if !slices.ContainsFunc(wanted, func(w Key) bool { return w.Name == key.Name }) {
			if err := checkDrop(deployed, i, wanted, now, times); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkDrop refuses to drop the i-th deployed key while cookies of it may be in
// use.
func checkDrop(deployed []DeployedKey, i int, wanted []Key, now time.Time, times Times) error {
	dropped := deployed[i]
	if i > 0 && now.Before(dropped.TrustedSince.Add(times.Wait)) {
		return nil // it has not signed yet: there was an older one
	}
	var after time.Time
	for _, key := range deployed[i+1:] {
		if !slices.Contains(wanted, key.Key) {
			continue
		}
		ended := key.TrustedSince.Add(times.Wait + times.Live)
		if !now.Before(ended) {
			return nil
		}
		if after.IsZero() || ended.Before(after) {
			after = ended
		}
	}
	if after.IsZero() {
		return &Refusal{Why: fmt.Sprintf("drops %s, which signs now, and no newer key stands ready. Add a new name after it and deploy; drop %s on a later deploy.", dropped.Name, dropped.Name)}
	}
	return &Refusal{Why: fmt.Sprintf("drops %s while viewers still watch with cookies that it signed.", dropped.Name), After: after}
}

// ParseDeployed reads the deployed keys from the text of the signer's
// parameter. Where that does not say what key a name stands for, since an
// earlier version of the stack wrote it, it is one in Parameter Store, and of
// the type that is wanted: CloudFront refuses the change if it is not.
func ParseDeployed(text string, wanted []Key) ([]DeployedKey, error) {
	var document struct {
		Keys []DeployedKey `json:"keys"`
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	if len(document.Keys) == 0 {
		return nil, errors.New("it names no key")
	}
	for i := range document.Keys {
		key := &document.Keys[i]
		if key.Name == "" || key.TrustedSince.IsZero() {
			return nil, errors.New("a key has no name or no time since when it is trusted")
		}
		if key.Custody == "" {
			key.Custody = "ssm"
		}
		if key.Type == "" {
			if j := slices.IndexFunc(wanted, func(w Key) bool { return w.Name == key.Name }); j >= 0 {
				key.Type = wanted[j].Type
			}
		}
	}
	return document.Keys, nil
}
