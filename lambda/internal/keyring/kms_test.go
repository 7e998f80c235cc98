package keyring

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"premiumhls/lambda/internal/awsjson"
	"premiumhls/local/kms"
	"premiumhls/signedcookie"
)

// serveKMS returns a key service and what signs with its keys.
func serveKMS(t *testing.T) (*kms.Service, KMS, *awsjson.Client) {
	t.Helper()
	service := kms.New()
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	variables := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_KMS": server.URL,
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_SESSION_TOKEN": "token",
	}
	client, err := awsjson.New(awsjson.KMS, "", func(name string) string { return variables[name] })
	if err != nil {
		t.Fatal(err)
	}
	return service, KMS{func() (Caller, error) { return client, nil }}, client
}

func kmsPublic(t *testing.T, client *awsjson.Client, arn string) crypto.PublicKey {
	t.Helper()
	var output struct{ PublicKey []byte }
	if err := client.Call(t.Context(), "GetPublicKey", map[string]string{"KeyId": arn}, &output); err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(output.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestKMS(t *testing.T) {
	of := func(spec, usage string) func(*testing.T, *kms.Service) string {
		return func(t *testing.T, service *kms.Service) string {
			arn, err := service.CreateKeyOf(spec, usage)
			if err != nil {
				t.Fatal(err)
			}
			return arn
		}
	}
	for _, tt := range []struct {
		name      string
		key       func(*testing.T, *kms.Service) string // nil: a good one
		state     kms.State
		fault     kms.Fault
		err       string // empty: it signs
		permanent bool
		curve     bool // the settings say that it is a key of one
	}{
		{name: "a good key"},
		{name: "throttled", fault: kms.Fault{Code: "ThrottlingException"}, err: "ThrottlingException"},
		{name: "broken", fault: kms.Fault{Code: "KMSInternalException", Status: 500}, err: "KMSInternalException"},
		{name: "a dependency is late", fault: kms.Fault{Code: "DependencyTimeoutException", Status: 503}, err: "DependencyTimeoutException"},
		{name: "cut", fault: kms.Fault{Cut: true}, err: "EOF"},
		{name: "truncated", fault: kms.Fault{Truncate: true}, err: "EOF"},
		{name: "denied", fault: kms.Fault{Code: "AccessDeniedException"}, err: "AccessDeniedException", permanent: true},
		{name: "disabled", state: kms.Disabled, err: "DisabledException", permanent: true},
		{name: "to be deleted", state: kms.PendingDeletion, err: "KMSInvalidStateException", permanent: true},
		{name: "no such key", key: func(*testing.T, *kms.Service) string { return arn }, err: "NotFoundException", permanent: true},
		{name: "a longer key", key: of(kms.RSA3072, kms.SignVerify), err: "got 384 bytes"},
		{name: "a good key of a curve", key: of(kms.P256, kms.SignVerify), curve: true},
		{name: "an RSA key in place of one of a curve", key: of(kms.RSA2048, kms.SignVerify), curve: true, err: "InvalidKeyUsageException", permanent: true},
		{name: "a key of a curve", key: of(kms.P256, kms.SignVerify), err: "InvalidKeyUsageException", permanent: true},
		{name: "a key that encrypts", key: of(kms.RSA2048, kms.EncryptDecrypt), err: "InvalidKeyUsageException", permanent: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			service, signer, client := serveKMS(t)
			if tt.key == nil {
				tt.key = of(kms.RSA2048, kms.SignVerify)
			}
			key := tt.key(t, service)
			if tt.state != "" {
				service.SetState(key, tt.state)
			}
			service.SetFault(func(string) kms.Fault { return tt.fault })
			keyType := signedcookie.RSA2048
			if tt.curve {
				keyType = signedcookie.ECDSAP256
			}
			policy := []byte(`{"Statement":[]}`)
			digest := sha256.Sum256(policy)
			signature, err := signer.SignDigest(t.Context(), key, keyType, digest[:])
			if n := service.Calls("Sign"); n != 1 {
				t.Errorf("%d calls, want exactly 1", n)
			}
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || permanent(err) != tt.permanent {
					t.Errorf("error %v (permanent: %v), want one with %q (%v)", err, permanent(err), tt.err, tt.permanent)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := signedcookie.Verify(kmsPublic(t, client, key), signedcookie.SHA256, policy, signature); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKMSWithoutAClient(t *testing.T) {
	cause := errors.New("AWS_REGION is not set")
	signer := KMS{func() (Caller, error) { return nil, cause }}
	if _, err := signer.SignDigest(context.Background(), arn, signedcookie.RSA2048, make([]byte, 32)); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	if _, err := signer.PublicKey(context.Background(), arn); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}

// What another key signs than the one that CloudFront has is not given out,
// and the key is used again as soon as it is the right one.
func TestKMSHasAForeignKey(t *testing.T) {
	t.Run("RSA", func(t *testing.T) { testForeignKey(t, kms.RSA2048, signedcookie.RSA2048) })
	t.Run("ECDSA", func(t *testing.T) { testForeignKey(t, kms.P256, signedcookie.ECDSAP256) })
}

func testForeignKey(t *testing.T, spec string, keyType signedcookie.KeyType) {
	service, signer, client := serveKMS(t)
	key, err := service.CreateKeyOf(spec, kms.SignVerify)
	if err != nil {
		t.Fatal(err)
	}
	other, err := service.CreateKeyOf(spec, kms.SignVerify)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, err := signedcookie.Fingerprint(kmsPublic(t, client, key))
	if err != nil {
		t.Fatal(err)
	}
	policy := []byte(`{"Statement":[]}`)
	// opened returns the key as a container has it that just started.
	opened := func(fingerprint string) *Key {
		entry := keyEntry{name: "k", custody: custodyKMS, keyType: keyType, hash: signedcookie.SHA256, kmsKey: key, fingerprint: fingerprint}
		k, err := openKey(entry, "", signer)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	// sign tells which calls a signature takes, and why there is none.
	sign := func(k *Key) (signs, reads int, err error) {
		k.signer.(*kmsSigner).outage.end() // nobody waits here
		signs, reads = service.Calls("Sign"), service.Calls("GetPublicKey")
		_, err = k.Sign(t.Context(), policy)
		return service.Calls("Sign") - signs, service.Calls("GetPublicKey") - reads, err
	}
	swap := func() {
		if !service.Swap(key, other) {
			t.Fatal("not swapped")
		}
	}

	warm := opened(fingerprint)
	if signs, reads, err := sign(warm); signs != 1 || reads != 1 || err != nil {
		t.Errorf("first: %d signatures, %d public keys, %v", signs, reads, err)
	}
	if signs, reads, err := sign(warm); signs != 1 || reads != 0 || err != nil {
		t.Errorf("second: %d signatures, %d public keys, %v", signs, reads, err)
	}
	swap()
	var unavailable *UnavailableError
	if signs, _, err := sign(warm); signs != 1 || !errors.Is(err, errForeignKey) || !errors.As(err, &unavailable) {
		t.Errorf("foreign when warm: %d signatures, %v", signs, err)
	}
	cold := opened(fingerprint)
	if signs, reads, err := sign(cold); signs != 0 || reads != 1 || !errors.Is(err, errForeignKey) || !errors.As(err, &unavailable) {
		t.Errorf("foreign when cold: %d signatures, %d public keys, %v", signs, reads, err)
	}
	swap()
	for _, k := range []*Key{warm, cold} {
		if _, _, err := sign(k); err != nil {
			t.Errorf("the right key again: %v", err)
		}
	}
	if signs, reads, err := sign(opened("")); signs != 1 || reads != 0 || err != nil {
		t.Errorf("nobody knows which key it must be: %d signatures, %d public keys, %v", signs, reads, err)
	}
}
