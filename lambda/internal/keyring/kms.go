package keyring

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"

	"premiumhls/signedcookie"
)

// A DigestSigner signs with private keys that it does not reveal. It does not
// retry; [Key.Sign] does.
type DigestSigner interface {
	// SignDigest signs a SHA-256 digest: as PKCS #1 v1.5 with an RSA key, in
	// ASN.1 DER with an ECDSA key.
	SignDigest(ctx context.Context, key string, keyType signedcookie.KeyType, digest []byte) ([]byte, error)
	// PublicKey returns the public key.
	PublicKey(ctx context.Context, key string) (crypto.PublicKey, error)
}

// A Caller calls an operation of a service by its name.
type Caller interface {
	Call(ctx context.Context, operation string, input, output any) error
}

// KMS is a [DigestSigner] over AWS Key Management Service, which needs kms:Sign
// and kms:GetPublicKey. Keys are named by their ARNs.
type KMS struct {
	// Client returns the client. It is called before each call, so that the
	// client can be made when it is first needed.
	Client func() (Caller, error)
}

// algorithms are KMS's names of the signatures that CloudFront accepts (KMS
// developer guide, "Key spec reference").
var algorithms = map[signedcookie.KeyType]string{
	signedcookie.RSA2048:   "RSASSA_PKCS1_V1_5_SHA_256",
	signedcookie.ECDSAP256: "ECDSA_SHA_256",
}

// isSignature reports whether a signature has a valid size: that of an RSA
// modulus of 2048 bits, or at most that of two integers of 256 bits in DER.
func isSignature(keyType signedcookie.KeyType, signature []byte) bool {
	if keyType == signedcookie.RSA2048 {
		return len(signature) == 2048/8
	}
	return len(signature) > 0 && len(signature) <= 72
}

// SignDigest implements [DigestSigner].
func (k KMS) SignDigest(ctx context.Context, key string, keyType signedcookie.KeyType, digest []byte) ([]byte, error) {
	client, err := k.Client()
	if err != nil {
		return nil, fmt.Errorf("making a client of KMS: %w", err)
	}
	input := struct {
		KeyID            string `json:"KeyId"`
		Message          []byte
		MessageType      string
		SigningAlgorithm string
	}{key, digest, "DIGEST", algorithms[keyType]}
	var output struct{ Signature []byte }
	if err := client.Call(ctx, "Sign", input, &output); err != nil {
		return nil, fmt.Errorf("signing with KMS: %w", err)
	}
	if !isSignature(keyType, output.Signature) {
		return nil, fmt.Errorf("signing with KMS: got %d bytes: must be a signature of a key of type %s", len(output.Signature), keyType)
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
