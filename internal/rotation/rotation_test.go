package rotation

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	times := Times{Wait: 10 * time.Minute, Live: 70 * time.Minute}
	key := func(name string) Key { return Key{Name: name, Custody: "ssm", Type: "RSA_2048"} }
	since := func(name string, ago time.Duration) DeployedKey { return DeployedKey{key(name), now.Add(-ago)} }
	keys := func(names ...string) (list []Key) {
		for _, n := range names {
			list = append(list, key(n))
		}
		return list
	}
	a, settled, signing, waiting := since("a", 24*time.Hour), since("b", 80*time.Minute), since("b", 79*time.Minute), since("b", 9*time.Minute)
	tests := []struct {
		name     string
		deployed []DeployedKey
		wanted   []Key
		says     string // empty: allowed
	}{
		{"the first deploy", nil, keys("a"), ""},
		{"no change", []DeployedKey{a}, keys("a"), ""},
		{"a key joins", []DeployedKey{a}, keys("a", "b"), ""},
		{"the old key goes when its cookies have ended", []DeployedKey{a, settled}, keys("b"), ""},
		{"the old key goes and another joins", []DeployedKey{a, settled}, keys("b", "c"), ""},
		{"the old key goes while its cookies live", []DeployedKey{a, signing}, keys("b"), "after 2026-11-24 12:01 UTC"},
		{"the only key past its waiting time goes", []DeployedKey{a, waiting}, keys("b"), "drops a while"},
		{"the only key goes", []DeployedKey{a}, keys("b"), "no newer key stands ready"},
		{"the key that signs goes, an old one stays", []DeployedKey{a, settled}, keys("a"), "drops b, which signs now"},
		{"a key goes that has not signed yet", []DeployedKey{a, waiting}, keys("a"), ""},
		{"the only key goes within its waiting time", []DeployedKey{since("a", time.Minute)}, keys("b"), "drops a, which signs now"},
		{"a key between goes when a newer one is settled", []DeployedKey{a, since("x", 3*time.Hour), settled}, keys("a", "b"), ""},
		{"the order turns", []DeployedKey{a, settled}, keys("b", "a"), "moves b before"},
		{"a key changes custody under its name", []DeployedKey{a}, []Key{{Name: "a", Custody: "kms", Type: "RSA_2048"}}, "Add a new name"},
		{"a key changes type under its name", []DeployedKey{a}, []Key{{Name: "a", Custody: "ssm", Type: "ECDSA_P256"}}, "Add a new name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := Check(test.deployed, test.wanted, now, times)
			if test.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var refusal *Refusal
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want a refusal that says %q", err, test.says)
			}
		})
	}
}
