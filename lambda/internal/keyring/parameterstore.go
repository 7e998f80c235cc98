package keyring

import (
	"cmp"
	"context"
	"fmt"

	"premiumhls/internal/signersettings"
	"premiumhls/internal/signingkey"
)

// A ParameterStore is a [Source] that reads everything with one GetParameters
// call of AWS Systems Manager: the settings, the state of the keys, the origin
// secrets, and for each key the stack's own parameter or the one that is named
// for it.
type ParameterStore struct {
	client   Caller
	settings string
	state    string
	secret   string
	hashKey  string // empty: not read
	names    []string
	keys     map[string]string // the keys' names by their parameters'
}

// NewParameterStore returns a Source for the parameters below prefix, which
// begins with a slash and does not end in one, and the private halves of keys.
// GetParameters takes ten names, which is enough for
// [signingkey.MaxKeys] keys and the other parameters. No parameter may be
// named twice.
func NewParameterStore(client Caller, prefix string, keys []signersettings.SigningKey) *ParameterStore {
	of := signingkey.Parameters(prefix)
	s := &ParameterStore{
		client:   client,
		settings: of.Signer(),
		state:    of.State(),
		secret:   of.OriginSecret(),
		keys:     make(map[string]string, len(keys)),
	}
	s.names = append(s.names, s.settings, s.state, s.secret)
	for _, key := range keys {
		parameter := cmp.Or(key.Parameter, of.PrivateKey(key.Name))
		s.names = append(s.names, parameter)
		s.keys[parameter] = key.Name
	}
	return s
}

// WithViewerHashKey makes the store read the key of the viewers' digests too,
// which exists only if the settings ask for digests: without the permission to
// read one name the whole call would fail.
func (s *ParameterStore) WithViewerHashKey(prefix string) *ParameterStore {
	s.hashKey = signingkey.Parameters(prefix).ViewerHashKey()
	s.names = append(s.names, s.hashKey)
	return s
}

// Fetch reads the parameters. A missing key is skipped: while a rotation is being
// deployed, a key can be named before it is made or after it is deleted.
func (s *ParameterStore) Fetch(ctx context.Context) (Parameters, error) {
	input := struct {
		Names          []string
		WithDecryption bool
	}{s.names, true}
	var output struct {
		Parameters []struct{ Name, Value string }
	}
	if err := s.client.Call(ctx, "GetParameters", input, &output); err != nil {
		return Parameters{}, fmt.Errorf("reading parameters: %w", err)
	}
	p := Parameters{PrivateKeys: make(map[string]string, len(output.Parameters))}
	found := make(map[string]bool, len(output.Parameters))
	for _, parameter := range output.Parameters {
		name, value := parameter.Name, parameter.Value
		found[name] = true
		switch key, isKey := s.keys[name]; {
		case name == s.settings:
			p.Settings = value
		case name == s.state:
			p.State = value
		case s.hashKey != "" && name == s.hashKey:
			p.ViewerHashKey = value
		case name == s.secret:
			p.OriginSecret = value
		case isKey:
			p.PrivateKeys[key] = value
		}
	}
	for _, name := range []string{s.settings, s.secret} {
		if !found[name] {
			return Parameters{}, fmt.Errorf("parameter %s does not exist", name)
		}
	}
	return p, nil
}
