// Package originsecret checks that a request came through the distribution,
// which adds a secret to the requests that it forwards.
package originsecret

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"

	"premiumhls/internal/signingkey"
)

// Header is the header with the secret, as payload format 2.0 spells it. The
// distribution replaces what a viewer sends under this name.
const Header = "x-origin-secret"

// Secrets are the digests of the values that are accepted.
type Secrets [][sha256.Size]byte

// Parse reads the text of the parameter. A text that is not JSON is one secret,
// as earlier versions of the stack wrote it. No error holds a part of it.
func Parse(text string) (Secrets, error) {
	values := []string{text}
	if strings.HasPrefix(text, "{") {
		secrets, err := signingkey.ParseOriginSecrets(text)
		if err != nil {
			return nil, err
		}
		values = secrets.Values()
	}
	var sums Secrets
	for _, value := range values {
		if value == "" {
			return nil, errors.New("the origin secret is empty")
		}
		sums = append(sums, sha256.Sum256([]byte(value)))
	}
	return sums, nil
}

// Include reports whether sent is one of the values. It takes constant time.
func (s Secrets) Include(sent string) bool {
	sum := sha256.Sum256([]byte(sent))
	equal := 0
	for _, secret := range s {
		equal |= subtle.ConstantTimeCompare(sum[:], secret[:])
	}
	return equal == 1
}
