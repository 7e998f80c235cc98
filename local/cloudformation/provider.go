// Package cloudformation deploys a template on this machine as CloudFormation
// does on AWS, with its order of creates, updates and deletes, its replacements,
// rollbacks and cleanups. A [Provider] for each type makes the resources.
package cloudformation

import (
	"context"
	"log/slog"
	"strings"
)

// Provider makes resources of a type.
//
// A Create that fails may return a State with a PhysicalID: the rollback then
// deletes that. An Update that returns another PhysicalID has made a new
// resource beside the old one; the old one is deleted after the deployment, or
// the new one when it is rolled back.
type Provider interface {
	Create(ctx context.Context, resource Resource) (State, error)
	Update(ctx context.Context, resource Resource, state State) (State, error)
	Delete(ctx context.Context, resource Resource, state State) error
}

// Resource is the input of a provider, which may keep and change it.
type Resource struct {
	LogicalID  string
	Type       string
	Properties map[string]any // resolved; numbers are json.Number
	Old        map[string]any // the properties before an update
	Metadata   map[string]any // as in the template
}

// State is a resource that exists.
type State struct {
	PhysicalID string         // the value of Ref
	Attributes map[string]any // the values of Fn::GetAtt, by name
	NoEcho     bool           // the attributes are secret
}

// LogValue omits the attributes: any of them can be secret.
func (s State) LogValue() slog.Value { return slog.StringValue(s.PhysicalID) }

// Deployed is a resource of the stack. Its maps are copies.
type Deployed struct {
	LogicalID  string
	Type       string
	Properties map[string]any
	Metadata   map[string]any
	State      State
}

// provider finds the provider of a type: one with exactly this name, else the
// one with the longest matching "prefix*", else the default.
func (s *Stack) provider(resourceType string) Provider {
	if p, ok := s.options.Providers[resourceType]; ok {
		return p
	}
	best, longest := s.options.Default, -1
	for pattern, p := range s.options.Providers {
		prefix, ok := strings.CutSuffix(pattern, "*")
		if ok && strings.HasPrefix(resourceType, prefix) && len(prefix) > longest {
			best, longest = p, len(prefix)
		}
	}
	return best
}

// clone copies resolved values deeply.
func clone[T any](value T) T {
	copied, _ := cloneValue(value).(T)
	return copied
}

func cloneValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		m := make(map[string]any, len(v))
		for key, element := range v {
			m[key] = cloneValue(element)
		}
		return m
	case []any:
		if v == nil {
			return v
		}
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = cloneValue(element)
		}
		return list
	default:
		return v
	}
}
