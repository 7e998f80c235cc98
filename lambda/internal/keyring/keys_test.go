package keyring

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"premiumhls/signedcookie"
)

// epoch is when the keys of the tests came to be trusted.
var epoch = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

const document = `{"host":"d111.cloudfront.net","keys":[{"name":"a","id":"KA","hash":"SHA256","trustedSince":"2026-11-23T10:00:00Z"}]}`

// pems are private keys made once: RSA keys are slow to make.
var pems = sync.OnceValue(func() map[string]string {
	all := make(map[string]string)
	for name, keyType := range map[string]signedcookie.KeyType{
		"a": signedcookie.ECDSAP256, "b": signedcookie.ECDSAP256, "rsa": signedcookie.RSA2048,
	} {
		key, err := signedcookie.GenerateKey(keyType)
		if err != nil {
			panic(err)
		}
		text, err := signedcookie.MarshalPrivateKey(key)
		if err != nil {
			panic(err)
		}
		all[name] = string(text)
	}
	return all
})

func public(t testing.TB, name string) crypto.PublicKey {
	t.Helper()
	key, err := signedcookie.ParsePrivateKey([]byte(pems()[name]))
	if err != nil {
		t.Fatal(err)
	}
	return key.Public()
}

// good is what a healthy store answers: one key, a.
func good() Parameters {
	return Parameters{Settings: document, OriginSecret: "secret", PrivateKeys: map[string]string{"a": pems()["a"]}}
}

// entry is a key as the settings have it.
func entry(name, trustedSince string) string {
	return fmt.Sprintf(`{"name":%q,"id":"K%s","hash":"SHA1","trustedSince":%q}`, name, strings.ToUpper(name), trustedSince)
}

const arn = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-4333-8444-555555555555"

// kmsEntry is a key in KMS as the settings have it.
func kmsEntry(name, trustedSince string) string {
	return fmt.Sprintf(`{"name":%q,"custody":"kms","type":"RSA_2048","hash":"SHA256","id":"K%s","kmsKey":%q,"trustedSince":%q}`,
		name, strings.ToUpper(name), arn, trustedSince)
}

// withMembers adds members, each a name and a value, to key a of settings.
func withMembers(settings string, members ...string) string {
	text := `"id":"KA"`
	for i := 0; i < len(members); i += 2 {
		text += `,"` + members[i] + `":"` + members[i+1] + `"`
	}
	return strings.Replace(settings, `"id":"KA"`, text, 1)
}

// A fakeKMS signs as its function does, with keys whose public halves nobody
// knows.
type fakeKMS func(ctx context.Context, key string, digest []byte) ([]byte, error)

func (f fakeKMS) SignDigest(ctx context.Context, key string, _ signedcookie.KeyType, digest []byte) ([]byte, error) {
	return f(ctx, key, digest)
}

func (fakeKMS) PublicKey(context.Context, string) (crypto.PublicKey, error) {
	return nil, errors.New("no public half")
}

func withKeys(entries ...string) string {
	return `{"host":"d111.cloudfront.net","keys":[` + strings.Join(entries, ",") + `]}`
}

// logged returns a logger and what it has written.
func logged() (*slog.Logger, *lockedBuffer) {
	b := new(lockedBuffer)
	return slog.New(slog.NewJSONHandler(b, nil)), b
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// A fakeSource answers what its function does, and counts.
type fakeSource struct {
	mu    sync.Mutex
	calls int
	fetch func(ctx context.Context) (Parameters, error)
}

func (s *fakeSource) Fetch(ctx context.Context) (Parameters, error) {
	s.mu.Lock()
	s.calls++
	fetch := s.fetch
	s.mu.Unlock()
	return fetch(ctx)
}

func (s *fakeSource) set(fetch func(ctx context.Context) (Parameters, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetch = fetch
}

func (s *fakeSource) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func answers(p Parameters) func(context.Context) (Parameters, error) {
	return func(context.Context) (Parameters, error) { return p, nil }
}

func fails(err error) func(context.Context) (Parameters, error) {
	return func(context.Context) (Parameters, error) { return Parameters{}, err }
}
