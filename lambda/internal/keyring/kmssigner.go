package keyring

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/retry"
	"premiumhls/signedcookie"
)

// signTime bounds one signature with all its attempts.
const signTime = 3 * time.Second

// signBackoff is that of a signature; KMS takes some ten milliseconds.
var signBackoff = retry.Backoff{
	Attempt: time.Second, LongestAttempt: time.Minute,
	Pause: 100 * time.Millisecond, LongestPause: time.Second,
}

// kmsSigner signs with a key in KMS. When that fails, it tries no more for a
// pause that grows: what KMS throttles is counted for the whole account, and
// requests that fail anyway must not keep it throttled.
type kmsSigner struct {
	kms         DigestSigner
	arn         string
	keyType     signedcookie.KeyType
	fingerprint string // of the public half that CloudFront has; empty: not known

	public atomic.Pointer[crypto.PublicKey] // once it was read

	mu     sync.Mutex
	outage outage
}

// errForeignKey reports a signature, or a key to sign with, that the edge would
// refuse.
var errForeignKey = errors.New("the key in KMS does not belong to the public key in the settings")

// newKMSSigner rejects a key with which KMS makes no signature that CloudFront
// accepts: KMS signs no SHA-1 digests (KMS developer guide, "Key spec
// reference"). Settings without a type are of an earlier version, which had RSA
// keys only.
func newKMSSigner(entry keyEntry, kms DigestSigner) (*kmsSigner, error) {
	keyType := cmp.Or(entry.keyType, signedcookie.RSA2048)
	switch {
	case kms == nil:
		return nil, errors.New("it is in KMS, and there is no client of that")
	case !strings.HasPrefix(entry.kmsKey, "arn:"):
		return nil, fmt.Errorf("kmsKey %q is not an ARN", entry.kmsKey)
	case algorithms[keyType] == "":
		return nil, fmt.Errorf("invalid type %q of a key in KMS: must be %s or %s", keyType, signedcookie.RSA2048, signedcookie.ECDSAP256)
	case entry.hash != signedcookie.SHA256:
		return nil, fmt.Errorf("KMS signs with %s, and the settings say %s", signedcookie.SHA256, entry.hash)
	}
	return &kmsSigner{kms: kms, arn: entry.kmsKey, keyType: keyType, fingerprint: entry.fingerprint}, nil
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

// signDigest retries until it has a signature, no time is left, or an error is
// permanent.
func (s *kmsSigner) signDigest(ctx context.Context, digest []byte) ([]byte, error) {
	return retry.Call(ctx, signBackoff, permanent, func(ctx context.Context) ([]byte, error) { return s.sign(ctx, digest) })
}

// sign signs and holds the signature against the public half: one that does
// not fit would be given to viewers for as long as it is kept.
func (s *kmsSigner) sign(ctx context.Context, digest []byte) ([]byte, error) {
	public, err := s.publicKey(ctx)
	if err != nil {
		return nil, err
	}
	signature, err := s.kms.SignDigest(ctx, s.arn, s.keyType, digest)
	if err != nil {
		return nil, err
	}
	if public != nil && !verifies(public, digest, signature) {
		return nil, errForeignKey
	}
	return signature, nil
}

// publicKey returns the public half, which is read once. Where the settings do
// not tell which one it must be, it is not known.
func (s *kmsSigner) publicKey(ctx context.Context) (crypto.PublicKey, error) {
	if public := s.public.Load(); public != nil {
		return *public, nil
	}
	if s.fingerprint == "" {
		return nil, nil
	}
	key, err := s.kms.PublicKey(ctx, s.arn)
	if err != nil {
		return nil, err
	}
	fingerprint, err := signedcookie.Fingerprint(key)
	if err != nil {
		return nil, err
	}
	if fingerprint != s.fingerprint {
		return nil, errForeignKey
	}
	s.public.Store(&key)
	return key, nil
}

// verifies reports whether a signature over a SHA-256 digest is the key's.
func verifies(public crypto.PublicKey, digest, signature []byte) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest, signature)
	}
	return false
}

// permanent reports whether the same call would meet err again, such as the
// refusal of a key that is disabled.
func permanent(err error) bool {
	refusal, ok := errors.AsType[*awsjson.Error](err)
	return ok && !refusal.Temporary() || errors.Is(err, errForeignKey)
}

// kmsCall is one use of the key, as a [crypto.Signer] that knows its context.
type kmsCall struct {
	ctx    context.Context
	signer *kmsSigner
}

// Public returns nil: nobody asks for it.
func (kmsCall) Public() crypto.PublicKey { return nil }

func (c kmsCall) Sign(_ io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	if options.HashFunc() != crypto.SHA256 {
		return nil, fmt.Errorf("KMS does not sign %v digests", options.HashFunc())
	}
	return c.signer.signDigest(c.ctx, digest)
}
