package settings

import (
	"bytes"
	"encoding/json"
	"slices"

	"premiumhls/internal/signingkey"
	"premiumhls/internal/strictjson"
)

// A SigningKey is an entry of the setting signingKeys: a name or, where the
// key is not as keyCustody, signingKeyType and signatureHash say, an object.
type SigningKey struct {
	Name    string `json:"name"`
	Custody string `json:"custody,omitempty"`
	Type    string `json:"type,omitempty"`
	Hash    string `json:"hash,omitempty"`
	// Of an external key: the SecureString with its private half, and the
	// file, from the repository's root, with its public one.
	Parameter     string `json:"parameter,omitempty"`
	PublicKeyFile string `json:"publicKeyFile,omitempty"`
}

func (k *SigningKey) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte(`"`)) {
		*k = SigningKey{}
		return json.Unmarshal(raw, &k.Name)
	}
	type entry SigningKey
	return strictjson.Decode(raw, (*entry)(k))
}

// MarshalJSON writes an entry that is only a name as one.
func (k SigningKey) MarshalJSON() ([]byte, error) {
	if k == (SigningKey{Name: k.Name}) {
		return json.Marshal(k.Name)
	}
	type entry SigningKey
	return json.Marshal(entry(k))
}

// Keys is the signing keys, oldest first, each with what its entry leaves to
// the other settings filled in.
func (s Settings) Keys() []SigningKey {
	keys := slices.Clone(s.SigningKeys)
	for i := range keys {
		k := &keys[i]
		for _, field := range []struct{ value, otherwise *string }{
			{&k.Custody, &s.KeyCustody}, {&k.Type, &s.SigningKeyType}, {&k.Hash, &s.SignatureHash},
		} {
			if *field.value == "" {
				*field.value = *field.otherwise
			}
		}
	}
	return keys
}

// SigningKeyList is [Settings.Keys] as the rules of signing keys need them.
func (s Settings) SigningKeyList() []signingkey.Key {
	var keys []signingkey.Key
	for _, k := range s.Keys() {
		keys = append(keys, signingkey.Key{Name: k.Name, Custody: k.Custody, Type: k.Type, Hash: k.Hash, Parameter: k.Parameter})
	}
	return keys
}

func (s *Settings) validateKeys(check func(name string, ok bool, why ...string)) {
	for _, f := range []struct{ name, value string }{
		{"keyCustody", s.KeyCustody}, {"signingKeyType", s.SigningKeyType}, {"signatureHash", s.SignatureHash},
	} {
		ok := allowedDefault(f.name, f.value)
		check(f.name, ok)
		if !ok {
			return
		}
	}
	for _, err := range signingkey.Check(signingkey.Of(s.StackName), s.SigningKeyList(), s.AllowECDSASHA1) {
		check("signingKeys", false, err.Error()+".")
	}
	for _, key := range s.Keys() {
		external := key.Custody == signingkey.CustodyExternal
		check("signingKeys", !external || key.PublicKeyFile != "", "key "+key.Name+": an external key needs a publicKeyFile.")
		check("signingKeys", external || key.PublicKeyFile == "", "key "+key.Name+": only an external key has a publicKeyFile.")
	}
}

// allowedDefault reports whether a setting that entries of signingKeys can
// override has a value that they could have.
func allowedDefault(name, value string) bool {
	key := signingkey.Key{Name: "a", Custody: signingkey.CustodySSM, Type: signingkey.DefaultType, Hash: signingkey.DefaultHash}
	switch name {
	case "keyCustody":
		return slices.Contains([]string{signingkey.CustodySSM, signingkey.CustodyKMS, signingkey.CustodyExternal}, value)
	case "signingKeyType":
		key.Type = value
	case "signatureHash":
		key.Hash = value
	}
	return len(signingkey.Check("/S", []signingkey.Key{key}, true)) == 0
}
