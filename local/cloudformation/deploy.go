package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"premiumhls/internal/cfn"
)

// operation is one run of Deploy.
type operation struct {
	stack    *Stack
	template *cfn.Template
	resolver *cfn.Resolver
	before   map[string]record // the stack before
	created  []record          // in the order of creation
	updated  []record          // in place, or possibly in place; their new state
	replaced map[string]record // what replaces a resource, by logical id
}

// apply creates and updates, and resolves the outputs.
func (d *operation) apply(ctx context.Context, order []string) (map[string]string, error) {
	for _, id := range order {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("stopped before %s: %w", id, err)
		}
		if err := d.step(ctx, id); err != nil {
			return nil, err
		}
	}
	return d.resolver.Outputs()
}

// step creates or updates one resource, or skips it if it is unchanged.
func (d *operation) step(ctx context.Context, id string) error {
	properties, err := d.resolver.Properties(id)
	if err != nil {
		return err
	}
	declared := d.template.Resources[id]
	next := record{
		Deployed:       Deployed{LogicalID: id, Type: declared.Type, Properties: properties, Metadata: declared.Metadata},
		deletionPolicy: declared.DeletionPolicy, updateReplacePolicy: declared.UpdateReplacePolicy,
	}
	old, exists := d.before[id]
	if !exists {
		return d.create(ctx, next)
	}
	next.State = old.State
	if old.same(properties) {
		d.stack.set(next) // metadata and policies may have changed
		return nil
	}
	return d.update(ctx, old, next)
}

func (d *operation) create(ctx context.Context, next record) error {
	state, err := d.stack.provider(next.Type).Create(ctx, next.resource(nil))
	next.State = state
	if err == nil && state.PhysicalID == "" {
		err = errors.New("the provider returned no physical id")
	}
	if err != nil {
		d.stack.event(CreateFailed, next.LogicalID, next.Type)
		if state.PhysicalID != "" {
			// Undocumented: whether a partly created resource is retained. It is
			// deleted here, whatever its policy.
			next.deletionPolicy = "Delete"
			d.created = append(d.created, next)
		}
		return fmt.Errorf("creating %s (%s): %w", next.LogicalID, next.Type, err)
	}
	d.created = append(d.created, next)
	d.stack.set(next)
	d.stack.event(Create, next.LogicalID, next.Type)
	return nil
}

func (d *operation) update(ctx context.Context, old, next record) error {
	state, err := d.stack.provider(next.Type).Update(ctx, next.resource(old.Properties), old.copy().State)
	if err == nil && state.PhysicalID == "" {
		err = errors.New("the provider returned no physical id")
	}
	if err != nil {
		d.stack.event(UpdateFailed, next.LogicalID, next.Type)
		// Its state is unknown, so the rollback updates it too.
		d.updated = append(d.updated, next)
		return fmt.Errorf("updating %s (%s): %w", next.LogicalID, next.Type, err)
	}
	next.State = state
	if state.PhysicalID != old.State.PhysicalID {
		d.replaced[next.LogicalID] = next
	} else {
		d.updated = append(d.updated, next)
	}
	d.stack.set(next)
	d.stack.event(Update, next.LogicalID, next.Type)
	return nil
}

// rollback restores the stack. Like CloudFormation's, it is an update to the old
// template and then a cleanup: old properties first, in the order of
// dependencies; then it deletes new resources, dependents first. A replacement is
// only deleted, because the old resource still exists unchanged (undocumented:
// whether a custom resource gets an Update before that Delete).
func (d *operation) rollback(ctx context.Context) error {
	s := d.stack
	s.event(Rollback, s.options.Environment.StackName, "AWS::CloudFormation::Stack")
	var failures []error
	after := maps.Clone(d.before)
	for _, now := range d.updated {
		old := d.before[now.LogicalID]
		state, err := s.provider(old.Type).Update(ctx, old.resource(now.Properties), now.copy().State)
		if err == nil && state.PhysicalID == "" {
			err = errors.New("the provider returned no physical id")
		}
		if err != nil {
			s.event(UpdateFailed, old.LogicalID, old.Type)
			failures = append(failures, fmt.Errorf("updating %s (%s) back: %w", old.LogicalID, old.Type, err))
			old.unsure = true
			after[old.LogicalID] = old
			continue
		}
		s.event(Update, old.LogicalID, old.Type)
		if state.PhysicalID != now.State.PhysicalID {
			d.replaced[now.LogicalID] = now
		}
		old.State = state
		after[old.LogicalID] = old
		s.set(old) // a resource that is deleted next may have been named here
	}
	for _, r := range slices.Backward(d.undone()) {
		policy := r.deletionPolicy
		if policy == "RetainExceptOnCreate" {
			policy = "Delete"
		}
		if err := s.delete(ctx, r, policy); err != nil {
			failures = append(failures, err)
			continue
		}
		// What is deleted next may look whether anything still names it.
		s.mu.Lock()
		if old, ok := after[r.LogicalID]; ok {
			s.resources[r.LogicalID] = old
		} else {
			delete(s.resources, r.LogicalID)
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.resources = after
	s.mu.Unlock()
	return errors.Join(failures...)
}

// undone returns the resources that a rollback deletes, dependencies first:
// created resources and replacements.
func (d *operation) undone() []record {
	order, err := d.template.Order()
	if err != nil {
		panic("unreachable: the order was known before the deployment began")
	}
	created := map[string]record{}
	for _, r := range d.created {
		created[r.LogicalID] = r
	}
	var undone []record
	for _, id := range order {
		if r, ok := created[id]; ok {
			undone = append(undone, r)
		}
		if r, ok := d.replaced[id]; ok {
			undone = append(undone, r)
		}
	}
	return undone
}

// cleanup deletes removed and replaced resources. order is the order of the old
// template.
func (d *operation) cleanup(ctx context.Context, order []string) error {
	s := d.stack
	var failures []error
	for _, id := range slices.Backward(order) {
		old := d.before[id]
		if next, ok := d.replaced[id]; ok {
			if err := s.delete(ctx, old, next.updateReplacePolicy); err != nil {
				failures = append(failures, err)
			}
			continue
		}
		if d.resolver.Included(id) {
			continue
		}
		if err := s.delete(ctx, old, old.deletionPolicy); err != nil {
			failures = append(failures, err)
		}
		s.mu.Lock()
		delete(s.resources, id)
		s.mu.Unlock()
	}
	if len(failures) > 0 {
		return &CleanupError{errors.Join(failures...)}
	}
	return nil
}
