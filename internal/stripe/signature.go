package stripe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader is the header with an event's signature.
const SignatureHeader = "Stripe-Signature"

// Tolerance is how far the time of a signature may be from now, in either
// direction. Stripe's libraries have the same limit for the past and none for
// the future.
const Tolerance = 5 * time.Minute

// Why [Verify] refuses a request.
var (
	ErrInvalidHeader = errors.New("invalid Stripe-Signature: must have one t and at least one v1")
	ErrNoMatch       = errors.New("no signature matches: the body was changed, or the signing secret is wrong")
	ErrStale         = errors.New("the signature is too old")
	ErrFuture        = errors.New("the signature is from the future")
)

// maxSignatures bounds the work for one header. Stripe sends two v1 while a
// secret is rolled.
const maxSignatures = 10

// Verify checks the signature of a body, as it was received, against each of
// the endpoint's secrets (Stripe docs, "Verify webhook signatures manually"):
// a v1 is the HMAC-SHA256 of the time, a period and the body. One match is
// enough. Other schemes, such as v0, are ignored. The time counts only after a
// match, so that [ErrStale] and [ErrFuture] are about what Stripe signed.
func Verify(header string, body []byte, secrets []string, now time.Time) error {
	at := ""
	var signatures [][]byte
	for part := range strings.SplitSeq(header, ",") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || strings.Contains(value, "=") {
			return ErrInvalidHeader
		}
		switch name {
		case "t":
			if at != "" {
				return ErrInvalidHeader
			}
			at = value
		case "v1":
			if signature, err := hex.DecodeString(value); err == nil && len(signature) == sha256.Size {
				signatures = append(signatures, signature)
			}
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || seconds < 0 || len(signatures) == 0 || len(signatures) > maxSignatures {
		return ErrInvalidHeader
	}
	matches := false
	for _, secret := range secrets {
		if secret == "" {
			continue // everyone could sign with it
		}
		want := signature(secret, at, body)
		for _, got := range signatures {
			if hmac.Equal(got, want) {
				matches = true
			}
		}
	}
	switch signed := time.Unix(seconds, 0); {
	case !matches:
		return ErrNoMatch
	case now.Sub(signed) > Tolerance:
		return ErrStale
	case signed.Sub(now) > Tolerance:
		return ErrFuture
	}
	return nil
}

// Sign returns the header for a body that is sent at a time, as Stripe does for
// an endpoint with one secret.
func Sign(secret string, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(signature(secret, t, body))
}

// signature is a v1. The secret is used as text, with its prefix whsec_.
func signature(secret, at string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}
