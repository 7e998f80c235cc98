package keyring

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A Snapshot is what one read brought, judged and parsed. It does not change.
type Snapshot struct {
	// Host is the distribution's host, the only one that policies are made
	// for.
	Host string
	// Keys are the keys that can sign, oldest first. There is always one.
	Keys []*Key

	originSecret [sha256.Size]byte
	parameters   Parameters
}

// OriginSecretIs reports whether sent is the secret that the distribution adds
// to the requests it passes on. The time it takes tells nothing of the secret,
// its length included.
func (s *Snapshot) OriginSecretIs(sent string) bool {
	sum := sha256.Sum256([]byte(sent))
	return subtle.ConstantTimeCompare(sum[:], s.originSecret[:]) == 1
}

// SigningKey returns the key to sign with: the newest that has been trusted
// for at least wait, the time that a changed key group needs to reach every
// edge. Where none has been, as on a first deployment, it is the oldest.
func (s *Snapshot) SigningKey(now time.Time, wait time.Duration) *Key {
	for i := len(s.Keys) - 1; i > 0; i-- {
		if !now.Before(s.Keys[i].TrustedSince.Add(wait)) {
			return s.Keys[i]
		}
	}
	return s.Keys[0]
}

// newSnapshot judges what was read. Keys that old has are taken over from it,
// so that one is parsed only when its text has changed. A key that cannot be
// used is left out and logged; it is an error when none is left.
func newSnapshot(p Parameters, old *Snapshot, kms DigestSigner, logger *slog.Logger) (*Snapshot, error) {
	if p.OriginSecret == "" {
		return nil, errors.New("the origin secret is empty")
	}
	settings, err := parseSettings(p.Settings)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Host: settings.host, originSecret: sha256.Sum256([]byte(p.OriginSecret)), parameters: p}
	for _, entry := range settings.keys {
		private := ""
		if entry.custody != custodyKMS {
			var ok bool
			if private, ok = p.PrivateKeys[entry.name]; !ok {
				logger.Warn("signing key is left out", "key", entry.name, "cause", "it has no private half")
				continue
			}
		}
		if key := old.key(entry, private); key != nil {
			s.Keys = append(s.Keys, key)
			continue
		}
		key, err := openKey(entry, private, kms)
		if err != nil {
			// The error says what is wrong with the text, never what is in it.
			logger.Error("signing key is left out", "key", entry.name, "cause", err.Error())
			continue
		}
		s.Keys = append(s.Keys, key)
	}
	if len(s.Keys) == 0 {
		return nil, fmt.Errorf("none of the %d keys in the settings can be used", len(settings.keys))
	}
	return s, nil
}

// key returns the key that s holds for the same entry and private half.
func (s *Snapshot) key(entry keyEntry, private string) *Key {
	if s == nil {
		return nil
	}
	for _, key := range s.Keys {
		if entry.describes(key, private) {
			return key
		}
	}
	return nil
}

func (s *Snapshot) names() []string {
	names := make([]string, len(s.Keys))
	for i, key := range s.Keys {
		names[i] = key.Name
	}
	return names
}
