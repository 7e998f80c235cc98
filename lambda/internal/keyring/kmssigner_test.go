package keyring

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"premiumhls/lambda/internal/awsjson"
	"premiumhls/signedcookie"
)

var (
	throttled = &awsjson.Error{Status: http.StatusBadRequest, Code: "ThrottlingException", Message: "Rate exceeded"}
	denied    = &awsjson.Error{Status: http.StatusBadRequest, Code: "AccessDeniedException"}
	disabled  = &awsjson.Error{Status: http.StatusBadRequest, Code: "DisabledException"}
	broken    = &awsjson.Error{Status: http.StatusInternalServerError, Code: "KMSInternalException"}
	errCut    = errors.New("EOF")
)

// A trial answers each try as its list says; the last for all that follow. An
// error of nil is a good answer, and errHang none at all.
type trial struct {
	answers []error
	tries   int
}

var errHang = errors.New("hangs")

func (k *trial) SignDigest(ctx context.Context, key string, _ signedcookie.KeyType, digest []byte) ([]byte, error) {
	answer := k.answers[min(k.tries, len(k.answers)-1)]
	k.tries++
	if key != arn || len(digest) != 32 {
		return nil, fmt.Errorf("signing %d bytes with %s", len(digest), key)
	}
	if answer == errHang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return []byte("signature"), answer
}

func (*trial) PublicKey(context.Context, string) (crypto.PublicKey, error) {
	return nil, errors.New("no public half")
}

func kmsKey(t *testing.T, kms DigestSigner) *Key {
	t.Helper()
	logger, _ := logged()
	p := good()
	p.Settings = withKeys(kmsEntry("k", "2026-11-23T10:00:00Z"))
	s, err := newSnapshot(p, nil, kms, logger)
	if err != nil {
		t.Fatal(err)
	}
	return s.Keys[0]
}

func TestKMSKeySigns(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []error
		time    time.Duration // that the request has; zero: no end
		cause   string        // why it fails; empty: it does not
		least   int           // tries
		most    int
		within  time.Duration
	}{
		{"at once", []error{nil}, 0, "", 1, 1, 0},
		{"throttled once", []error{throttled, nil}, 0, "", 2, 2, signBackoff.Pause},
		{"broken, then cut", []error{broken, errCut, nil}, 0, "", 3, 3, 3 * signBackoff.Pause},
		{"the first try hangs", []error{errHang, nil}, 0, "", 2, 2, signBackoff.Attempt + signBackoff.Pause},
		{"the first try hangs, of a request with a deadline", []error{errHang, nil}, 10 * time.Second, "", 2, 2, signBackoff.Attempt + signBackoff.Pause},
		{"throttled all the time", []error{throttled}, 0, "Rate exceeded", 4, 40, signTime},
		{"broken all the time", []error{broken}, 0, "KMSInternalException", 4, 40, signTime},
		{"cut all the time", []error{errCut}, 0, "EOF", 4, 40, signTime},
		{"hangs all the time", []error{errHang}, 0, "gave up", 2, 2, signTime},
		{"hangs, and the request has little time", []error{errHang}, 1500 * time.Millisecond, "gave up", 1, 2, 1500*time.Millisecond - answerTime},
		{"throttled, then hangs all the time", []error{throttled, errHang}, 2 * time.Second, "Rate exceeded", 2, 3, 2*time.Second - answerTime},
		{"denied", []error{denied}, 0, "AccessDeniedException", 1, 1, 0},
		{"disabled", []error{disabled}, 0, "DisabledException", 1, 1, 0},
		{"throttled, then denied", []error{throttled, denied}, 0, "AccessDeniedException", 2, 2, signBackoff.Pause},
		{"no time is left", []error{nil}, answerTime, "no time is left", 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kms := &trial{answers: tt.answers}
				key := kmsKey(t, kms)
				ctx := context.Background()
				if tt.time > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.time)
					defer cancel()
				}
				began := time.Now()
				signature, err := key.Sign(ctx, []byte("policy"))
				if took := time.Since(began); took > tt.within {
					t.Errorf("took %v, want at most %v", took, tt.within)
				}
				if kms.tries < tt.least || kms.tries > tt.most {
					t.Errorf("%d tries, want %d to %d", kms.tries, tt.least, tt.most)
				}
				if tt.cause == "" {
					if err != nil || string(signature) != "signature" {
						t.Errorf("%q, %v", signature, err)
					}
					return
				}
				unavailable, ok := errors.AsType[*UnavailableError](err)
				if !ok || signature != nil {
					t.Fatalf("%q and error %v, want an UnavailableError", signature, err)
				}
				if d := unavailable.RetryAfter; d < firstPause/2 || d > longestPauseDown {
					t.Errorf("retry after %v", d)
				}
				if !strings.Contains(err.Error(), tt.cause) || errors.Is(err, ErrNoKeys) {
					t.Errorf("error %v, want one of signing that says %q", err, tt.cause)
				}
			})
		})
	}
}

// However many requests come while KMS fails, it is called at a bounded rate;
// it is found again soon after.
func TestKMSIsLeftAloneWhileItFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer error
		most   int // tries in ten minutes
	}{
		{"throttled", throttled, 1500},
		{"denied", denied, 300},
		{"hangs", errHang, 300},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kms := &trial{answers: []error{tt.answer}}
				key := kmsKey(t, kms)
				for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(10 * time.Millisecond) {
					_, err := key.Sign(context.Background(), []byte("policy"))
					unavailable, ok := errors.AsType[*UnavailableError](err)
					if !ok || unavailable.RetryAfter <= 0 || unavailable.RetryAfter > longestPauseDown {
						t.Fatalf("error %v, want an UnavailableError with a time", err)
					}
				}
				if kms.tries > tt.most || kms.tries < 60 {
					t.Errorf("%d tries in ten minutes, want 60 to %d", kms.tries, tt.most)
				}
				kms.answers = []error{nil}
				_, err := key.Sign(context.Background(), []byte("policy"))
				if unavailable, ok := errors.AsType[*UnavailableError](err); ok {
					time.Sleep(unavailable.RetryAfter)
				}
				for range 3 {
					if _, err := key.Sign(context.Background(), []byte("policy")); err != nil {
						t.Errorf("after the outage: %v", err)
					}
				}
				kms.answers = []error{denied}
				_, err = key.Sign(context.Background(), []byte("policy"))
				if unavailable, ok := errors.AsType[*UnavailableError](err); !ok || unavailable.RetryAfter > firstPause {
					t.Errorf("the next outage begins with %v", err)
				}
			})
		})
	}
}

// A request that had no time to sign does not keep the next from it.
func TestNoTimeLeftIsNoOutage(t *testing.T) {
	key := kmsKey(t, &trial{answers: []error{nil}})
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	if _, err := key.Sign(ctx, []byte("policy")); err == nil {
		t.Error("signed without time to answer")
	}
	if _, err := key.Sign(context.Background(), []byte("policy")); err != nil {
		t.Error(err)
	}
}

// What is signed is what the settings said when the key was made, and KMS has
// no other digest than this one.
func TestKMSSignsNoOtherDigest(t *testing.T) {
	kms := &trial{answers: []error{nil}}
	signer, err := newKMSSigner(keyEntry{kmsKey: arn, hash: signedcookie.SHA256}, kms)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.signPolicy(context.Background(), signedcookie.SHA1, []byte("policy")); err == nil || kms.tries != 0 {
		t.Errorf("%v after %d tries", err, kms.tries)
	}
}
