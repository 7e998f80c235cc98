package cloudfront

import (
	"slices"
	"strconv"
	"strings"

	"premiumhls/internal/cfn"
)

// named finds the policy that a behavior names, by the name of the property.
// It is nil where the property is absent, or where the policy is managed.
func (r *reader) named(b *cfn.Properties, property, kind string, managed func(id string) bool) *cfn.Properties {
	id := b.Text(property)
	if id == "" || managed(id) {
		return nil
	}
	resource, ok := r.byID[kind][id]
	if !ok {
		b.Fail(property, "invalid value %q: neither in the template nor a known managed policy", id)
		return nil
	}
	return cfn.PropertiesOf(resource, &r.errs)
}

func (r *reader) cachePolicy(b *cfn.Properties) CachePolicy {
	id := b.Text("CachePolicyId")
	if id == "" {
		// Without one a behavior has legacy settings, which are not supported.
		b.Fail("CachePolicyId", "must be set")
		return CachePolicy{}
	}
	managed, ok := ManagedCachePolicy(id)
	p := r.named(b, "CachePolicyId", "AWS::CloudFront::CachePolicy", func(string) bool { return ok })
	if p == nil {
		return managed
	}
	c := p.Object("CachePolicyConfig")
	p.Done()
	c.Ignore("Name", "Comment")
	policy := CachePolicy{
		MinTTL:     c.Seconds("MinTTL", 0),
		DefaultTTL: c.Seconds("DefaultTTL", day),
		MaxTTL:     c.Seconds("MaxTTL", year),
	}
	// The default applies where the minimum and maximum let it.
	policy.DefaultTTL = max(policy.DefaultTTL, policy.MinTTL)
	policy.MaxTTL = max(policy.MaxTTL, policy.DefaultTTL)
	key := c.Object("ParametersInCacheKeyAndForwardedToOrigin")
	c.Done()
	policy.Gzip = key.Bool("EnableAcceptEncodingGzip")
	policy.Brotli = key.Bool("EnableAcceptEncodingBrotli")
	policy.Forwarding = forwarding(key, "none", "whitelist")
	key.Done()
	return policy
}

func (r *reader) originRequestPolicy(b *cfn.Properties) *OriginRequestPolicy {
	managed, ok := ManagedOriginRequestPolicy(b.Text("OriginRequestPolicyId"))
	if ok {
		return &managed
	}
	p := r.named(b, "OriginRequestPolicyId", "AWS::CloudFront::OriginRequestPolicy", func(string) bool { return false })
	if p == nil {
		return nil
	}
	c := p.Object("OriginRequestPolicyConfig")
	p.Done()
	c.Ignore("Name", "Comment")
	policy := OriginRequestPolicy{Forwarding: forwarding(c, "none", "whitelist", "allViewer", "allViewerAndWhitelistCloudFront", "allExcept")}
	if slices.ContainsFunc(policy.Headers.Names, func(n string) bool { return strings.EqualFold(n, "Authorization") }) &&
		policy.Headers.Mode == "whitelist" {
		c.Fail("HeadersConfig.Headers", "invalid value Authorization: CloudFront rejects it here")
	}
	c.Done()
	return &policy
}

// forwarding reads the three selections that cache and origin request
// policies share.
func forwarding(p *cfn.Properties, headerModes ...string) Forwarding {
	read := func(config, mode, names string, modes ...string) Selection {
		c := p.Object(config)
		s := Selection{Mode: c.OneOf(mode, modes...), Names: c.Texts(names)}
		c.Done()
		return s
	}
	f := Forwarding{
		Headers: read("HeadersConfig", "HeaderBehavior", "Headers", headerModes...),
		Cookies: read("CookiesConfig", "CookieBehavior", "Cookies", "none", "whitelist", "allExcept", "all"),
		Query:   read("QueryStringsConfig", "QueryStringBehavior", "QueryStrings", "none", "whitelist", "allExcept", "all"),
	}
	for _, name := range f.Headers.Names {
		known := slices.ContainsFunc(AddedHeaders, func(n string) bool { return strings.EqualFold(n, name) })
		if isAdded(name) && !known && f.Headers.Mode != "allExcept" {
			p.Fail("HeadersConfig.Headers", "%s is not supported", name)
		}
	}
	return f
}

func (r *reader) responseHeadersPolicy(b *cfn.Properties) *ResponseHeadersPolicy {
	managed, ok := managedResponseHeadersPolicies[b.Text("ResponseHeadersPolicyId")]
	if ok {
		return &managed
	}
	p := r.named(b, "ResponseHeadersPolicyId", "AWS::CloudFront::ResponseHeadersPolicy", func(string) bool { return false })
	if p == nil {
		return nil
	}
	c := p.Object("ResponseHeadersPolicyConfig")
	p.Done()
	c.Ignore("Name", "Comment")
	policy := &ResponseHeadersPolicy{CORS: cors(c), Headers: securityConfig(c.Object("SecurityHeadersConfig"))}
	custom := c.Object("CustomHeadersConfig")
	for _, item := range custom.Objects("Items") {
		policy.Headers = append(policy.Headers, ResponseHeader{
			Name: item.Required("Header"), Value: item.Text("Value"), Override: item.Bool("Override")})
		item.Done()
	}
	custom.Done()
	remove := c.Object("RemoveHeadersConfig")
	for _, item := range remove.Objects("Items") {
		policy.Remove = append(policy.Remove, item.Required("Header"))
		item.Done()
	}
	remove.Done()
	timing := c.Object("ServerTimingHeadersConfig")
	timing.Reject("Enabled")
	timing.Ignore("SamplingRate")
	timing.Done()
	c.Done()
	return policy
}

func cors(p *cfn.Properties) *CORS {
	if !p.Has("CorsConfig") {
		return nil
	}
	c := p.Object("CorsConfig")
	items := func(name string) []string {
		list := c.Object(name)
		defer list.Done()
		return list.Texts("Items")
	}
	policy := &CORS{
		Origins:     items("AccessControlAllowOrigins"),
		Methods:     items("AccessControlAllowMethods"),
		Headers:     items("AccessControlAllowHeaders"),
		Expose:      items("AccessControlExposeHeaders"),
		MaxAge:      c.Text("AccessControlMaxAgeSec"),
		Credentials: c.Bool("AccessControlAllowCredentials"),
		Override:    c.Bool("OriginOverride"),
	}
	if slices.Contains(policy.Methods, "ALL") {
		policy.Methods = everyMethod
	}
	// CloudFront refuses such a policy when it is made.
	if policy.Credentials && (slices.Contains(policy.Origins, "*") || slices.Contains(policy.Headers, "*") || slices.Contains(policy.Methods, "*")) {
		c.Fail("AccessControlAllowCredentials", "must be false if origins, methods or headers are *")
	}
	c.Done()
	return policy
}

// securityConfig reads the security headers of a response headers policy
// (CloudFront developer guide, "Understand response headers policies").
func securityConfig(p *cfn.Properties) []ResponseHeader {
	var headers []ResponseHeader
	read := func(config, header string, value func(*cfn.Properties) string) {
		if !p.Has(config) {
			return
		}
		c := p.Object(config)
		if v := value(c); v != "" {
			headers = append(headers, ResponseHeader{Name: header, Value: v, Override: c.Bool("Override")})
		}
		c.Done()
	}
	read("ContentSecurityPolicy", "Content-Security-Policy", func(c *cfn.Properties) string { return c.Required("ContentSecurityPolicy") })
	read("ContentTypeOptions", "X-Content-Type-Options", func(*cfn.Properties) string { return "nosniff" })
	read("FrameOptions", "X-Frame-Options", func(c *cfn.Properties) string { return c.Required("FrameOption") })
	read("ReferrerPolicy", "Referrer-Policy", func(c *cfn.Properties) string { return c.Required("ReferrerPolicy") })
	read("StrictTransportSecurity", "Strict-Transport-Security", func(c *cfn.Properties) string {
		v := "max-age=" + strconv.Itoa(c.Int("AccessControlMaxAgeSec"))
		if c.Bool("IncludeSubdomains") {
			v += "; includeSubDomains"
		}
		if c.Bool("Preload") {
			v += "; preload"
		}
		return v
	})
	read("XSSProtection", "X-Xss-Protection", func(c *cfn.Properties) string {
		v := "0"
		if c.Bool("Protection") {
			v = "1"
		}
		if c.Bool("ModeBlock") {
			v += "; mode=block"
		}
		if uri := c.Text("ReportUri"); uri != "" {
			v += "; report=" + uri
		}
		return v
	})
	p.Done()
	return headers
}
