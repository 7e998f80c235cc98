package retry

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/smithy-go"
)

func TestDo(t *testing.T) {
	denied := fmt.Errorf("calling: %w", &smithy.GenericAPIError{Code: "AccessDeniedException"})
	other := errors.New("other")
	for name, test := range map[string]struct {
		errs  []error // of the calls in turn
		calls int
		err   error
	}{
		"success":                {[]error{nil}, 1, nil},
		"success after denials":  {[]error{denied, denied, nil}, 3, nil},
		"denied every time":      {[]error{denied, denied, denied}, 3, denied},
		"another error":          {[]error{other}, 1, other},
		"another error later on": {[]error{denied, other}, 2, other},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			err := Do(t.Context(), Pauses{0, 0}, Denied, func() error {
				calls++
				return test.errs[calls-1]
			})
			if calls != test.calls || !errors.Is(err, test.err) {
				t.Errorf("%d calls and %v, want %d and %v", calls, err, test.calls, test.err)
			}
		})
	}
}

func TestDoEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := 0
	err := Do(ctx, Pauses{time.Hour}, Any, func() error { calls++; return errors.New("failed") })
	if calls != 1 || err == nil || err.Error() != "failed" {
		t.Errorf("%d calls and %v", calls, err)
	}
}
