package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"premiumhls/internal/cfn"
)

// ParameterStore stores the values of Parameter.
type ParameterStore interface {
	Put(name, value string) error
	Delete(name string) error
}

// Parameter is the provider of AWS::SSM::Parameter. Its physical id is the
// name. As in CloudFormation, it cannot create a SecureString.
type Parameter struct {
	Environment cfn.Environment
	Store       ParameterStore
}

// Create puts the parameter.
func (p Parameter) Create(_ context.Context, resource Resource) (State, error) {
	name, _ := cfn.Placeholder(p.Environment, resource.LogicalID, resource.Type, resource.Properties)
	kind, _ := resource.Properties["Type"].(string)
	if kind != "String" && kind != "StringList" {
		return State{}, fmt.Errorf("the parameter %s: Type: invalid value %q: must be String or StringList", name, kind)
	}
	value, ok := resource.Properties["Value"].(string)
	if !ok || value == "" {
		return State{}, fmt.Errorf("the parameter %s: Value: must be a non-empty string", name)
	}
	// Systems Manager quotas: 4 KB in the standard tier, else 8 KB.
	limit := 4 << 10
	if tier, _ := resource.Properties["Tier"].(string); tier != "" && tier != "Standard" {
		limit = 8 << 10
	}
	if len(value) > limit {
		return State{}, fmt.Errorf("the parameter %s: Value: invalid size %d bytes: must be at most %d", name, len(value), limit)
	}
	if strings.HasPrefix(strings.ToLower(strings.TrimPrefix(name, "/")), "aws") {
		return State{}, fmt.Errorf("the parameter %s: a name cannot begin with aws", name)
	}
	if err := p.Store.Put(name, value); err != nil {
		return State{}, fmt.Errorf("putting the parameter %s: %w", name, err)
	}
	return State{PhysicalID: name, Attributes: map[string]any{"Type": kind, "Value": value}}, nil
}

// Update puts the parameter; a changed name is a replacement.
func (p Parameter) Update(ctx context.Context, resource Resource, _ State) (State, error) {
	return p.Create(ctx, resource)
}

// Delete deletes the parameter.
func (p Parameter) Delete(_ context.Context, _ Resource, state State) error {
	if state.PhysicalID == "" {
		return errors.New("a parameter without a name")
	}
	if err := p.Store.Delete(state.PhysicalID); err != nil {
		return fmt.Errorf("deleting the parameter %s: %w", state.PhysicalID, err)
	}
	return nil
}
