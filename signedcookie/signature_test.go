package signedcookie

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
)

var keys = map[KeyType]crypto.Signer{RSA2048: mustKey(RSA2048), ECDSAP256: mustKey(ECDSAP256)}

func mustKey(t KeyType) crypto.Signer {
	key, err := GenerateKey(t)
	if err != nil {
		panic(err)
	}
	return key
}

func TestSignAndVerify(t *testing.T) {
	policy, err := Policy{Resource: "https://d1.cloudfront.net/premium/course-1/*", Expires: end}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for keyType, key := range keys {
		for _, hash := range []Hash{SHA1, SHA256} {
			t.Run(string(keyType)+" "+string(hash), func(t *testing.T) {
				signature, err := Sign(key, hash, policy)
				if err != nil {
					t.Fatal(err)
				}
				if err := Verify(key.Public(), hash, policy, signature); err != nil {
					t.Fatalf("its own signature: %v", err)
				}
				refuses := func(what string, pub crypto.PublicKey, hash Hash, policy, signature []byte) {
					t.Helper()
					if err := Verify(pub, hash, policy, signature); !errors.Is(err, ErrSignature) {
						t.Errorf("%s: %v", what, err)
					}
				}
				other := map[Hash]Hash{SHA1: SHA256, SHA256: SHA1}[hash]
				refuses("the other hash", key.Public(), other, policy, signature)
				refuses("another key", mustKey(keyType).Public(), hash, policy, signature)
				refuses("a line break after the policy", key.Public(), hash, append(bytes.Clone(policy), '\n'), signature)
				refuses("an empty signature", key.Public(), hash, policy, nil)
				for i := range len(policy) * 8 {
					changed := bytes.Clone(policy)
					changed[i/8] ^= 1 << (i % 8)
					refuses("a changed bit of the policy", key.Public(), hash, changed, signature)
				}
				for i := range len(signature) * 8 {
					changed := bytes.Clone(signature)
					changed[i/8] ^= 1 << (i % 8)
					refuses("a changed bit of the signature", key.Public(), hash, policy, changed)
				}
			})
		}
	}
	if _, err := Sign(keys[RSA2048], "MD5", policy); err == nil {
		t.Error("signed with a hash that CloudFront does not know")
	}
}

func TestKeysGoThroughPEM(t *testing.T) {
	for keyType, key := range keys {
		private, err := MarshalPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParsePrivateKey(private)
		if err != nil {
			t.Fatalf("%s: %v", keyType, err)
		}
		public, err := MarshalPublicKey(back.Public())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(public, []byte("-----BEGIN PUBLIC KEY-----\n")) || !bytes.HasSuffix(public, []byte("-----END PUBLIC KEY-----\n")) || bytes.HasSuffix(public, []byte("\n\n")) {
			t.Errorf("%s: CloudFront would not take %q", keyType, public)
		}
		pub, err := ParsePublicKey(public)
		if err != nil {
			t.Fatalf("%s: %v", keyType, err)
		}
		if got, err := TypeOf(pub); err != nil || got != keyType {
			t.Errorf("%s came back as %s, %v", keyType, got, err)
		}
	}
}

func TestKeysThatCloudFrontDoesNotTake(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"RSA 3072": small, "P-384": curve} {
		private, _ := MarshalPrivateKey(key)
		if _, err := ParsePrivateKey(private); err == nil {
			t.Errorf("%s: private half taken", name)
		}
		public, _ := MarshalPublicKey(key.Public())
		if _, err := ParsePublicKey(public); err == nil {
			t.Errorf("%s: public half taken", name)
		}
	}
}

func TestParsePrivateKeyErrorsHoldNoKey(t *testing.T) {
	private, err := MarshalPrivateKey(keys[ECDSAP256])
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Split(string(private), "\n")[1]
	block, _ := pem.Decode(private)
	for name, text := range map[string]string{
		"cut in the middle": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: block.Bytes[:40]})),
		"no armour":         body,
		"wrong label":       strings.ReplaceAll(string(private), "PRIVATE", "SECRET"),
	} {
		_, err := ParsePrivateKey([]byte(text))
		if err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), body[:16]) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func TestDecodeTakesOneSpelling(t *testing.T) {
	raw := []byte{0xfb, 0xff, 0xbf, 0x00} // every replaced character
	if got := Encode(raw); got != "-~-~AA__" {
		t.Fatalf("encoded as %s", got)
	}
	for _, s := range []string{"+/+/AA==", "-~-~AA", "-~-~AA_", "-~-~AA__\n", "-~-~ AA__", "-~-~AB__", "-~-~AA__A", "%2D~-~AA__"} {
		if b, err := Decode(s); !errors.Is(err, ErrEncoding) {
			t.Errorf("%q decodes to %x, %v", s, b, err)
		}
	}
}
