// Package entitlement decides who may watch what. There is one [Decider] for
// each way of deciding; the signer is given one at its start and knows no more
// about them.
package entitlement

import (
	"context"
	"errors"
	"time"
)

// ErrNotEntitled reports a viewer who may not watch what was asked for. Any
// other error of a Decider means that it could not tell; whoever asked must
// then refuse as well.
var ErrNotEntitled = errors.New("viewer is not entitled")

// A Viewer is who asks, as the token that the authorizer accepted says.
type Viewer struct {
	// Subject is the token's sub claim; never empty.
	Subject string
	// Claims are all claims of the token in API Gateway's text form: a list
	// is a bracketed text, its members parted by spaces. Not to be changed.
	Claims map[string]string
}

// A Grant is what a viewer may watch.
type Grant struct {
	// Path covers itself and everything below it, as premiumpath reads it;
	// empty covers everything premium.
	Path string
	// Expires is when the right ends. Zero means that it does not.
	Expires time.Time
}

// A Decider decides. It may be used by several requests at once.
type Decider interface {
	// Decide returns a grant that covers all of path, a valid premium path,
	// or an error that is ErrNotEntitled where there is none. The end of the
	// grant may be past: the caller looks at it, as it does for the policy.
	Decide(ctx context.Context, viewer Viewer, path string) (Grant, error)
	// List returns everything that the viewer may watch; nothing and no
	// error where that is nothing.
	List(ctx context.Context, viewer Viewer) ([]Grant, error)
}
