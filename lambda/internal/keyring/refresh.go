package keyring

import (
	"context"
	"errors"
	"time"
)

// Refresh reads anew, however new what there is, and returns what this read
// brought. Unlike that of [Ring.Snapshot], its error is one also where there
// is an older snapshot, which stays in use. It is for who must know what is
// deployed now, and not for each request.
func (r *Ring) Refresh(ctx context.Context) (*Snapshot, error) {
	r.mu.Lock()
	f := r.begin(r.config.Now()) // in place of one under way, which may have read already
	r.mu.Unlock()

	patience := r.config.FetchTimeout + thawTime // which the read ends in
	if deadline, ok := ctx.Deadline(); ok {
		patience = time.Until(deadline) - answerTime
	}
	f.waitUpTo(ctx, patience)
	if h := r.held.Load(); h != nil && h.from == f {
		return h.snapshot, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outage.cause == nil {
		return nil, noKeys(errors.New("the read is still under way"), firstPause)
	}
	return nil, noKeys(r.outage.cause, firstPause)
}
