package settings

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
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

// Custodies of a private key.
const (
	CustodySSM      = "ssm"      // made at deploy time, kept in a SecureString
	CustodyKMS      = "kms"      // made in KMS, and never leaves it
	CustodyExternal = "external" // brought along
)

func (k *SigningKey) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte(`"`)) {
		*k = SigningKey{}
		return json.Unmarshal(raw, &k.Name)
	}
	type entry SigningKey
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*entry)(k))
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

var (
	keyName       = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,38}[A-Za-z0-9])?$`)
	parameterName = regexp.MustCompile(`^(/[A-Za-z0-9_.-]+){1,15}$`)
)

// maxKeys is CloudFront's quota of public keys in a key group.
const maxKeys = 5

func (s *Settings) validateKeys(check func(name string, ok bool, why ...string)) {
	var names []string
	for _, key := range s.SigningKeys {
		names = append(names, key.Name)
	}
	check("signingKeys", len(names) > 0 && every(names, keyName.MatchString), "Viewers need at least one key to be let in.")
	check("signingKeys", len(names) <= maxKeys, "CloudFront takes at most five public keys in a key group.")
	check("signingKeys", distinct(names), "A key cannot be made twice; a new key needs a new name.")

	check("keyCustody", validCustody(s.KeyCustody))
	check("signingKeyType", validType(s.SigningKeyType))
	check("signatureHash", validHash(s.SignatureHash))
	if !validCustody(s.KeyCustody) || !validType(s.SigningKeyType) || !validHash(s.SignatureHash) {
		return
	}
	for _, key := range s.Keys() {
		check("signingKeys", validCustody(key.Custody) && validType(key.Type) && validHash(key.Hash),
			"The custody of "+key.Name+" may be ssm, kms or external, its type RSA_2048 or ECDSA_P256, its hash SHA256 or SHA1.")
		check("signatureHash", key.Type != "ECDSA_P256" || key.Hash != "SHA256" || s.UndocumentedECDSASHA256,
			"The key "+key.Name+" is ECDSA_P256, and AWS documents SHA-256 with RSA keys only.")
		check("signingKeys", key.Custody != CustodyKMS || key.Type == "RSA_2048" && key.Hash == "SHA256",
			"The key "+key.Name+" is in KMS, which signs with SHA-256, and so with RSA_2048.")
		if key.Custody == CustodyExternal {
			check("signingKeys", parameterName.MatchString(key.Parameter) && key.PublicKeyFile != "",
				"The key "+key.Name+" is external: its entry must name a parameter, such as /my/key, and a publicKeyFile.")
		} else {
			check("signingKeys", key.Parameter == "" && key.PublicKeyFile == "",
				"The key "+key.Name+" has a parameter or publicKeyFile, which only external keys have.")
		}
	}
}

func validCustody(s string) bool {
	return s == CustodySSM || s == CustodyKMS || s == CustodyExternal
}
func validType(s string) bool { return s == "RSA_2048" || s == "ECDSA_P256" }
func validHash(s string) bool { return s == "SHA1" || s == "SHA256" }
