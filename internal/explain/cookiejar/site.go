package cookiejar

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// SameSitePage reports whether page and target are of one site: the same
// scheme, and the same registrable domain. A local address has no TLS, so its
// scheme is not looked at.
func SameSitePage(page, target *url.URL) bool {
	a, b := strings.ToLower(page.Hostname()), strings.ToLower(target.Hostname())
	if page.Scheme != target.Scheme && (!isLocal(a) || !isLocal(b)) {
		return false
	}
	return a == b || Site(a) != "" && Site(a) == Site(b)
}

// SameOrigin reports whether page and target have scheme, host and port in
// common.
func SameOrigin(page, target *url.URL) bool {
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" {
			return p
		}
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return page.Scheme == target.Scheme && strings.EqualFold(page.Hostname(), target.Hostname()) && port(page) == port(target)
}

// Site is a host's registrable domain; empty if it has none, because it is
// a public suffix or an address.
func Site(host string) string {
	if isAddress(host) {
		return ""
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	return site
}

// partition names the jar of Partitioned cookies: that of the page's site. A
// page that is not known counts as one of the target's site.
func partition(page, target *url.URL) string {
	if page == nil {
		page = target
	}
	host := strings.ToLower(page.Hostname())
	if site := Site(host); site != "" {
		host = site
	}
	return page.Scheme + "://" + host
}

// IsPublicSuffix reports whether strangers share a domain, so that no cookie
// may be set for all of it.
func IsPublicSuffix(domain string) bool {
	suffix, listed := publicsuffix.PublicSuffix(domain)
	return suffix == domain && (listed || strings.Contains(domain, "."))
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// isLocal reports whether browsers take a host for secure without TLS.
func isLocal(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
