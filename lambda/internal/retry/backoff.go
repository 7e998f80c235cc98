package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Backoff says how long the attempts of a call may take, and the pauses
// between them. Both double from one attempt to the next: a service that is slow
// but responds gets the time, and one that is overloaded gets a rest. Pauses are
// random between zero and their bound, so that clients that failed together do
// not come back together.
type Backoff struct {
	Attempt, LongestAttempt time.Duration
	Pause, LongestPause     time.Duration
	// Attempts is their largest number. Zero means any number, until the
	// context ends.
	Attempts int
}

// Never reports that no error is permanent.
func Never(error) bool { return false }

// Call calls f until it succeeds, fails with a permanent error, has used up its
// attempts, or ctx ends. Each attempt returns a value of its own.
func Call[T any](ctx context.Context, b Backoff, permanent func(error) bool, f func(context.Context) (T, error)) (T, error) {
	var cause error
	for failed := 0; ; {
		value, err := attempt(ctx, doubled(b.Attempt, b.LongestAttempt, failed), f)
		if err == nil || permanent(err) {
			return value, err
		}
		failed++
		if cause == nil || ctx.Err() == nil {
			cause = err // an attempt that ctx ended says less than the one before
		}
		if failed == b.Attempts || !b.Wait(ctx, failed) {
			var none T
			return none, fmt.Errorf("gave up after %d tries: %w", failed, cause)
		}
	}
}

// Wait waits after a number of failed attempts, and reports whether ctx lasted
// as long.
func (b Backoff) Wait(ctx context.Context, failed int) bool {
	return Sleep(ctx, rand.N(doubled(b.Pause, b.LongestPause, failed-1)+1)) == nil
}

func doubled(first, longest time.Duration, times int) time.Duration {
	return min(first<<min(times, 10), longest)
}

func attempt[T any](ctx context.Context, limit time.Duration, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("timed out"))
	defer cancel()
	value, err := f(ctx)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return value, err
}
