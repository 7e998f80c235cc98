package iam

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Statement is one statement of a policy, with where it is attached: to a
// role (Role), or to a resource that has a policy itself (On).
type Statement struct {
	Source     string // the resource of the template that holds it, and its index: "SignerPolicy[1]"
	Role       string // name of the role whose identity-based policy this is
	On         string // ARN of the resource whose resource-based policy this is
	Sid        string
	Deny       bool
	Principals []Principal // of a resource-based policy
	Actions    []string
	Resources  []string // empty: the resource that the policy is attached to
	Conditions []Condition
}

// String names a statement: where it is, and its Sid.
func (s Statement) String() string {
	if s.Sid != "" {
		return s.Source + " (" + s.Sid + ")"
	}
	return s.Source
}

// A Principal is a principal of a resource-based policy. Kind is "AWS" or
// "Service".
type Principal struct{ Kind, Value string }

// A Condition is one key of a statement's conditions.
type Condition struct {
	Operator string
	Key      string
	Values   []string
}

// Parse reads the statements of a policy document whose references are
// resolved. An element that this package does not support is an error: without
// it the policy would allow too much or too little.
func Parse(source string, document any) ([]Statement, error) {
	d, ok := document.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("policy %s: invalid document: must be an object", source)
	}
	list, ok := d["Statement"].([]any)
	if one, single := d["Statement"].(map[string]any); single {
		list, ok = []any{one}, true
	}
	if !ok {
		return nil, fmt.Errorf("policy %s: invalid Statement: must be a list", source)
	}
	statements := make([]Statement, 0, len(list))
	for i, item := range list {
		name := fmt.Sprintf("%s[%d]", source, i)
		properties, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("policy statement %s: must be an object", name)
		}
		s, err := parseStatement(properties)
		if err != nil {
			return nil, fmt.Errorf("policy statement %s: %w", name, err)
		}
		s.Source = name
		statements = append(statements, s)
	}
	return statements, nil
}

func parseStatement(properties map[string]any) (s Statement, err error) {
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		value := properties[name]
		switch name {
		case "Sid":
			s.Sid, _ = value.(string)
		case "Effect":
			switch value {
			case "Allow":
			case "Deny":
				s.Deny = true
			default:
				return s, fmt.Errorf("element Effect: invalid value %v: must be Allow or Deny", value)
			}
		case "Action":
			s.Actions, err = texts(name, value)
		case "Resource":
			s.Resources, err = texts(name, value)
		case "Principal":
			s.Principals, err = principals(value)
		case "Condition":
			s.Conditions, err = conditions(value)
		default: // NotAction, NotResource, NotPrincipal
			err = fmt.Errorf("%s: not supported by the local run", name)
		}
		if err != nil {
			return s, err
		}
	}
	switch {
	case properties["Effect"] == nil:
		return s, errors.New("element Effect is missing")
	case len(s.Actions) == 0:
		return s, errors.New("element Action is missing")
	}
	for _, r := range s.Resources {
		if strings.Contains(r, "${") {
			return s, fmt.Errorf("element Resource: invalid value %s: policy variables are not supported by the local run", r)
		}
	}
	return s, nil
}

func principals(value any) ([]Principal, error) {
	if value == "*" {
		return []Principal{{"AWS", "*"}}, nil
	}
	kinds, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("element Principal: invalid value %v: must be * or an object", value)
	}
	var list []Principal
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if kind != "AWS" && kind != "Service" {
			return nil, fmt.Errorf("element Principal: kind %s is not supported by the local run", kind)
		}
		values, err := texts("Principal", kinds[kind])
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			list = append(list, Principal{kind, v})
		}
	}
	return list, nil
}

func conditions(value any) ([]Condition, error) {
	operators, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("element Condition: invalid value %v: must be an object", value)
	}
	var list []Condition
	for _, operator := range slices.Sorted(maps.Keys(operators)) {
		keys, ok := operators[operator].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("element Condition: %s must be an object", operator)
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			values, err := texts("Condition "+operator, keys[key])
			if err != nil {
				return nil, err
			}
			list = append(list, Condition{operator, key, values})
		}
	}
	return list, nil
}

// texts reads a string or a list of strings.
func texts(name string, value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	found := make([]string, 0, len(list))
	for _, item := range list {
		switch item := item.(type) {
		case string:
			found = append(found, item)
		case json.Number, bool, float64, int:
			found = append(found, fmt.Sprint(item))
		default:
			return nil, fmt.Errorf("%s: invalid value %v: must be a string", name, item)
		}
	}
	return found, nil
}
