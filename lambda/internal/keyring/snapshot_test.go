package keyring

import (
	"context"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/signingkey"
	"premiumhls/signedcookie"
)

func TestNewSnapshot(t *testing.T) {
	const since = "2026-11-23T10:00:00Z"
	fingerprintOf := func(name string) string {
		f, err := signedcookie.Fingerprint(public(t, name))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	settings := func(members ...string) func(*Parameters) {
		return func(p *Parameters) { p.Settings = withMembers(document, members...) }
	}
	for _, tt := range []struct {
		name   string
		change func(*Parameters)
		keys   string // the keys' names; empty: refused
	}{
		{"good", func(*Parameters) {}, "a"},
		{"an RSA key", func(p *Parameters) { p.PrivateKeys["a"] = pems()["rsa"] }, "a"},
		{"a member of a later version", func(p *Parameters) { p.Settings = strings.Replace(document, "{", `{"later":1,`, 1) }, "a"},
		{"a host with a port", func(p *Parameters) { p.Settings = strings.Replace(document, ".net", ".net:8443", 1) }, "a"},
		{"the fingerprint of its public half", settings("fingerprint", fingerprintOf("a")), "a"},
		{"two keys", func(p *Parameters) {
			p.Settings = withKeys(entry("a", since), entry("b", since))
			p.PrivateKeys["b"] = pems()["b"]
		}, "a b"},
		{"a key without its private half", func(p *Parameters) { p.Settings = withKeys(entry("a", since), entry("b", since)) }, "a"},
		{"a key that is cut short", func(p *Parameters) {
			p.Settings = withKeys(entry("a", since), entry("b", since))
			p.PrivateKeys["b"] = pems()["b"][:100]
		}, "a"},
		{"a key that is empty", func(p *Parameters) {
			p.Settings = withKeys(entry("b", since), entry("a", since))
			p.PrivateKeys["b"] = ""
		}, "a"},
		{"a key that is said to be in Parameter Store", settings("custody", "ssm"), "a"},
		{"an external key", settings("custody", "external"), "a"},
		{"a key of its type", settings("type", "ECDSA_P256"), "a"},
		{"a key in KMS", settings("custody", "kms", "type", "RSA_2048", "kmsKey", arn), "a"},
		{"a key in KMS without a type", settings("custody", "kms", "kmsKey", arn), "a"},
		{"a key in KMS, and no private half anywhere", func(p *Parameters) {
			settings("custody", "kms", "type", "RSA_2048", "kmsKey", arn)(p)
			p.PrivateKeys = nil
		}, "a"},
		{"a key in KMS beside one in Parameter Store", func(p *Parameters) {
			p.Settings = withKeys(entry("a", since), kmsEntry("k", since))
		}, "a k"},
		{"a custody of a later version beside one that is known", func(p *Parameters) {
			p.Settings = withKeys(entry("a", since), strings.Replace(kmsEntry("k", since), `"kms"`, `"vault"`, 1))
		}, "a"},
		{"a private half that is not in the settings", func(p *Parameters) { p.PrivateKeys["b"] = pems()["b"] }, "a"},

		{"no private half at all", func(p *Parameters) { p.PrivateKeys = nil }, ""},
		{"the private half of another key", settings("fingerprint", fingerprintOf("b")), ""},
		{"the private half of another key, external", func(p *Parameters) {
			settings("custody", "external", "fingerprint", fingerprintOf("b"))(p)
		}, ""},
		{"a private half of another type", settings("type", "RSA_2048"), ""},
		{"an external key whose private half is missing", func(p *Parameters) {
			settings("custody", "external")(p)
			p.PrivateKeys = nil
		}, ""},
		{"an unknown custody", settings("custody", "vault"), ""},
		{"a key in KMS without an ARN", settings("custody", "kms"), ""},
		{"a key in KMS with an alias", settings("custody", "kms", "kmsKey", "alias/mine"), ""},
		{"a longer RSA key in KMS", settings("custody", "kms", "kmsKey", arn, "type", "RSA_4096"), ""},
		{"a key in KMS with SHA-1", func(p *Parameters) {
			settings("custody", "kms", "kmsKey", arn)(p)
			p.Settings = strings.Replace(p.Settings, "SHA256", "SHA1", 1)
		}, ""},
		{"no origin secret", func(p *Parameters) { p.OriginSecret = "" }, ""},
		{"no settings", func(p *Parameters) { p.Settings = "" }, ""},
		{"settings cut short", func(p *Parameters) { p.Settings = document[:40] }, ""},
		{"no keys", func(p *Parameters) { p.Settings = withKeys() }, ""},
		{"no host", func(p *Parameters) { p.Settings = strings.Replace(document, "d111.cloudfront.net", "", 1) }, ""},
		{"a wildcard host", func(p *Parameters) { p.Settings = strings.Replace(document, "d111", "*", 1) }, ""},
		{"a wildcard within the host", func(p *Parameters) { p.Settings = strings.Replace(document, "d111", "d*1", 1) }, ""},
		{"a question mark in the host", func(p *Parameters) { p.Settings = strings.Replace(document, "d111", "d11?", 1) }, ""},
		{"a path in the host", func(p *Parameters) { p.Settings = strings.Replace(document, ".net", ".net/x", 1) }, ""},
		{"a user in the host", func(p *Parameters) { p.Settings = strings.Replace(document, "d111", "u@d111", 1) }, ""},
		{"an upper-case host", func(p *Parameters) { p.Settings = strings.Replace(document, "d111", "D111", 1) }, ""},
		{"an unresolved token as the host", func(p *Parameters) { p.Settings = strings.Replace(document, "d111", "${Token[1]}", 1) }, ""},
		{"a host that ends in a dot", func(p *Parameters) { p.Settings = strings.Replace(document, ".net", ".net.", 1) }, ""},
		{"a port that is none", func(p *Parameters) { p.Settings = strings.Replace(document, ".net", ".net:0", 1) }, ""},
		{"an empty id", func(p *Parameters) { p.Settings = strings.Replace(document, `"KA"`, `""`, 1) }, ""},
		{"an id that ends a cookie", func(p *Parameters) { p.Settings = strings.Replace(document, `"KA"`, `"KA; Domain=x"`, 1) }, ""},
		{"an empty name", func(p *Parameters) { p.Settings = strings.Replace(document, `"a"`, `""`, 1) }, ""},
		{"an unknown hash", func(p *Parameters) { p.Settings = strings.Replace(document, "SHA256", "SHA512", 1) }, ""},
		{"no hash", func(p *Parameters) { p.Settings = strings.Replace(document, `"hash":"SHA256",`, "", 1) }, ""},
		{"no date", func(p *Parameters) {
			p.Settings = strings.Replace(document, `,"trustedSince":"2026-11-23T10:00:00Z"`, "", 1)
		}, ""},
		{"a date that is none", func(p *Parameters) { p.Settings = strings.Replace(document, "2026-11-23T", "2026-11-23 ", 1) }, ""},
		{"a name twice", func(p *Parameters) {
			p.Settings = withKeys(entry("a", since), strings.Replace(entry("a", since), "KA", "KB", 1))
		}, ""},
		{"an id twice", func(p *Parameters) {
			p.Settings = withKeys(entry("a", since), strings.Replace(entry("b", since), "KB", "KA", 1))
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			logger, log := logged()
			p := good()
			tt.change(&p)
			s, err := newSnapshot(p, nil, fakeKMS(nil), logger)
			if tt.keys == "" {
				if err == nil {
					t.Fatalf("accepted, with host %q and keys %v", s.Host, s.names())
				}
			} else if err != nil {
				t.Fatal(err)
			} else if got := strings.Join(s.names(), " "); got != tt.keys {
				t.Errorf("keys %q, want %q", got, tt.keys)
			}
			for _, secret := range []string{"PRIVATE KEY-----\\n", "MIG", "MII", `"secret"`} {
				if strings.Contains(log.String(), secret) {
					t.Errorf("the log holds %q: %s", secret, log)
				}
			}
		})
	}
}

func TestSnapshotTakesKeysOver(t *testing.T) {
	const since = "2026-11-23T10:00:00Z"
	logger, _ := logged()
	p := good()
	p.Settings = withKeys(entry("a", since))
	old, err := newSnapshot(p, nil, fakeKMS(nil), logger)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, err := signedcookie.Fingerprint(public(t, "a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*Parameters)
		same   bool
	}{
		{"another secret", func(p *Parameters) { p.OriginSecret = "other" }, true},
		{"a key beside it", func(p *Parameters) {
			p.Settings = withKeys(entry("a", since), entry("b", since))
			p.PrivateKeys["b"] = pems()["b"]
		}, true},
		{"the same date in another zone", func(p *Parameters) { p.Settings = withKeys(entry("a", "2026-11-23T12:00:00+02:00")) }, true},
		{"another private half", func(p *Parameters) { p.PrivateKeys["a"] = pems()["b"] }, false},
		{"another hash", func(p *Parameters) { p.Settings = strings.Replace(p.Settings, "SHA1", "SHA256", 1) }, false},
		{"another id", func(p *Parameters) { p.Settings = strings.Replace(p.Settings, "KA", "KX", 1) }, false},
		{"another date", func(p *Parameters) { p.Settings = withKeys(entry("a", "2026-11-23T10:00:01Z")) }, false},
		{"a fingerprint, which fits", func(p *Parameters) { p.Settings = withMembers(p.Settings, "fingerprint", fingerprint) }, false},
		{"a type", func(p *Parameters) { p.Settings = withMembers(p.Settings, "type", "ECDSA_P256") }, false},
		{"a move to KMS", func(p *Parameters) { p.Settings = withKeys(kmsEntry("a", since)) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := good()
			p.Settings = withKeys(entry("a", since))
			tt.change(&p)
			s, err := newSnapshot(p, old, fakeKMS(nil), logger)
			if err != nil {
				t.Fatal(err)
			}
			if same := s.Keys[0] == old.Keys[0]; same != tt.same {
				t.Errorf("the same key: %v, want %v", same, tt.same)
			}
		})
	}
}

// A cached key is checked again when the settings change.
func TestSnapshotRefusesAKeyThatItHad(t *testing.T) {
	const since = "2026-11-23T10:00:00Z"
	for _, tt := range []struct {
		name, entry, member, value string
	}{
		{"another fingerprint", entry("a", since), "fingerprint", strings.Repeat("0", 64)},
		{"another type", entry("a", since), "type", "RSA_2048"},
		{"another custody", entry("a", since), "custody", "vault"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			logger, _ := logged()
			p := good()
			p.Settings = withKeys(tt.entry)
			old, err := newSnapshot(p, nil, nil, logger)
			if err != nil {
				t.Fatal(err)
			}
			p.Settings = withMembers(p.Settings, tt.member, tt.value)
			if s, err := newSnapshot(p, old, nil, logger); err == nil {
				t.Errorf("keys %q", s.names())
			}
		})
	}
}

func TestSnapshotTakesKeysInKMSOver(t *testing.T) {
	const since = "2026-11-23T10:00:00Z"
	logger, _ := logged()
	p := good()
	p.Settings = withKeys(kmsEntry("k", since))
	old, err := newSnapshot(p, nil, fakeKMS(nil), logger)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		settings string
		same     bool
	}{
		{"the same", withKeys(kmsEntry("k", since), kmsEntry("l", since)), true},
		{"another key in KMS", withKeys(strings.Replace(kmsEntry("k", since), "key/1", "key/2", 1)), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p.Settings = tt.settings
			s, err := newSnapshot(p, old, fakeKMS(nil), logger)
			if err != nil {
				t.Fatal(err)
			}
			if same := s.Keys[0] == old.Keys[0]; same != tt.same {
				t.Errorf("the same key: %v, want %v", same, tt.same)
			}
		})
	}
}

func TestSigningKey(t *testing.T) {
	const wait = 10 * time.Minute
	keys := func(since ...time.Duration) *Snapshot {
		s := &Snapshot{}
		for i, d := range since {
			s.Keys = append(s.Keys, &Key{Name: string(rune('a' + i)), TrustedSince: epoch.Add(d)})
		}
		return s
	}
	for _, tt := range []struct {
		name     string
		snapshot *Snapshot
		now      time.Duration
		want     string
	}{
		{"one key, just made", keys(0), 0, "a"},
		{"one key, from the future", keys(time.Hour), 0, "a"},
		{"the new one is too new", keys(0, time.Hour), time.Hour + wait - time.Nanosecond, "a"},
		{"the new one has waited", keys(0, time.Hour), time.Hour + wait, "b"},
		{"both made at once wait", keys(0, 0), wait - 1, "a"},
		{"both made at once have waited", keys(0, 0), wait, "b"},
		{"the middle one", keys(0, time.Hour, 2*time.Hour), 2 * time.Hour, "b"},
		{"none has waited", keys(2*time.Hour, 3*time.Hour), time.Hour, "a"},
		{"the order of the list decides, not the dates", keys(time.Hour, 0), 2 * time.Hour, "b"},
		{"the clock was put back", keys(0, time.Hour), -1000 * time.Hour, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.snapshot.SigningKey(epoch.Add(tt.now), wait); got.Name != tt.want {
				t.Errorf("signs with %s, want %s", got.Name, tt.want)
			}
		})
	}
}

// Once a deploy has recorded it, a key signs only from the time in the record,
// and never without one: a deploy check that fails leaves the old key in use.
func TestSigningKeyOfState(t *testing.T) {
	const wait = time.Minute
	at := epoch.Add(time.Hour)
	state := func(entries string) string { return `{"stack":"s","keys":{` + entries + `}}` }
	const active = `"2026-11-23T11:00:00Z"` // at
	for _, tt := range []struct {
		name, state string
		now         time.Duration // after at
		want        string
	}{
		{"no record: the wait decides", "", 0, "b"},
		{"never active", state(`"b":{"longest":"1h15m0s"}`), 1000 * time.Hour, "a"},
		{"no entry", state(""), 1000 * time.Hour, "a"},
		{"active later", state(`"b":{"id":"KB","activeFrom":` + active + `}`), -time.Second, "a"},
		{"active now", state(`"b":{"id":"KB","activeFrom":` + active + `}`), 0, "b"},
		{"another public key of that name", state(`"b":{"id":"K9","activeFrom":` + active + `}`), time.Hour, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			logger, _ := logged()
			p := good()
			p.Settings = withKeys(entry("a", "2026-11-23T10:00:00Z"), entry("b", "2026-11-23T10:00:00Z"))
			p.PrivateKeys["b"] = pems()["b"]
			p.State = tt.state
			s, err := newSnapshot(p, nil, fakeKMS(nil), logger)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.SigningKey(at.Add(tt.now), wait); got.Name != tt.want {
				t.Errorf("signs with %s, want %s", got.Name, tt.want)
			}
		})
	}
}

// A revoked key signs nothing, also where a rollback has brought it back.
func TestRevokedKeySignsNothing(t *testing.T) {
	logger, _ := logged()
	p := good()
	p.State = `{"stack":"s","keys":{},"revoked":["a"]}`
	if _, err := newSnapshot(p, nil, fakeKMS(nil), logger); err == nil {
		t.Error("the revoked key is used")
	}
	p.Settings = withKeys(entry("a", "2026-11-23T10:00:00Z"), entry("b", "2026-11-23T10:00:00Z"))
	p.PrivateKeys["b"] = pems()["b"]
	s, err := newSnapshot(p, nil, fakeKMS(nil), logger)
	if err != nil || len(s.Keys) != 1 || s.Keys[0].Name != "b" {
		t.Errorf("keys %v, %v", s, err)
	}
	p.State = "{}"
	if _, err := newSnapshot(p, nil, fakeKMS(nil), logger); err == nil {
		t.Error("a state that cannot be read says that no key is revoked")
	}
}

func TestOriginSecretsOfARotation(t *testing.T) {
	logger, _ := logged()
	long := strings.Repeat("x", signingkey.MinOriginSecret)
	p := good()
	p.OriginSecret = `{"stack":"s","secrets":[{"generation":1,"value":"` + long + `1"},{"generation":2,"value":"` + long + `2"}]}`
	s, err := newSnapshot(p, nil, fakeKMS(nil), logger)
	if err != nil {
		t.Fatal(err)
	}
	for sent, want := range map[string]bool{long + "1": true, long + "2": true, long: false, "": false, p.OriginSecret: false, long + "1," + long + "2": false} {
		if got := s.OriginSecretIs(sent); got != want {
			t.Errorf("OriginSecretIs(%q) = %v, want %v", sent, got, want)
		}
	}
	for _, text := range []string{"", "{", `{"secrets":[]}`, `{"secrets":[{"generation":1,"value":""}]}`} {
		p.OriginSecret = text
		if _, err := newSnapshot(p, nil, fakeKMS(nil), logger); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestOriginSecretIs(t *testing.T) {
	logger, _ := logged()
	s, err := newSnapshot(good(), nil, fakeKMS(nil), logger)
	if err != nil {
		t.Fatal(err)
	}
	for sent, want := range map[string]bool{"secret": true, "": false, "secre": false, "secrets": false, "Secret": false, "secret,secret": false} {
		if got := s.OriginSecretIs(sent); got != want {
			t.Errorf("OriginSecretIs(%q) = %v, want %v", sent, got, want)
		}
	}
	if (&Snapshot{}).OriginSecretIs("") {
		t.Error("a snapshot without a secret takes a request without one")
	}
}

func TestKeySigns(t *testing.T) {
	logger, _ := logged()
	for _, name := range []string{"a", "rsa"} {
		for _, hash := range []signedcookie.Hash{signedcookie.SHA1, signedcookie.SHA256} {
			p := good()
			p.Settings = strings.Replace(document, "SHA256", string(hash), 1)
			p.PrivateKeys["a"] = pems()[name]
			s, err := newSnapshot(p, nil, fakeKMS(nil), logger)
			if err != nil {
				t.Fatal(err)
			}
			policy := []byte(`{"Statement":[]}`)
			signature, err := s.Keys[0].Sign(context.Background(), policy)
			if err != nil {
				t.Fatal(err)
			}
			if err := signedcookie.Verify(public(t, name), hash, policy, signature); err != nil {
				t.Errorf("%s with %s: %v", name, hash, err)
			}
		}
	}
}
