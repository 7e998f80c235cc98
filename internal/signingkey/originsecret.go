package signingkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// OriginSecrets are the values that the signer accepts in the header that the
// distribution adds to requests, by generation. Its text is JSON in the
// parameter [Parameters.OriginSecret].
//
// A generation's secret is made one deploy before the distribution sends it,
// so that every signer has read it by then, and stays accepted until the next
// change of generation, since edges change over minutes. That is three values
// at most: the former, the one that is sent, and the next.
type OriginSecrets struct {
	// Stack is the id of the stack that made them.
	Stack   string         `json:"stack"`
	Secrets []OriginSecret `json:"secrets"` // by generation, ascending
}

// An OriginSecret is the secret of one generation.
type OriginSecret struct {
	Generation int    `json:"generation"`
	Value      string `json:"value"`
}

// Of returns the secret of a generation.
func (o OriginSecrets) Of(generation int) (string, bool) {
	i := slices.IndexFunc(o.Secrets, func(s OriginSecret) bool { return s.Generation == generation })
	if i < 0 {
		return "", false
	}
	return o.Secrets[i].Value, true
}

// Values are the values that the signer accepts.
func (o OriginSecrets) Values() []string {
	var values []string
	for _, s := range o.Secrets {
		values = append(values, s.Value)
	}
	return values
}

// ParseOriginSecrets reads the text of the parameter. No error holds a part of
// it.
func ParseOriginSecrets(text string) (OriginSecrets, error) {
	var o OriginSecrets
	if json.Unmarshal([]byte(text), &o) != nil {
		return OriginSecrets{}, errors.New("origin secrets: not JSON of the expected form")
	}
	if len(o.Secrets) == 0 {
		return OriginSecrets{}, errors.New("origin secrets: must not be empty")
	}
	for _, s := range o.Secrets {
		if len(s.Value) < MinOriginSecret {
			return OriginSecrets{}, fmt.Errorf("origin secrets: generation %d has %d characters: must have at least %d", s.Generation, len(s.Value), MinOriginSecret)
		}
	}
	return o, nil
}

// MinOriginSecret is the shortest origin secret: 32 bytes in base64url.
const MinOriginSecret = 43

// Text writes the secrets as the parameter has them.
func (o OriginSecrets) Text() (string, error) {
	text, err := json.Marshal(o)
	return string(text), err
}
