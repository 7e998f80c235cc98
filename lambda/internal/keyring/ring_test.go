package keyring

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"premiumhls/lambda/internal/retry"
)

var errOutage = errors.New("outage")

// newRing returns a ring over a source that answers p, and both.
func newRing(p Parameters) (*Ring, *fakeSource, *lockedBuffer) {
	logger, log := logged()
	source := &fakeSource{fetch: answers(p)}
	return New(source, Config{Logger: logger}), source, log
}

func snapshot(t *testing.T, r *Ring) *Snapshot {
	t.Helper()
	s, err := r.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRingReadsOnceForManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, source, _ := newRing(good())
		source.set(func(context.Context) (Parameters, error) {
			time.Sleep(100 * time.Millisecond)
			return good(), nil
		})
		var first atomic.Pointer[Snapshot]
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				s, err := r.Snapshot(context.Background())
				if err != nil {
					t.Error(err)
				}
				if !first.CompareAndSwap(nil, s) && first.Load() != s {
					t.Error("two snapshots")
				}
			})
		}
		group.Wait()
		if n := source.count(); n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
	})
}

func TestRingStartsBeforeTheFirstRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, source, _ := newRing(good())
		r.Start()
		r.Start()
		synctest.Wait()
		snapshot(t, r)
		if n := source.count(); n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
	})
}

func TestRingRefreshesInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, source, _ := newRing(good())
		old := snapshot(t, r)
		time.Sleep(4*time.Minute - time.Second) // a fifth off five minutes is the least
		if snapshot(t, r) != old || source.count() != 1 {
			t.Fatal("read again too early")
		}
		changed := good()
		changed.Settings = strings.Replace(document, "d111", "d222", 1)
		release := make(chan struct{})
		source.set(func(context.Context) (Parameters, error) {
			<-release
			return changed, nil
		})
		time.Sleep(time.Minute + time.Second)
		for range 10 {
			before := time.Now()
			if snapshot(t, r) != old {
				t.Fatal("the old snapshot is gone before there is a new one")
			}
			if time.Since(before) != 0 {
				t.Fatal("a request waited for a refresh")
			}
		}
		close(release)
		synctest.Wait()
		s := snapshot(t, r)
		if s.Host != "d222.cloudfront.net" {
			t.Errorf("host %s after the refresh", s.Host)
		}
		if s.Keys[0] != old.Keys[0] {
			t.Error("an unchanged key was parsed again")
		}
		if n := source.count(); n != 2 {
			t.Errorf("%d reads, want 2", n)
		}
	})
}

func TestRingKeepsTheSnapshotThatDidNotChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, source, _ := newRing(good())
		old := snapshot(t, r)
		for range 3 {
			time.Sleep(5 * time.Minute)
			snapshot(t, r)
			synctest.Wait()
		}
		if snapshot(t, r) != old {
			t.Error("a new snapshot though nothing changed")
		}
		if n := source.count(); n != 4 {
			t.Errorf("%d reads, want 4", n)
		}
	})
}

// Whatever goes wrong when warm: requests use the old snapshot,
// for an hour, at a bounded number of reads; afterwards the new one is found.
func TestRingOutlivesAnOutage(t *testing.T) {
	broken := func(change func(*Parameters)) func(context.Context) (Parameters, error) {
		p := good()
		change(&p)
		return answers(p)
	}
	for _, tt := range []struct {
		name  string
		fetch func(context.Context) (Parameters, error)
		most  int // reads in an hour
	}{
		{"errors", fails(errOutage), 1500},
		{"silence", func(ctx context.Context) (Parameters, error) {
			<-ctx.Done()
			return Parameters{}, ctx.Err()
		}, 400},
		{"panics", func(context.Context) (Parameters, error) { panic("broken") }, 1500},
		{"a wildcard host", broken(func(p *Parameters) { p.Settings = strings.Replace(document, "d111", "*", 1) }), 150},
		{"no settings", broken(func(p *Parameters) { p.Settings = "" }), 150},
		{"no secret", broken(func(p *Parameters) { p.OriginSecret = "" }), 150},
		{"a broken key", broken(func(p *Parameters) { p.PrivateKeys["a"] = "-----BEGIN PRIVATE KEY-----" }), 150},
		{"no keys", broken(func(p *Parameters) { p.PrivateKeys = nil }), 150},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, source, log := newRing(good())
				old := snapshot(t, r)
				time.Sleep(5 * time.Minute)
				source.set(tt.fetch)
				calls := source.count()
				for range 3600 {
					before := time.Now()
					if snapshot(t, r) != old {
						t.Fatal("the old snapshot is no longer used")
					}
					if waited := time.Since(before); waited > staleWait {
						t.Fatalf("a request waited %v", waited)
					}
					time.Sleep(time.Second)
				}
				if n := source.count() - calls; n > tt.most || n < 10 {
					t.Errorf("%d reads in an hour of outage, want 10 to %d", n, tt.most)
				}
				if !strings.Contains(log.String(), "the old ones stay in use") {
					t.Errorf("the log says nothing of it: %s", log)
				}
				changed := good()
				changed.Settings = strings.Replace(document, "d111", "d222", 1)
				source.set(answers(changed))
				time.Sleep(longestPause + 10*time.Second)
				snapshot(t, r)
				synctest.Wait()
				if got := snapshot(t, r).Host; got != "d222.cloudfront.net" {
					t.Errorf("host %s after the outage", got)
				}
				time.Sleep(time.Minute) // whatever is under way ends
			})
		})
	}
}

func TestRingWithoutKeys(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fetch func(context.Context) (Parameters, error)
	}{
		{"errors", fails(errOutage)},
		{"silence", func(ctx context.Context) (Parameters, error) {
			<-ctx.Done()
			return Parameters{}, ctx.Err()
		}},
		{"deaf to its context", func(context.Context) (Parameters, error) {
			time.Sleep(time.Minute)
			return Parameters{}, errOutage
		}},
		{"nothing usable", answers(Parameters{})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, source, _ := newRing(good())
				source.set(tt.fetch)
				for range 20 {
					ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // as Lambda does
					before := time.Now()
					_, err := r.Snapshot(ctx)
					var unavailable *UnavailableError
					if !errors.Is(err, ErrNoKeys) || !errors.As(err, &unavailable) {
						t.Fatalf("error %v, want an UnavailableError", err)
					}
					if d := unavailable.RetryAfter; d <= 0 || d > longestPauseDown {
						t.Errorf("retry after %v", d)
					}
					if waited := time.Since(before); waited > 10*time.Second-answerTime {
						t.Errorf("answered after %v, which leaves no time", waited)
					}
					cancel()
					time.Sleep(100 * time.Millisecond)
				}
				if n := source.count(); n > 150 {
					t.Errorf("%d reads for 20 requests", n)
				}
				source.set(answers(good()))
				time.Sleep(2 * time.Minute)
				snapshot(t, r)
			})
		})
	}
}

// A request that is near its end does not wait longer than it has.
func TestRingLeavesTimeToAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, source, _ := newRing(good())
		release := make(chan struct{})
		source.set(func(context.Context) (Parameters, error) {
			<-release
			return good(), nil
		})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		before := time.Now()
		if _, err := r.Snapshot(ctx); !errors.Is(err, ErrNoKeys) {
			t.Errorf("error %v", err)
		}
		if waited := time.Since(before); waited != time.Second-answerTime {
			t.Errorf("waited %v of a second", waited)
		}
		cancel() // nor does its end end the read that others wait for
		close(release)
		synctest.Wait()
		snapshot(t, r)
		if n := source.count(); n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
	})
}

// A read whose container was frozen is replaced, and what it brings late is
// not taken.
func TestRingReplacesAFrozenRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64 // the wall clock, which goes on while all else is frozen
		logger, _ := logged()
		source := &fakeSource{fetch: answers(good())}
		r := New(source, Config{Logger: logger, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
		snapshot(t, r)

		ahead.Add(int64(time.Hour))
		late := good()
		late.Settings = strings.Replace(document, "d111", "dlate", 1)
		release := make(chan struct{})
		source.set(func(context.Context) (Parameters, error) {
			<-release
			return late, nil
		})
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // the request is over at once, and the container frozen
		if _, err := r.Snapshot(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()

		ahead.Add(int64(time.Hour))
		fresh := good()
		fresh.Settings = strings.Replace(document, "d111", "dfresh", 1)
		source.set(answers(fresh))
		if got := snapshot(t, r).Host; got != "dfresh.cloudfront.net" {
			t.Errorf("host %s: a stale snapshot was not worth the wait", got)
		}
		calls := source.count()
		close(release)
		synctest.Wait()
		if got := snapshot(t, r).Host; got != "dfresh.cloudfront.net" || source.count() != calls {
			t.Errorf("host %s, %d reads more: what a frozen read brought late was taken", got, source.count()-calls)
		}
	})
}

// A first read that was frozen with its container is over as soon as that
// thaws. It is no outage: the first request reads again and gets keys.
func TestRingReadsAnewAfterAFrozenRead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		frozen time.Duration
		err    bool
	}{
		{"frozen for an hour", time.Hour, false},
		{"not frozen", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ahead atomic.Int64 // the wall clock, which goes on while all else is frozen
				logger, _ := logged()
				source := &fakeSource{fetch: func(ctx context.Context) (Parameters, error) {
					<-ctx.Done()
					return Parameters{}, ctx.Err()
				}}
				r := New(source, Config{Logger: logger, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
				r.Start()
				synctest.Wait()
				ahead.Store(int64(tt.frozen))
				time.Sleep(8 * time.Second) // its timers are over before there is a request
				synctest.Wait()
				source.set(answers(good()))
				if _, err := r.Snapshot(context.Background()); (err != nil) != tt.err {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// A clock that jumps either way leads to one read more, not to none for a year
// nor to one for each request.
func TestRingWhenTheClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{365 * 24 * time.Hour, -365 * 24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ahead atomic.Int64
				logger, _ := logged()
				source := &fakeSource{fetch: answers(good())}
				r := New(source, Config{Logger: logger, Now: func() time.Time {
					return time.Now().Add(time.Duration(ahead.Load())).Round(0)
				}})
				snapshot(t, r)
				source.set(fails(errOutage))
				time.Sleep(5 * time.Minute)
				snapshot(t, r)
				time.Sleep(30 * time.Second) // the read has failed; the next is some time off
				ahead.Add(int64(jump))
				source.set(answers(good()))
				calls := source.count()
				for range 10 {
					snapshot(t, r)
					synctest.Wait()
				}
				if n := source.count() - calls; n != 1 {
					t.Errorf("%d reads after the jump, want 1", n)
				}
			})
		})
	}
}

// A thousand containers start at once; the store answers forty calls a second
// and throttles the rest. Each viewer asks again when told to. All come up.
func TestThousandColdStarts(t *testing.T) {
	const containers, rate = 1000, 40
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		tokens, last, calls := float64(rate), time.Now(), 0
		throttle := func(context.Context) (Parameters, error) {
			mu.Lock()
			defer mu.Unlock()
			now := time.Now()
			tokens = min(rate, tokens+rate*now.Sub(last).Seconds())
			last = now
			calls++
			if tokens < 1 {
				return Parameters{}, errors.New("ThrottlingException")
			}
			tokens--
			return good(), nil
		}
		var group sync.WaitGroup
		var refused, slowest atomic.Int64
		for range containers {
			r, source, _ := newRing(good())
			source.set(throttle)
			group.Go(func() {
				r.Start()
				for {
					ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
					_, err := r.Snapshot(ctx)
					cancel()
					var unavailable *UnavailableError
					if !errors.As(err, &unavailable) {
						break
					}
					refused.Add(1)
					time.Sleep(unavailable.RetryAfter.Truncate(time.Second) + time.Second)
				}
				for up := int64(time.Since(began)); ; {
					old := slowest.Load()
					if up <= old || slowest.CompareAndSwap(old, up) {
						break
					}
				}
			})
		}
		group.Wait()
		t.Logf("all up after %v, %d answers of 503, %d calls", time.Duration(slowest.Load()).Round(time.Millisecond), refused.Load(), calls)
		// Twenty-four seconds is the least that the store allows.
		if up := time.Duration(slowest.Load()); up > 40*time.Second {
			t.Errorf("the last came up after %v", up)
		}
		if calls > 20*containers {
			t.Errorf("%d calls for %d containers", calls, containers)
		}
		if refused.Load() > 5*containers {
			t.Errorf("%d answers of 503", refused.Load())
		}
	})
}

// A cold start comes up within its first request when one try hangs, and when
// the store answers, but late.
func TestRingComesUpSlowly(t *testing.T) {
	slow := func(ctx context.Context, d time.Duration) (Parameters, error) {
		if err := retry.Sleep(ctx, d); err != nil {
			return Parameters{}, err
		}
		return good(), nil
	}
	for _, tt := range []struct {
		name    string
		answers []time.Duration // of each try; the last for all that follow
	}{
		{"the first try hangs", []time.Duration{time.Hour, 10 * time.Millisecond}},
		{"every answer takes three seconds", []time.Duration{3 * time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, source, _ := newRing(good())
				source.set(func(ctx context.Context) (Parameters, error) {
					return slow(ctx, tt.answers[min(source.count(), len(tt.answers))-1])
				})
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				if _, err := r.Snapshot(ctx); err != nil {
					t.Error(err)
				}
				if n := source.count(); n != 2 {
					t.Errorf("%d tries, want 2", n)
				}
			})
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	r, _, _ := newRing(good())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Snapshot(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// A ring that is to read more often is also sooner worth a wait.
func TestRingIsStaleByItsRefresh(t *testing.T) {
	for _, tt := range []struct {
		name string
		age  time.Duration
		host string
	}{
		{"due, not stale", 2900 * time.Millisecond, "d111.cloudfront.net"},
		{"stale", 3 * time.Second, "d222.cloudfront.net"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logger, _ := logged()
				source := &fakeSource{fetch: answers(good())}
				r := New(source, Config{RefreshEvery: time.Second, Logger: logger})
				snapshot(t, r)
				source.set(func(context.Context) (Parameters, error) {
					time.Sleep(100 * time.Millisecond)
					changed := good()
					changed.Settings = strings.Replace(document, "d111", "d222", 1)
					return changed, nil
				})
				time.Sleep(tt.age)
				if got := snapshot(t, r).Host; got != tt.host {
					t.Errorf("host %s, want %s", got, tt.host)
				}
				time.Sleep(time.Second) // whatever is under way ends
			})
		})
	}
}
