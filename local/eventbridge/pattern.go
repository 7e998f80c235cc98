package eventbridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Pattern decides which events a rule is for (EventBridge user guide,
// "Creating event patterns" and "Comparison operators"). It has exact values,
// prefix, suffix, wildcard, anything-but, exists and numeric; parsing refuses
// the others, since a pattern that is half read would match too much or too
// little.
type Pattern struct{ root node }

// A node is an object of a pattern: every field must match.
type node map[string]any // node or []matcher

// A matcher is one of the alternatives of a field.
type matcher struct {
	absent bool // matches events without the field, and nothing else
	match  func(value any) bool
}

// ParsePattern reads an EventPattern property.
func ParsePattern(document any) (Pattern, error) {
	// Numbers come as json.Number from templates and as float64 from files.
	text, err := json.Marshal(document)
	if err != nil {
		return Pattern{}, fmt.Errorf("event pattern: %w", err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil || len(object) == 0 {
		return Pattern{}, fmt.Errorf("event pattern: invalid value %s: must be an object with at least one field", text)
	}
	root, err := parseNode("", object)
	if err != nil {
		return Pattern{}, fmt.Errorf("event pattern: %w", err)
	}
	return Pattern{root}, nil
}

func parseNode(path string, object map[string]any) (node, error) {
	n := node{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		if strings.HasPrefix(name, "$") {
			return nil, fmt.Errorf("%s: not supported by the local run", at)
		}
		switch value := object[name].(type) {
		case map[string]any:
			below, err := parseNode(at, value)
			if err != nil {
				return nil, err
			}
			if len(below) == 0 {
				return nil, fmt.Errorf("%s: must not be empty", at)
			}
			n[name] = below
		case []any:
			if len(value) == 0 {
				return nil, fmt.Errorf("%s: must not be empty", at)
			}
			var alternatives []matcher
			for _, item := range value {
				m, err := parseMatcher(item)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", at, err)
				}
				alternatives = append(alternatives, m)
			}
			n[name] = alternatives
		default:
			return nil, fmt.Errorf("%s: invalid value %v: must be an object or a list", at, value)
		}
	}
	return n, nil
}

func parseMatcher(item any) (matcher, error) {
	operator, ok := item.(map[string]any)
	if !ok {
		return exactly(item)
	}
	if len(operator) != 1 {
		return matcher{}, fmt.Errorf("invalid value %v: must have one comparison operator", item)
	}
	for name, operand := range operator {
		switch name {
		case "prefix", "suffix", "wildcard":
			match, err := textMatch(name, operand)
			return matcher{match: match}, err
		case "anything-but":
			return anythingBut(operand)
		case "exists":
			yes, ok := operand.(bool)
			if !ok {
				return matcher{}, fmt.Errorf("exists: invalid value %v: must be true or false", operand)
			}
			return matcher{absent: !yes, match: func(any) bool { return yes }}, nil
		case "numeric":
			match, err := numeric(operand)
			return matcher{match: match}, err
		default:
			return matcher{}, fmt.Errorf("comparison operator %s: not supported by the local run", name)
		}
	}
	panic("unreachable: one operator")
}

func exactly(want any) (matcher, error) {
	switch want.(type) {
	case string, float64, bool, nil:
		return matcher{match: func(got any) bool { return got == want }}, nil
	}
	return matcher{}, fmt.Errorf("invalid value %v: must be a string, a number, true, false or null", want)
}

func textMatch(name string, operand any) (func(any) bool, error) {
	want, ok := operand.(string)
	if !ok || want == "" {
		return nil, fmt.Errorf("%s: invalid value %v: must be a string", name, operand)
	}
	test := map[string]func(got, want string) bool{"prefix": strings.HasPrefix, "suffix": strings.HasSuffix, "wildcard": wildcard}[name]
	if name == "wildcard" && (strings.Contains(want, "**") || strings.Contains(want, `\`)) {
		return nil, fmt.Errorf("wildcard: %s: ** is invalid, and escapes are not supported by the local run", want)
	}
	return func(value any) bool {
		got, ok := value.(string)
		return ok && test(got, want)
	}, nil
}

// wildcard matches * with any number of characters.
func wildcard(got, pattern string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return got == pattern
	}
	rest, ok := strings.CutPrefix(got, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

func anythingBut(operand any) (matcher, error) {
	list, ok := operand.([]any)
	if !ok {
		list = []any{operand}
	}
	if len(list) == 0 {
		return matcher{}, fmt.Errorf("anything-but: must not be empty")
	}
	var not []matcher
	for _, item := range list {
		m, err := parseMatcher(item)
		if object, is := item.(map[string]any); err == nil && is && object["prefix"] == nil && object["suffix"] == nil && object["wildcard"] == nil {
			err = fmt.Errorf("invalid value %v: must be a value, prefix, suffix or wildcard", item)
		}
		if err != nil {
			return matcher{}, fmt.Errorf("anything-but: %w", err)
		}
		not = append(not, m)
	}
	return matcher{match: func(got any) bool {
		return !slices.ContainsFunc(not, func(m matcher) bool { return m.match(got) })
	}}, nil
}

// numeric reads a list of comparisons, all of which must hold: [">", 0, "<=", 5].
func numeric(operand any) (func(any) bool, error) {
	list, _ := operand.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, fmt.Errorf("numeric: invalid value %v: must be one or two comparisons", operand)
	}
	compare := map[string]func(a, b float64) bool{
		"=": func(a, b float64) bool { return a == b },
		"<": func(a, b float64) bool { return a < b }, "<=": func(a, b float64) bool { return a <= b },
		">": func(a, b float64) bool { return a > b }, ">=": func(a, b float64) bool { return a >= b },
	}
	var all []func(float64) bool
	for pair := range slices.Chunk(list, 2) {
		name, _ := pair[0].(string)
		want, ok := pair[1].(float64)
		test := compare[name]
		if !ok || test == nil {
			return nil, fmt.Errorf("numeric: invalid comparison %v: must be =, <, <=, > or >= and a number", pair)
		}
		all = append(all, func(got float64) bool { return test(got, want) })
	}
	return func(value any) bool {
		got, ok := value.(float64)
		return ok && !slices.ContainsFunc(all, func(holds func(float64) bool) bool { return !holds(got) })
	}, nil
}

// Match reports whether an event, as [encoding/json] decodes it, has what the
// pattern asks for.
func (p Pattern) Match(event map[string]any) bool { return p.root.match(event) }

func (n node) match(event map[string]any) bool {
	for name, want := range n {
		value, there := event[name]
		switch want := want.(type) {
		case node:
			if !want.matchValue(value) {
				return false
			}
		case []matcher:
			if !matchAny(want, value, there) {
				return false
			}
		}
	}
	return true
}

// matchValue matches an object, or any object of a list. An object that is
// missing has none of the fields.
func (n node) matchValue(value any) bool {
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, n.matchValue)
	}
	object, _ := value.(map[string]any)
	return n.match(object)
}

func matchAny(alternatives []matcher, value any, there bool) bool {
	// exists is about leaves, and an object is none.
	if _, object := value.(map[string]any); object || !there {
		return slices.ContainsFunc(alternatives, func(m matcher) bool { return m.absent })
	}
	values, ok := value.([]any)
	if !ok {
		values = []any{value}
	}
	for _, value := range values {
		if slices.ContainsFunc(alternatives, func(m matcher) bool { return !m.absent && m.match(value) }) {
			return true
		}
	}
	return false
}

// decoded is an event as Match wants it.
func decoded(event any) (map[string]any, error) {
	text, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	return object, json.Unmarshal(text, &object)
}

// number reads an optional number of a template.
func number(value any, otherwise int) (int, error) {
	if value == nil {
		return otherwise, nil
	}
	n, err := strconv.Atoi(fmt.Sprint(value))
	if err != nil {
		return 0, fmt.Errorf("invalid value %v: must be a whole number", value)
	}
	return n, nil
}
