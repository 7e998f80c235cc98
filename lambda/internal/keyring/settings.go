package keyring

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"premiumhls/signedcookie"
)

// settings is the document that the stack writes after the distribution.
type settings struct {
	host string
	keys []keyEntry // oldest first, never empty
}

// Where the private half of a key is kept.
const (
	custodySSM      = "ssm"      // in a parameter of the stack
	custodyExternal = "external" // in a parameter that the owner made
	custodyKMS      = "kms"      // in KMS, which signs with it
)

// keyEntry is a key in the settings, without its private key.
type keyEntry struct {
	name, id     string
	custody      string
	keyType      signedcookie.KeyType // empty: unknown
	hash         signedcookie.Hash
	trustedSince time.Time
	kmsKey       string // the ARN of a key in KMS
	fingerprint  string // of the public key; empty: unknown
}

// source is a digest of everything that a signer is made from.
func (e keyEntry) source(private string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join([]string{e.custody, string(e.keyType), e.kmsKey, e.fingerprint, private}, "\n")))
}

// describes reports whether key was made from the same entry and private key.
func (e keyEntry) describes(key *Key, private string) bool {
	return key.Name == e.name && key.ID == e.id && key.Hash == e.hash &&
		key.TrustedSince.Equal(e.trustedSince) && key.source == e.source(private)
}

// parseSettings returns an error for settings whose cookies the edge would refuse
// or that would open more than this distribution. It ignores unknown members:
// during a deploy the document can be newer than the function.
func parseSettings(text string) (settings, error) {
	var document struct {
		Host string `json:"host"`
		Keys []struct {
			Name         string    `json:"name"`
			ID           string    `json:"id"`
			Custody      string    `json:"custody"`
			Type         string    `json:"type"`
			Hash         string    `json:"hash"`
			TrustedSince time.Time `json:"trustedSince"`
			KMSKey       string    `json:"kmsKey"`
			Fingerprint  string    `json:"fingerprint"`
		} `json:"keys"`
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return settings{}, fmt.Errorf("settings: invalid JSON: %w", err)
	}
	if err := checkHost(document.Host); err != nil {
		return settings{}, err
	}
	if len(document.Keys) == 0 {
		return settings{}, errors.New("settings: no keys")
	}
	s := settings{host: document.Host}
	for _, k := range document.Keys {
		hash, err := signedcookie.ParseHash(k.Hash)
		switch {
		case !isToken(k.Name):
			return settings{}, fmt.Errorf("settings: invalid key name %q: must be letters, digits and - . _", k.Name)
		case !isToken(k.ID):
			return settings{}, fmt.Errorf("key %s: invalid public key id %q: must be letters, digits and - . _", k.Name, k.ID)
		case err != nil:
			return settings{}, fmt.Errorf("key %s: %w", k.Name, err)
		case k.TrustedSince.IsZero():
			return settings{}, fmt.Errorf("key %s: trustedSince is missing", k.Name)
		}
		for _, other := range s.keys {
			if other.name == k.Name || other.id == k.ID {
				return settings{}, fmt.Errorf("key %s: duplicate name or id", k.Name)
			}
		}
		s.keys = append(s.keys, keyEntry{
			name:         k.Name,
			id:           k.ID,
			custody:      cmp.Or(k.Custody, custodySSM),
			keyType:      signedcookie.KeyType(k.Type),
			hash:         hash,
			trustedSince: k.TrustedSince,
			kmsKey:       k.KMSKey,
			fingerprint:  k.Fingerprint,
		})
	}
	return s, nil
}

// isToken reports whether s is not empty and safe in the value of a cookie and
// the name of a parameter.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return s != ""
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// checkHost checks a host name in lower case, with an optional port. A wildcard
// would open other distributions that trust the same key.
func checkHost(host string) error {
	name, port, hasPort := strings.Cut(host, ":")
	if hasPort {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("host: invalid port in %q: must be 1 to 65535", host)
		}
	}
	if len(name) > 253 {
		return fmt.Errorf("host: invalid length %d: must be at most 253", len(name))
	}
	for label := range strings.SplitSeq(name, ".") {
		ok := label != "" && len(label) <= 63 && alphanumeric(label[0]) && alphanumeric(label[len(label)-1])
		for i := range len(label) {
			c := label[i]
			ok = ok && (alphanumeric(c) || c == '-') && (c < 'A' || c > 'Z')
		}
		if !ok {
			return fmt.Errorf("host: invalid value %q: must be a host name in lower case", host)
		}
	}
	return nil
}
