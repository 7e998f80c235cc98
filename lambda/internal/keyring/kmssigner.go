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

// signBackoff is the backoff of a signature. KMS takes about ten milliseconds.
var signBackoff = retry.Backoff{
	Attempt: time.Second, LongestAttempt: time.Minute,
	Pause: 100 * time.Millisecond, LongestPause: time.Second,
}

// kmsSigner signs with a key in KMS. After a failure it backs off for a pause
// that grows: the quota of KMS is the whole account's, and requests that fail
// anyway must not use it up.
type kmsSigner struct {
	kms         DigestSigner
	arn         string
	keyType     signedcookie.KeyType
	fingerprint string // of the public key that CloudFront has; empty: unknown

	public atomic.Pointer[crypto.PublicKey] // nil until it is read

	mu     sync.Mutex
	outage outage
}

// errForeignKey reports a key or signature that CloudFront would refuse.
var errForeignKey = errors.New("the key in KMS does not belong to the public key in the settings")

// newKMSSigner returns an error for a key whose signatures CloudFront would not
// accept. KMS does not sign SHA-1 digests (KMS developer guide, "Key spec
// reference"). Settings without a type were written by an earlier version, which
// had RSA keys only.
func newKMSSigner(entry keyEntry, kms DigestSigner) (*kmsSigner, error) {
	keyType := cmp.Or(entry.keyType, signedcookie.RSA2048)
	switch {
	case kms == nil:
		return nil, errors.New("the key is in KMS, and there is no KMS client")
	case !strings.HasPrefix(entry.kmsKey, "arn:"):
		return nil, fmt.Errorf("kmsKey: invalid value %q: must be an ARN", entry.kmsKey)
	case algorithms[keyType] == "":
		return nil, fmt.Errorf("invalid type %q of a key in KMS: must be %s or %s", keyType, signedcookie.RSA2048, signedcookie.ECDSAP256)
	case entry.hash != signedcookie.SHA256:
		return nil, fmt.Errorf("invalid hash %s of a key in KMS: must be %s", entry.hash, signedcookie.SHA256)
	}
	return &kmsSigner{kms: kms, arn: entry.kmsKey, keyType: keyType, fingerprint: entry.fingerprint}, nil
}

// signPolicy returns an [UnavailableError] if KMS does not sign.
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
		// The request has no time left: this is not a failure of KMS.
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

// paused returns an error during the pause after a failure.
func (s *kmsSigner) paused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.outage.left(time.Now()); left > 0 {
		return &UnavailableError{left, fmt.Errorf("backing off from KMS after %d failures: %w", s.outage.failures, s.outage.cause)}
	}
	return nil
}

// signDigest retries until it has a signature, no time is left, or an error is
// permanent.
func (s *kmsSigner) signDigest(ctx context.Context, digest []byte) ([]byte, error) {
	return retry.Call(ctx, signBackoff, permanent, func(ctx context.Context) ([]byte, error) { return s.sign(ctx, digest) })
}

// sign signs, and verifies the signature with the public key: an invalid one
// would be given to viewers for as long as it is cached.
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

// publicKey returns the public key, which is read once; nil if the settings have
// no fingerprint to check it with.
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

// permanent reports whether the same call would fail again, as with a disabled
// key.
func permanent(err error) bool {
	refusal, ok := errors.AsType[*awsjson.Error](err)
	return ok && !refusal.Temporary() || errors.Is(err, errForeignKey)
}

// kmsCall is one use of the key, as a [crypto.Signer] that knows its context.
type kmsCall struct {
	ctx    context.Context
	signer *kmsSigner
}

// Public returns nil: [signedcookie.Sign] does not use it.
func (kmsCall) Public() crypto.PublicKey { return nil }

func (c kmsCall) Sign(_ io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	if options.HashFunc() != crypto.SHA256 {
		return nil, fmt.Errorf("KMS does not sign %v digests", options.HashFunc())
	}
	return c.signer.signDigest(c.ctx, digest)
}
