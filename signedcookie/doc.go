// Package signedcookie makes and checks CloudFront's signed cookies.
//
// A viewer sends three or four cookies. [PolicyCookie] holds a policy, a small
// JSON document that says which URLs may be fetched and until when.
// [SignatureCookie] holds a signature over exactly those bytes.
// [KeyPairIDCookie] names the public key. [HashAlgorithmCookie] names the hash;
// without it CloudFront assumes SHA-1.
//
// New keys should be [ECDSAP256] with [SHA256]: signatures are faster to make
// and shorter than with RSA. AWS documents it (AWS CLI reference, "cloudfront
// sign-cookies", 2026), and documents no ECDSA with SHA-1.
//
// The rules are those of the CloudFront developer guide, "Use signed cookies".
// Where the guide does not say, this package takes the stricter reading and a
// comment says so.
package signedcookie

// Names of the cookies that CloudFront reads.
const (
	PolicyCookie        = "CloudFront-Policy"
	ExpiresCookie       = "CloudFront-Expires" // in place of the policy: a canned policy's end
	SignatureCookie     = "CloudFront-Signature"
	KeyPairIDCookie     = "CloudFront-Key-Pair-Id"
	HashAlgorithmCookie = "CloudFront-Hash-Algorithm"
)
