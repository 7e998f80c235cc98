package signingkey

import (
	"fmt"
	"slices"
	"strings"

	"premiumhls/signedcookie"
)

// Where the private half of a key is kept.
const (
	CustodySSM      = "ssm"      // made at deploy time, in a SecureString of the stack
	CustodyKMS      = "kms"      // made in KMS, which it never leaves
	CustodyExternal = "external" // made by somebody else, in a SecureString of theirs
)

// MaxKeys is how many signing keys there can be: CloudFront accepts five public
// keys in a key group (CloudFront developer guide, "Quotas").
const MaxKeys = 5

// Defaults of a new key.
const (
	DefaultType = string(signedcookie.ECDSAP256)
	DefaultHash = string(signedcookie.SHA256)
)

// A Key is a signing key as the settings name it.
type Key struct {
	Name      string
	Custody   string
	Type      string // as signedcookie.KeyType
	Hash      string // as signedcookie.Hash
	Parameter string // of an external key: the SecureString with its private half
}

// An Error is a key that cannot be used as the settings have it.
type Error struct {
	Key     string // its name; empty for the list as a whole
	Field   string // the member of [Key], in lower case
	Value   string
	Allowed string
}

func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("invalid %s %s: must be %s", e.Field, e.Value, e.Allowed)
	}
	return fmt.Sprintf("key %s: invalid %s %q: must be %s", e.Key, e.Field, e.Value, e.Allowed)
}

// Check returns an [*Error] for everything that is wrong with the signing keys
// of a stack, oldest first. allowECDSASHA1 accepts ECDSA keys with SHA-1, which
// CloudFront was seen to accept and AWS does not document.
func Check(p Parameters, keys []Key, allowECDSASHA1 bool) []error {
	var c checker
	if len(keys) == 0 {
		c.fail("", "count", "0", fmt.Sprintf("1 to %d keys", MaxKeys))
	}
	c.places(p, keys)
	for _, key := range keys {
		c.kind(key, allowECDSASHA1)
	}
	return c.errs
}

// CheckPlaces returns an [*Error] for each key that cannot be read from its
// parameter, or that would be read from the parameter of something else. Of a
// [Key] it looks at Name and Parameter only.
func CheckPlaces(p Parameters, keys []Key) []error {
	var c checker
	c.places(p, keys)
	return c.errs
}

type checker struct{ errs []error }

func (c *checker) fail(key, field, value, allowed string) {
	c.errs = append(c.errs, &Error{key, field, value, allowed})
}

func (c *checker) places(p Parameters, keys []Key) {
	if len(keys) > MaxKeys {
		c.fail("", "count", fmt.Sprint(len(keys)), fmt.Sprintf("at most %d keys, as many as a CloudFront key group holds", MaxKeys))
	}
	for i, key := range keys {
		before := keys[:i]
		if !IsName(key.Name) {
			c.fail(key.Name, "name", key.Name, fmt.Sprintf("1 to %d letters, digits and hyphens that begin and end with a letter or digit", MaxName))
		}
		if slices.ContainsFunc(before, func(k Key) bool { return k.Name == key.Name }) {
			c.fail(key.Name, "name", key.Name, "a name that no other key has")
		}
		if key.Parameter == "" {
			continue
		}
		switch {
		case !IsParameter(key.Parameter):
			c.fail(key.Name, "parameter", key.Parameter, "the name of a parameter, such as /my/key")
		case strings.HasPrefix(key.Parameter, string(p)+"/"):
			c.fail(key.Name, "parameter", key.Parameter, "a parameter outside "+string(p)+"/, where the stack keeps its own")
		case slices.ContainsFunc(before, func(k Key) bool { return k.Parameter == key.Parameter }):
			c.fail(key.Name, "parameter", key.Parameter, "a parameter that no other key has")
		}
	}
}

func (c *checker) kind(key Key, allowECDSASHA1 bool) {
	custodies := []string{CustodySSM, CustodyKMS, CustodyExternal}
	if !slices.Contains(custodies, key.Custody) {
		c.fail(key.Name, "custody", key.Custody, "ssm, kms or external")
	}
	typ, typeErr := signedcookie.ParseKeyType(key.Type)
	if typeErr != nil {
		c.fail(key.Name, "type", key.Type, "RSA_2048 or ECDSA_P256")
	}
	hash, hashErr := signedcookie.ParseHash(key.Hash)
	switch {
	case hashErr != nil:
		c.fail(key.Name, "hash", key.Hash, "SHA256 or SHA1")
	case key.Custody == CustodyKMS && hash != signedcookie.SHA256:
		// KMS developer guide, "Key spec reference": no algorithm with SHA-1.
		c.fail(key.Name, "hash", key.Hash, "SHA256 for a key in KMS")
	case typeErr == nil && typ == signedcookie.ECDSAP256 && hash == signedcookie.SHA1 && !allowECDSASHA1:
		c.fail(key.Name, "hash", key.Hash, "SHA256 for an ECDSA_P256 key, unless allowEcdsaSha1 is true")
	}
	if external := key.Custody == CustodyExternal; external && key.Parameter == "" {
		c.fail(key.Name, "parameter", key.Parameter, "the name of a parameter, such as /my/key, for an external key")
	} else if !external && key.Parameter != "" {
		c.fail(key.Name, "parameter", key.Parameter, "empty unless custody is external")
	}
}
