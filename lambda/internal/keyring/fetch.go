package keyring

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// firstAttempt is the time limit of a read's first try. Later ones get
	// twice that of the one before, so that a store that is slow but answers
	// is still heard.
	firstAttempt = 2 * time.Second
	// firstBackoff and longestBackoff bound the pause between two tries.
	firstBackoff   = 250 * time.Millisecond
	longestBackoff = 3 * time.Second
	// thawTime is how long a read may overrun its time limit before it is
	// taken for one that was frozen together with its container.
	thawTime = time.Second
)

// A fetch is one read, with all its tries, that any number of requests wait
// for. No request's end ends it.
type fetch struct {
	began  time.Time
	done   chan struct{} // closed when the Ring has taken the result
	cancel context.CancelFunc
}

// begin starts a read. The caller holds the lock.
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

// read tries until it has an answer or no time is left.
func (r *Ring) read(ctx context.Context) (Parameters, error) {
	for attempt := 0; ; attempt++ {
		p, err := r.try(ctx, attempt)
		if err == nil {
			return p, nil
		}
		if !sleep(ctx, rand.N(min(firstBackoff<<min(attempt, 10), longestBackoff)+1)) {
			return Parameters{}, fmt.Errorf("gave up after %d tries: %w", attempt+1, err)
		}
	}
}

func (r *Ring) try(ctx context.Context, attempt int) (Parameters, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, firstAttempt<<min(attempt, 10), errors.New("no answer in time"))
	defer cancel()
	p, err := guard(func() (Parameters, error) { return r.source.Fetch(ctx) })
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return p, err
}

// guard makes a panic in the background an error: otherwise it would take the
// container down, and with it the keys that it has.
func guard[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}

// sleep reports whether it could sleep for d before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// frozen reports whether the read should have ended long ago. Its connection
// will not be alive any more, and what it may still bring is old.
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
