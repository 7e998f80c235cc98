package originsecret

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"premiumhls/internal/issuance"
	"premiumhls/lambda/internal/retry"
)

// A Caller calls operations of a service with a JSON API.
type Caller interface {
	Call(ctx context.Context, operation string, input, output any) error
}

const (
	// firstRead bounds the reads of a request that finds no secrets, and
	// laterRead those of one that finds old ones.
	firstRead = 5 * time.Second
	laterRead = time.Second
	// pause is how long old secrets are used after a failed read, and how long
	// requests fail at once if there are none.
	pause        = 30 * time.Second
	pauseWithout = time.Second
)

// A Reader reads the secrets from a parameter of AWS Systems Manager and caches
// them. It is for functions that need nothing else of the signing keys; the
// signer reads the secrets together with its keys. It is safe for concurrent
// use.
type Reader struct {
	client    Caller
	parameter string
	refresh   time.Duration
	logger    *slog.Logger
	now       func() time.Time

	mu      sync.Mutex
	secrets Secrets
	next    time.Time // before which they are not read again
	err     error     // of the last read
}

// NewReader returns a Reader that reads a parameter again after at most refresh.
// Each container takes off up to a fifth, so that containers that started
// together do not read together.
func NewReader(client Caller, parameter string, refresh time.Duration, logger *slog.Logger) *Reader {
	return &Reader{client: client, parameter: parameter, refresh: refresh, logger: logger, now: time.Now}
}

// Secrets returns the secrets. If they cannot be read again, it returns the old
// ones; an error means that there are none.
func (r *Reader) Secrets(ctx context.Context) (Secrets, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// By the wall clock, which is right after a container was frozen. A clock
	// that was set back does not keep old secrets for longer than refresh.
	now := r.now().Round(0)
	if now.Before(r.next) && r.next.Sub(now) <= r.refresh {
		return r.secrets, r.err
	}
	limit := laterRead
	if r.secrets == nil {
		limit = firstRead
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	secrets, err := retry.Call(ctx, backoff, retry.Never, r.read)
	ended := r.now().Round(0)
	switch {
	case err == nil:
		r.secrets, r.err = secrets, nil
		r.next = now.Add(r.refresh - rand.N(r.refresh/issuance.RefreshSpread+1))
	case r.secrets == nil:
		r.err = err
		r.next = ended.Add(min(pauseWithout, r.refresh))
		r.logger.Error("origin secret cannot be read and there is none", "cause", err.Error())
	default:
		r.next = ended.Add(min(pause, r.refresh))
		r.logger.Error("origin secret cannot be read; the old one stays in use", "cause", err.Error())
	}
	return r.secrets, r.err
}

var backoff = retry.Backoff{Attempt: time.Second, LongestAttempt: 4 * time.Second, Pause: 250 * time.Millisecond, LongestPause: time.Second}

// read calls GetParameters, for which the signer has a permission too, and not
// GetParameter.
func (r *Reader) read(ctx context.Context) (Secrets, error) {
	input := struct {
		Names          []string
		WithDecryption bool
	}{[]string{r.parameter}, true}
	var output struct {
		Parameters []struct{ Name, Value string }
	}
	if err := r.client.Call(ctx, "GetParameters", input, &output); err != nil {
		return nil, fmt.Errorf("reading parameter %s: %w", r.parameter, err)
	}
	for _, p := range output.Parameters {
		if p.Name == r.parameter {
			return Parse(p.Value)
		}
	}
	return nil, fmt.Errorf("parameter %s does not exist", r.parameter)
}
