package signedcookie

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrEncoding reports a cookie value that is not in CloudFront's encoding.
var ErrEncoding = errors.New("not in CloudFront's base64")

// encoding is padded base64 with the three characters that a cookie or a
// query cannot carry replaced: + by -, / by ~ and = by _ (CloudFront
// developer guide, "Set signed cookies using a custom policy").
var encoding = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~").
	WithPadding('_').Strict()

// Encode writes b as CloudFront reads a policy or a signature.
func Encode(b []byte) string { return encoding.EncodeToString(b) }

// Decode is the inverse of [Encode] and accepts nothing else: one value has
// one spelling. The error wraps [ErrEncoding].
func Decode(s string) ([]byte, error) {
	// The standard library skips line breaks; CloudFront's reading of them is
	// undocumented, so they are refused.
	if strings.ContainsAny(s, "\r\n") {
		return nil, fmt.Errorf("%w: it holds a line break", ErrEncoding)
	}
	b, err := encoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrEncoding, err)
	}
	return b, nil
}
