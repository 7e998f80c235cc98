// Package entitlement decides which viewer can watch which path. There is one
// [Decider] for each kind of rule. The signer gets one when it starts.
package entitlement

import (
	"context"
	"errors"
	"time"
)

// ErrNotEntitled reports a viewer without a grant for a path. Any other error of a
// Decider means that it could not decide; the caller must refuse then as well.
var ErrNotEntitled = errors.New("viewer is not entitled")

// A Viewer is the viewer in the token that the authorizer accepted.
type Viewer struct {
	// Subject is the token's sub claim; never empty.
	Subject string
	// Claims are all claims of the token as strings, as API Gateway writes them:
	// a list is in brackets, its members separated by spaces. Do not change them.
	Claims map[string]string
}

// A Grant lets a viewer watch a path.
type Grant struct {
	// Path covers itself and everything below it, as premiumpath reads it;
	// empty covers everything premium.
	Path string
	// Expires is when the grant expires. The zero time means never.
	Expires time.Time
}

// A Decider applies a rule. It is safe for concurrent use.
type Decider interface {
	// Decide returns a grant that covers all of path, a valid premium path,
	// or ErrNotEntitled if there is none. The grant can have expired: the caller
	// checks that.
	Decide(ctx context.Context, viewer Viewer, path string) (Grant, error)
	// List returns all grants of the viewer. No grants are not an error.
	List(ctx context.Context, viewer Viewer) ([]Grant, error)
}
