// Package forgery makes forged tokens from a valid one, for tests that check that
// they are rejected.
package forgery

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// Unsigned returns the token with algorithm none and no signature.
func Unsigned(token string) (string, error) {
	return rewrite(token, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType)
}

// ForeignKey returns the token signed by another key under the same key id.
func ForeignKey(token string) (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", fmt.Errorf("make foreign key: %w", err)
	}
	return rewrite(token, jwt.SigningMethodRS256, key)
}

// SharedSecret returns the token signed with HS256, with the issuer's public key
// in PEM as the secret.
func SharedSecret(token string, public *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("encode public key: %w", err)
	}
	return rewrite(token, jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func rewrite(token string, method jwt.SigningMethod, key any) (string, error) {
	claims := jwt.MapClaims{}
	old, _, err := jwt.NewParser(jwt.WithJSONNumber()).ParseUnverified(token, claims)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	t := jwt.NewWithClaims(method, claims)
	t.Header["kid"] = old.Header["kid"]
	forged, err := t.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("sign forged token: %w", err)
	}
	return forged, nil
}
