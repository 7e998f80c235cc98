package main

import (
	"sync"

	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/keyring"
)

// newKMS returns the signer of the keys in KMS. It makes its client at the first
// signature, so that functions without such keys do not.
func newKMS(getenv func(string) string) keyring.KMS {
	return keyring.KMS{Client: sync.OnceValues(func() (keyring.Caller, error) {
		return awsjson.New(awsjson.KMS, "", getenv)
	})}
}
