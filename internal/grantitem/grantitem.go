// Package grantitem knows the attributes of an item in the table of grants, for
// the signer and for the commands that list the table.
package grantitem

import (
	"iter"
	"slices"
	"strings"
)

// Until is the attribute with the expiry of a grant, in seconds since 1970.
const Until = "until"

// Names of attributes that mean an expiry, in lower case and without
// separators: prefixes of names, and whole names.
var (
	expiryPrefixes = []string{"expir", "ttl", "timetolive", "until", "validuntil", "validto", "validthrough", "validfor", "notafter", "lapse"}
	expiryNames    = []string{"exp", "end", "ends", "endat", "endsat", "enddate", "endtime", "deadline"}
)

// UnknownExpiry returns the first attribute, in the order of the alphabet, that
// means an expiry and is not [Until]. An item that has one grants nothing: it
// was meant to expire, and the signer does not know when.
func UnknownExpiry(attributes iter.Seq[string]) (name string, ok bool) {
	for _, name := range slices.Sorted(attributes) {
		if name != Until && meansExpiry(name) {
			return name, true
		}
	}
	return "", false
}

var separators = strings.NewReplacer("_", "", "-", "", ".", "", " ", "")

func meansExpiry(name string) bool {
	plain := separators.Replace(strings.ToLower(name))
	return slices.Contains(expiryNames, plain) ||
		slices.ContainsFunc(expiryPrefixes, func(prefix string) bool { return strings.HasPrefix(plain, prefix) })
}
