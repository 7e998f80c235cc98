package signingkey

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// A State is what must be known about the signing keys that no template says.
// It is JSON in the parameter [Parameters.State], which the keymaker alone
// writes. CloudFormation does not know the value, so a rollback does not take
// back what was recorded.
type State struct {
	// Stack is the id of the stack that the record is about. A record that an
	// earlier stack of the same name left behind says nothing.
	Stack string `json:"stack"`
	// Keys has an entry for each key of the stack, by name.
	Keys map[string]KeyState `json:"keys"`
	// Revoked are the names of keys that must never be trusted again, oldest
	// first.
	Revoked []string `json:"revoked,omitempty"`
}

// A KeyState is the record of one key.
type KeyState struct {
	// ID is CloudFront's id of the public key that ActiveFrom is about.
	ID string `json:"id,omitempty"`
	// ActiveFrom is when the signer may begin to sign with the key. Zero means
	// never, so far: no deploy has shown that viewers are served with it.
	ActiveFrom time.Time `json:"activeFrom,omitzero"`
	// Longest is the longest lifetime of anything the key can have signed,
	// under any settings since it was made.
	Longest Duration `json:"longest,omitzero"`
}

// Active reports whether the signer may sign with the key whose public half
// CloudFront knows as id.
func (k KeyState) Active(id string, now time.Time) bool {
	return !k.ActiveFrom.IsZero() && k.ID == id && !now.Before(k.ActiveFrom)
}

// A Duration is a [time.Duration] that JSON has as Go writes it, such as 1h15m0s.
type Duration time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	*d = Duration(value)
	return err
}

// IsRevoked reports whether the key of that name must not be trusted.
func (s State) IsRevoked(name string) bool { return slices.Contains(s.Revoked, name) }

// ParseState reads a State. Members that it does not know are accepted: a
// newer deploy may have written them.
func ParseState(text string) (State, error) {
	var s State
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return State{}, fmt.Errorf("state of the signing keys: %w", err)
	}
	if s.Stack == "" {
		return State{}, fmt.Errorf("state of the signing keys: the member stack is missing")
	}
	return s, nil
}

// Text writes a State as its parameter has it.
func (s State) Text() (string, error) {
	if s.Keys == nil {
		s.Keys = map[string]KeyState{}
	}
	text, err := json.Marshal(s)
	return string(text), err
}
