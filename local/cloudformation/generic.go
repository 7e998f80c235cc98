package cloudformation

import (
	"context"

	"premiumhls/internal/cfn"
)

// Generic is the provider of resources without a stand-in: it returns the ids and
// attributes of [cfn.Placeholder].
type Generic struct {
	Environment cfn.Environment
}

// Create returns the placeholder.
func (g Generic) Create(_ context.Context, r Resource) (State, error) {
	id, attributes := cfn.Placeholder(g.Environment, r.LogicalID, r.Type, r.Properties)
	return State{PhysicalID: id, Attributes: attributes}, nil
}

// Update returns a new placeholder. A changed name changes the physical id, so
// it is a replacement.
func (g Generic) Update(ctx context.Context, resource Resource, _ State) (State, error) {
	return g.Create(ctx, resource)
}

// Delete does nothing.
func (g Generic) Delete(context.Context, Resource, State) error { return nil }
