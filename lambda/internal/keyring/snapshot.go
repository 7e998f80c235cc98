package keyring

import (
	"fmt"
	"log/slog"
	"time"

	"premiumhls/internal/signingkey"
	"premiumhls/lambda/internal/originsecret"
)

// A Snapshot is the checked and parsed result of one read. It does not change.
type Snapshot struct {
	// Host is the distribution's host, the only one in policies.
	Host string
	// Keys are the keys that can sign, oldest first. There is always one.
	Keys []*Key

	originSecrets originsecret.Secrets
	state         *signingkey.State // nil until a deploy has recorded it
	parameters    Parameters
}

// OriginSecretIs reports whether sent is a secret that the distribution adds to
// the requests it forwards. It takes constant time.
func (s *Snapshot) OriginSecretIs(sent string) bool { return s.originSecrets.Include(sent) }

// SigningKey returns the key to sign with: the newest that is active. A deploy
// makes a key active after it has checked that viewers are served with it, from
// the time at which every edge location knows the key. If none is active, as on
// a first deploy, it is the oldest.
//
// Until a deploy has recorded which keys are active, a key is active once it
// has been trusted for wait.
func (s *Snapshot) SigningKey(now time.Time, wait time.Duration) *Key {
	for i := len(s.Keys) - 1; i > 0; i-- {
		key := s.Keys[i]
		active := !now.Before(key.TrustedSince.Add(wait))
		if s.state != nil {
			active = s.state.Keys[key.Name].Active(key.ID, now)
		}
		if active {
			return key
		}
	}
	return s.Keys[0]
}

// newSnapshot checks and parses what was read. It takes unchanged keys from old,
// so that a key is parsed only once. It skips and logs a key that it cannot use;
// no usable key is an error.
func newSnapshot(p Parameters, old *Snapshot, kms DigestSigner, logger *slog.Logger) (*Snapshot, error) {
	secrets, err := originsecret.Parse(p.OriginSecret)
	if err != nil {
		return nil, err
	}
	settings, err := parseSettings(p.Settings)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Host: settings.host, originSecrets: secrets, parameters: p}
	if p.State != "" {
		state, err := signingkey.ParseState(p.State)
		if err != nil {
			return nil, err
		}
		s.state = &state
	}
	for _, entry := range settings.keys {
		if s.state != nil && s.state.IsRevoked(entry.name) {
			logger.Error("skipping signing key: revoked", "key", entry.name)
			continue
		}
		private := ""
		if entry.custody != custodyKMS {
			var ok bool
			if private, ok = p.PrivateKeys[entry.name]; !ok {
				logger.Warn("skipping signing key: private key not found", "key", entry.name)
				continue
			}
		}
		if key := old.key(entry, private); key != nil {
			s.Keys = append(s.Keys, key)
			continue
		}
		key, err := openKey(entry, private, kms)
		if err != nil {
			// The error does not contain the key.
			logger.Error("skipping signing key", "key", entry.name, "cause", err.Error())
			continue
		}
		s.Keys = append(s.Keys, key)
	}
	if len(s.Keys) == 0 {
		return nil, fmt.Errorf("no usable key: the settings have %d", len(settings.keys))
	}
	return s, nil
}

// key returns the key in s with the same entry and private key.
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
