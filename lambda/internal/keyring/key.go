package keyring

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"premiumhls/signedcookie"
)

// A Key is a key pair whose public half CloudFront knows as ID. The same key
// read twice is the same *Key, so a pointer to it tells it from others.
type Key struct {
	Name string
	ID   string
	Hash signedcookie.Hash
	// TrustedSince is when the key group came to trust the public half.
	TrustedSince time.Time

	signer policySigner
	source [sha256.Size]byte // digest of what the signer was made from
}

// A policySigner makes signatures with a private key, wherever that is kept.
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

// memorySigner signs with a private key in memory, which takes no longer than
// the processor does: the context is not looked at.
type memorySigner struct {
	private crypto.Signer
}

func (s memorySigner) signPolicy(_ context.Context, hash signedcookie.Hash, policy []byte) ([]byte, error) {
	return signedcookie.Sign(s.private, hash, policy)
}

// openKey makes a key from its private half. The private half of another key
// pair would make cookies that the edge refuses, so where the settings have
// the fingerprint of the public half, the two must fit.
func openKey(entry keyEntry, private string) (*Key, error) {
	signer, err := signedcookie.ParsePrivateKey([]byte(private))
	if err != nil {
		return nil, err
	}
	if entry.fingerprint != "" {
		got, err := Fingerprint(signer.Public())
		if err != nil {
			return nil, err
		}
		if got != entry.fingerprint {
			return nil, errors.New("private half does not belong to the public key in the settings")
		}
	}
	return &Key{
		Name:         entry.name,
		ID:           entry.id,
		Hash:         entry.hash,
		TrustedSince: entry.trustedSince,
		signer:       memorySigner{signer},
		source:       entry.source(private),
	}, nil
}

// Fingerprint returns the SHA-256 digest of a public key's SPKI form, in lower
// case hexadecimal.
func Fingerprint(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("writing the public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}
