package entitlement

import "context"

// Authenticated lets every viewer who has signed in watch everything premium.
type Authenticated struct{}

// Decide grants everything, without an end, to a viewer with a subject.
func (Authenticated) Decide(_ context.Context, viewer Viewer, _ string) (Grant, error) {
	if viewer.Subject == "" {
		return Grant{}, ErrNotEntitled
	}
	return Grant{}, nil
}

// List returns the one grant that covers everything.
func (a Authenticated) List(ctx context.Context, viewer Viewer) ([]Grant, error) {
	grant, err := a.Decide(ctx, viewer, "")
	if err != nil {
		return nil, nil // nobody in particular may watch nothing; that is an answer
	}
	return []Grant{grant}, nil
}
