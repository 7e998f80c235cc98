package diagnosis

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

// A repair undoes one mistake in a value.
type repair struct {
	wrong string // what the value is, after its name
	right string // what to do
	fix   func(string) (string, bool)
}

// repairs are tried in order: the plainer mistake first.
var repairs = []repair{
	{"is in quotes", "send the value without them", unquote},
	{"holds white space or a line break", "send the value in one piece", squeeze},
	{"is URL-encoded", "send the value as it is, for - _ ~ need no encoding", unescape},
	{"is URL-encoded twice", "send the value as it is, for - _ ~ need no encoding", func(s string) (string, bool) {
		s, ok := unescape(s)
		if !ok {
			return s, false
		}
		return unescape(s)
	}},
	{"is plain base64", "write - for +, _ for = and ~ for /", fromBase64(base64.StdEncoding)},
	{"is plain base64 without its padding", "keep the padding, and write - for +, _ for = and ~ for /", fromBase64(base64.RawStdEncoding)},
	{"lacks the padding at its end", "keep the padding of base64, written as _", pad},
	{"is base64url, which is not CloudFront's alphabet", "make plain base64 with padding, and write - for +, _ for = and ~ for /", fromBase64(base64.URLEncoding)},
	{"is base64url, which is not CloudFront's alphabet", "make plain base64 with padding, and write - for +, _ for = and ~ for /", fromBase64(base64.RawURLEncoding)},
	{"is URL-encoded plain base64", "write - for +, _ for = and ~ for /, which need no URL encoding", func(s string) (string, bool) {
		s, ok := unescape(s)
		if !ok {
			return s, false
		}
		return fromBase64(base64.StdEncoding)(s)
	}},
	{"is hexadecimal", "encode the bytes as base64, and write - for +, _ for = and ~ for /", func(s string) (string, bool) {
		b, err := hex.DecodeString(s)
		return signedcookie.Encode(b), err == nil
	}},
	{"is not encoded", "encode it as base64, and write - for +, _ for = and ~ for /", func(s string) (string, bool) {
		return signedcookie.Encode([]byte(s)), strings.HasPrefix(strings.TrimSpace(s), "{")
	}},
	{"is URL-encoded and not in base64", "encode it as base64, and write - for +, _ for = and ~ for /", func(s string) (string, bool) {
		s, ok := unescape(s)
		return signedcookie.Encode([]byte(s)), ok && strings.HasPrefix(strings.TrimSpace(s), "{")
	}},
}

func unquote(s string) (string, bool) {
	for _, quote := range []string{`"`, `'`, "%22"} {
		if inner, ok := strings.CutPrefix(s, quote); ok && strings.HasSuffix(inner, quote) {
			return strings.TrimSuffix(inner, quote), true
		}
	}
	return s, false
}

func squeeze(s string) (string, bool) {
	fixed := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, strings.NewReplacer(`\r`, "", `\n`, "", "%0A", "", "%0a", "", "%0D", "", "%0d", "", "%20", "").Replace(s))
	return fixed, fixed != s
}

func unescape(s string) (string, bool) {
	fixed, err := url.PathUnescape(s)
	return fixed, err == nil && fixed != s
}

func fromBase64(encoding *base64.Encoding) func(string) (string, bool) {
	return func(s string) (string, bool) {
		b, err := encoding.DecodeString(s)
		return signedcookie.Encode(b), err == nil
	}
}

func pad(s string) (string, bool) {
	if len(s)%4 < 2 {
		return s, false
	}
	return s + strings.Repeat("_", 4-len(s)%4), true
}

// mend finds the repair by which a value gets past the check that it failed.
func (e *explanation) mend(f field, check string) (repair, bool) {
	sent := carried(e.request)
	for _, r := range repairs {
		if fixed, ok := r.fix(sent.get(f)); ok && e.gets(sent.with(f, fixed), check) {
			return r, true
		}
	}
	return repair{}, false
}

// adviseEncoding says what to do about a signature that does not decode.
func (e *explanation) adviseEncoding(f field) string {
	sent := carried(e.request)
	value := sent.get(f)
	switch {
	case !sent.has(f):
		if wrong := e.misspelt(f); wrong != "" && !sent.url {
			return wrong
		}
		return fmt.Sprintf("The request carries no %s: send it too, as it was set along with the others%s.", sent.name(f), e.withheld(sent.name(f)))
	case value == "":
		return e.Called(f) + " is empty: get new cookies, and if they are empty too, look at what signs them."
	}
	if r, ok := e.mend(f, cloudfront.CheckSignature); ok {
		return e.Called(f) + " " + r.wrong + ": " + r.right + "."
	}
	if i := strings.IndexFunc(value, func(r rune) bool { return !strings.ContainsRune(alphabet, r) }); i >= 0 {
		return fmt.Sprintf("%s has the character %q at position %d, which CloudFront's base64 does not have: encode the bytes as base64, and write - for +, _ for = and ~ for /.", e.Called(f), []rune(value[i:])[0], i+1)
	}
	return fmt.Sprintf("%s cannot be decoded; it has %d characters, and base64 has a multiple of four: it was cut off or changed on its way, so send it whole.", e.Called(f), len(value))
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~_"
