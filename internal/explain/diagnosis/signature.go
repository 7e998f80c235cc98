package diagnosis

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

// adviseHash says what to do about a hash that CloudFront does not know.
func (e *explanation) adviseHash() string {
	value := e.value(hashAlgorithm)
	sent := carried(e.request)
	for _, hash := range []signedcookie.Hash{signedcookie.SHA256, signedcookie.SHA1} {
		if e.gets(sent.with(hashAlgorithm, string(hash)), cloudfront.CheckVerification) {
			return fmt.Sprintf("%s is %q, which CloudFront does not know, and the signature is made with %s: send %s.", e.Called(hashAlgorithm), shorten(value), hash, hash)
		}
	}
	return fmt.Sprintf("%s is %q: send SHA1 or SHA256, the one that the policy was signed with.", e.Called(hashAlgorithm), shorten(value))
}

// A finding is what a signature was found to be made of.
type finding struct {
	bytes string // empty where they are the ones that were sent
	right string // what to do about the bytes
	hash  signedcookie.Hash
	key   string
}

// adviseSignature says what a signature was made of that does not fit.
func (e *explanation) adviseSignature(c cloudfront.Check) string {
	sent := carried(e.request)
	raw := []byte(policyOf(e.decision))
	sig, err := signedcookie.Decode(sent.get(signature))
	if err != nil {
		return e.capital(e.decision.Reason) + "."
	}
	hash := e.hash()
	if f, ok := e.find(raw, sig, hash); ok {
		return e.adviseFinding(f, hash)
	}
	id := e.decision.KeyID
	if advice := e.adviseForm(raw, sig, hash); advice != "" {
		return advice
	}
	if sent.has(expires) && !sent.url {
		return "The signature does not fit a canned policy for this URL, and a canned policy covers one URL only: for HLS, sign a custom policy with a * at the end of its Resource, and send CloudFront-Policy in place of CloudFront-Expires."
	}
	return fmt.Sprintf("The signature is neither over this policy by key %s, with SHA1 or SHA256, nor over any usual spelling of it: the policy was changed after it was signed, or the private key is not the one of %s; sign the very bytes that are sent with its private half.", id, id)
}

func (e *explanation) hash() signedcookie.Hash {
	if hash, err := signedcookie.ParseHash(e.value(hashAlgorithm)); err == nil {
		return hash
	}
	return signedcookie.SHA1
}

func other(hash signedcookie.Hash) signedcookie.Hash {
	if hash == signedcookie.SHA1 {
		return signedcookie.SHA256
	}
	return signedcookie.SHA1
}

// find looks for the bytes, hash and key that a signature is made of, those
// nearest to what was sent first.
func (e *explanation) find(raw, sig []byte, sent signedcookie.Hash) (finding, bool) {
	own := e.decision.KeyID
	keys := []string{own}
	for _, id := range slices.Sorted(maps.Keys(e.target.Keys)) {
		if id != own {
			keys = append(keys, id)
		}
	}
	for _, v := range e.variants(raw) {
		for _, id := range keys {
			for _, hash := range []signedcookie.Hash{sent, other(sent)} {
				key, ok := e.target.Keys[id]
				if ok && signedcookie.Verify(key, hash, v.bytes, sig) == nil {
					return finding{v.what, v.right, hash, id}, true
				}
			}
		}
	}
	return finding{}, false
}

func (e *explanation) adviseFinding(f finding, hash signedcookie.Hash) string {
	named := "no " + carried(e.request).name(hashAlgorithm) + " says so, which means SHA1"
	if e.value(hashAlgorithm) != "" {
		named = e.called(hashAlgorithm) + " says " + string(hash)
	}
	var is, do []string
	if f.bytes != "" {
		is, do = append(is, f.bytes), append(do, f.right)
	}
	if f.hash != hash {
		is = append(is, fmt.Sprintf("made with %s, and %s", f.hash, named))
		if f.hash == signedcookie.SHA1 {
			do = append(do, "leave "+carried(e.request).name(hashAlgorithm)+" out, or send SHA1")
		} else {
			do = append(do, fmt.Sprintf("send %s=%s too", carried(e.request).name(hashAlgorithm), f.hash))
		}
	}
	if f.key != e.decision.KeyID {
		is = append(is, fmt.Sprintf("by key %s, and %s says %s", f.key, e.called(keyPairID), e.decision.KeyID))
		if _, trusted := e.refusing().PublicKeys[f.key]; trusted {
			do = append(do, "send "+f.key+" as the key pair id")
		} else {
			do = append(do, "sign with the private half of "+e.decision.KeyID)
		}
	}
	return "The signature is " + strings.Join(is, ", and ") + ": " + strings.Join(do, ", and ") + "."
}

// adviseForm looks at a signature's own form.
func (e *explanation) adviseForm(raw, sig []byte, hash signedcookie.Hash) string {
	id := e.decision.KeyID
	for _, f := range []struct {
		text, wrong string
		decode      func(string) ([]byte, error)
	}{
		{e.value(signature), "is hexadecimal", hex.DecodeString},
		{string(sig), "is hexadecimal inside base64", hex.DecodeString},
		{string(sig), "is encoded twice", signedcookie.Decode},
		{string(sig), "is encoded twice", base64.StdEncoding.DecodeString},
	} {
		if b, err := f.decode(f.text); err == nil && len(b) > 0 {
			if _, ok := e.find(raw, b, hash); ok {
				return e.Called(signature) + " " + f.wrong + ": encode the signature's bytes as base64 once, and write - for +, _ for = and ~ for /."
			}
		}
	}
	switch key := e.target.Keys[id].(type) {
	case *rsa.PublicKey:
		if len(sig) != key.Size() {
			return fmt.Sprintf("The signature has %d bytes, and one by %s, an RSA key of %d bits, has %d: it is by another kind of key, so send the id of that key, or sign with the private half of %s.", len(sig), id, key.N.BitLen(), key.Size(), id)
		}
		for _, h := range []signedcookie.Hash{hash, other(hash)} {
			if isPSS(key, h, raw, sig) {
				return "The signature is padded by RSA-PSS, and CloudFront takes PKCS #1 v1.5: sign with that padding instead."
			}
		}
	case *ecdsa.PublicKey:
		if len(sig) == 64 {
			der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
			if err == nil {
				if _, ok := e.find(raw, der, hash); ok {
					return "The signature is two bare numbers, as in JSON Web Signatures, and CloudFront takes ASN.1 (DER): have the library write that form."
				}
			}
		}
		if len(sig) > 72 {
			return fmt.Sprintf("The signature has %d bytes, and one by %s, an ECDSA key, has at most 72: it is by another kind of key, so send the id of that key, or sign with the private half of %s.", len(sig), id, id)
		}
	}
	return ""
}

func isPSS(key *rsa.PublicKey, hash signedcookie.Hash, message, sig []byte) bool {
	function := crypto.SHA1
	if hash == signedcookie.SHA256 {
		function = crypto.SHA256
	}
	h := function.New()
	h.Write(message)
	return rsa.VerifyPSS(key, function, h.Sum(nil), sig, nil) == nil
}

// A variant is bytes that may have been signed in place of those sent.
type variant struct {
	bytes       []byte
	what, right string
}

// variants are what a policy may have been when it was signed, the likeliest
// first.
func (e *explanation) variants(raw []byte) []variant {
	if carried(e.request).has(expires) {
		return e.cannedVariants(raw)
	}
	const same = "sign exactly the bytes that are encoded and sent"
	all := []variant{{raw, "", ""}}
	add := func(b []byte, what string) {
		if !slices.ContainsFunc(all, func(v variant) bool { return bytes.Equal(v.bytes, b) }) {
			all = append(all, variant{b, what, same})
		}
	}
	for _, end := range []string{"\n", "\r\n"} {
		add(append(slices.Clone(raw), end...), "over the policy with a line break after it, which was not sent")
	}
	add(bytes.TrimSpace(raw), "over the policy without the white space around it that was sent")
	add([]byte(signedcookie.Encode(raw)), "over the encoded policy and not over its JSON")
	add([]byte(carried(e.request).get(policy)), "over the encoded policy and not over its JSON")
	for i, form := range spellings(raw) {
		what := "over the same policy in another spelling (white space, or the order of its members)"
		if i == 0 {
			what = "over the same policy without white space"
		}
		add(form, what)
		add(append(slices.Clone(form), '\n'), "over the same policy in another spelling, with a line break after it")
	}
	return all
}

// cannedVariants are canned policies for other spellings of the URL.
func (e *explanation) cannedVariants(raw []byte) []variant {
	all := []variant{{raw, "", ""}}
	p, err := signedcookie.ParsePolicy(raw)
	if err != nil {
		return all
	}
	add := func(resource string, end time.Time) {
		all = append(all, variant{signedcookie.CannedPolicy(resource, end), "over a canned policy for " + resource,
			"ask for exactly this URL, or for HLS sign a custom policy with a * at the end of its Resource"})
	}
	base, _, _ := strings.Cut(p.Resource, "?")
	site, path := splitURL(base)
	directory := path[:strings.LastIndexByte("/"+path, '/')]
	for _, site := range []string{site, strings.Replace(site, "https://", "http://", 1)} {
		for _, rest := range []string{path, directory + "/*", directory + "*", "/*"} {
			add(site+rest, p.Expires)
		}
	}
	add("*", p.Expires)
	for _, d := range e.target.Aliases {
		add("https://"+d+path, p.Expires)
	}
	add("https://"+e.target.Domain+path, p.Expires)
	add(strings.TrimPrefix(path, "/"), p.Expires)
	return all
}
