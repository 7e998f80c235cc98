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

// Options says where and with what a stack is deployed.
type Options struct {
	Environment cfn.Environment
	// Providers by resource type, "AWS::SSM::Parameter", or by the beginning of
	// one, "Custom::*".
	Providers map[string]Provider
	// Default makes what has no provider. nil is Generic.
	Default Provider
	// Log gets a line for each event. nil is no log.
	Log *slog.Logger
}

// Stack is one stack. It is safe for concurrent use; deployments wait for one
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

// record is a deployed resource with what its template said about it.
type record struct {
	Deployed
	deletionPolicy      string
	updateReplacePolicy string
	// unsure: a rollback failed, so the properties may not be what is there.
	unsure bool
}

// Event is something that was done to a resource.
type Event struct {
	Action    Action
	LogicalID string // for Rollback the stack's name
}

// String is the event as "CREATE Media".
func (e Event) String() string { return string(e.Action) + " " + e.LogicalID }

// Action is what was done.
type Action string

// The actions. A replacement is an Update, and a Delete in the cleanup.
const (
	Create       Action = "CREATE"
	CreateFailed Action = "CREATE_FAILED"
	Update       Action = "UPDATE"
	UpdateFailed Action = "UPDATE_FAILED"
	Delete       Action = "DELETE"
	DeleteFailed Action = "DELETE_FAILED"
	Retain       Action = "RETAIN"   // left alone, as its policy says
	Rollback     Action = "ROLLBACK" // what follows undoes what went before
)

// CleanupError is returned by a deployment that is done, but that could not
// delete something old. As in CloudFormation the stack has the new resources
// and has forgotten the old one.
type CleanupError struct{ Err error }

func (e *CleanupError) Error() string {
	return "deployed, but something old is left behind: " + e.Err.Error()
}

// Unwrap gives the causes.
func (e *CleanupError) Unwrap() error { return e.Err }

// New makes an empty stack.
func New(options Options) *Stack {
	if options.Default == nil {
		options.Default = Generic{Environment: options.Environment}
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return &Stack{options: options, resources: map[string]record{}}
}

// Deploy makes the stack what the template says, or leaves it as it was and
// returns why. Only a CleanupError means that the new template is in place.
//
// Resources are created and updated in the order of their dependencies; one
// whose resolved properties are the same is skipped. Then what was removed or
// replaced is deleted, dependents first. When something fails, what was updated
// gets its old properties back and then what was created is deleted, also when
// ctx is done by then.
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
			return fmt.Errorf("deploying %s: the resource %s is a %s and cannot become a %s; give the new one another logical id",
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

// Destroy deletes every resource, dependents first, and stops at the first that
// cannot be deleted. That one and those not reached stay in the stack, so
// Destroy can be called again.
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

// State is the state of a resource, and whether the stack has it.
func (s *Stack) State(logicalID string) (State, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.resources[logicalID]
	return r.copy().State, ok
}

// Resources are the resources of a type, by logical id. The type "" is all.
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

// Outputs are the outputs of the template that is deployed.
func (s *Stack) Outputs() (map[string]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.outputs == nil {
		return nil, fmt.Errorf("the stack %s is not deployed", s.options.Environment.StackName)
	}
	return maps.Clone(s.outputs), nil
}

// Events is all that was done to resources, oldest first.
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

// delete deletes one physical resource, or leaves it where the policy says so.
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

// copy is the record for somebody else to keep.
func (r record) copy() Deployed {
	d := r.Deployed
	d.Properties, d.Metadata, d.State.Attributes = clone(d.Properties), clone(d.Metadata), clone(d.State.Attributes)
	return d
}

// resource is the record as a provider gets it.
func (r record) resource(old map[string]any) Resource {
	return Resource{
		LogicalID: r.LogicalID, Type: r.Type,
		Properties: clone(r.Properties), Old: clone(old), Metadata: clone(r.Metadata),
	}
}

// values gives a resolver what has been deployed.
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

// same tells whether an update has nothing to do.
func (r record) same(properties map[string]any) bool {
	return !r.unsure && reflect.DeepEqual(r.Properties, properties)
}
