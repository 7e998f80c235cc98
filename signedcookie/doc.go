// Package signedcookie owns the format of CloudFront's signed cookies: the
// policy, its encoding, signing and verifying.
//
// A viewer proves a right with three or four cookies. [PolicyCookie] holds a
// policy, a small JSON document that says what may be fetched and until when;
// [SignatureCookie] holds a signature over exactly those bytes;
// [KeyPairIDCookie] names the public key; [HashAlgorithmCookie], where it is
// sent, names the hash (SHA-1 where it is not). The rules are those of the
// CloudFront developer guide, "Use signed cookies". Where the guide says
// nothing, this package takes the stricter reading and says so.
package signedcookie

// Names of the cookies that CloudFront reads.
const (
	PolicyCookie        = "CloudFront-Policy"
	ExpiresCookie       = "CloudFront-Expires" // in place of the policy: a canned policy's end
	SignatureCookie     = "CloudFront-Signature"
	KeyPairIDCookie     = "CloudFront-Key-Pair-Id"
	HashAlgorithmCookie = "CloudFront-Hash-Algorithm"
)
