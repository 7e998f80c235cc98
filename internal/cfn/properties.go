package cfn

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// A Resolved resource has no intrinsic functions left in its properties.
type Resolved struct {
	LogicalID, PhysicalID, Type string
	Properties                  map[string]any
	// Attributes are the values of Fn::GetAtt.
	Attributes map[string]any
}

// Properties reads the properties of a resource, or an object in them. It
// collects errors: what has the wrong type, and what [Properties.Done] finds
// that was not read. A property that a reader does not know may change what the
// resource does, so it must not be skipped silently.
type Properties struct {
	path   string
	values map[string]any
	read   map[string]bool
	errs   *[]error
}

// PropertiesOf returns a reader of the properties of a resource, which appends
// errors to errs.
func PropertiesOf(r Resolved, errs *[]error) *Properties {
	return newProperties(r.LogicalID, r.Properties, errs)
}

func newProperties(path string, values map[string]any, errs *[]error) *Properties {
	return &Properties{path: path, values: values, read: map[string]bool{}, errs: errs}
}

// Fail adds an error about a property.
func (p *Properties) Fail(name, format string, args ...any) {
	*p.errs = append(*p.errs, fmt.Errorf("%s.%s: %s", p.path, name, fmt.Sprintf(format, args...)))
}

// take marks a property as read. A null counts as absent.
func (p *Properties) take(name string) (any, bool) {
	p.read[name] = true
	v, ok := p.values[name]
	return v, ok && v != nil
}

// Has reports whether the property is present, even as null.
func (p *Properties) Has(name string) bool {
	p.read[name] = true
	_, ok := p.values[name]
	return ok
}

// Names returns the sorted names of all properties.
func (p *Properties) Names() []string { return slices.Sorted(maps.Keys(p.values)) }

// Text returns a string, number or bool as a string; "" if absent.
func (p *Properties) Text(name string) string {
	v, ok := p.take(name)
	if !ok {
		return ""
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	}
	p.Fail(name, "must be a string")
	return ""
}

// Required is [Properties.Text] of a property that must not be empty.
func (p *Properties) Required(name string) string {
	s := p.Text(name)
	if s == "" {
		p.Fail(name, "must not be empty")
	}
	return s
}

// Bool returns a bool, which CloudFormation also accepts as a string.
func (p *Properties) Bool(name string) bool {
	s := p.Text(name)
	if s == "" {
		return false
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		p.Fail(name, "invalid value %q: must be true or false", s)
	}
	return b
}

// Int returns an integer, which CloudFormation also accepts as a string.
func (p *Properties) Int(name string) int {
	s := p.Text(name)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		p.Fail(name, "invalid value %q: must be an integer", s)
	}
	return n
}

// Float returns a number, which CloudFormation also accepts as a string.
func (p *Properties) Float(name string) float64 {
	s := p.Text(name)
	if s == "" {
		return 0
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		p.Fail(name, "invalid value %q: must be a number", s)
		return 0
	}
	return f
}

// Seconds returns a duration in seconds, and standard if the property is
// absent.
func (p *Properties) Seconds(name string, standard time.Duration) time.Duration {
	if _, ok := p.take(name); !ok {
		return standard
	}
	return time.Duration(p.Int(name)) * time.Second
}

// OneOf returns one of the choices, the first if the property is absent.
func (p *Properties) OneOf(name string, choices ...string) string {
	s := p.Text(name)
	if s == "" {
		return choices[0]
	}
	if !slices.Contains(choices, s) {
		p.Fail(name, "value %q is not supported", s)
	}
	return s
}

// Object returns a reader of an object; an absent one is empty.
func (p *Properties) Object(name string) *Properties {
	child := newProperties(p.path+"."+name, nil, p.errs)
	if v, ok := p.take(name); ok {
		if child.values, ok = v.(map[string]any); !ok {
			p.Fail(name, "must be an object")
		}
	}
	return child
}

// List returns a list; nil if absent.
func (p *Properties) List(name string) []any {
	v, ok := p.take(name)
	if !ok {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		p.Fail(name, "must be a list")
	}
	return l
}

// Objects returns a reader for each object of a list.
func (p *Properties) Objects(name string) []*Properties {
	var objects []*Properties
	for i, v := range p.List(name) {
		values, ok := v.(map[string]any)
		if !ok {
			p.Fail(name, "must be a list of objects")
		}
		objects = append(objects, newProperties(fmt.Sprintf("%s.%s[%d]", p.path, name, i), values, p.errs))
	}
	return objects
}

// Texts returns a list of strings.
func (p *Properties) Texts(name string) []string {
	var texts []string
	for _, v := range p.List(name) {
		s, ok := v.(string)
		if !ok {
			p.Fail(name, "must be a list of strings")
		}
		texts = append(texts, s)
	}
	return texts
}

// Ignore marks properties as read that do not matter to the reader.
func (p *Properties) Ignore(names ...string) {
	for _, name := range names {
		p.read[name] = true
	}
}

// Reject adds an error for properties that the reader does not support. A value
// that turns a feature off is accepted.
func (p *Properties) Reject(names ...string) {
	for _, name := range names {
		v, ok := p.take(name)
		if !ok {
			continue
		}
		switch v := v.(type) {
		case string:
			if v == "" || v == "false" {
				continue
			}
		case bool:
			if !v {
				continue
			}
		case []any:
			if len(v) == 0 {
				continue
			}
		case map[string]any:
			if len(v) == 0 {
				continue
			}
		}
		p.Fail(name, "is not supported")
	}
}

// Done adds an error for each property that was not read.
func (p *Properties) Done() {
	for _, name := range p.Names() {
		if !p.read[name] {
			p.Fail(name, "is not supported")
		}
	}
}
