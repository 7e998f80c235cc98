package grantitem

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Partition keys that are not the sub of a viewer begin with one of these.
const (
	emailPrefix = "email:"
	salePrefix  = "sale:"
)

// EmailKeys is the pattern of the partition keys of addresses, for policies.
const EmailKeys = emailPrefix + "*"

// maxAddress is the longest address in bytes (RFC 5321, section 4.5.3.1.3, less
// the brackets).
const maxAddress = 254

// Reserved reports whether a partition key is one that no viewer can have: such
// a sub would read what is kept for addresses and sales.
func Reserved(viewer string) bool {
	return strings.HasPrefix(viewer, emailPrefix) || strings.HasPrefix(viewer, salePrefix)
}

// MaxKey is the longest partition key in bytes (DynamoDB developer guide,
// "Quotas").
const MaxKey = 2048

// CheckViewer checks the value of a token's sub claim.
func CheckViewer(viewer string) error {
	switch {
	case viewer == "":
		return errors.New("viewer: must not be empty")
	case len(viewer) > MaxKey:
		return fmt.Errorf("viewer: invalid length %d bytes: must be at most %d", len(viewer), MaxKey)
	case strings.ContainsFunc(viewer, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsGraphic(r) || unicode.IsSpace(r) }):
		return fmt.Errorf("viewer: invalid value %q: must not contain spaces or invisible characters", viewer)
	case Reserved(viewer):
		return fmt.Errorf("viewer: invalid value %q: must not begin with email: or sale:; for an address use --email", viewer)
	}
	return nil
}

// Email returns the partition key of the grants of an address, which is trimmed
// and in lower case. Nothing else is changed: dots and what follows a + count.
func Email(address string) (holder string, err error) {
	address = strings.TrimSpace(address)
	name, domain, ok := cutLast(address, "@")
	switch {
	case !ok || name == "" || domain == "":
		return "", errors.New("must be an address such as ada@example.com")
	case len(address) > maxAddress:
		return "", errors.New("must have at most 254 bytes")
	case strings.ContainsFunc(address, invalidInAddress):
		return "", errors.New("must not have spaces, control characters or letters that look like others")
	}
	return emailPrefix + strings.ToLower(address), nil
}

// invalidInAddress reports whether a character cannot be in an address. Some
// letters, such as the Kelvin sign, are ASCII in lower case: another address
// would become the same.
func invalidInAddress(r rune) bool {
	return r == unicode.ReplacementChar || !unicode.IsGraphic(r) || unicode.IsSpace(r) ||
		r > unicode.MaxASCII && unicode.ToLower(r) <= unicode.MaxASCII
}

// Address returns the address of a partition key that [Email] made.
func Address(holder string) (address string, ok bool) {
	return strings.CutPrefix(holder, emailPrefix)
}

// Sale returns the partition key of the pointer to a sale's holder. A claimed
// manual grant of an address has a pointer too; its id is the address's partition
// key.
func Sale(id string) string { return salePrefix + id }

// SaleID returns the id of the sale of a partition key that [Sale] made.
func SaleID(pointer string) (id string, ok bool) { return strings.CutPrefix(pointer, salePrefix) }

// IsSale reports whether a partition key is that of a pointer.
func IsSale(viewer string) bool { return strings.HasPrefix(viewer, salePrefix) }

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}
