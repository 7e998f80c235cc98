package keyring

import (
	"context"
	"time"
)

// Read reads what is there now, aside from [Ring.Snapshot]: what requests use
// stays what it is, and nothing that failed before holds it back. It is for who
// must know what was just deployed, and not for each request. The error is an
// [UnavailableError].
func (r *Ring) Read(ctx context.Context) (*Snapshot, error) {
	patience := r.config.FetchTimeout
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)-answerTime)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := r.read(ctx)
	if err != nil {
		return nil, noKeys(err, firstPause)
	}
	snapshot, err := newSnapshot(p, nil, r.config.KMS, r.config.Logger)
	if err != nil {
		return nil, noKeys(err, firstPause)
	}
	return snapshot, nil
}
