package diagnosis

import (
	"fmt"
	"strings"

	"premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

// discreet is what a check found, without what others could watch with.
func (e *explanation) discreet(c cloudfront.Check, verdict Verdict) string {
	if verdict == NotChecked {
		return c.Found
	}
	switch c.Name {
	case cloudfront.CheckPolicy:
		if verdict != OK {
			return shortPolicy(c.Found)
		}
		return fmt.Sprintf("a policy of %d bytes with one statement", len(c.Found))
	case cloudfront.CheckKeyPairID, cloudfront.CheckKey:
		if strings.HasPrefix(c.Found, "K") {
			return c.Found // no secret, and what one looks for
		}
		if verdict == OK || len(c.Found) > 60 {
			return shorten(c.Found)
		}
	case cloudfront.CheckHash:
		if _, err := signedcookie.ParseHash(c.Found); err != nil && c.Found != noHash {
			return shorten(c.Found)
		}
	case cloudfront.CheckResource:
		return redact(c.Found)
	}
	return c.Found
}

const noHash = "none, which means SHA1"

// shortPolicy is enough of a policy to see its form.
func shortPolicy(s string) string {
	const shown = 60
	switch {
	case len(s) <= shown:
		return s
	case strings.HasPrefix(s, "{"):
		return fmt.Sprintf("%s… (%d bytes)", s[:shown], len(s))
	}
	return fmt.Sprintf("%s (%d bytes)", shorten(s), len(s)) // still encoded
}
