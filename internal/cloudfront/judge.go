package cloudfront

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits of a request, in bytes. CloudFront answers a larger one with 413 and
// closes the connection (CloudFront developer guide, "Maximum length of a
// request and maximum length of a URL"). The current quotas page allows 32,768
// bytes for a request; the older limit is the stricter reading.
const (
	maxRequest = 20480 // path, query and headers
	maxURL     = 8192
)

// A ViewerRequest is a request as the viewer sent it; nothing is decoded.
type ViewerRequest struct {
	Method string
	Scheme string // http or https
	Host   string
	Path   string
	Query  string // with its question mark; empty for none
	Header http.Header
	// HasBody says that the request has a body.
	HasBody bool
	Viewer  netip.Addr
	Country string // two letters; empty if unknown
	Time    time.Time
}

// URL returns the request's URL.
func (r ViewerRequest) URL() string { return r.Scheme + "://" + r.Host + r.Path + r.Query }

// A Rule is what refuses a request.
type Rule string

// The rules, in the order in which they are applied. AWS does not document an
// order: first what holds for the whole distribution, then what holds for the
// behavior, its signature last.
const (
	RuleNone     Rule = ""          // the request reaches the origin
	RuleHost     Rule = "host"      // the distribution does not serve the host
	RuleDisabled Rule = "disabled"  // the distribution is disabled
	RuleIPv6     Rule = "ipv6"      // the viewer uses IPv6, and the distribution does not
	RuleURL      Rule = "url"       // the URL is too long
	RuleSize     Rule = "size"      // the request is too large
	RuleBody     Rule = "body"      // a GET request has a body
	RuleTarget   Rule = "target"    // the request target is not a path
	RuleCountry  Rule = "country"   // geographic restriction
	RuleBehavior Rule = "behavior"  // no behavior matches
	RuleHTTPS    Rule = "https"     // the behavior requires HTTPS
	RuleMethod   Rule = "method"    // the behavior does not allow the method
	RuleSigned   Rule = "signature" // the signature check; see Verdict.Decision
	RuleEncoding Rule = "encoding"  // the path has an invalid percent-encoding
)

// A Verdict is what CloudFront does with a request, and by which rule.
type Verdict struct {
	Rule     Rule
	Route    Route
	Decision Decision // zero if the signature check was not reached
	Status   int      // of the refusal
	Message  string   // of CloudFront's error page; empty for a refused signature
	Location string   // of a redirect
	Reason   string   // for people; use the other fields in code
}

// Messages of CloudFront's error pages.
const (
	messageMethod   = "This distribution is not configured to allow the HTTP request method that was used for this request. The distribution supports only cachable requests."
	messageRequest  = "Bad request."
	messageCountry  = "The Amazon CloudFront distribution is configured to block access from your country."
	messageProtocol = "Bad request. The request must use HTTPS."
	messageTooLarge = "Bad request. The request or its URL is too large."
)

// Judge decides about a request. The cache may be nil.
func (d *Distribution) Judge(r ViewerRequest, cache *Cache) Verdict {
	if v := d.admit(r); v.Rule != RuleNone {
		return v
	}
	v := Verdict{Route: d.Route(r.Path)}
	b := v.Route.Behavior
	if b == nil {
		return v.refuse(RuleBehavior, http.StatusForbidden, messageRequest, "no behavior matches the path")
	}
	if r.Scheme == "http" {
		if v = v.requireHTTPS(r); v.Rule != RuleNone {
			return v
		}
	}
	if !slices.Contains(b.AllowedMethods, r.Method) {
		return v.refuse(RuleMethod, http.StatusForbidden, messageMethod,
			"behavior "+b.PathPattern+" allows "+strings.Join(b.AllowedMethods, ", ")+", not "+r.Method)
	}
	// Whether a preflight, which carries no cookies, needs a signature is
	// undocumented; this is the stricter reading.
	v.Decision = d.Decide(v.Route, Request{URL: r.URL(), Cookies: r.Header.Values("Cookie"), Viewer: r.Viewer, Time: r.Time}, cache)
	v.Reason = v.Decision.Reason
	if !v.Decision.Allowed {
		return v.refuse(RuleSigned, v.Decision.Status, "", v.Decision.Reason)
	}
	if _, err := url.PathUnescape(r.Path); err != nil {
		return v.refuse(RuleEncoding, http.StatusBadRequest, messageRequest, "the path has an invalid percent-encoding")
	}
	return v
}

func (v Verdict) refuse(rule Rule, status int, message, reason string) Verdict {
	v.Rule, v.Status, v.Message, v.Reason = rule, status, message, reason
	return v
}

// requireHTTPS refuses or redirects a request over HTTP.
func (v Verdict) requireHTTPS(r ViewerRequest) Verdict {
	policy := v.Route.Behavior.ViewerProtocolPolicy
	for _, b := range v.Route.Signed {
		if b.ViewerProtocolPolicy != "allow-all" && policy == "allow-all" {
			policy = b.ViewerProtocolPolicy
		}
	}
	pattern := v.Route.Behavior.PathPattern
	switch policy {
	case "allow-all":
		return v
	case "redirect-to-https":
		status := http.StatusTemporaryRedirect
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			status = http.StatusMovedPermanently
		}
		v.Location = "https://" + strings.TrimSuffix(r.Host, ":80") + r.Path + r.Query
		return v.refuse(RuleHTTPS, status, "", "behavior "+pattern+" redirects to HTTPS")
	}
	return v.refuse(RuleHTTPS, http.StatusForbidden, messageProtocol, "behavior "+pattern+" allows HTTPS only")
}

// admit applies what holds for every behavior.
func (d *Distribution) admit(r ViewerRequest) (v Verdict) {
	switch {
	case !d.serves(r.Host, r.Scheme):
		return v.refuse(RuleHost, http.StatusForbidden, messageRequest, "the distribution does not serve the host "+r.Host)
	case !d.Enabled:
		return v.refuse(RuleDisabled, http.StatusForbidden, messageRequest, "the distribution is disabled")
	case r.Viewer.Is6() && !d.IPv6:
		// The distribution would have no address that such a viewer can reach.
		return v.refuse(RuleIPv6, http.StatusForbidden, messageRequest, "the viewer uses IPv6, which is off for the distribution")
	case len(r.Scheme)+len("://")+len(r.Host)+len(r.Path)+len(r.Query) > maxURL:
		return v.refuse(RuleURL, http.StatusRequestEntityTooLarge, messageTooLarge, "the URL is longer than 8192 bytes")
	case r.size() > maxRequest:
		return v.refuse(RuleSize, http.StatusRequestEntityTooLarge, messageTooLarge, "the request and its headers are larger than 20480 bytes")
	case r.Method == http.MethodGet && r.HasBody:
		return v.refuse(RuleBody, http.StatusForbidden, messageRequest, "the GET request has a body")
	case !strings.HasPrefix(r.Path, "/"):
		return v.refuse(RuleTarget, http.StatusBadRequest, messageRequest, "the request target is not a path")
	case !d.GeoRestriction.allows(r.Country):
		return v.refuse(RuleCountry, http.StatusForbidden, messageCountry, "the distribution does not serve the country "+r.Country)
	}
	return v
}

// size is what CloudFront's limit counts.
func (r ViewerRequest) size() int {
	n := len(r.Path) + len(r.Query) + len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n
}
