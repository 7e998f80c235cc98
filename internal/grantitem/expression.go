package grantitem

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Expression collects the names and values of DynamoDB's expressions. V is an
// attribute value in the client's form.
type Expression[V any] struct {
	Names  map[string]string
	Values map[string]V // nil if there are none: DynamoDB rejects an empty map
}

// Name returns the placeholder of an attribute: until, path and others are
// reserved words.
func (e *Expression[V]) Name(attribute string) string {
	for placeholder, name := range e.Names {
		if name == attribute {
			return placeholder
		}
	}
	if e.Names == nil {
		e.Names = map[string]string{}
	}
	placeholder := fmt.Sprintf("#n%d", len(e.Names))
	e.Names[placeholder] = attribute
	return placeholder
}

// Value returns the placeholder of a value.
func (e *Expression[V]) Value(value V) string {
	if e.Values == nil {
		e.Values = map[string]V{}
	}
	placeholder := fmt.Sprintf(":v%d", len(e.Values))
	e.Values[placeholder] = value
	return placeholder
}

// Unchanged returns the condition that an item is as it was read, in the
// attributes that say what it grants. No attributes: there is no item. Of the
// attribute [Sales], if it is a map, sales are the members.
func (e *Expression[V]) Unchanged(attributes map[string]V, sales map[string]V, number func(int64) V) string {
	if len(attributes) == 0 {
		return "attribute_not_exists(" + e.Name("viewer") + ")"
	}
	conditions := []string{"attribute_exists(" + e.Name("viewer") + ")"}
	for _, attribute := range []string{Until, Granted, Sales} {
		value, ok := attributes[attribute]
		name := e.Name(attribute)
		switch {
		case !ok:
			conditions = append(conditions, "attribute_not_exists("+name+")")
		case attribute != Sales || sales == nil:
			conditions = append(conditions, name+" = "+e.Value(value))
		default:
			conditions = append(conditions, "size("+name+") = "+e.Value(number(int64(len(sales)))))
			for _, id := range slices.Sorted(maps.Keys(sales)) {
				conditions = append(conditions, name+"."+e.Name(id)+" = "+e.Value(sales[id]))
			}
		}
	}
	return strings.Join(conditions, " AND ")
}
