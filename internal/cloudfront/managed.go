package cloudfront

import "time"

// The policies that CloudFront itself provides, by their ids (CloudFront
// developer guide, "Use managed cache policies", "… origin request policies",
// "… response headers policies"). One that is not here is an error of [Read],
// which names it.

var managedCachePolicies = map[string]CachePolicy{
	// CachingDisabled
	"4135ea2d-6df8-44a3-9df3-4b5a84be39ad": {},
	// CachingOptimized
	"658327ea-f89d-4fab-a63d-7e88639e58f6": {Gzip: true, Brotli: true, MinTTL: time.Second, DefaultTTL: day, MaxTTL: year},
	// CachingOptimizedForUncompressedObjects
	"b2884449-e4de-46a7-ac36-70bc7f1ddd6d": {MinTTL: time.Second, DefaultTTL: day, MaxTTL: year},
	// Elemental-MediaPackage
	"08627262-05a9-4f76-9ded-b50ca2e3a84f": {Gzip: true, DefaultTTL: day, MaxTTL: year, Forwarding: Forwarding{
		Headers: Selection{Mode: "whitelist", Names: []string{"Origin"}},
		Query:   Selection{Mode: "whitelist", Names: []string{"aws.manifestfilter", "start", "end", "m"}}}},
	// UseOriginCacheControlHeaders
	"83da9c7e-98b4-4e11-a168-04f0df8e2c65": {Gzip: true, Brotli: true, MaxTTL: year, Forwarding: Forwarding{
		Headers: originCacheControlHeaders, Cookies: Selection{Mode: "all"}}},
	// UseOriginCacheControlHeaders-QueryStrings
	"4cc15a8a-d715-48a4-82b8-cc0b614638fe": {Gzip: true, Brotli: true, MaxTTL: year, Forwarding: Forwarding{
		Headers: originCacheControlHeaders, Cookies: Selection{Mode: "all"}, Query: Selection{Mode: "all"}}},
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)

var originCacheControlHeaders = Selection{Mode: "whitelist", Names: []string{
	"Host", "Origin", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"}}

var managedOriginRequestPolicies = map[string]OriginRequestPolicy{
	// AllViewer
	"216adef6-5c7f-47e4-b989-5492eafa07d3": everything(Selection{Mode: "allViewer"}),
	// AllViewerExceptHostHeader
	"b689b0a8-53d0-40ab-baf2-68738e2966ac": everything(Selection{Mode: "allExcept", Names: []string{"Host"}}),
	// AllViewerAndCloudFrontHeaders-2022-06
	"33f36d7e-f396-46d9-90e0-52428a34d9dc": everything(Selection{Mode: "allViewerAndWhitelistCloudFront", Names: AddedHeaders}),
	// CORS-CustomOrigin
	"59781a5b-3903-41f3-afcb-af62929ccde1": headersOnly("Origin"),
	// CORS-S3Origin
	"88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": headersOnly("Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"),
	// UserAgentRefererHeaders
	"acba4595-bd28-49b8-b9fe-13317c0390fa": headersOnly("User-Agent", "Referer"),
	// HostHeaderOnly
	"bf0718e1-ba1e-49d1-88b1-f726733018ae": headersOnly("Host"),
}

func everything(headers Selection) OriginRequestPolicy {
	return OriginRequestPolicy{Managed: true, Forwarding: Forwarding{
		Headers: headers, Cookies: Selection{Mode: "all"}, Query: Selection{Mode: "all"}}}
}

func headersOnly(names ...string) OriginRequestPolicy {
	return OriginRequestPolicy{Managed: true, Forwarding: Forwarding{
		Headers: Selection{Mode: "whitelist", Names: names}}}
}

var managedResponseHeadersPolicies = map[string]ResponseHeadersPolicy{
	// SimpleCORS
	"60669652-455b-4ae9-85a4-c4c02393f86c": {CORS: &CORS{Origins: []string{"*"}}},
	// CORS-With-Preflight
	"5cc3b908-e619-4b99-88e5-2cf7f45965bd": {CORS: preflightCORS},
	// SecurityHeadersPolicy
	"67f7725c-6f97-4210-82d7-5512b31e9d03": {Headers: securityHeaders},
	// CORS-and-SecurityHeadersPolicy
	"e61eb60c-9c35-4d20-a928-2b84e02af89c": {CORS: &CORS{Origins: []string{"*"}}, Headers: securityHeaders},
	// CORS-with-preflight-and-SecurityHeadersPolicy
	"eaab4381-ed33-4a86-88ca-d9558dc6cd63": {CORS: preflightCORS, Headers: securityHeaders},
}

var preflightCORS = &CORS{Origins: []string{"*"}, Methods: everyMethod, Expose: []string{"*"}}

var securityHeaders = []ResponseHeader{
	{Name: "Referrer-Policy", Value: "strict-origin-when-cross-origin"},
	{Name: "Strict-Transport-Security", Value: "max-age=31536000"},
	{Name: "X-Content-Type-Options", Value: "nosniff", Override: true},
	{Name: "X-Frame-Options", Value: "SAMEORIGIN"},
	{Name: "X-Xss-Protection", Value: "1; mode=block"},
}

// ManagedCachePolicy returns a cache policy that CloudFront provides.
func ManagedCachePolicy(id string) (policy CachePolicy, ok bool) {
	policy, ok = managedCachePolicies[id]
	return policy, ok
}

// ManagedOriginRequestPolicy returns an origin request policy that CloudFront
// provides.
func ManagedOriginRequestPolicy(id string) (policy OriginRequestPolicy, ok bool) {
	policy, ok = managedOriginRequestPolicies[id]
	return policy, ok
}
