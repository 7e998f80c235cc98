package entitlement

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"premiumhls/internal/premiumpath"
)

// everything is how rules, tables and functions write the path that covers
// everything premium. No premium path can be mistaken for it.
const everything = "*"

// maxExpiry is the last end of a grant, in seconds since 1970: the year 9999. A
// time in milliseconds is beyond it, and would otherwise be a grant that never
// ends.
const maxExpiry = 253402300799

// Covers reports whether the grant covers all of path: the whole of it or of
// what is above it, by segments. course-1 covers course-1/a, not course-10.
func (g Grant) Covers(path string) bool {
	if g.Path == "" || g.Path == path {
		return true
	}
	return strings.HasPrefix(path, g.Path) && path[len(g.Path)] == '/'
}

// Ended reports whether nothing is left of the grant.
func (g Grant) Ended(now time.Time) bool {
	return !g.Expires.IsZero() && !g.Expires.After(now)
}

// outlasts reports whether g ends after other.
func (g Grant) outlasts(other Grant) bool {
	return !other.Expires.IsZero() && (g.Expires.IsZero() || g.Expires.After(other.Expires))
}

// longest returns, of the grants that cover path and have not ended, the one
// that lasts longest, or [ErrNotEntitled].
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

// current returns the grants that have not ended.
func current(grants []Grant, now time.Time) []Grant {
	var left []Grant
	for _, grant := range grants {
		if !grant.Ended(now) {
			left = append(left, grant)
		}
	}
	return left
}

// grantedPath reads a path as it is written in a grant. The empty text, which
// would be everything, is none.
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

// grantedExpiry reads the end of a grant, in seconds since 1970. A part of a
// second is not granted.
func grantedExpiry(seconds float64) (time.Time, error) {
	if !(seconds >= 0 && seconds <= maxExpiry) { // so written, it refuses NaN
		return time.Time{}, fmt.Errorf("invalid expiry %v: must be in seconds since 1970, before the year 10000", seconds)
	}
	return time.Unix(int64(math.Floor(seconds)), 0), nil
}
