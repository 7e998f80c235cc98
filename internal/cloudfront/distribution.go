package cloudfront

import (
	"crypto"
	"fmt"
	"slices"
	"strings"
	"time"

	"premiumhls/signedcookie"
)

// A Distribution is the configuration of a CloudFront distribution, as far as it
// decides what a viewer may get.
type Distribution struct {
	Domain               string   // its own host, with a port where it is reached on one
	Aliases              []string // its alternate domain names
	Enabled              bool
	IPv6                 bool
	HTTPVersion          string // as configured; the connection itself is the server's
	DefaultRootObject    string // without a leading slash; empty for none
	Behaviors            []Behavior
	CustomErrorResponses []CustomErrorResponse
	GeoRestriction       GeoRestriction
}

// A Behavior is how requests for some paths are handled. A distribution holds
// them in the order in which they are tried; the last is the default, whose
// pattern is *.
type Behavior struct {
	PathPattern          string
	Origin               Origin
	AllowedMethods       []string
	ViewerProtocolPolicy string // allow-all, https-only or redirect-to-https
	// Signed says that requests need a signature by one of PublicKeys. It
	// holds where there is no key at all: then nothing gets through.
	Signed     bool
	PublicKeys map[string]PublicKey // by id
	// RefuseECDSASHA256 says that ECDSA keys sign with SHA-1 only, which is
	// all that AWS documents. What CloudFront does is undocumented.
	RefuseECDSASHA256 bool
	// SendParameters says that the parameters of a signed URL reach the origin.
	// CloudFront documents that it removes them; about Hash-Algorithm it says
	// nothing.
	SendParameters      bool
	CachePolicy         CachePolicy
	OriginRequestPolicy *OriginRequestPolicy
	ResponseHeaders     *ResponseHeadersPolicy
	Functions           Functions
	Compress            bool
}

// An Origin is where a behavior gets what it serves.
type Origin struct {
	ID            string
	DomainName    string
	Path          string         // put before every path asked for; no slash at its end
	CustomHeaders []CustomHeader // sent with every request, over the viewer's own
	// S3 says that the origin is a bucket, which the edge asks with its own
	// signature (origin access control).
	S3 bool
}

// A CustomHeader is a header that the edge sends to an origin.
type CustomHeader struct{ Name, Value string }

// A CustomErrorResponse is what a viewer gets in place of an error.
type CustomErrorResponse struct {
	ErrorCode        int
	ResponseCode     int    // 0 without a page
	ResponsePagePath string // empty where the error stays as it is
	// CachingMinTTL is how long the error stays in the cache at least; nil is
	// 10 seconds.
	CachingMinTTL *time.Duration
}

// A GeoRestriction allows or blocks viewers by country.
type GeoRestriction struct {
	Type      string   // none, whitelist or blacklist; empty is none
	Locations []string // ISO 3166-1 alpha-2
}

// A PublicKey verifies the signatures of a behavior.
type PublicKey struct {
	ID  string
	key crypto.PublicKey
}

// ParsePublicKey reads the public key that CloudFront knows by id.
func ParsePublicKey(id string, pem []byte) (PublicKey, error) {
	key, err := signedcookie.ParsePublicKey(pem)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key %s: %w", id, err)
	}
	return PublicKey{ID: id, key: key}, nil
}

// serves reports whether a Host header names the distribution. The default port
// of the scheme is optional.
func (d *Distribution) serves(host, scheme string) bool {
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	host = strings.TrimSuffix(strings.ToLower(host), port)
	is := func(name string) bool {
		name = strings.TrimSuffix(strings.ToLower(name), port)
		if label, ok := strings.CutPrefix(name, "*."); ok { // a wildcard alias matches one label
			first, rest, _ := strings.Cut(host, ".")
			return first != "" && rest == label
		}
		return name != "" && name == host
	}
	return is(d.Domain) || slices.ContainsFunc(d.Aliases, is)
}

// allows reports whether viewers in a country are served. A viewer whose country
// is unknown is (CloudFront developer guide, "Restrict the geographic
// distribution of your content").
func (g GeoRestriction) allows(country string) bool {
	in := slices.ContainsFunc(g.Locations, func(c string) bool { return strings.EqualFold(c, country) })
	switch {
	case country == "" || g.Type == "" || g.Type == "none":
		return true
	case g.Type == "whitelist":
		return in
	}
	return !in
}
