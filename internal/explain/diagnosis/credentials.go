package diagnosis

import (
	"crypto"
	"net/url"
	"slices"
	"strings"

	"premiumhls/internal/link"
	"premiumhls/signedcookie"
)

type signer = crypto.Signer

// A field is one of the things that a signature check reads.
type field struct{ cookie, parameter string }

var (
	policy        = field{signedcookie.PolicyCookie, "Policy"}
	expires       = field{signedcookie.ExpiresCookie, "Expires"}
	signature     = field{signedcookie.SignatureCookie, "Signature"}
	keyPairID     = field{signedcookie.KeyPairIDCookie, "Key-Pair-Id"}
	hashAlgorithm = field{signedcookie.HashAlgorithmCookie, "Hash-Algorithm"}

	fields = []field{policy, expires, signature, keyPairID, hashAlgorithm}
)

// A carrier is a request seen as what carries credentials: in its query where
// that has any, else in its cookies.
type carrier struct {
	Request
	url bool
}

func carried(r Request) carrier {
	c := carrier{r, true}
	c.url = slices.ContainsFunc(fields, func(f field) bool { return c.has(f) })
	return c
}

// isLink reports whether a request is one of a link: of a playlist that the
// links function rewrites, with a signature in its query.
func isLink(r Request) bool {
	return strings.HasSuffix(pathOf(r.URL), link.Suffix) && carried(r).url
}

// renew says what to get in place of credentials.
func (e *explanation) renew() string {
	if carried(e.request).url {
		return "get a new link (POST /api/links)"
	}
	return "get new cookies"
}

// each calls f with every name and value where the credentials are.
func (c carrier) each(f func(name, value string)) {
	if c.url {
		_, query, _ := strings.Cut(c.URL, "?")
		for part := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(part, "=")
			f(name, value)
		}
		return
	}
	for _, pair := range pairs(c.Cookies) {
		f(pair[0], pair[1])
	}
}

// pairs are the names and values of cookies, in order.
func pairs(headers []string) (list [][2]string) {
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ";") {
			if name, value, ok := strings.Cut(strings.Trim(part, " \t"), "="); ok {
				list = append(list, [2]string{name, value})
			}
		}
	}
	return list
}

func (c carrier) name(f field) string {
	if c.url {
		return f.parameter
	}
	return f.cookie
}

func (c carrier) has(f field) (found bool) {
	c.each(func(name, _ string) { found = found || name == c.name(f) })
	return found
}

// all are the values of a field, in order.
func (c carrier) all(f field) (values []string) {
	c.each(func(name, value string) {
		if name == c.name(f) {
			values = append(values, value)
		}
	})
	return values
}

func (c carrier) get(f field) string {
	if all := c.all(f); len(all) > 0 {
		return all[0]
	}
	return ""
}

// with is the request with another value of a field, in every place of it, or
// with the field where it was not there.
func (c carrier) with(f field, value string) Request {
	return c.change(f, func(int, string) (string, bool) { return value, true }, value)
}

// only is the request with the nth value of every field that is there more
// than once; -1 is the last.
func (c carrier) only(n int) Request {
	r := c.Request
	for _, f := range fields {
		if all := c.all(f); len(all) > 1 {
			keep := n
			if keep < 0 {
				keep = len(all) - 1
			}
			r = carrier{r, c.url}.change(f, func(i int, value string) (string, bool) { return value, i == keep }, "")
		}
	}
	return r
}

// change calls edit with every value of a field, and adds the field where
// there is none.
func (c carrier) change(f field, edit func(i int, value string) (string, bool), otherwise string) Request {
	var kept []string
	i := 0
	c.each(func(name, value string) {
		if name == c.name(f) {
			edited, keep := edit(i, value)
			if i++; !keep {
				return
			}
			value = edited
		}
		kept = append(kept, name+"="+value)
	})
	if i == 0 {
		kept = append(kept, c.name(f)+"="+otherwise)
	}
	r := c.Request
	if c.url {
		base, _, _ := strings.Cut(c.URL, "?")
		r.URL = base + "?" + strings.Join(kept, "&")
	} else {
		r.Cookies = []string{strings.Join(kept, "; ")}
	}
	return r
}

func (e *explanation) value(f field) string { return carried(e.request).get(f) }

// called is what a person calls a field of the request.
func (e *explanation) called(f field) string {
	if c := carried(e.request); c.url {
		return "the query parameter " + c.name(f)
	}
	return "the cookie " + f.cookie
}

// Called is the same at the beginning of a sentence.
func (e *explanation) Called(f field) string {
	name := e.called(f)
	return "T" + name[1:]
}

func splitURL(address string) (site, rest string) {
	_, after, ok := strings.Cut(address, "://")
	if !ok {
		return "", address
	}
	end := strings.IndexAny(after, "/?")
	if end < 0 {
		return address, ""
	}
	return address[:len(address)-len(after)+end], after[end:]
}

func hostOf(address string) string {
	site, _ := splitURL(address)
	_, host, _ := strings.Cut(site, "://")
	return host
}

// targetOf is the path and query of a URL as a browser sends them.
func targetOf(address string) string {
	_, rest := splitURL(address)
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	return rest
}

func pathOf(address string) string {
	path, _, _ := strings.Cut(targetOf(address), "?")
	return path
}

// redact is a URL that nobody can watch with.
func redact(address string) string {
	base, query, ok := strings.Cut(address, "?")
	if !ok {
		return address
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		if unescaped, err := url.QueryUnescape(name); err == nil && (unescaped == signature.parameter || unescaped == policy.parameter || unescaped == link.Parameter) {
			parts[i] = name + "=" + shorten(value)
		}
	}
	return base + "?" + strings.Join(parts, "&")
}

// shorten shows the beginning of a text that is not for everyone.
func shorten(s string) string {
	const shown = 12
	if len(s) <= shown+4 {
		return s
	}
	return s[:shown] + "…"
}
