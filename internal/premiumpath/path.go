// Package premiumpath reads the paths that viewers ask to open and turns them
// into what a policy and a cookie name.
//
// A path from a viewer ends up in a policy's resource, where * and ? are
// wildcards, and the edge, the origin and the player may each normalise a URL
// in their own way (percent decoding, dot segments, doubled or turned
// slashes, Unicode, case of an escape). Which form CloudFront holds a resource
// against is undocumented. So nothing is cleaned up here: a path is taken only
// if it consists of characters that no normalisation changes, and is refused
// otherwise.
package premiumpath

import (
	"errors"
	"strings"
)

// MaxLength is the longest path taken, in bytes. CloudFront takes URLs of
// 8,192 bytes (developer guide, "Quotas"); the rest is left to what is below.
const MaxLength = 512

// MaxSegments is the most segments taken. It bounds the grants that can cover a
// path, and with them the reads of a request.
const MaxSegments = 8

// ErrInvalid reports a path that is not taken. It does not say which rule was
// broken: the rules are public, and the text came from a viewer.
var ErrInvalid = errors.New("invalid path: must be 1 to 8 segments of A-Z a-z 0-9 - . _ ~ separated by single slashes")

// A Path is a part of the premium content: one or more segments, or, as the
// zero value, everything premium. Only [Parse] makes others.
type Path struct {
	text string
}

// Parse takes up to [MaxSegments] segments of RFC 3986's unreserved characters
// separated by single slashes, without a slash at either end, none of them . or
// .., in at most [MaxLength] bytes; or the empty text, which means everything
// premium. The error is [ErrInvalid].
func Parse(text string) (Path, error) {
	if text == "" {
		return Path{}, nil
	}
	if len(text) > MaxLength {
		return Path{}, ErrInvalid
	}
	start, segments := 0, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] != '/' {
			if !unreserved(text[i]) {
				return Path{}, ErrInvalid
			}
			continue
		}
		if segment := text[start:i]; segment == "" || segment == "." || segment == ".." {
			return Path{}, ErrInvalid
		}
		if segments++; segments > MaxSegments {
			return Path{}, ErrInvalid
		}
		start = i + 1
	}
	return Path{text: text}, nil
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// String returns the path as it was given; empty for everything premium.
func (p Path) String() string { return p.text }

// Below returns the path, with slashes at both ends, at which p is found on
// the distribution whose premium behavior begins at base: /premium/course-1/.
// It is the Path of the cookies that open p.
func (p Path) Below(base Path) string {
	var b strings.Builder
	b.Grow(len(base.text) + len(p.text) + 3)
	b.WriteByte('/')
	for _, part := range [...]Path{base, p} {
		if part.text != "" {
			b.WriteString(part.text)
			b.WriteByte('/')
		}
	}
	return b.String()
}

// Resource returns a policy's resource for everything below p, and nothing
// else: https://host/premium/course-1/*.
func (p Path) Resource(host string, base Path) string {
	return "https://" + host + p.Below(base) + "*"
}
