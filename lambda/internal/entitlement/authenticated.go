package entitlement

import "context"

// Authenticated lets every viewer who has signed in watch all premium content.
type Authenticated struct{}

// Decide grants everything to a viewer with a subject. The grant does not expire.
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
		return nil, nil // no grants are not an error
	}
	return []Grant{grant}, nil
}
