package signedcookie

import "strings"

// MatchesURL reports whether the policy covers url, which has a scheme, a host
// and a path, and may have a query.
//
// The developer guide says of cookies that * is zero or more characters and ?
// exactly one, anywhere. For signed URLs an older copy said more: a wildcard
// stays inside its part of the URL (scheme and host, path, query), save that
// a * at the very end of the path covers the query too. This holds to both,
// the stricter reading: nothing matches that either would refuse.
func (p Policy) MatchesURL(url string) bool {
	site, rest := split(p.Resource)
	urlSite, urlRest := split(url)
	if site == "" || urlSite == "" || !Match(site, urlSite) {
		return false
	}
	path, query, hasQuery := strings.Cut(urlRest, "?")
	if !hasQuery {
		return Match(rest, path)
	}
	if strings.HasSuffix(rest, "*") && Match(rest, path) {
		return true
	}
	// A ? in the resource may be the one that begins a query.
	for i := 0; i < len(rest); i++ {
		if rest[i] == '?' && Match(rest[:i], path) && Match(rest[i+1:], query) {
			return true
		}
	}
	return false
}

// split parts a URL, or a resource, before its path. A text without a scheme
// and host of HTTP has no first part.
func split(url string) (site, rest string) {
	var scheme string
	for _, s := range []string{"https://", "http://"} {
		if strings.HasPrefix(url, s) {
			scheme = s
		}
	}
	if scheme == "" {
		return "", ""
	}
	i := strings.IndexByte(url[len(scheme):], '/')
	if i < 0 {
		return url, ""
	}
	return url[:len(scheme)+i], url[len(scheme)+i:]
}

// authority is the host, with its port, of a URL or resource; empty where it
// has none.
func authority(url string) string {
	site, _ := split(url)
	_, host, _ := strings.Cut(site, "://")
	return host
}

// Match reports whether s matches a pattern in which * is zero or more
// characters, a slash included, and ? is exactly one: the wildcards of a
// policy's resource and of a behavior's path pattern alike. It does not
// allocate, and takes at most len(pattern)*len(s) steps.
func Match(pattern, s string) bool {
	p := 0
	for p < len(pattern) && p < len(s) && pattern[p] == s[p] && pattern[p] != '*' {
		p++ // most differ here already
	}
	i := p
	star, mark := -1, 0 // the last *, and where its match ends
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
