package keyring

import (
	"context"
	"fmt"
	"time"

	"premiumhls/lambda/internal/retry"
)

// fetchBackoff is the backoff of a read. [Config.FetchTimeout] bounds the whole
// read.
var fetchBackoff = retry.Backoff{
	Attempt: 2 * time.Second, LongestAttempt: time.Minute,
	Pause: 250 * time.Millisecond, LongestPause: 3 * time.Second,
}

// thawTime is how far a read can exceed its time limit before it counts as frozen
// together with its container.
const thawTime = time.Second

// A fetch is one read with all its attempts. Any number of requests can wait for
// it; it goes on when they end.
type fetch struct {
	began  time.Time
	done   chan struct{} // closed when the Ring has the result
	cancel context.CancelFunc
}

// begin starts a read. The caller holds r.mu.
func (r *Ring) begin(now time.Time) *fetch {
	if r.fetch != nil {
		r.fetch.cancel()
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.config.FetchTimeout)
	f := &fetch{began: now, done: make(chan struct{}), cancel: cancel}
	r.fetch = f
	go func() {
		defer close(f.done)
		defer cancel()
		p, err := r.read(ctx)
		r.finish(f, p, err)
	}()
	return f
}

// read retries until the source responds or no time is left.
func (r *Ring) read(ctx context.Context) (Parameters, error) {
	return retry.Call(ctx, fetchBackoff, retry.Never, func(ctx context.Context) (Parameters, error) {
		return guard(func() (Parameters, error) { return r.source.Fetch(ctx) })
	})
}

// guard turns a panic in the background into an error: otherwise it would stop
// the process, which has good keys.
func guard[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}

// frozen reports whether the read should have ended long ago: its connection is
// probably closed, and its result would be old.
func (f *fetch) frozen(now time.Time, timeout time.Duration) bool {
	return elapsed(now, f.began) > timeout+thawTime
}

// waitUpTo waits for the read, at most for d and while ctx lasts.
func (f *fetch) waitUpTo(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-f.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}
