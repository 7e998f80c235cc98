package keyring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"premiumhls/internal/issuance"
	"premiumhls/internal/metric"
)

// ErrNoKeys reports that no key is cached and that reading the keys failed.
var ErrNoKeys = errors.New("no signing keys")

// An UnavailableError reports that signing failed for now, with [ErrNoKeys] or
// because KMS failed, and when to retry.
type UnavailableError struct {
	RetryAfter time.Duration
	Cause      error
}

func (e *UnavailableError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Cause }

// noKeys returns an [ErrNoKeys] with its cause.
func noKeys(cause error, retryAfter time.Duration) *UnavailableError {
	return &UnavailableError{retryAfter, fmt.Errorf("%w: %w", ErrNoKeys, cause)}
}

// Config says how a Ring reads. The zero value is ready to use.
type Config struct {
	// RefreshEvery is the longest age of a snapshot before it is read again in
	// the background. Each container subtracts up to a fifth, so that containers
	// that started together do not read together. Zero means five minutes.
	RefreshEvery time.Duration
	// StaleAfter is the age at which a request waits a short time for a newer
	// snapshot; see [Ring.Snapshot]. Zero means three times RefreshEvery.
	StaleAfter time.Duration
	// FetchTimeout bounds one read with all its attempts. Zero means eight
	// seconds, which leaves time to respond within the function's fifteen.
	FetchTimeout time.Duration
	// KMS signs with the keys that are in KMS. If it is nil, such keys are
	// skipped.
	KMS DigestSigner
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger logs failed reads and changes. Nil means slog.Default().
	Logger *slog.Logger
	// Metrics counts failed reads, in the lines of Logger.
	Metrics metric.Recorder
}

const (
	// staleWait is how long a request with an old snapshot waits for a newer
	// one.
	staleWait = time.Second
	// answerTime is reserved of a request's time for the response that there
	// are no keys.
	answerTime = 500 * time.Millisecond
	// The pause after a failed read grows from firstPause to longestPause while
	// requests are served with old keys, and to longestPauseDown while they are
	// refused.
	firstPause       = issuance.FirstPause
	longestPause     = issuance.LongestPause
	longestPauseDown = issuance.LongestPauseWithoutKeys
)

// A Ring caches the newest valid [Snapshot] of a [Source]. It is safe for
// concurrent use.
type Ring struct {
	source Source
	config Config
	held   atomic.Pointer[held]

	mu     sync.Mutex // guards what follows, and writing held
	fetch  *fetch     // in progress, or nil
	outage outage     // of the source
}

// held is a snapshot and the time that it is from.
type held struct {
	snapshot *Snapshot
	at       time.Time     // when the read that brought it began
	refresh  time.Duration // the age at which it is read again
}

// New returns a Ring that has read nothing yet.
func New(source Source, config Config) *Ring {
	if config.RefreshEvery == 0 {
		config.RefreshEvery = 5 * time.Minute
	}
	if config.StaleAfter == 0 {
		config.StaleAfter = 3 * config.RefreshEvery
	}
	if config.FetchTimeout == 0 {
		config.FetchTimeout = issuance.FetchTimeout
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	return &Ring{source: source, config: config}
}

// Start begins the first read before the first request asks for it.
func (r *Ring) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held.Load() == nil && r.fetch == nil {
		r.begin(r.config.Now())
	}
}

// Snapshot returns the snapshot to use now.
//
// A request that finds a snapshot which is due starts a read in the background
// and does not wait, with one exception: a container is frozen between requests,
// and a background read with it. If requests are rare, it might never finish. So
// a request that finds a snapshot older than [Config.StaleAfter] waits for the
// read, at most a second, and then uses the newest snapshot.
//
// If there is no snapshot, a request waits for as long as its context allows,
// less the time to respond. The error is then an [UnavailableError].
func (r *Ring) Snapshot(ctx context.Context) (*Snapshot, error) {
	now := r.config.Now()
	h := r.held.Load()
	if h != nil && !h.olderThan(h.refresh, now) {
		return h.snapshot, nil
	}
	f, err := r.ensureFetch(now, h)
	switch {
	case h == nil && err != nil:
		return nil, err
	case h == nil && f != nil:
		return r.await(ctx, f)
	case f != nil && h.olderThan(r.config.StaleAfter, now):
		f.waitUpTo(ctx, staleWait-elapsed(now, f.began))
	}
	return r.held.Load().snapshot, nil
}

// ensureFetch returns the read in progress, and starts one if there is none.
// While reads are paused after a failure it returns an error instead. It returns
// neither if a read has replaced the snapshot that the caller found.
func (r *Ring) ensureFetch(now time.Time, found *held) (*fetch, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held.Load() != found {
		return nil, nil
	}
	if r.fetch != nil && !r.fetch.frozen(now, r.config.FetchTimeout) {
		return r.fetch, nil
	}
	if left := r.outage.left(now); left > 0 {
		return nil, noKeys(r.outage.cause, left)
	}
	return r.begin(now), nil
}

// await waits for a first snapshot.
func (r *Ring) await(ctx context.Context, f *fetch) (*Snapshot, error) {
	patience := r.config.FetchTimeout
	if deadline, ok := ctx.Deadline(); ok {
		patience = time.Until(deadline) - answerTime
	}
	f.waitUpTo(ctx, patience)
	if h := r.held.Load(); h != nil {
		return h.snapshot, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outage.cause == nil {
		return nil, noKeys(errors.New("the read has not finished"), firstPause)
	}
	return nil, noKeys(r.outage.cause, max(r.outage.left(r.config.Now()), firstPause))
}

// finish stores the result of a read.
func (r *Ring) finish(f *fetch, p Parameters, err error) {
	old := r.held.Load()
	var snapshot *Snapshot
	if err == nil {
		snapshot, err = guard(func() (*Snapshot, error) { return r.judge(p, old) })
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fetch != f {
		return // it was frozen, and another read has replaced it
	}
	r.fetch = nil
	if err != nil {
		if f.frozen(r.config.Now(), r.config.FetchTimeout) {
			return // not an error of the source: the next request reads again
		}
		r.fail(err, old)
		return
	}
	r.outage.end()
	r.held.Store(&held{snapshot, f.began, r.config.RefreshEvery - rand.N(r.config.RefreshEvery/issuance.RefreshSpread+1)})
}

// judge returns the snapshot of p: the old one if nothing changed, so that what
// is cached for its keys stays valid.
func (r *Ring) judge(p Parameters, old *held) (*Snapshot, error) {
	var before *Snapshot
	if old != nil {
		before = old.snapshot
		if p.equal(before.parameters) {
			return before, nil
		}
	}
	snapshot, err := newSnapshot(p, before, r.config.KMS, r.config.Logger)
	if err == nil {
		r.config.Logger.Info("signing keys read", "host", snapshot.Host, "keys", snapshot.names())
	}
	return snapshot, err
}

func (r *Ring) fail(err error, old *held) {
	longest := longestPause
	if old == nil {
		longest = longestPauseDown
	}
	now := r.config.Now()
	r.outage.begin(now, longest, err)
	message := "signing keys cannot be read and there are none"
	attributes := []slog.Attr{
		slog.String("cause", err.Error()),
		slog.Int("failures", r.outage.failures),
		slog.Int64("pause_ms", r.outage.pause.Milliseconds()),
	}
	if old != nil {
		message = "signing keys cannot be read; the old ones stay in use"
		attributes = append(attributes, slog.Int64("age_s", int64(elapsed(now, old.at).Seconds())))
	}
	attributes = append(attributes, r.config.Metrics.Attrs(now, "", metric.Value{Metric: metric.KeyFetchFailures, Of: 1})...)
	r.config.Logger.LogAttrs(context.Background(), slog.LevelError, message, attributes...)
}

// olderThan reports whether h is older than limit, or from the future because
// the clock was set back.
func (h *held) olderThan(limit time.Duration, now time.Time) bool {
	e := elapsed(now, h.at)
	return e >= limit || e < 0
}

// elapsed returns the time from since to now, by the monotonic clock or the wall
// clock, whichever is longer: the first can stop while a container is frozen, the
// second can be set back.
func elapsed(now, since time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}
