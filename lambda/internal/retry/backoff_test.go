package retry

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errTemporary = errors.New("temporary")
	errPermanent = errors.New("permanent")
	errHang      = errors.New("hang") // until the attempt's context ends
)

func TestCall(t *testing.T) {
	backoff := Backoff{Attempt: time.Second, LongestAttempt: 2 * time.Second, Pause: 100 * time.Millisecond, LongestPause: 200 * time.Millisecond}
	for name, test := range map[string]struct {
		attempts int
		limit    time.Duration // of the context; 0: none
		errs     []error       // of the attempts in turn; the last one repeats
		calls    int
		err      error
		says     string
		least    time.Duration
		most     time.Duration
	}{
		"success":                       {0, 0, []error{nil}, 1, nil, "", 0, 0},
		"success after failures":        {4, 0, []error{errTemporary, errTemporary, nil}, 3, nil, "", 0, 300 * time.Millisecond},
		"permanent":                     {0, 0, []error{errTemporary, errPermanent}, 2, errPermanent, "permanent", 0, 100 * time.Millisecond},
		"attempts used up":              {4, 0, []error{errTemporary}, 4, errTemporary, "gave up after 4 tries", 0, 500 * time.Millisecond},
		"attempts get longer":           {4, 0, []error{errHang}, 4, errHang, "timed out", 7 * time.Second, 7500 * time.Millisecond},
		"context ends":                  {0, 1500 * time.Millisecond, []error{errHang}, 2, errHang, "gave up after 2 tries", 1500 * time.Millisecond, 1500 * time.Millisecond},
		"what failed before ctx is due": {0, time.Second, []error{errTemporary, errHang}, 2, errTemporary, "gave up after 2 tries", time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, b, calls, began := t.Context(), backoff, 0, time.Now()
				b.Attempts = test.attempts
				if test.limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.limit)
					defer cancel()
				}
				value, err := Call(ctx, b, func(err error) bool { return errors.Is(err, errPermanent) }, func(ctx context.Context) (int, error) {
					err := test.errs[min(calls, len(test.errs)-1)]
					calls++
					if err == errHang {
						<-ctx.Done()
					}
					return calls, err
				})
				took := time.Since(began)
				if calls != test.calls || !errors.Is(err, test.err) || took < test.least || took > test.most {
					t.Errorf("%d calls in %v: %v; want %d in %v to %v: %v", calls, took, err, test.calls, test.least, test.most, test.err)
				}
				if err == nil && value != calls || err != nil && !strings.Contains(err.Error(), test.says) {
					t.Errorf("returned %d, %v", value, err)
				}
			})
		})
	}
}
