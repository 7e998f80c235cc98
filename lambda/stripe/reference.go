package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"premiumhls/internal/grantitem"
	"premiumhls/internal/grants"
)

// A reference stands for a viewer in a purchase. The page passes it to a
// payment link as client_reference_id, which the buyer can edit; only one with a
// valid signature counts. It has letters, digits, hyphens and underscores, 200
// at most: Stripe drops any other silently.
//
//	1       the version
//	65e0c3f0 the expiry in seconds since 1970, hexadecimal
//	22 characters of base64url: the first 16 bytes of the HMAC-SHA256
//	the viewer's sub in base64url
//
// It is no secret: whoever pays with it pays for that viewer.
const (
	referenceVersion = "1"
	referenceExpiry  = 8
	referenceMAC     = 16 // bytes
	maxReference     = 200
)

// referenceLife is how long a reference can begin a purchase. It is held
// against the time at which the checkout began, so that a payment may take any
// time afterwards, and so may Stripe's events and their retries.
const referenceLife = 24 * time.Hour

var encoding = base64.RawURLEncoding.Strict()

// maxSubject is the longest sub that a reference can hold, in bytes.
var maxSubject = encoding.DecodedLen(maxReference - len(referenceVersion) - referenceExpiry - encoding.EncodedLen(referenceMAC))

// Why a reference does not count.
var (
	errNoReference      = errors.New("no reference")
	errForgedReference  = errors.New("the reference was not made here")
	errExpiredReference = errors.New("the reference had expired when the checkout began")
)

// newReference returns the reference of a viewer who begins a purchase now.
func newReference(key []byte, subject string, now time.Time) (reference string, expires time.Time, err error) {
	if len(subject) > maxSubject {
		return "", time.Time{}, fmt.Errorf("sub of %d bytes: must have 1 to %d", len(subject), maxSubject)
	}
	if grants.CheckViewer(subject) != nil || grantitem.Reserved(subject) {
		return "", time.Time{}, errors.New("no grant can have this sub")
	}
	expires = now.Add(referenceLife).Truncate(time.Second)
	head := referenceVersion + fmt.Sprintf("%0*x", referenceExpiry, expires.Unix())
	return head + encoding.EncodeToString(sign(key, head, subject)) + encoding.EncodeToString([]byte(subject)), expires, nil
}

// readReference returns the viewer of a reference, for a checkout that began at
// a time.
func readReference(key []byte, reference string, began time.Time) (subject string, err error) {
	if reference == "" {
		return "", errNoReference
	}
	head := len(referenceVersion) + referenceExpiry
	tail := head + encoding.EncodedLen(referenceMAC)
	if len(reference) > maxReference || len(reference) <= tail || reference[:len(referenceVersion)] != referenceVersion {
		return "", errForgedReference
	}
	mac, err := encoding.DecodeString(reference[head:tail])
	if err != nil {
		return "", errForgedReference
	}
	text, err := encoding.DecodeString(reference[tail:])
	if err != nil || !hmac.Equal(mac, sign(key, reference[:head], string(text))) {
		return "", errForgedReference
	}
	expires, err := strconv.ParseInt(reference[len(referenceVersion):head], 16, 64)
	if err != nil {
		return "", errForgedReference
	}
	if began.After(time.Unix(expires, 0)) {
		return "", errExpiredReference
	}
	return string(text), nil
}

// sign is the signature of a reference. The first text keeps the key's other
// uses apart, of which there are none yet.
func sign(key []byte, head, subject string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("premium-hls purchase\n" + head + "\n" + subject))
	return mac.Sum(nil)[:referenceMAC]
}
