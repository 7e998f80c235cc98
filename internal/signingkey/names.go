// Package signingkey defines what the stack, its functions and the commands
// must agree on about signing keys: the names of parameters, the kinds of keys
// and their limits, and the record of which key signs.
//
// The same code checks a list of keys when the stack is synthesized and when
// the signer starts, so that a list that passes the first passes the second.
package signingkey

import "strings"

// Parameters returns the names of a stack's parameters in Parameter Store.
// The value is the prefix that they share, such as /PremiumHls.
type Parameters string

// Of returns the parameters of a stack.
func Of(stackName string) Parameters { return Parameters("/" + stackName) }

// Signer is the String with the host and the public halves of the keys, which
// CloudFormation writes.
func (p Parameters) Signer() string { return string(p) + "/signer" }

// State is the String with the [State] of the keys, which the keymaker writes.
func (p Parameters) State() string { return string(p) + "/signing-key-state" }

// PrivateKey is the SecureString with the private half of a key that the stack
// made.
func (p Parameters) PrivateKey(name string) string { return p.PrivateKeys() + name }

// PrivateKeys is what the names of those parameters begin with.
func (p Parameters) PrivateKeys() string { return string(p) + "/signing-keys/" }

// OriginSecret is the SecureString with the values of the header by which the
// signer knows its distribution; see [OriginSecrets].
func (p Parameters) OriginSecret() string { return string(p) + "/origin-secret" }

// ViewerHashKey is the SecureString with the key of the viewers' digests in
// the logs: 32 random bytes in base64url.
func (p Parameters) ViewerHashKey() string { return string(p) + "/viewer-hash-key" }

// PurchaseKey is the SecureString with the key of the references that stand for
// viewers in purchases: 32 random bytes in base64url.
func (p Parameters) PurchaseKey() string { return string(p) + "/purchase-key" }

// What follows uses no regular expressions: compiling one takes longer than
// everything else that the signer does with its settings at start.

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// MaxName is the longest name of a key, in characters.
const MaxName = 40

// IsName reports whether s can be the name of a key: it becomes a part of
// parameter names and of CloudFront's names.
func IsName(s string) bool {
	if s == "" || len(s) > MaxName || !alphanumeric(s[0]) || !alphanumeric(s[len(s)-1]) {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

// Limits of a parameter's name (Systems Manager API reference, PutParameter).
// The longest name includes the ARN before it, which is not known here.
const (
	maxLevels        = 15
	maxParameterName = 900
)

// IsParameter reports whether s can be the full name of a parameter: it begins
// with a slash and does not end in one.
func IsParameter(s string) bool {
	rest, ok := strings.CutPrefix(s, "/")
	if !ok || len(s) > maxParameterName || strings.Count(s, "/") > maxLevels {
		return false
	}
	for _, reserved := range []string{"aws", "ssm"} {
		if len(rest) >= len(reserved) && strings.EqualFold(rest[:len(reserved)], reserved) {
			return false
		}
	}
	for part := range strings.SplitSeq(rest, "/") {
		if part == "" {
			return false
		}
		for i := range len(part) {
			if c := part[i]; !alphanumeric(c) && c != '-' && c != '.' && c != '_' {
				return false
			}
		}
	}
	return true
}
