package signedcookie

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// OpenSSL, with which AWS's documentation signs policies (CloudFront developer
// guide, "Code examples for creating a signature"), verifies the signatures
// of this package, and this package verifies those of OpenSSL.
func TestOpenSSLAgrees(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("to run this test, install OpenSSL (apt install openssl)")
	}
	policy, err := Policy{Resource: "https://d1.cloudfront.net/premium/course-1/*", Expires: end}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for keyType, key := range keys {
		for _, hash := range []Hash{SHA1, SHA256} {
			t.Run(string(keyType)+" "+string(hash), func(t *testing.T) {
				dir := t.TempDir()
				write := func(name string, text []byte) {
					t.Helper()
					if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				run := func(arguments ...string) error {
					command := exec.Command(openssl, append([]string{"dgst", "-" + strings.ToLower(string(hash))}, arguments...)...)
					command.Dir = dir
					output, err := command.CombinedOutput()
					if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
						t.Fatalf("%v: %s", err, output)
					}
					return err
				}
				private, err := MarshalPrivateKey(key)
				if err != nil {
					t.Fatal(err)
				}
				public, err := MarshalPublicKey(key.Public())
				if err != nil {
					t.Fatal(err)
				}
				signature, err := Sign(key, hash, policy)
				if err != nil {
					t.Fatal(err)
				}
				write("private.pem", private)
				write("public.pem", public)
				write("policy", policy)
				write("signature", signature)
				if err := run("-verify", "public.pem", "-signature", "signature", "policy"); err != nil {
					t.Errorf("OpenSSL rejects the signature: %v", err)
				}
				write("changed", append(bytes.Clone(policy), '\n'))
				if run("-verify", "public.pem", "-signature", "signature", "changed") == nil {
					t.Error("OpenSSL accepts the signature of another policy")
				}
				if err := run("-sign", "private.pem", "-out", "theirs", "policy"); err != nil {
					t.Fatal(err)
				}
				theirs, err := os.ReadFile(filepath.Join(dir, "theirs"))
				if err != nil {
					t.Fatal(err)
				}
				if err := Verify(key.Public(), hash, policy, theirs); err != nil {
					t.Errorf("signature of OpenSSL: %v", err)
				}
			})
		}
	}
}
