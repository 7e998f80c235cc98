// Package cfn reads a CloudFormation template in JSON, as the CDK
// synthesizes it, and resolves the intrinsic functions in it.
//
// It supports what a synthesized stack of this app can contain. Anything else
// (macros, Fn::ImportValue, Fn::GetAZs, …) is an error that names the resource
// and the property, never an unresolved value.
package cfn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
)

// Template is a parsed template. Numbers in it are json.Number, so that an
// integer stays what was written.
type Template struct {
	Parameters map[string]Parameter
	Mappings   map[string]map[string]map[string]any
	Conditions map[string]any
	Resources  map[string]Resource
	Outputs    map[string]Output
}

// Parameter is a template parameter.
type Parameter struct {
	Type       string
	Default    string
	HasDefault bool
}

// Resource is a resource as the template has it, with nothing resolved.
type Resource struct {
	Type                string
	Properties          map[string]any
	DependsOn           []string
	Metadata            map[string]any
	Condition           string // name of the condition; "" is none
	DeletionPolicy      string // "", Delete, Retain, RetainExceptOnCreate or Snapshot
	UpdateReplacePolicy string // "", Delete, Retain or Snapshot
}

// Output is an output as the template has it, with nothing resolved.
type Output struct {
	Value     any
	Condition string
}

var logicalIDPattern = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)

// Read parses the template in a file.
func Read(path string) (*Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	t, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading the template %s: %w", path, err)
	}
	return t, nil
}

// Parse parses a template in JSON. It finds what can be found without values:
// wrong types, an unknown condition, a DependsOn of an unknown resource.
// References inside properties are checked when they are resolved.
func Parse(data []byte) (*Template, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var root any
	if err := decoder.Decode(&root); err != nil {
		return nil, fmt.Errorf("parsing JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("parsing JSON: data after the template")
	}
	top, err := object(root, "the template")
	if err != nil {
		return nil, err
	}
	if _, ok := top["Transform"]; ok {
		return nil, errors.New("the template has a Transform; macros are not supported")
	}
	t := &Template{}
	if t.Parameters, err = section(top, "Parameters", parseParameter); err != nil {
		return nil, err
	}
	if t.Mappings, err = section(top, "Mappings", parseMapping); err != nil {
		return nil, err
	}
	if t.Conditions, err = section(top, "Conditions", func(v any, _ string) (any, error) { return v, nil }); err != nil {
		return nil, err
	}
	if t.Resources, err = section(top, "Resources", parseResource); err != nil {
		return nil, err
	}
	if t.Outputs, err = section(top, "Outputs", parseOutput); err != nil {
		return nil, err
	}
	if len(t.Resources) == 0 {
		return nil, errors.New("the template has no Resources")
	}
	return t, t.check()
}

// check checks the references between sections.
func (t *Template) check() error {
	for _, id := range sortedKeys(t.Resources) {
		if _, ok := t.Parameters[id]; ok {
			return fmt.Errorf("resource %s: a parameter has the same name", id)
		}
		resource := t.Resources[id]
		for _, other := range resource.DependsOn {
			if _, ok := t.Resources[other]; !ok {
				return fmt.Errorf("resource %s: DependsOn names %q, which is not a resource of the template", id, other)
			}
		}
		if err := t.checkCondition(resource.Condition); err != nil {
			return fmt.Errorf("resource %s: %w", id, err)
		}
	}
	for _, name := range sortedKeys(t.Outputs) {
		if err := t.checkCondition(t.Outputs[name].Condition); err != nil {
			return fmt.Errorf("output %s: %w", name, err)
		}
	}
	return nil
}

func (t *Template) checkCondition(name string) error {
	if _, ok := t.Conditions[name]; name != "" && !ok {
		return fmt.Errorf("unknown condition %q", name)
	}
	return nil
}

func parseParameter(value any, where string) (Parameter, error) {
	fields, err := object(value, where)
	if err != nil {
		return Parameter{}, err
	}
	var p Parameter
	if p.Type, err = text(fields, "Type", where); err != nil {
		return Parameter{}, err
	}
	if p.Type == "" {
		return Parameter{}, fmt.Errorf("%s has no Type", where)
	}
	if standard, ok := fields["Default"]; ok {
		if p.Default, err = scalar(standard); err != nil {
			return Parameter{}, fmt.Errorf("%s.Default: %w", where, err)
		}
		p.HasDefault = true
	}
	return p, nil
}

// parseMapping allows what CloudFormation allows in a mapping: strings (and
// other scalars) and lists of them, never an intrinsic.
func parseMapping(value any, where string) (map[string]map[string]any, error) {
	tops, err := object(value, where)
	if err != nil {
		return nil, err
	}
	mapping := make(map[string]map[string]any, len(tops))
	for _, top := range sortedKeys(tops) {
		entries, err := object(tops[top], where+"."+top)
		if err != nil {
			return nil, err
		}
		for _, key := range sortedKeys(entries) {
			elements, isList := entries[key].([]any)
			if !isList {
				elements = []any{entries[key]}
			}
			for _, element := range elements {
				if _, err := scalar(element); err != nil {
					return nil, fmt.Errorf("%s.%s.%s: %w", where, top, key, err)
				}
			}
		}
		mapping[top] = entries
	}
	return mapping, nil
}

func parseResource(value any, where string) (Resource, error) {
	fields, err := object(value, where)
	if err != nil {
		return Resource{}, err
	}
	var r Resource
	for name, field := range map[string]*string{
		"Type": &r.Type, "Condition": &r.Condition,
		"DeletionPolicy": &r.DeletionPolicy, "UpdateReplacePolicy": &r.UpdateReplacePolicy,
	} {
		if *field, err = text(fields, name, where); err != nil {
			return Resource{}, err
		}
	}
	if r.Type == "" {
		return Resource{}, fmt.Errorf("%s has no Type", where)
	}
	if !slices.Contains([]string{"", "Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}, r.DeletionPolicy) {
		return Resource{}, fmt.Errorf("%s.DeletionPolicy: unknown policy %q", where, r.DeletionPolicy)
	}
	if !slices.Contains([]string{"", "Delete", "Retain", "Snapshot"}, r.UpdateReplacePolicy) {
		return Resource{}, fmt.Errorf("%s.UpdateReplacePolicy: unknown policy %q", where, r.UpdateReplacePolicy)
	}
	for name, field := range map[string]*map[string]any{"Properties": &r.Properties, "Metadata": &r.Metadata} {
		if v, ok := fields[name]; ok {
			if *field, err = object(v, where+"."+name); err != nil {
				return Resource{}, err
			}
		}
	}
	switch dependsOn := fields["DependsOn"].(type) {
	case nil:
	case string:
		r.DependsOn = []string{dependsOn}
	case []any:
		for i, v := range dependsOn {
			id, ok := v.(string)
			if !ok {
				return Resource{}, fmt.Errorf("%s.DependsOn[%d]: must be a string, is %s", where, i, kind(v))
			}
			r.DependsOn = append(r.DependsOn, id)
		}
	default:
		return Resource{}, fmt.Errorf("%s.DependsOn: must be a string or a list of strings, is %s", where, kind(dependsOn))
	}
	return r, nil
}

func parseOutput(value any, where string) (Output, error) {
	fields, err := object(value, where)
	if err != nil {
		return Output{}, err
	}
	o := Output{Value: fields["Value"]}
	if o.Value == nil {
		return Output{}, fmt.Errorf("%s has no Value", where)
	}
	o.Condition, err = text(fields, "Condition", where)
	return o, err
}

// section parses every entry of one top-level section.
func section[T any](top map[string]any, name string, parse func(any, string) (T, error)) (map[string]T, error) {
	entries := map[string]T{}
	value, ok := top[name]
	if !ok {
		return entries, nil
	}
	fields, err := object(value, name)
	if err != nil {
		return nil, err
	}
	for _, id := range sortedKeys(fields) {
		if !logicalIDPattern.MatchString(id) {
			return nil, fmt.Errorf("%s: the name %q is not 1 to 255 letters and digits", name, id)
		}
		if entries[id], err = parse(fields[id], name+"."+id); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func object(value any, where string) (map[string]any, error) {
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s must be an object, is %s", where, kind(value))
	}
	return fields, nil
}

// text is a field that is a string or absent.
func text(fields map[string]any, name, where string) (string, error) {
	value, ok := fields[name]
	if !ok {
		return "", nil
	}
	s, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("%s.%s must be a string, is %s", where, name, kind(value))
	}
	return s, nil
}

// kind names a value's type for an error, without the value: it can be secret.
func kind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case json.Number, float64, int, int64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprintf("a %T", value)
	}
}
