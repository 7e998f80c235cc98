// Package retry repeats calls that fail for a moment only.
package retry

import (
	"context"
	"errors"
	"time"

	"github.com/aws/smithy-go"
)

// Pauses are how long to wait after each failure in turn. There is one call
// more than there are pauses.
type Pauses []time.Duration

// Do calls f until it succeeds, until it fails with an error that again does
// not accept, until there is no pause left or until ctx ends. It returns the
// last error of f.
func Do(ctx context.Context, pauses Pauses, again func(error) bool, f func() error) error {
	for _, pause := range pauses {
		err := f()
		if err == nil || !again(err) || Sleep(ctx, pause) != nil {
			return err
		}
	}
	return f()
}

// Any accepts every error.
func Any(error) bool { return true }

// Denied reports whether AWS denied a call. IAM is eventually consistent: a
// permission that the same deploy gave may be unknown for some seconds (IAM
// user guide, "Troubleshoot IAM").
func Denied(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && (api.ErrorCode() == "AccessDeniedException" || api.ErrorCode() == "AccessDenied")
}

// Sleep waits for d, or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
