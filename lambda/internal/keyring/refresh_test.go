package keyring

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRefresh(t *testing.T) {
	changed := good()
	changed.Settings = strings.Replace(document, "d111", "d222", 1)

	t.Run("reads what is there now", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, source, _ := newRing(good())
			snapshot(t, r)
			source.set(answers(changed))
			s, err := r.Refresh(t.Context())
			if err != nil || s.Host != "d222.cloudfront.net" {
				t.Fatalf("got %v, %v", s, err)
			}
			if snapshot(t, r) != s {
				t.Error("requests get another snapshot")
			}
		})
	})
	t.Run("does not join a read that began before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, source, _ := newRing(good())
			release := make(chan struct{})
			source.set(func(context.Context) (Parameters, error) {
				<-release
				return good(), nil
			})
			r.Start()
			synctest.Wait()
			source.set(answers(changed))
			s, err := r.Refresh(t.Context())
			if err != nil || s.Host != "d222.cloudfront.net" {
				t.Fatalf("got %v, %v", s, err)
			}
			close(release)
			synctest.Wait()
			if snapshot(t, r) != s {
				t.Error("the older read took the place of the newer one")
			}
		})
	})
	t.Run("fails where the read fails, whatever there is", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, source, _ := newRing(good())
			old := snapshot(t, r)
			source.set(func(context.Context) (Parameters, error) { return Parameters{}, errOutage })
			s, err := r.Refresh(t.Context())
			if s != nil || !errors.Is(err, errOutage) || !errors.Is(err, ErrNoKeys) {
				t.Fatalf("got %v, %v", s, err)
			}
			if snapshot(t, r) != old {
				t.Error("requests lost the snapshot that there was")
			}
			source.set(answers(changed))
			if s, err := r.Refresh(t.Context()); err != nil || s.Host != "d222.cloudfront.net" {
				t.Errorf("in the pause after a failure: %v, %v", s, err)
			}
		})
	})
	t.Run("leaves time to answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, source, _ := newRing(good())
			source.set(func(ctx context.Context) (Parameters, error) {
				<-ctx.Done()
				return Parameters{}, ctx.Err()
			})
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			if _, err := r.Refresh(ctx); !errors.Is(err, ErrNoKeys) || ctx.Err() != nil {
				t.Errorf("got %v, and the request's own time: %v", err, ctx.Err())
			}
			time.Sleep(time.Minute) // the read ends by itself
		})
	})
}
