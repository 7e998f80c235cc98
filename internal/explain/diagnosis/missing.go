package diagnosis

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"premiumhls/internal/cloudfront"
	"premiumhls/internal/explain/cookiejar"
	"premiumhls/internal/link"
)

// adviseMissing says why a request has no key pair id.
func (e *explanation) adviseMissing() string {
	c := carried(e.request)
	if c.has(keyPairID) {
		return e.Called(keyPairID) + " is empty: set it to the id of the public key (K…) that the signature is by."
	}
	var there []string
	for _, f := range fields {
		if c.has(f) {
			there = append(there, c.name(f))
		}
	}
	if len(there) > 0 {
		if wrong := e.misspelt(keyPairID); wrong != "" {
			return wrong
		}
		return fmt.Sprintf("The request carries %s without %s: send %s too, with the id of the public key (K…) that the signature is by%s.",
			strings.Join(there, ", "), c.name(keyPairID), c.name(keyPairID), e.withheld(c.name(keyPairID)))
	}
	for _, f := range fields {
		if wrong := e.misspelt(f); wrong != "" {
			return wrong
		}
	}
	return e.adviseNoCookies()
}

// misspelt is advice about a cookie whose name has the wrong case.
func (e *explanation) misspelt(f field) string {
	for _, pair := range pairs(e.request.Cookies) {
		if pair[0] != f.cookie && strings.EqualFold(strings.ReplaceAll(pair[0], "_", "-"), f.cookie) {
			return fmt.Sprintf("The request has a cookie %s, and CloudFront reads %s: set the cookie with exactly this name.", pair[0], f.cookie)
		}
	}
	return ""
}

// withheld is, in brackets, why the browser does not send a cookie.
func (e *explanation) withheld(name string) string {
	for _, w := range e.request.Withheld {
		if w.Name == name {
			return " (the browser does not, because " + w.Reason + ")"
		}
	}
	return ""
}

func (e *explanation) adviseNoCookies() string {
	if strings.HasSuffix(pathOf(e.request.URL), link.Suffix) {
		return "The request is for a link's playlist and has no signature: use the whole URL of the link (POST /api/links), with its query."
	}
	target, err := url.Parse(e.request.URL)
	page := e.request.Page
	apart := err == nil && page != nil && !cookiejar.SameOrigin(page, target)
	switch {
	case len(e.request.Withheld) > 0:
		return e.adviseWithheld()
	case e.overHTTP && isWebKit(e.request.Header.Get("User-Agent")):
		// Seen in WebKitGTK 2.50, in November 2026. Chromium and Firefox do send
		// them.
		return "The request carries no cookies: Safari and other WebKit browsers send no Secure cookies over http://, localhost included. Run premium local --tls and use its https address, or use Chrome or Firefox."
	case e.request.Sanitized:
		return "The HAR file was exported without cookies, so it does not show whether the request had any: export it again with sensitive data (in Chrome, settings of the developer tools, “Allow to generate HAR with sensitive data”)."
	case apart && cookiejar.SameSitePage(page, target):
		return fmt.Sprintf("The request carries no cookies, and comes from a page of another origin, %s://%s: let the player send them (hls.js: xhr.withCredentials = true in xhrSetup; video.js: withCredentials: true on the source; fetch: credentials: \"include\").", page.Scheme, page.Host)
	case apart:
		return fmt.Sprintf("The request carries no cookies, and comes from a page of another site, %s://%s, and browsers do not send these cookies to another site: serve the page and the videos from one host, or from hosts below one domain.", page.Scheme, page.Host)
	case strings.HasPrefix(e.request.URL, "http://"):
		return "The request carries no cookies because it is not HTTPS: browsers send Secure cookies over HTTPS only. Request the https URL."
	case e.request.Header.Get("Authorization") != "":
		return "The request carries a token, which CloudFront does not look at, and no cookies: exchange the token for cookies (POST /api/cookies), and send those."
	case len(e.request.Cookies) > 0:
		return "The request carries cookies, but none of CloudFront's: ask for them (POST /api/cookies) before " + e.first() + "."
	}
	return "The request carries no cookies: ask for them (POST /api/cookies) before " + e.first() + "."
}

// first is the request before which cookies are needed.
func (e *explanation) first() string {
	if e.pattern() == "*" {
		return "this request"
	}
	return "the first request that behavior " + e.pattern() + " takes"
}

// adviseWithheld gives the reason for the first cookie, and whether it is that
// of the others too.
func (e *explanation) adviseWithheld() string {
	first := e.request.Withheld[0]
	what := "the cookie " + first.Name
	if slices.ContainsFunc(e.request.Withheld, func(w cookiejar.Withheld) bool { return w.Name != first.Name }) {
		what = "CloudFront's cookies"
	}
	return fmt.Sprintf("The browser does not send %s, because %s: %s.", what, first.Reason, first.Remedy)
}

// adviseSignedURL says what to do where the query makes the request a signed
// URL that nobody meant.
func (e *explanation) adviseSignedURL(c cloudfront.Check) string {
	sent := carried(e.request)
	if !sent.url {
		return ""
	}
	cookies := carrier{e.request, false}
	complete := sent.has(keyPairID) && sent.has(signature) && (sent.has(policy) || sent.has(expires))
	if complete && (!cookies.has(keyPairID) || isLink(e.request)) {
		return "" // it is one that was meant
	}
	var names []string
	for _, f := range fields {
		if sent.has(f) {
			names = append(names, f.parameter)
		}
	}
	what, them := "a parameter ", "it"
	if len(names) > 1 {
		what, them = "the parameters ", "them"
	}
	return fmt.Sprintf("The query has %s%s, by which CloudFront takes the request for a signed URL and does not look at its cookies: take %s out of the query, or rename %s.",
		what, strings.Join(names, ", "), them, them)
}

// adviseRepeated says what to do where one of several cookies of a name would
// have done.
func (e *explanation) adviseRepeated() string {
	sent := carried(e.request)
	var repeated []string
	for _, f := range fields {
		if all := sent.all(f); len(all) > 1 && slices.ContainsFunc(all, func(v string) bool { return v != all[0] }) {
			repeated = append(repeated, sent.name(f))
		}
	}
	if len(repeated) == 0 {
		return ""
	}
	does := ""
	switch {
	case e.ask(sent.only(0)).Rule == cloudfront.RuleNone:
		does = "the first of each would do"
	case e.ask(sent.only(-1)).Rule == cloudfront.RuleNone:
		does = "the last of each would do"
	default:
		return ""
	}
	return fmt.Sprintf("The request has more than one %s, and %s: keep one set for a path, and clear the others with the Path that they were set with.", strings.Join(repeated, ", "), does)
}

// isWebKit reports whether a browser is Safari or another of WebKit's. Chrome
// and Edge name AppleWebKit too.
func isWebKit(userAgent string) bool {
	return strings.Contains(userAgent, "AppleWebKit/") &&
		!strings.Contains(userAgent, "Chrome/") && !strings.Contains(userAgent, "Chromium/") && !strings.Contains(userAgent, "Edg/")
}
