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

// ErrNoKeys reports that there is nothing to sign with, and that it could not
// be read just now.
var ErrNoKeys = errors.New("no signing keys")

// An UnavailableError reports that nothing can be signed just now, because
// there are [ErrNoKeys] or because the service that keeps the key does not
// sign, and when to ask again.
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
	// RefreshEvery is the longest time until a snapshot in use is read anew
	// in the background; each container takes up to a fifth off, so that
	// those that started together part. Zero means five minutes.
	RefreshEvery time.Duration
	// StaleAfter is the age at which a snapshot is worth a short wait for a
	// newer one; see [Ring.Snapshot]. Zero means three times RefreshEvery.
	StaleAfter time.Duration
	// FetchTimeout bounds one read with all its tries. Zero means eight
	// seconds, which leaves time to answer within the function's fifteen.
	FetchTimeout time.Duration
	// KMS signs for the keys that are kept there. Nil means that there is
	// none, and such keys are left out.
	KMS DigestSigner
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger is told of reads that fail and of changes. Nil means
	// slog.Default().
	Logger *slog.Logger
	// Metrics counts the reads that fail, in the lines of Logger.
	Metrics metric.Recorder
}

const (
	// staleWait is the longest that a request waits for a newer snapshot when
	// it has an old one.
	staleWait = time.Second
	// answerTime is what a request without keys keeps back of its time, to
	// answer that there are none.
	answerTime = 500 * time.Millisecond
	// The pause after a failed read is from firstPause to longestPause while
	// requests are served with the old keys, and to longestPauseDown while they
	// are refused.
	firstPause       = issuance.FirstPause
	longestPause     = issuance.LongestPause
	longestPauseDown = issuance.LongestPauseWithoutKeys
)

// A Ring keeps the newest good [Snapshot] of a [Source]. It may be used by
// several goroutines at once.
type Ring struct {
	source Source
	config Config
	held   atomic.Pointer[held]

	mu     sync.Mutex // guards what follows, and writing held
	fetch  *fetch     // under way; nil where there is none
	outage outage     // of the source
}

// held is a snapshot and the time that it is from.
type held struct {
	snapshot *Snapshot
	at       time.Time     // when the read that brought it began
	refresh  time.Duration // the age at which it is read anew
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
// A request that finds one which is due for reading starts that in the
// background and does not wait. There is one exception. A container is frozen
// between requests, and a read in the background with it; where requests are
// rare that could go on for ever. So a request that finds a snapshot older
// than [Config.StaleAfter] waits for the read, at most a second, and then uses
// what there is.
//
// Without any snapshot a request waits for as long as its context allows, less
// the time to say so. The error is then an [UnavailableError].
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

// ensureFetch returns the read under way and begins one where there is none.
// While reads are paused after a failure it returns an error instead. It
// returns neither where a read has replaced what the caller found.
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
		return nil, noKeys(errors.New("the read is still under way"), firstPause)
	}
	return nil, noKeys(r.outage.cause, max(r.outage.left(r.config.Now()), firstPause))
}

// finish takes what a read brought.
func (r *Ring) finish(f *fetch, p Parameters, err error) {
	old := r.held.Load()
	var snapshot *Snapshot
	if err == nil {
		snapshot, err = guard(func() (*Snapshot, error) { return r.judge(p, old) })
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fetch != f {
		return // it was frozen, and another has taken its place
	}
	r.fetch = nil
	if err != nil {
		if f.frozen(r.config.Now(), r.config.FetchTimeout) {
			return // it says nothing of the source: the next request reads anew
		}
		r.fail(err, old)
		return
	}
	r.outage.end()
	r.held.Store(&held{snapshot, f.began, r.config.RefreshEvery - rand.N(r.config.RefreshEvery/issuance.RefreshSpread+1)})
}

// judge returns the snapshot that p makes: the old one where nothing changed,
// so that what is kept for its keys stays good.
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

// olderThan reports whether h is older than limit, or from the future by a
// clock that was put back since.
func (h *held) olderThan(limit time.Duration, now time.Time) bool {
	e := elapsed(now, h.at)
	return e >= limit || e < 0
}

// elapsed returns the time from since to now by the monotonic clock or by the
// wall clock, whichever saw more of it: the first may stand still while a
// container is frozen, the second may be put back.
func elapsed(now, since time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}
