package cloudfront

import (
	"slices"
	"strings"
	"time"
)

// A Selection is which headers, cookies or query parameters of a viewer a
// policy names. Mode is none, whitelist, all or allExcept, and for the headers
// of an origin request policy also allViewer and
// allViewerAndWhitelistCloudFront.
type Selection struct {
	Mode  string
	Names []string
}

// picks reports whether the selection takes name. Header names are compared
// without case, the others exactly.
func (s Selection) picks(name string, same func(a, b string) bool) bool {
	named := slices.ContainsFunc(s.Names, func(n string) bool { return same(n, name) })
	switch s.Mode {
	case "whitelist":
		return named
	case "all", "allViewer", "allViewerAndWhitelistCloudFront":
		return true
	case "allExcept":
		return !named
	}
	return false
}

func (s Selection) all() bool {
	switch s.Mode {
	case "all", "allViewer", "allViewerAndWhitelistCloudFront", "allExcept":
		return true
	}
	return false
}

func exactly(a, b string) bool { return a == b }

// Forwarding is what of a viewer's request reaches the origin.
type Forwarding struct{ Headers, Cookies, Query Selection }

// A CachePolicy is what tells objects in the cache apart, and how long they
// stay there. What is in the cache key is also sent to the origin.
type CachePolicy struct {
	Forwarding
	Gzip, Brotli               bool
	MinTTL, DefaultTTL, MaxTTL time.Duration
}

// An OriginRequestPolicy adds to what the cache policy sends.
type OriginRequestPolicy struct {
	Forwarding
	Managed bool // CloudFront's own
}

// Sends reports whether a viewer's header reaches the origin by the
// behavior's policies.
//
// An origin request policy cannot list Authorization: only a cache policy, or
// a policy that sends all of the viewer's headers, can send it (CloudFront
// developer guide, "HTTP 401 status code").
func (b *Behavior) Sends(header string) bool {
	if b.CachePolicy.Headers.picks(header, strings.EqualFold) {
		return true
	}
	if b.OriginRequestPolicy == nil {
		return false
	}
	if strings.EqualFold(header, "Authorization") && !b.OriginRequestPolicy.Headers.all() {
		return false
	}
	return b.OriginRequestPolicy.Headers.picks(header, strings.EqualFold)
}

// Names reports whether a policy asks for a header by its name, which is how
// the headers that CloudFront makes are asked for.
func (b *Behavior) Names(header string) bool {
	listed := func(s Selection) bool {
		return (s.Mode == "whitelist" || s.Mode == "allViewerAndWhitelistCloudFront") &&
			slices.ContainsFunc(s.Names, func(n string) bool { return strings.EqualFold(n, header) })
	}
	return listed(b.CachePolicy.Headers) || b.OriginRequestPolicy != nil && listed(b.OriginRequestPolicy.Headers)
}

func (b *Behavior) sendsCookie(name string) bool {
	return b.CachePolicy.Cookies.picks(name, exactly) ||
		b.OriginRequestPolicy != nil && b.OriginRequestPolicy.Cookies.picks(name, exactly)
}

// ForwardsCookies reports whether any cookie can reach the origin. Only then
// do an origin's own cookies reach the viewer.
func (b *Behavior) ForwardsCookies() bool {
	forwards := func(s Selection) bool { return s.Mode != "" && s.Mode != "none" }
	return forwards(b.CachePolicy.Cookies) ||
		b.OriginRequestPolicy != nil && forwards(b.OriginRequestPolicy.Cookies)
}

func (b *Behavior) sendsParameter(name string) bool {
	if b.CachePolicy.Query.picks(name, exactly) {
		return true
	}
	policy := b.OriginRequestPolicy
	if policy == nil || !policy.Query.picks(name, exactly) {
		return false
	}
	// CloudFront's own policies keep from a bucket the parameters that would
	// change the headers of its answer (CloudFront developer guide, "Use
	// managed origin request policies").
	return !policy.Managed || !b.Origin.S3 || !slices.Contains(responseParameters, name)
}

var responseParameters = []string{"response-content-type", "response-content-disposition", "response-content-encoding"}
