package test

import (
	"crypto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

// A key pair that was brought along plays where its halves belong together,
// and where they do not, the deploy fails and says so.
func TestExternalKey(t *testing.T) {
	key, err := signedcookie.GenerateKey(signedcookie.RSA2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := signedcookie.GenerateKey(signedcookie.RSA2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := signedcookie.MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "public.pem")
	if err := os.WriteFile(file, public, 0o644); err != nil {
		t.Fatal(err)
	}
	s := prepareSite(t, map[string]any{"signingKeys": []any{
		map[string]any{"name": "mine", "type": "RSA_2048", "custody": "external", "parameter": "/shop/key", "publicKeyFile": file},
	}})

	for _, half := range []struct {
		name, says string
		put        func() error
	}{
		{"no private half", "/shop/key", func() error { return nil }},
		{"a private half in the clear", "SecureString", func() error { return putKey(s, key, ssm.String) }},
		{"the private half of another key", "/shop/key", func() error { return putKey(s, other, ssm.SecureString) }},
	} {
		s.Parameters.Delete("/shop/key")
		if err := half.put(); err != nil {
			t.Fatal(err)
		}
		if err := s.Deploy(t.Context(), s.Assembly.Template); err == nil || !strings.Contains(err.Error(), half.says) {
			t.Errorf("%s: the deploy says %v", half.name, err)
		}
	}
	s.Parameters.Delete("/shop/key")
	if err := putKey(s, key, ssm.SecureString); err != nil {
		t.Fatal(err)
	}
	if err := s.Deploy(t.Context(), s.Assembly.Template); err != nil {
		t.Fatal(err)
	}
	watch(s, "/premium/course-1/sample/master.m3u8", "premium/course-1/sample", s.Cookies("ada", "course-1"))
}

func putKey(s *site, key crypto.Signer, kind string) error {
	text, err := signedcookie.MarshalPrivateKey(key)
	if err != nil {
		return err
	}
	return s.Parameters.Put("/shop/key", kind, string(text))
}
