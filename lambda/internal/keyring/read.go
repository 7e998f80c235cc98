package keyring

import (
	"context"
	"time"
)

// Read reads the current parameters. It neither changes what [Ring.Snapshot]
// returns nor waits for a pause after failures. It is for the deploy check, which
// needs what was just deployed. The error is an [UnavailableError].
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
