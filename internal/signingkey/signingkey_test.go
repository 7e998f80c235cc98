package signingkey

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	ssm := func(name string) Key { return Key{Name: name, Custody: "ssm", Type: "ECDSA_P256", Hash: "SHA256"} }
	with := func(change func(*Key)) []Key {
		key := ssm("a")
		change(&key)
		return []Key{key}
	}
	external := func(name, parameter string) Key {
		return Key{Name: name, Custody: "external", Type: "RSA_2048", Hash: "SHA1", Parameter: parameter}
	}
	tests := []struct {
		name  string
		keys  []Key
		sha1  bool
		field string // of the error; empty: accepted
	}{
		{"one key", []Key{ssm("a")}, false, ""},
		{"five keys", []Key{ssm("a"), ssm("b"), ssm("c"), ssm("d"), ssm("e")}, false, ""},
		{"KMS with RSA", with(func(k *Key) { k.Custody, k.Type = "kms", "RSA_2048" }), false, ""},
		{"KMS with ECDSA", with(func(k *Key) { k.Custody = "kms" }), false, ""},
		{"RSA with SHA-1", with(func(k *Key) { k.Type, k.Hash = "RSA_2048", "SHA1" }), false, ""},
		{"ECDSA with SHA-1, allowed", with(func(k *Key) { k.Hash = "SHA1" }), true, ""},
		{"external keys", []Key{external("a", "/my/a"), external("b", "/my/b")}, false, ""},
		{"external key beside the stack's prefix", []Key{external("a", "/StackTwo/a")}, false, ""},

		{"no key", nil, false, "count"},
		{"six keys", []Key{ssm("a"), ssm("b"), ssm("c"), ssm("d"), ssm("e"), ssm("f")}, false, "count"},
		{"empty name", []Key{ssm("")}, false, "name"},
		{"dot in a name", []Key{ssm("2026.11")}, false, "name"},
		{"hyphen at the end of a name", []Key{ssm("a-")}, false, "name"},
		{"41 characters", []Key{ssm(strings.Repeat("a", 41))}, false, "name"},
		{"same name", []Key{ssm("a"), ssm("a")}, false, "name"},
		{"unknown custody", with(func(k *Key) { k.Custody = "hsm" }), false, "custody"},
		{"unknown type", with(func(k *Key) { k.Type = "RSA_4096" }), false, "type"},
		{"unknown hash", with(func(k *Key) { k.Hash = "MD5" }), false, "hash"},
		{"KMS with SHA-1", with(func(k *Key) { k.Custody, k.Type, k.Hash = "kms", "RSA_2048", "SHA1" }), true, "hash"},
		{"ECDSA with SHA-1", with(func(k *Key) { k.Hash = "SHA1" }), false, "hash"},
		{"external key without a parameter", []Key{external("a", "")}, false, "parameter"},
		{"own key with a parameter", with(func(k *Key) { k.Parameter = "/my/a" }), false, "parameter"},
		{"relative parameter", []Key{external("a", "my/a")}, false, "parameter"},
		{"parameter that ends in a slash", []Key{external("a", "/my/")}, false, "parameter"},
		{"reserved parameter", []Key{external("a", "/aws/a")}, false, "parameter"},
		{"parameter of another own key", []Key{ssm("b"), external("a", "/Stack/signing-keys/b")}, false, "parameter"},
		{"parameter of the origin secret", []Key{external("a", "/Stack/origin-secret")}, false, "parameter"},
		{"one parameter for two keys", []Key{external("a", "/my/a"), external("b", "/my/a")}, false, "parameter"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			errs := Check(Of("Stack"), test.keys, test.sha1)
			if test.field == "" {
				if len(errs) > 0 {
					t.Fatal(errs)
				}
				return
			}
			if len(errs) != 1 {
				t.Fatalf("got %v, want one error about the %s", errs, test.field)
			}
			var got *Error
			if !errors.As(errs[0], &got) || got.Field != test.field {
				t.Fatalf("got %v, want an error about the %s", errs[0], test.field)
			}
		})
	}
}

// The signer checks what it reads with the same rules as synthesis.
func TestCheckPlaces(t *testing.T) {
	for name, test := range map[string]struct {
		keys []Key
		errs int
	}{
		"no key in Parameter Store":      {nil, 0},
		"own and external":               {[]Key{{Name: "a"}, {Name: "b", Parameter: "/my/b"}}, 0},
		"below the stack's own prefix":   {[]Key{{Name: "a", Parameter: "/Stack/signer"}}, 1},
		"one parameter for two keys":     {[]Key{{Name: "a", Parameter: "/my/a"}, {Name: "b", Parameter: "/my/a"}}, 1},
		"more than a key group can hold": {[]Key{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}, {Name: "e"}, {Name: "f"}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if errs := CheckPlaces(Of("Stack"), test.keys); len(errs) != test.errs {
				t.Fatalf("got %v, want %d errors", errs, test.errs)
			}
		})
	}
}

func TestState(t *testing.T) {
	from := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	text, err := State{
		Stack:   "arn:aws:cloudformation:us-east-1:111122223333:stack/Stack/uuid",
		Keys:    map[string]KeyState{"a": {ID: "K1", ActiveFrom: from, Longest: Duration(65 * time.Minute)}, "b": {Longest: Duration(time.Minute)}},
		Revoked: []string{"old"},
	}.Text()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseState(text)
	if err != nil {
		t.Fatal(err)
	}
	a, b := s.Keys["a"], s.Keys["b"]
	for what, ok := range map[string]bool{
		"active from its time":        a.Active("K1", from),
		"not active before":           !a.Active("K1", from.Add(-time.Second)),
		"not active under another id": !a.Active("K2", from),
		"not active without a time":   !b.Active("", from) && !b.Active("K1", from),
		"longest lifetime":            a.Longest == Duration(65*time.Minute) && b.Longest == Duration(time.Minute) && strings.Contains(text, `"1h5m0s"`),
		"revoked":                     s.IsRevoked("old") && !s.IsRevoked("a"),
		"no entry is not active":      !s.Keys["c"].Active("", from),
		"fits a standard parameter":   len(text) < 4096,
	} {
		if !ok {
			t.Error(what)
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"stack":""}`} {
		if _, err := ParseState(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestOriginSecrets(t *testing.T) {
	long := strings.Repeat("x", MinOriginSecret)
	text, err := OriginSecrets{Stack: "s", Secrets: []OriginSecret{{1, long + "1"}, {2, long + "2"}}}.Text()
	if err != nil {
		t.Fatal(err)
	}
	o, err := ParseOriginSecrets(text)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := o.Of(2); !ok || v != long+"2" {
		t.Errorf("generation 2: %v", ok)
	}
	if _, ok := o.Of(3); ok {
		t.Error("generation 3 exists")
	}
	if v := o.Values(); len(v) != 2 || v[0] != long+"1" {
		t.Errorf("%d values", len(v))
	}
	for _, text := range []string{"", "secret-in-clear", `{"secrets":[]}`, `{"secrets":[{"generation":1,"value":"short-secret"}]}`} {
		_, err := ParseOriginSecrets(text)
		if err == nil {
			t.Errorf("%q was accepted", text)
		} else if strings.Contains(err.Error(), "secret-in") || strings.Contains(err.Error(), "short-secret") {
			t.Errorf("the error holds the secret: %v", err)
		}
	}
}
