package signedcookie

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"testing"
)

var kinds = []struct {
	key  KeyType
	hash Hash
}{{RSA2048, SHA256}, {RSA2048, SHA1}, {ECDSAP256, SHA256}}

func benchmarkPolicy(b *testing.B) []byte {
	policy, err := Policy{Resource: "https://d1.cloudfront.net/premium/course-1/*", Expires: end}.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	return policy
}

func BenchmarkSign(b *testing.B) {
	policy := benchmarkPolicy(b)
	for _, kind := range kinds {
		b.Run(string(kind.key)+"/"+string(kind.hash), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Sign(keys[kind.key], kind.hash, policy); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	policy := benchmarkPolicy(b)
	for _, kind := range kinds {
		signature, err := Sign(keys[kind.key], kind.hash, policy)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(kind.key)+"/"+string(kind.hash), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Verify(keys[kind.key].Public(), kind.hash, policy, signature); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBare is what the standard library alone takes for a digest that is
// there: the floor of the two above.
func BenchmarkBare(b *testing.B) {
	digest := sha1.Sum(nil)
	for _, keyType := range []KeyType{RSA2048, ECDSAP256} {
		key := keys[keyType]
		signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA1)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("sign/"+string(keyType), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA1); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("verify/"+string(keyType), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				switch public := key.Public().(type) {
				case *rsa.PublicKey:
					if err := rsa.VerifyPKCS1v15(public, crypto.SHA1, digest[:], signature); err != nil {
						b.Fatal(err)
					}
				case *ecdsa.PublicKey:
					if !ecdsa.VerifyASN1(public, digest[:], signature) {
						b.Fatal("the signature does not verify")
					}
				}
			}
		})
	}
}
