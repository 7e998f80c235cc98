package keyring

import (
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"premiumhls/signedcookie"
)

// A Key is a key pair whose public key has the id ID in CloudFront. The same key
// read twice is the same *Key, so pointers can be compared.
type Key struct {
	Name string
	ID   string
	Hash signedcookie.Hash
	// TrustedSince is when the key group began to trust the public key.
	TrustedSince time.Time

	signer policySigner
	source [sha256.Size]byte // digest of what the signer was made from
}

// A policySigner signs with a private key, in memory or in KMS.
type policySigner interface {
	signPolicy(ctx context.Context, hash signedcookie.Hash, policy []byte) ([]byte, error)
}

// Sign signs the bytes of a policy.
func (k *Key) Sign(ctx context.Context, policy []byte) ([]byte, error) {
	signature, err := k.signer.signPolicy(ctx, k.Hash, policy)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", k.Name, err)
	}
	return signature, nil
}

// memorySigner signs with a private key in memory. It ignores the context:
// signing takes less than a millisecond.
type memorySigner struct {
	private crypto.Signer
}

func (s memorySigner) signPolicy(_ context.Context, hash signedcookie.Hash, policy []byte) ([]byte, error) {
	return signedcookie.Sign(s.private, hash, policy)
}

// openKey makes a key from its private key or, for a key in KMS, from its ARN.
func openKey(entry keyEntry, private string, kms DigestSigner) (*Key, error) {
	signer, err := openSigner(entry, private, kms)
	if err != nil {
		return nil, err
	}
	return &Key{
		Name:         entry.name,
		ID:           entry.id,
		Hash:         entry.hash,
		TrustedSince: entry.trustedSince,
		signer:       signer,
		source:       entry.source(private),
	}, nil
}

func openSigner(entry keyEntry, private string, kms DigestSigner) (policySigner, error) {
	switch entry.custody {
	case custodySSM, custodyExternal:
		return newMemorySigner(entry, private)
	case custodyKMS:
		return newKMSSigner(entry, kms)
	}
	return nil, fmt.Errorf("custody %q is not supported", entry.custody)
}

// newMemorySigner parses a private key. CloudFront would refuse the cookies of
// another key pair, so it must match the type and fingerprint in the settings.
func newMemorySigner(entry keyEntry, private string) (memorySigner, error) {
	key, err := signedcookie.ParsePrivateKey([]byte(private))
	if err != nil {
		return memorySigner{}, err
	}
	keyType, err := signedcookie.TypeOf(key.Public())
	if err != nil {
		return memorySigner{}, err
	}
	fingerprint, err := signedcookie.Fingerprint(key.Public())
	if err != nil {
		return memorySigner{}, err
	}
	switch {
	case entry.keyType != "" && entry.keyType != keyType:
		return memorySigner{}, fmt.Errorf("invalid type %s of the private key: must be %s", keyType, entry.keyType)
	case entry.fingerprint != "" && entry.fingerprint != fingerprint:
		return memorySigner{}, errors.New("the private key does not belong to the public key in the settings")
	}
	return memorySigner{key}, nil
}
