// Package purchase makes and reads the references that stand for viewers in
// purchases.
//
// The page passes a reference to a payment link as client_reference_id, which
// the buyer can edit; only one with a valid signature counts. It has letters,
// digits, hyphens and underscores, 200 at most: Stripe drops any other silently.
//
//	1        the version
//	6a1b2c3d the expiry in seconds since 1970, hexadecimal
//	22 characters of base64url: the first 16 bytes of the HMAC-SHA256
//	the viewer's sub in base64url
//
// It is no secret: whoever pays with it pays for that viewer.
package purchase

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"premiumhls/internal/grantitem"
)

const (
	version      = "1"
	expiryDigits = 8
	macBytes     = 16 // bytes
	// MaxLength is the longest reference, in characters.
	MaxLength = 200
)

// Lifetime is how long a reference can begin a purchase. It is held
// against the time at which the checkout began, so that a payment may take any
// time afterwards, and so may Stripe's events and their retries.
const Lifetime = 24 * time.Hour

var encoding = base64.RawURLEncoding.Strict()

// MaxSubject is the longest sub that a reference can hold, in bytes.
var MaxSubject = encoding.DecodedLen(MaxLength - len(version) - expiryDigits - encoding.EncodedLen(macBytes))

// Why a reference does not count.
var (
	ErrNone    = errors.New("no reference")
	ErrForged  = errors.New("the reference was not made here")
	ErrExpired = errors.New("the reference had expired when the checkout began")
)

// New returns the reference of a viewer who begins a purchase now.
func New(key []byte, subject string, now time.Time) (reference string, expires time.Time, err error) {
	if len(subject) > MaxSubject {
		return "", time.Time{}, fmt.Errorf("sub of %d bytes: must have 1 to %d", len(subject), MaxSubject)
	}
	if grantitem.CheckViewer(subject) != nil {
		return "", time.Time{}, errors.New("no grant can have this sub")
	}
	expires = now.Add(Lifetime).Truncate(time.Second)
	head := version + fmt.Sprintf("%0*x", expiryDigits, expires.Unix())
	return head + encoding.EncodeToString(sign(key, head, subject)) + encoding.EncodeToString([]byte(subject)), expires, nil
}

// Read returns the viewer of a reference, for a checkout that began at
// a time.
func Read(key []byte, reference string, began time.Time) (subject string, err error) {
	if reference == "" {
		return "", ErrNone
	}
	head, mac, subject, ok := split(reference)
	if !ok || !hmac.Equal(mac, sign(key, head, subject)) {
		return "", ErrForged
	}
	expires, err := strconv.ParseInt(head[len(version):], 16, 64)
	if err != nil {
		return "", ErrForged
	}
	if began.After(time.Unix(expires, 0)) {
		return "", ErrExpired
	}
	return subject, nil
}

// Subject returns the viewer of a reference without checking its signature, or
// an empty string if the reference is malformed.
func Subject(reference string) string {
	_, _, subject, _ := split(reference)
	return subject
}

// split returns what a reference signs, its signature, and its viewer.
func split(reference string) (head string, mac []byte, subject string, ok bool) {
	end := len(version) + expiryDigits
	tail := end + encoding.EncodedLen(macBytes)
	if len(reference) > MaxLength || len(reference) <= tail || reference[:len(version)] != version {
		return "", nil, "", false
	}
	mac, err := encoding.DecodeString(reference[end:tail])
	if err != nil {
		return "", nil, "", false
	}
	text, err := encoding.DecodeString(reference[tail:])
	if err != nil {
		return "", nil, "", false
	}
	return reference[:end], mac, string(text), true
}

// sign is the signature of a reference. The first text keeps the key's other
// uses apart, of which there are none yet.
func sign(key []byte, head, subject string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("premium-hls purchase\n" + head + "\n" + subject))
	return mac.Sum(nil)[:macBytes]
}
