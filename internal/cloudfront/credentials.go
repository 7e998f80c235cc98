package cloudfront

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"premiumhls/signedcookie"
)

// A Request is what the signature check judges: what a viewer sent, from
// where, and when.
type Request struct {
	URL     string   // as the viewer sent it: scheme://host/path?query, nothing decoded
	Cookies []string // the values of its Cookie headers, in order
	Viewer  netip.Addr
	Time    time.Time
}

// credentials is one value of each thing that a signature check reads.
type credentials struct {
	fields [fieldCount]field
	url    bool // from the query, not from cookies
}

type field struct {
	value string
	given bool
}

// The things that a signature check reads.
const (
	keyPairID = iota
	signature
	policy
	expires
	hashAlgorithm
	fieldCount
)

var cookieNames = [fieldCount]string{
	keyPairID:     signedcookie.KeyPairIDCookie,
	signature:     signedcookie.SignatureCookie,
	policy:        signedcookie.PolicyCookie,
	expires:       signedcookie.ExpiresCookie,
	hashAlgorithm: signedcookie.HashAlgorithmCookie,
}

// A query with any of these makes its URL a signed one (CloudFront developer
// guide, "Decide to use signed URLs or signed cookies").
var parameterNames = [fieldCount]string{
	keyPairID:     "Key-Pair-Id",
	signature:     "Signature",
	policy:        "Policy",
	expires:       "Expires",
	hashAlgorithm: "Hash-Algorithm",
}

// name is what the viewer calls a field.
func (c *credentials) name(field int) string {
	if c.url {
		return "query parameter " + parameterNames[field]
	}
	return "cookie " + cookieNames[field]
}

// sent is everything of a signature that a request carries. A name may come
// more than once: which value CloudFront takes is undocumented.
type sent struct {
	first, last credentials
	repeated    []string // names that came with different values
}

func (s *sent) note(n int, value string) {
	if !s.first.fields[n].given {
		s.first.fields[n] = field{value, true}
	} else if s.last.fields[n].value != value || s.first.fields[n].value != value {
		if name := s.first.name(n); !slices.Contains(s.repeated, name) {
			s.repeated = append(s.repeated, name)
		}
	}
	s.last.fields[n] = field{value, true}
}

// parts of a URL; nothing in them is decoded.
type parts struct {
	site  string // scheme://host
	path  string
	query string // with its question mark; or empty
	whole string // all three
}

func splitURL(url string) parts {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return parts{path: url, whole: url}
	}
	start := len(url) - len(rest)
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		return parts{site: url, whole: url}
	}
	p := parts{site: url[:start+end], path: rest[end:], whole: url}
	if i := strings.IndexByte(p.path, '?'); i >= 0 {
		p.path, p.query = p.path[:i], p.path[i:]
	}
	return p
}

// fromQuery takes the credentials out of a query. It returns what is left of
// it, in order, and whether there were any.
//
// Names are compared as they are and decoded, values are taken as they are:
// undocumented; the stricter reading of both.
func (s *sent) fromQuery(query string) (rest string, signed bool) {
	if query == "" {
		return "", false
	}
	s.first.url, s.last.url = true, true
	var kept []string
	for part := range strings.SplitSeq(query[1:], "&") {
		name, value, _ := strings.Cut(part, "=")
		n := slices.Index(parameterNames[:], decode(name, isAny))
		if n < 0 {
			kept = append(kept, part)
			continue
		}
		signed = true
		s.note(n, value)
	}
	if !signed {
		*s = sent{}
		return query, false
	}
	// A canned policy's resource has no question mark where no query is left.
	if rest = strings.Join(kept, "&"); rest != "" {
		rest = "?" + rest
	}
	return rest, true
}

// fromCookies takes the credentials out of Cookie headers. A value is taken
// with whatever quotes it has: undocumented; the stricter reading.
func (s *sent) fromCookies(headers []string) {
	for _, header := range headers {
		for pair := range strings.SplitSeq(header, ";") {
			name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if !ok || !strings.HasPrefix(name, "CloudFront-") {
				continue
			}
			if n := slices.Index(cookieNames[:], name); n >= 0 {
				s.note(n, value)
			}
		}
	}
}
