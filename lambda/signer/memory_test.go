package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"premiumhls/internal/issuance"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
	"premiumhls/signedcookie"
)

// instantKMS signs at once, so that a million signatures can be had in a test.
// Who verifies them is tested elsewhere.
type instantKMS struct{ signed atomic.Int64 }

func (k *instantKMS) SignDigest(_ context.Context, _ string, _ signedcookie.KeyType, digest []byte) ([]byte, error) {
	k.signed.Add(1)
	signature := make([]byte, 256)
	copy(signature, digest)
	return signature, nil
}

func (*instantKMS) PublicKey(context.Context, string) (crypto.PublicKey, error) {
	return nil, errors.New("not needed where the settings have no fingerprint")
}

// rotating is a parameter store in which a new key comes every hour.
type rotating struct {
	now     func() time.Time
	fetches atomic.Int64
}

func (r *rotating) Fetch(context.Context) (keyring.Parameters, error) {
	r.fetches.Add(1)
	var keys []string
	for age := range 2 {
		since := r.now().UTC().Truncate(time.Hour).Add(-time.Duration(1-age) * time.Hour)
		keys = append(keys, fmt.Sprintf(`{"name":%q,"custody":"kms","kmsKey":"arn:aws:kms:us-east-1:111122223333:key/%d","id":"K%d","hash":"SHA256","trustedSince":%q}`,
			since.Format("2006-01-02-15"), since.Unix(), since.Unix(), since.Format(time.RFC3339)))
	}
	return keyring.Parameters{
		Settings:     fmt.Sprintf(`{"host":%q,"keys":[%s]}`, host, strings.Join(keys, ",")),
		OriginSecret: secret,
	}, nil
}

// A million requests, no two alike: other viewers, of whom four ask for the
// same path, other steps of time, keys that come and go, and some that are
// refused. Each gets its own answer, memory stays as it was, and no goroutine
// is left behind.
func TestMillionRequests(t *testing.T) {
	// In a bubble no limit of time passes while there is work to do, however
	// busy the machine is.
	synctest.Test(t, testMillionRequests)
}

func testMillionRequests(t *testing.T) {
	warm, million := int64(32*issuance.CachedSets), int64(1024*issuance.CachedSets)
	if testing.Short() {
		million /= 8
	}
	var clock atomic.Int64 // in steps of a tenth of a second: a million are more than a day
	at := func() time.Time { return now.Add(time.Duration(clock.Load()) * 100 * time.Millisecond) }
	quiet := slog.New(slog.DiscardHandler)
	decider, err := entitlement.New(`{"claim":"custom:courses","paths":true}`, entitlement.Config{Logger: quiet, Now: at})
	if err != nil {
		t.Fatal(err)
	}
	settings, err := readSettings(document("signingKeys=[]"))
	if err != nil {
		t.Fatal(err)
	}
	store, service := &rotating{now: at}, &instantKMS{}
	goroutines := runtime.NumGoroutine()
	h := newHandler(settings, keyring.New(store, keyring.Config{KMS: service, Now: at, Logger: quiet}), decider, quiet)
	h.now = at

	request := func(i int64) {
		course, path := fmt.Sprintf("course-%d", i/4%1000), fmt.Sprintf("course-%d/lesson-%d", i/4%1000, i/4)
		e := event("POST", `{"path":"`+path+`"}`)
		claims := e.RequestContext.Authorizer.JWT.Claims
		claims["sub"], claims["custom:courses"] = fmt.Sprintf("viewer-%d", i), course
		want, code := 200, `"path":"/premium/`+path+`/"`
		switch i % 32 {
		case 0:
			claims["custom:courses"] = fmt.Sprintf("course-%d/lesson-%d", i/4%1000, i)
			want, code = 403, `"not_entitled"`
		case 1:
			e.Body = fmt.Sprintf(`{"path":"course-%d/.."}`, i)
			want, code = 400, `"invalid_path"`
		case 2:
			e.Headers[originSecretHeader] = fmt.Sprint(i)
			want, code = 403, `"not_through_distribution"`
		}
		if got := serve(t, h, e); got.StatusCode != want || !strings.Contains(got.Body, code) {
			t.Errorf("request %d: %d %s, want %d with %s", i, got.StatusCode, got.Body, want, code)
		}
	}
	// The clock of one is the next request of all.
	serveUntil := func(count int64) {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for i := clock.Add(1); i <= count && !t.Failed(); i = clock.Add(1) {
					request(i)
				}
			})
		}
		group.Wait()
		clock.Store(count)
	}
	serveUntil(warm)
	before := heapInUse()
	serveUntil(million)
	// How much of a generation of the cache is full may differ.
	if after := heapInUse(); after > before+4<<20 {
		t.Errorf("%d bytes are in use after %d requests, and %d after %d", before, warm, after, million)
	}
	if n := service.signed.Load(); n < million/4 {
		t.Errorf("%d signatures for %d requests: they are alike", n, million)
	}
	if n := store.fetches.Load(); n < million/5000 {
		t.Errorf("%d reads of the parameters in %v", n, at().Sub(now))
	}
	// The last read in the background may still be under way.
	for range 1000 {
		if runtime.NumGoroutine() <= goroutines {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines before, %d after", goroutines, n)
	}
	runtime.KeepAlive(h)
}

// heapInUse is what is in use, in bytes, once what nobody needs is gone.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what the first one has freed of pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
