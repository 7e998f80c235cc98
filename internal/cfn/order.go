package cfn

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Dependencies are the logical ids that a resource waits for, sorted: those in
// its DependsOn and those that its properties refer to. Both branches of an
// Fn::If count.
func (t *Template) Dependencies(logicalID string) []string {
	resource := t.Resources[logicalID]
	found := map[string]bool{}
	for _, id := range resource.DependsOn {
		found[id] = true
	}
	t.references(resource.Properties, found)
	return sortedKeys(found)
}

// references adds the resources that a value refers to.
func (t *Template) references(value any, found map[string]bool) {
	add := func(id string) {
		if _, ok := t.Resources[id]; ok {
			found[id] = true
		}
	}
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			t.references(element, found)
		}
	case map[string]any:
		if id, ok := v["Ref"].(string); ok && len(v) == 1 {
			add(id)
			return
		}
		switch argument := v["Fn::GetAtt"].(type) {
		case string:
			id, _, _ := strings.Cut(argument, ".")
			add(id)
		case []any:
			if len(argument) > 0 {
				if id, ok := argument[0].(string); ok {
					add(id)
				}
			}
		}
		if argument, ok := v["Fn::Sub"]; ok {
			pattern, variables, err := substitution(argument)
			if err == nil {
				for _, part := range pattern {
					if _, own := variables[part.name]; !own {
						id, _, _ := strings.Cut(part.name, ".")
						add(id)
					}
				}
			}
		}
		for _, element := range v {
			t.references(element, found)
		}
	}
}

// Order lists every resource after all that it depends on. The order is the
// same for the same template. A cycle is an error that prints it.
func (t *Template) Order() ([]string, error) {
	const (
		onPath = 1 + iota
		done
	)
	state := make(map[string]int, len(t.Resources))
	order := make([]string, 0, len(t.Resources))
	var path []string
	var visit func(id string) error
	visit = func(id string) error {
		switch state[id] {
		case done:
			return nil
		case onPath:
			cycle := append(slices.Clone(path[slices.Index(path, id):]), id)
			return fmt.Errorf("resources depend on each other in a circle: %s", strings.Join(cycle, " -> "))
		}
		state[id] = onPath
		path = append(path, id)
		for _, other := range t.Dependencies(id) {
			if err := visit(other); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		state[id] = done
		order = append(order, id)
		return nil
	}
	for _, id := range sortedKeys(t.Resources) {
		if err := visit(id); err != nil {
			return nil, err
		}
	}
	return order, nil
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
