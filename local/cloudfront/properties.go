package cloudfront

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// A Resource is a resource of a template whose references are resolved.
type Resource struct {
	LogicalID, PhysicalID, Type string
	Properties                  map[string]any
	// Attributes is what Fn::GetAtt gives of it. Of a distribution,
	// DomainName is read.
	Attributes map[string]any
}

// properties reads an object of a resource's properties and notes what it
// could not read. A property that nobody asked for is an error too: what is
// not understood cannot be enforced.
type properties struct {
	at     string
	values map[string]any
	asked  map[string]bool
	errs   *[]error
}

func propertiesOf(r Resource, errs *[]error) *properties {
	return &properties{at: r.LogicalID, values: r.Properties, asked: map[string]bool{}, errs: errs}
}

func (p *properties) fail(name, format string, args ...any) {
	*p.errs = append(*p.errs, fmt.Errorf("%s.%s %s", p.at, name, fmt.Sprintf(format, args...)))
}

// take notes that name was asked for. A null counts as absent.
func (p *properties) take(name string) (any, bool) {
	p.asked[name] = true
	v, ok := p.values[name]
	return v, ok && v != nil
}

// has reports whether the property is given at all, a null included.
func (p *properties) has(name string) bool {
	p.asked[name] = true
	_, ok := p.values[name]
	return ok
}

func (p *properties) text(name string) string {
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
	p.fail(name, "is not text")
	return ""
}

// required is text that must be there.
func (p *properties) required(name string) string {
	s := p.text(name)
	if s == "" {
		p.fail(name, "is missing")
	}
	return s
}

// flag reads a bool, which CloudFormation also takes as text.
func (p *properties) flag(name string) bool {
	s := p.text(name)
	if s == "" {
		return false
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		p.fail(name, "is %q, not true or false", s)
	}
	return b
}

// number reads an integer, which CloudFormation also takes as text.
func (p *properties) number(name string) int {
	s := p.text(name)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		p.fail(name, "is %q, not a number", s)
	}
	return n
}

// oneOf reads text that is one of the choices, the first where it is absent.
func (p *properties) oneOf(name string, choices ...string) string {
	s := p.text(name)
	if s == "" {
		return choices[0]
	}
	if !slices.Contains(choices, s) {
		p.fail(name, "is %q, which the edge does not know", s)
	}
	return s
}

// object reads an object; an absent one reads as empty.
func (p *properties) object(name string) *properties {
	child := &properties{at: p.at + "." + name, asked: map[string]bool{}, errs: p.errs}
	if v, ok := p.take(name); ok {
		if child.values, ok = v.(map[string]any); !ok {
			p.fail(name, "is not an object")
		}
	}
	return child
}

func (p *properties) list(name string) []any {
	v, ok := p.take(name)
	if !ok {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		p.fail(name, "is not a list")
	}
	return l
}

func (p *properties) objects(name string) []*properties {
	var objects []*properties
	for i, v := range p.list(name) {
		child := &properties{at: fmt.Sprintf("%s.%s[%d]", p.at, name, i), asked: map[string]bool{}, errs: p.errs}
		var ok bool
		if child.values, ok = v.(map[string]any); !ok {
			p.fail(name, "has an element that is not an object")
		}
		objects = append(objects, child)
	}
	return objects
}

func (p *properties) texts(name string) []string {
	var texts []string
	for _, v := range p.list(name) {
		s, ok := v.(string)
		if !ok {
			p.fail(name, "has an element that is not text")
		}
		texts = append(texts, s)
	}
	return texts
}

// ignore names properties that do not change what a viewer may get.
func (p *properties) ignore(names ...string) {
	for _, name := range names {
		p.asked[name] = true
	}
}

// refuse names properties that do, and that the edge does not enforce. What
// says that nothing is wanted is let pass.
func (p *properties) refuse(names ...string) {
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
		p.fail(name, "is not enforced by the edge")
	}
}

// done reports the properties that nobody asked for.
func (p *properties) done() {
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if !p.asked[name] {
			p.fail(name, "is not known to the edge")
		}
	}
}
