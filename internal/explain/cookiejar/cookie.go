// Package cookiejar finds out which stored cookies a browser sends with a request,
// and why it keeps the others back. Its rules are those of RFC 6265bis, as
// browsers have them today: a cookie without SameSite counts as Lax.
package cookiejar

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// SameSite is when a cookie goes along with requests of other sites' pages.
type SameSite string

const (
	Lax    SameSite = "Lax"
	Strict SameSite = "Strict"
	None   SameSite = "None"
	// Unknown is for cookies of a file that does not say: it is not judged.
	Unknown SameSite = ""
)

// A Cookie is one as a browser stores it.
type Cookie struct {
	Name, Value string
	Domain      string // without a leading dot
	HostOnly    bool   // for Domain itself, not for the hosts below it
	Path        string
	Secure      bool
	SameSite    SameSite
	Expires     time.Time // zero for the end of the session
	Partition   string    // of a Partitioned cookie: the site of the page that it was set for; else empty
}

// A Request is one that a browser is about to send.
type Request struct {
	URL *url.URL
	// Page is the page that sends it; nil is not known, and its rules are
	// then left out.
	Page *url.URL
	Time time.Time
}

// Withheld is a cookie that a browser has, or was sent, and that does not go
// along with a request.
type Withheld struct {
	Name   string
	Reason string // a clause: why
	Remedy string // a clause that says what to do
}

// Send sorts cookies into those that go along with a request, in the order of
// browsers (the longest path first), and those that do not.
func Send(cookies []Cookie, r Request) (sent []Cookie, withheld []Withheld) {
	for _, c := range cookies {
		if reason, remedy := c.withhold(r); reason != "" {
			withheld = append(withheld, Withheld{c.Name, reason, remedy})
		} else {
			sent = append(sent, c)
		}
	}
	slices.SortStableFunc(sent, func(a, b Cookie) int { return len(b.Path) - len(a.Path) })
	return sent, withheld
}

// withhold is why a cookie is not sent, and what to do; empty where it is sent.
func (c Cookie) withhold(r Request) (reason, remedy string) {
	host := strings.ToLower(r.URL.Hostname())
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	switch {
	case c.HostOnly && host != c.Domain:
		return fmt.Sprintf("cookies of the host %s are not sent to %s", c.Domain, host), oneHost(c.Domain, host)
	case !c.HostOnly && !within(host, c.Domain):
		return fmt.Sprintf("Domain=%s does not cover %s", c.Domain, host), oneHost(c.Domain, host)
	case !covers(c.Path, path):
		return fmt.Sprintf("Path=%s does not cover %s", c.Path, path),
			"ask for cookies for this path, or set them with a Path that covers it"
	case c.Secure && r.URL.Scheme != "https" && !isLocal(host):
		return "Secure cookies are sent over HTTPS only", "ask for the https URL"
	case !c.Expires.IsZero() && !r.Time.Before(c.Expires):
		return fmt.Sprintf("Expires or Max-Age put their end at %s, and now is %s", stamp(c.Expires), stamp(r.Time)),
			"get new cookies"
	case r.Page != nil && !SameSitePage(r.Page, r.URL) && (c.SameSite == Lax || c.SameSite == Strict):
		return fmt.Sprintf("SameSite=%s cookies of %s are not sent for a page of another site, %s", c.SameSite, origin(r.URL), origin(r.Page)), oneSite
	case c.Partition != "" && c.Partition != partition(r.Page, r.URL):
		return fmt.Sprintf("Partitioned cookies that were set for a page of %s are not sent for a page of %s", c.Partition, partition(r.Page, r.URL)),
			"ask for cookies in the page that plays"
	}
	return "", ""
}

// oneSite is what helps in every browser: some keep cookies of other sites
// back whatever their SameSite says.
const oneSite = "serve the page and the videos from one host, or from hosts below one domain"

// oneHost is what to do about cookies for another host than the request's.
func oneHost(domain, host string) string {
	if site := Site(host); site != "" && site == Site(domain) {
		return "set them with Domain=" + site
	}
	return oneSite
}

// within reports whether host is domain or below it.
func within(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain) && !isAddress(host)
}

// covers reports whether a cookie's path covers that of a request (RFC 6265,
// section 5.1.4).
func covers(path, requested string) bool {
	rest, ok := strings.CutPrefix(requested, path)
	return ok && (rest == "" || strings.HasSuffix(path, "/") || rest[0] == '/')
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
