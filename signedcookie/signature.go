package signedcookie

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
)

// A Hash is the digest that a signature is made over, by the name that
// [HashAlgorithmCookie] carries.
type Hash string

const (
	SHA1   Hash = "SHA1" // what CloudFront assumes where no hash is named
	SHA256 Hash = "SHA256"
)

// ErrSignature reports a signature that does not verify.
var ErrSignature = errors.New("signature does not verify")

// ParseHash reads a hash's name. An empty name is an error here: that it means
// SHA-1 is for the reader of cookies to say.
func ParseHash(s string) (Hash, error) {
	switch h := Hash(s); h {
	case SHA1, SHA256:
		return h, nil
	}
	return "", fmt.Errorf("invalid hash %q: must be %s or %s", s, SHA1, SHA256)
}

func (h Hash) digest(message []byte) (crypto.Hash, []byte, error) {
	switch h {
	case SHA1:
		sum := sha1.Sum(message)
		return crypto.SHA1, sum[:], nil
	case SHA256:
		sum := sha256.Sum256(message)
		return crypto.SHA256, sum[:], nil
	}
	_, err := ParseHash(string(h))
	return 0, nil, err
}

// Sign signs the bytes of a policy as they will be sent: PKCS #1 v1.5 with an
// RSA key, ASN.1 with an ECDSA key.
func Sign(key crypto.Signer, hash Hash, policy []byte) ([]byte, error) {
	function, digest, err := hash.digest(policy)
	if err != nil {
		return nil, err
	}
	signature, err := key.Sign(rand.Reader, digest, function)
	if err != nil {
		return nil, fmt.Errorf("signing the policy: %w", err)
	}
	return signature, nil
}

// Verify checks a signature over the bytes of a policy as they came: a policy
// that was parsed and written again is another message. A signature that does
// not fit is [ErrSignature].
func Verify(pub crypto.PublicKey, hash Hash, policy, signature []byte) error {
	function, digest, err := hash.digest(policy)
	if err != nil {
		return err
	}
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if rsa.VerifyPKCS1v15(k, function, digest, signature) != nil {
			return ErrSignature
		}
		return nil
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(k, digest, signature) {
			return ErrSignature
		}
		return nil
	}
	_, err = TypeOf(pub)
	return err
}
