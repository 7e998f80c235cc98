package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"

	"premiumhls/internal/cfn"
)

// Options are the options of a stack.
type Options struct {
	Environment cfn.Environment
	// Providers by resource type, "AWS::SSM::Parameter", or by a prefix,
	// "Custom::*".
	Providers map[string]Provider
	// Default makes resources without a provider; nil: Generic.
	Default Provider
	// Log gets a line for each event; nil: no log.
	Log *slog.Logger
}

// Stack is one stack. It is safe for concurrent use: deployments run one after
// another.
type Stack struct {
	options   Options
	deploying sync.Mutex

	mu        sync.RWMutex
	resources map[string]record
	order     []string          // the logical ids, dependencies first
	outputs   map[string]string // nil before the first deployment
	events    []Event
}

// record is a deployed resource with its part of the template.
type record struct {
	Deployed
	deletionPolicy      string
	updateReplacePolicy string
	// unsure: a rollback failed, so the real properties are unknown.
	unsure bool
}

// Event is an action on a resource.
type Event struct {
	Action    Action
	LogicalID string // for Rollback: the stack's name
}

// String returns the event as "CREATE Media".
func (e Event) String() string { return string(e.Action) + " " + e.LogicalID }

// Action is the kind of an event.
type Action string

// The actions. A replacement is an Update, and a Delete in the cleanup.
const (
	Create       Action = "CREATE"
	CreateFailed Action = "CREATE_FAILED"
	Update       Action = "UPDATE"
	UpdateFailed Action = "UPDATE_FAILED"
	Delete       Action = "DELETE"
	DeleteFailed Action = "DELETE_FAILED"
	Retain       Action = "RETAIN"   // not deleted, because of its policy
	Rollback     Action = "ROLLBACK" // the following events undo the deployment
)

// CleanupError is the error of a deployment that succeeded but could not delete
// an old resource. As in CloudFormation, the stack has the new resources and no
// longer the old one.
type CleanupError struct{ Err error }

func (e *CleanupError) Error() string {
	return "deployed, but could not delete an old resource: " + e.Err.Error()
}

// Unwrap returns the causes.
func (e *CleanupError) Unwrap() error { return e.Err }

// New returns an empty stack.
func New(options Options) *Stack {
	if options.Default == nil {
		options.Default = Generic{Environment: options.Environment}
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return &Stack{options: options, resources: map[string]record{}}
}

// Deploy brings the stack to the template. If it fails, it rolls back and returns
// the cause. Only a CleanupError means that the new template is deployed.
//
// Deploy creates and updates resources in the order of their dependencies, and
// skips those whose resolved properties are unchanged. Then it deletes removed
// and replaced resources, dependents first. A rollback first restores the old
// properties of updated resources and then deletes the created ones, even if ctx
// is done.
func (s *Stack) Deploy(ctx context.Context, t *cfn.Template) error {
	s.deploying.Lock()
	defer s.deploying.Unlock()

	order, err := t.Order()
	if err != nil {
		return fmt.Errorf("deploying %s: %w", s.options.Environment.StackName, err)
	}
	resolver, err := cfn.NewResolver(t, s.options.Environment, values{s})
	if err != nil {
		return fmt.Errorf("deploying %s: %w", s.options.Environment.StackName, err)
	}
	order = slices.DeleteFunc(order, func(id string) bool { return !resolver.Included(id) })
	d := &operation{stack: s, template: t, resolver: resolver, before: maps.Clone(s.resources), replaced: map[string]record{}}
	for _, id := range order {
		if old, ok := d.before[id]; ok && old.Type != t.Resources[id].Type {
			return fmt.Errorf("deploying %s: the resource %s is a %s and cannot become a %s: use another logical id for the new one",
				s.options.Environment.StackName, id, old.Type, t.Resources[id].Type)
		}
	}

	outputs, err := d.apply(ctx, order)
	if err != nil {
		err = fmt.Errorf("deploying %s: %w", s.options.Environment.StackName, err)
		if undo := d.rollback(context.WithoutCancel(ctx)); undo != nil {
			err = errors.Join(err, fmt.Errorf("rolling back %s: %w", s.options.Environment.StackName, undo))
		}
		return err
	}
	previous := s.order
	s.mu.Lock()
	s.order, s.outputs = order, outputs
	s.mu.Unlock()
	return d.cleanup(context.WithoutCancel(ctx), previous)
}

// Destroy deletes every resource, dependents first, and stops at the first
// failure. The remaining resources stay in the stack, so Destroy can be called
// again.
func (s *Stack) Destroy(ctx context.Context) error {
	s.deploying.Lock()
	defer s.deploying.Unlock()
	for i, id := range slices.Backward(s.order) {
		r := s.resources[id]
		if err := s.delete(ctx, r, r.deletionPolicy); err != nil {
			return fmt.Errorf("deleting the stack %s: %w", s.options.Environment.StackName, err)
		}
		s.mu.Lock()
		delete(s.resources, id)
		s.order = s.order[:i]
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.outputs = nil
	s.mu.Unlock()
	return nil
}

// State returns the state of a resource, and whether the stack has it.
func (s *Stack) State(logicalID string) (State, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.resources[logicalID]
	return r.copy().State, ok
}

// Resources returns the resources of a type, sorted by logical id; "": of all types.
func (s *Stack) Resources(resourceType string) []Deployed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []Deployed
	for _, id := range slices.Sorted(maps.Keys(s.resources)) {
		if r := s.resources[id]; resourceType == "" || r.Type == resourceType {
			found = append(found, r.copy())
		}
	}
	return found
}

// Outputs returns the outputs of the deployed template.
func (s *Stack) Outputs() (map[string]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.outputs == nil {
		return nil, fmt.Errorf("the stack %s is not deployed", s.options.Environment.StackName)
	}
	return maps.Clone(s.outputs), nil
}

// Events returns all events, oldest first.
func (s *Stack) Events() []Event {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.events)
}

func (s *Stack) event(action Action, logicalID, resourceType string) {
	s.mu.Lock()
	s.events = append(s.events, Event{action, logicalID})
	s.mu.Unlock()
	s.options.Log.Info("deployment", "action", string(action), "resource", logicalID, "type", resourceType)
}

func (s *Stack) set(r record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources[r.LogicalID] = r
}

// delete deletes one physical resource, unless its policy retains it.
func (s *Stack) delete(ctx context.Context, r record, policy string) error {
	if policy == "Retain" || policy == "RetainExceptOnCreate" {
		s.event(Retain, r.LogicalID, r.Type)
		return nil
	}
	resource := r.resource(nil)
	if err := s.provider(r.Type).Delete(ctx, resource, r.copy().State); err != nil {
		s.event(DeleteFailed, r.LogicalID, r.Type)
		return fmt.Errorf("deleting %s (%s): %w", r.LogicalID, r.Type, err)
	}
	s.event(Delete, r.LogicalID, r.Type)
	return nil
}

// copy returns the record as a copy for callers.
func (r record) copy() Deployed {
	d := r.Deployed
	d.Properties, d.Metadata, d.State.Attributes = clone(d.Properties), clone(d.Metadata), clone(d.State.Attributes)
	return d
}

// resource returns the record as a provider's input.
func (r record) resource(old map[string]any) Resource {
	return Resource{
		LogicalID: r.LogicalID, Type: r.Type,
		Properties: clone(r.Properties), Old: clone(old), Metadata: clone(r.Metadata),
	}
}

// values returns the values of deployed resources for a resolver.
type values struct{ stack *Stack }

func (v values) Ref(logicalID string) (string, error) {
	state, ok := v.stack.State(logicalID)
	if !ok {
		return "", fmt.Errorf("the resource %q is not deployed yet", logicalID)
	}
	return state.PhysicalID, nil
}

func (v values) Attribute(logicalID, name string) (any, error) {
	v.stack.mu.RLock()
	defer v.stack.mu.RUnlock()
	r, ok := v.stack.resources[logicalID]
	if !ok {
		return nil, fmt.Errorf("the resource %q is not deployed yet", logicalID)
	}
	value, ok := r.State.Attributes[name]
	if !ok {
		return nil, fmt.Errorf("the resource %q (%s) has no attribute %q", logicalID, r.Type, name)
	}
	return cloneValue(value), nil
}

// same reports whether an update would change nothing.
func (r record) same(properties map[string]any) bool {
	return !r.unsure && reflect.DeepEqual(r.Properties, properties)
}
