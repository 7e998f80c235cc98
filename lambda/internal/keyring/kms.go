package keyring

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
)

// A DigestSigner signs with RSA keys of 2048 bits that it alone can use. It
// makes one attempt; trying again is up to the [Key].
type DigestSigner interface {
	// SignDigest signs a SHA-256 digest as PKCS #1 v1.5 has it.
	SignDigest(ctx context.Context, key string, digest []byte) ([]byte, error)
	// PublicKey returns the public half of a key.
	PublicKey(ctx context.Context, key string) (crypto.PublicKey, error)
}

// A Caller calls an operation of a service by its name.
type Caller interface {
	Call(ctx context.Context, operation string, input, output any) error
}

// KMS is a [DigestSigner] over AWS Key Management Service, which needs kms:Sign
// and kms:GetPublicKey. Keys are named by their ARNs.
type KMS struct {
	// Client returns the client, which is asked for at each call so that
	// there need be none until then.
	Client func() (Caller, error)
}

// signatureSize is the length of a signature by an RSA key of 2048 bits.
const signatureSize = 2048 / 8

// SignDigest implements [DigestSigner].
func (k KMS) SignDigest(ctx context.Context, key string, digest []byte) ([]byte, error) {
	client, err := k.Client()
	if err != nil {
		return nil, fmt.Errorf("making a client of KMS: %w", err)
	}
	input := struct {
		KeyID            string `json:"KeyId"`
		Message          []byte
		MessageType      string
		SigningAlgorithm string
	}{key, digest, "DIGEST", "RSASSA_PKCS1_V1_5_SHA_256"}
	var output struct{ Signature []byte }
	if err := client.Call(ctx, "Sign", input, &output); err != nil {
		return nil, fmt.Errorf("signing with KMS: %w", err)
	}
	if n := len(output.Signature); n != signatureSize {
		return nil, fmt.Errorf("signing with KMS: a signature of %d bytes, not %d", n, signatureSize)
	}
	return output.Signature, nil
}

// PublicKey implements [DigestSigner].
func (k KMS) PublicKey(ctx context.Context, key string) (crypto.PublicKey, error) {
	client, err := k.Client()
	if err != nil {
		return nil, fmt.Errorf("making a client of KMS: %w", err)
	}
	input := struct {
		KeyID string `json:"KeyId"`
	}{key}
	var output struct{ PublicKey []byte }
	if err := client.Call(ctx, "GetPublicKey", input, &output); err != nil {
		return nil, fmt.Errorf("reading a public key from KMS: %w", err)
	}
	public, err := x509.ParsePKIXPublicKey(output.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("reading a public key from KMS: %w", err)
	}
	return public, nil
}
