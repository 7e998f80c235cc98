package keyring

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRead(t *testing.T) {
	changed := good()
	changed.Settings = strings.Replace(document, "d111", "d222", 1)

	t.Run("what is there now, aside from requests", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, source, _ := newRing(good())
			old := snapshot(t, r)
			source.set(answers(changed))
			s, err := r.Read(t.Context())
			if err != nil || s.Host != "d222.cloudfront.net" {
				t.Fatalf("got %v, %v", s, err)
			}
			if snapshot(t, r) != old {
				t.Error("requests get another snapshot, which a rollback may end")
			}
		})
	})
	t.Run("in the pause after a failure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, source, _ := newRing(good())
			source.set(func(context.Context) (Parameters, error) { return Parameters{}, errOutage })
			if _, err := r.Snapshot(t.Context()); err == nil {
				t.Fatal("there are keys")
			}
			if s, err := r.Read(t.Context()); s != nil || !errors.Is(err, errOutage) || !errors.Is(err, ErrNoKeys) {
				t.Errorf("got %v, %v", s, err)
			}
			source.set(answers(changed))
			if s, err := r.Read(t.Context()); err != nil || s.Host != "d222.cloudfront.net" {
				t.Errorf("got %v, %v", s, err)
			}
		})
	})
	t.Run("what makes no snapshot", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, source, _ := newRing(good())
			source.set(answers(Parameters{Settings: "{}", OriginSecret: "s"}))
			if s, err := r.Read(t.Context()); s != nil || !errors.Is(err, ErrNoKeys) {
				t.Errorf("got %v, %v", s, err)
			}
		})
	})
	t.Run("with time left to answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, source, _ := newRing(good())
			source.set(func(ctx context.Context) (Parameters, error) {
				<-ctx.Done()
				return Parameters{}, ctx.Err()
			})
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			if _, err := r.Read(ctx); !errors.Is(err, ErrNoKeys) || ctx.Err() != nil {
				t.Errorf("got %v, and the request's own time: %v", err, ctx.Err())
			}
		})
	})
}
