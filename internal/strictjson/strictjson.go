// Package strictjson reads JSON so that two readers of the same text cannot
// understand it differently.
//
// encoding/json takes the last of two members with the same name, matches names
// without regard to case and, through a Decoder, ignores what follows the
// value. Whatever checked the text before may have taken something else. Here
// unknown members, duplicate members, names in another case, null and trailing
// data are errors.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

var (
	// ErrSyntax reports text that is not exactly one JSON value.
	ErrSyntax = errors.New("invalid JSON")
	// ErrNotObject reports a value that is not an object.
	ErrNotObject = errors.New("not a JSON object")
)

// A DuplicateError reports a member that appears twice.
type DuplicateError struct{ Name string }

func (e *DuplicateError) Error() string { return fmt.Sprintf("duplicate field %q", e.Name) }

// An UnknownError reports a member that is not expected.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string { return fmt.Sprintf("unknown field %q", e.Name) }

// Object returns the members of a JSON object. Their values are valid JSON,
// not yet read.
func Object(text []byte) (map[string]json.RawMessage, error) {
	if !json.Valid(text) {
		return nil, ErrSyntax
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, _ := decoder.Token(); token != json.Delim('{') {
		return nil, ErrNotObject
	}
	members := make(map[string]json.RawMessage)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if _, twice := members[name]; twice {
			return nil, &DuplicateError{name}
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		members[name] = value
	}
	return members, nil
}

// Only returns an [*UnknownError] for a member with another name than these.
func Only(members map[string]json.RawMessage, names ...string) error {
next:
	for name := range members {
		for _, known := range names {
			if name == known {
				continue next
			}
		}
		return &UnknownError{name}
	}
	return nil
}

// Decode reads text into the value that target points to. Members of a struct
// are matched with the names in its json tags, to the letter. What text does
// not have keeps its value.
func Decode(text []byte, target any) error {
	return decode(text, reflect.ValueOf(target).Elem())
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

func decode(text []byte, v reflect.Value) error {
	if reflect.PointerTo(v.Type()).Implements(unmarshaler) {
		return json.Unmarshal(text, v.Addr().Interface())
	}
	switch v.Kind() {
	case reflect.Struct:
		return decodeStruct(text, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		var items []json.RawMessage
		if err := json.Unmarshal(text, &items); err != nil || items == nil {
			return errors.New("must be a list")
		}
		list := reflect.MakeSlice(v.Type(), len(items), len(items))
		for i, item := range items {
			if err := decode(item, list.Index(i)); err != nil {
				return fmt.Errorf("entry %d: %w", i+1, err)
			}
		}
		v.Set(list)
		return nil
	}
	if string(bytes.TrimSpace(text)) == "null" {
		return errors.New("must not be null")
	}
	if err := json.Unmarshal(text, v.Addr().Interface()); err != nil {
		if !json.Valid(text) {
			return ErrSyntax
		}
		return fmt.Errorf("must be a %s", kind(v.Type()))
	}
	return nil
}

func decodeStruct(text []byte, v reflect.Value) error {
	members, err := Object(text)
	if err != nil {
		return err
	}
	if err := assign(members, v); err != nil {
		return err
	}
	return Only(members)
}

// assign takes out of members what the fields of v have names for. Embedded
// structs are part of v, as encoding/json has it.
func assign(members map[string]json.RawMessage, v reflect.Value) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			if err := assign(members, v.Field(i)); err != nil {
				return err
			}
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		text, ok := members[name]
		if !ok || name == "" || name == "-" {
			continue
		}
		delete(members, name)
		if err := decode(text, v.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// kind names a type as a person would who writes JSON.
func kind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Int, reflect.Int64:
		return "whole number"
	}
	return t.String()
}
