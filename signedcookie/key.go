package signedcookie

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// A KeyType is a kind of key that CloudFront takes as a public key (the API
// reference, PublicKeyConfig).
type KeyType string

const (
	RSA2048   KeyType = "RSA_2048"
	ECDSAP256 KeyType = "ECDSA_P256"
)

// ParseKeyType reads a key type's name.
func ParseKeyType(s string) (KeyType, error) {
	switch t := KeyType(s); t {
	case RSA2048, ECDSAP256:
		return t, nil
	}
	return "", fmt.Errorf("key type %q is neither %s nor %s", s, RSA2048, ECDSAP256)
}

// GenerateKey makes a new private key.
func GenerateKey(t KeyType) (crypto.Signer, error) {
	switch t {
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	_, err := ParseKeyType(string(t))
	return nil, err
}

// TypeOf tells the type of a public key, and errs where CloudFront would not
// take the key.
func TypeOf(pub crypto.PublicKey) (KeyType, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() != 2048 {
			return "", fmt.Errorf("RSA key of %d bits: CloudFront takes 2048", k.N.BitLen())
		}
		return RSA2048, nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return "", fmt.Errorf("ECDSA key on %s: CloudFront takes P-256", k.Curve.Params().Name)
		}
		return ECDSAP256, nil
	}
	return "", fmt.Errorf("key of type %T: CloudFront takes RSA and ECDSA", pub)
}

// ParsePrivateKey reads a PEM private key: PKCS #8, or the older PKCS #1 and
// SEC 1. Its errors never hold a part of the key.
func ParsePrivateKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("private key is not PEM")
	}
	key, err := parsePrivate(block)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("private key of type %T cannot sign", key)
	}
	if _, err := TypeOf(signer.Public()); err != nil {
		return nil, err
	}
	return signer, nil
}

func parsePrivate(block *pem.Block) (key any, err error) {
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("PEM block %q is not a private key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("PEM block %q does not hold a key that can be read", block.Type)
	}
	return key, nil
}

// MarshalPrivateKey writes a private key as PKCS #8 PEM.
func MarshalPrivateKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("writing the private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParsePublicKey reads a public key as CloudFront does: SPKI in PEM.
func ParsePublicKey(text []byte) (crypto.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("public key is not PEM that begins with -----BEGIN PUBLIC KEY-----")
	}
	pub, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the public key: %w", err)
	}
	if _, err := TypeOf(pub); err != nil {
		return nil, err
	}
	return pub, nil
}

// MarshalPublicKey writes a public key as CloudFront wants it: SPKI in PEM
// with exactly one line break at its end. Other white space would make
// CloudFormation see a change where there is none.
func MarshalPublicKey(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("writing the public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// Fingerprint is the SHA-256 digest of a public key's SPKI form, in lower case
// hexadecimal: what tells the two halves of a pair belong together.
func Fingerprint(pub crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", fmt.Errorf("writing the public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}
