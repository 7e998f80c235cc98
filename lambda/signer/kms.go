package main

import (
	"sync"

	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/keyring"
)

// newKMS returns what signs with the keys in KMS. Its client is made at the
// first signature: where no key is in KMS, none is.
func newKMS(getenv func(string) string) keyring.KMS {
	return keyring.KMS{Client: sync.OnceValues(func() (keyring.Caller, error) {
		return awsjson.New(awsjson.KMS, "", getenv)
	})}
}
