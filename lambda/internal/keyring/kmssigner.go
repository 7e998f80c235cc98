package keyring

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"premiumhls/lambda/internal/awsjson"
	"premiumhls/signedcookie"
)

const (
	// signTime bounds one signature with all its tries.
	signTime = 3 * time.Second
	// firstSignAttempt is the time limit of its first try; KMS takes some ten
	// milliseconds. Later ones get twice that of the one before.
	firstSignAttempt = time.Second
	// firstSignBackoff and longestSignBackoff bound the pause between two
	// tries.
	firstSignBackoff   = 100 * time.Millisecond
	longestSignBackoff = time.Second
)

// kmsSigner signs with a key in KMS. When that fails, it tries no more for a
// pause that grows: what KMS throttles is counted for the whole account, and
// requests that fail anyway must not keep it throttled.
type kmsSigner struct {
	kms DigestSigner
	arn string

	mu     sync.Mutex
	outage outage
}

// newKMSSigner refuses a key with which KMS makes no signature that CloudFront
// takes: of its keys CloudFront takes RSA of 2048 bits, with SHA-256, because
// KMS does not sign SHA-1 digests (KMS developer guide, "Key spec reference").
func newKMSSigner(entry keyEntry, kms DigestSigner) (*kmsSigner, error) {
	switch {
	case kms == nil:
		return nil, errors.New("it is in KMS, and there is no client of that")
	case !strings.HasPrefix(entry.kmsKey, "arn:"):
		return nil, fmt.Errorf("kmsKey %q is not an ARN", entry.kmsKey)
	case entry.keyType != "" && entry.keyType != signedcookie.RSA2048:
		return nil, fmt.Errorf("a key in KMS is of type %s, and the settings say %q", signedcookie.RSA2048, entry.keyType)
	case entry.hash != signedcookie.SHA256:
		return nil, fmt.Errorf("KMS signs with %s, and the settings say %s", signedcookie.SHA256, entry.hash)
	}
	return &kmsSigner{kms: kms, arn: entry.kmsKey}, nil
}

// signPolicy returns an [UnavailableError] where KMS does not sign.
func (s *kmsSigner) signPolicy(ctx context.Context, hash signedcookie.Hash, policy []byte) ([]byte, error) {
	if err := s.paused(); err != nil {
		return nil, err
	}
	limit := time.Now().Add(signTime)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-answerTime).Before(limit) {
		limit = deadline.Add(-answerTime)
	}
	ctx, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	if err := ctx.Err(); err != nil {
		// It is the request that has no time left: KMS is not to blame.
		return nil, &UnavailableError{firstPause, fmt.Errorf("no time is left to sign: %w", err)}
	}
	signature, err := signedcookie.Sign(kmsCall{ctx, s}, hash, policy)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.outage.begin(time.Now(), longestPauseDown, err)
		return nil, &UnavailableError{s.outage.pause, err}
	}
	s.outage.end()
	return signature, nil
}

// paused returns an error while KMS is left alone.
func (s *kmsSigner) paused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.outage.left(time.Now()); left > 0 {
		return &UnavailableError{left, fmt.Errorf("KMS is left alone after %d failures: %w", s.outage.failures, s.outage.cause)}
	}
	return nil
}

// signDigest tries until it has a signature, no time is left, or trying again
// makes no difference.
func (s *kmsSigner) signDigest(ctx context.Context, digest []byte) ([]byte, error) {
	var cause error
	for attempt := 0; ; attempt++ {
		signature, err := s.try(ctx, digest, attempt)
		if err == nil {
			return signature, nil
		}
		if cause == nil || ctx.Err() == nil {
			cause = err // a try that was cut short tells less than the one before
		}
		if permanent(err) || !sleep(ctx, rand.N(min(firstSignBackoff<<min(attempt, 10), longestSignBackoff)+1)) {
			return nil, fmt.Errorf("gave up after %d tries: %w", attempt+1, cause)
		}
	}
}

func (s *kmsSigner) try(ctx context.Context, digest []byte, attempt int) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, firstSignAttempt<<min(attempt, 10), errors.New("no answer in time"))
	defer cancel()
	signature, err := s.kms.SignDigest(ctx, s.arn, digest)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return signature, err
}

// permanent reports whether err is a refusal that the same call would meet
// again, such as that of a key that is disabled.
func permanent(err error) bool {
	refusal, ok := errors.AsType[*awsjson.Error](err)
	return ok && !refusal.Temporary()
}

// kmsCall is one use of the key, as a [crypto.Signer] that knows its context.
type kmsCall struct {
	ctx    context.Context
	signer *kmsSigner
}

// Public returns nil: the public half is not known here.
func (kmsCall) Public() crypto.PublicKey { return nil }

func (c kmsCall) Sign(_ io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	if options.HashFunc() != crypto.SHA256 {
		return nil, fmt.Errorf("KMS does not sign %v digests", options.HashFunc())
	}
	return c.signer.signDigest(c.ctx, digest)
}
