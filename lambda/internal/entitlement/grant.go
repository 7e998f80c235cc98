package entitlement

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"premiumhls/internal/premiumpath"
)

// everything is the path in rules, tables and functions that covers all premium
// content. It is not a valid premium path.
const everything = "*"

// maxExpiry is the latest expiry of a grant, in seconds since 1970: the year 9999.
// A time in milliseconds exceeds it and would otherwise be a grant that never
// expires.
const maxExpiry = 253402300799

// Covers reports whether the grant is for path or a path above it. course-1
// covers course-1/a, not course-10.
func (g Grant) Covers(path string) bool {
	if g.Path == "" || g.Path == path {
		return true
	}
	return strings.HasPrefix(path, g.Path) && path[len(g.Path)] == '/'
}

// Ended reports whether the grant has expired.
func (g Grant) Ended(now time.Time) bool {
	return !g.Expires.IsZero() && !g.Expires.After(now)
}

// outlasts reports whether g expires after other.
func (g Grant) outlasts(other Grant) bool {
	return !other.Expires.IsZero() && (g.Expires.IsZero() || g.Expires.After(other.Expires))
}

// longest returns the grant that covers path and expires last, or
// [ErrNotEntitled].
func longest(grants []Grant, path string, now time.Time) (Grant, error) {
	var best Grant
	found := false
	for _, grant := range grants {
		if grant.Ended(now) || !grant.Covers(path) {
			continue
		}
		if !found || grant.outlasts(best) {
			best, found = grant, true
		}
	}
	if !found {
		return Grant{}, ErrNotEntitled
	}
	return best, nil
}

// current returns the grants that have not expired.
func current(grants []Grant, now time.Time) []Grant {
	var left []Grant
	for _, grant := range grants {
		if !grant.Ended(now) {
			left = append(left, grant)
		}
	}
	return left
}

// grantedPath reads the path of a grant. An empty string, which would be
// everything, is invalid.
func grantedPath(text string) (string, error) {
	if text == everything {
		return "", nil
	}
	path, err := premiumpath.Parse(text)
	if err != nil {
		return "", err
	}
	if path.String() == "" {
		return "", errors.New("path: invalid value \"\": must be a path, or " + everything + " for everything")
	}
	return path.String(), nil
}

// grantedExpiry reads the expiry of a grant, in seconds since 1970, rounded down.
func grantedExpiry(seconds float64) (time.Time, error) {
	if !(seconds >= 0 && seconds <= maxExpiry) { // in this form NaN is invalid too
		return time.Time{}, fmt.Errorf("invalid expiry %v: must be in seconds since 1970, before the year 10000", seconds)
	}
	return time.Unix(int64(math.Floor(seconds)), 0), nil
}
