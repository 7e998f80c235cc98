package entitlement

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// object reads a JSON object, and nothing after it, as its members.
// encoding/json would take the last of two members with one name, and CLAIM
// for claim: another reader might have taken something else.
func object(raw []byte) (map[string]json.RawMessage, error) {
	if !json.Valid(raw) {
		return nil, errors.New("not JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if token, _ := decoder.Token(); token != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	members := make(map[string]json.RawMessage)
	for decoder.More() {
		token, _ := decoder.Token()
		name, _ := token.(string)
		if members[name] != nil {
			return nil, fmt.Errorf("%q is there twice", name)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		members[name] = value
	}
	return members, nil
}

// only refuses members of other names.
func only(members map[string]json.RawMessage, names ...string) error {
	for name := range members {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%q is not known", name)
		}
	}
	return nil
}
