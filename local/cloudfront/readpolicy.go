package cloudfront

import (
	"slices"
	"strconv"
	"strings"
)

// named finds the policy that a behavior names, by the name of the property.
// It is nil where the property is absent, or where the policy is managed.
func (r *reader) named(b *properties, property, kind string, managed func(id string) bool) *properties {
	id := b.text(property)
	if id == "" || managed(id) {
		return nil
	}
	resource, ok := r.byID[kind][id]
	if !ok {
		b.fail(property, "names %q, which is neither in the template nor a managed policy that the edge knows", id)
		return nil
	}
	return propertiesOf(resource, &r.errs)
}

func (r *reader) cachePolicy(b *properties) CachePolicy {
	id := b.text("CachePolicyId")
	if id == "" {
		// Without one a behavior has the older settings, which the edge does
		// not enforce.
		b.fail("CachePolicyId", "is missing")
		return CachePolicy{}
	}
	managed, ok := managedCachePolicies[id]
	p := r.named(b, "CachePolicyId", "AWS::CloudFront::CachePolicy", func(string) bool { return ok })
	if p == nil {
		return managed
	}
	c := p.object("CachePolicyConfig")
	p.done()
	c.ignore("Name", "Comment", "MinTTL", "MaxTTL", "DefaultTTL")
	key := c.object("ParametersInCacheKeyAndForwardedToOrigin")
	c.done()
	policy := CachePolicy{
		Gzip:       key.flag("EnableAcceptEncodingGzip"),
		Brotli:     key.flag("EnableAcceptEncodingBrotli"),
		Forwarding: forwarding(key, "none", "whitelist"),
	}
	key.done()
	return policy
}

func (r *reader) originRequestPolicy(b *properties) *OriginRequestPolicy {
	managed, ok := managedOriginRequestPolicies[b.text("OriginRequestPolicyId")]
	if ok {
		return &managed
	}
	p := r.named(b, "OriginRequestPolicyId", "AWS::CloudFront::OriginRequestPolicy", func(string) bool { return false })
	if p == nil {
		return nil
	}
	c := p.object("OriginRequestPolicyConfig")
	p.done()
	c.ignore("Name", "Comment")
	policy := OriginRequestPolicy{Forwarding: forwarding(c, "none", "whitelist", "allViewer", "allViewerAndWhitelistCloudFront", "allExcept")}
	if slices.ContainsFunc(policy.Headers.Names, func(n string) bool { return strings.EqualFold(n, "Authorization") }) &&
		policy.Headers.Mode == "whitelist" {
		c.fail("HeadersConfig.Headers", "has Authorization, which CloudFront refuses here")
	}
	c.done()
	return &policy
}

// forwarding reads the three selections that cache and origin request
// policies share.
func forwarding(p *properties, headerModes ...string) Forwarding {
	read := func(config, mode, names string, modes ...string) Selection {
		c := p.object(config)
		s := Selection{Mode: c.oneOf(mode, modes...), Names: c.texts(names)}
		c.done()
		return s
	}
	f := Forwarding{
		Headers: read("HeadersConfig", "HeaderBehavior", "Headers", headerModes...),
		Cookies: read("CookiesConfig", "CookieBehavior", "Cookies", "none", "whitelist", "allExcept", "all"),
		Query:   read("QueryStringsConfig", "QueryStringBehavior", "QueryStrings", "none", "whitelist", "allExcept", "all"),
	}
	for _, name := range f.Headers.Names {
		known := slices.ContainsFunc(madeHeaders, func(n string) bool { return strings.EqualFold(n, name) })
		if isMade(name) && !known && f.Headers.Mode != "allExcept" {
			p.fail("HeadersConfig.Headers", "has %s, which the edge does not make", name)
		}
	}
	return f
}

func (r *reader) responseHeadersPolicy(b *properties) *ResponseHeadersPolicy {
	managed, ok := managedResponseHeadersPolicies[b.text("ResponseHeadersPolicyId")]
	if ok {
		return &managed
	}
	p := r.named(b, "ResponseHeadersPolicyId", "AWS::CloudFront::ResponseHeadersPolicy", func(string) bool { return false })
	if p == nil {
		return nil
	}
	c := p.object("ResponseHeadersPolicyConfig")
	p.done()
	c.ignore("Name", "Comment")
	policy := &ResponseHeadersPolicy{CORS: cors(c), Headers: securityConfig(c.object("SecurityHeadersConfig"))}
	custom := c.object("CustomHeadersConfig")
	for _, item := range custom.objects("Items") {
		policy.Headers = append(policy.Headers, ResponseHeader{
			Name: item.required("Header"), Value: item.text("Value"), Override: item.flag("Override")})
		item.done()
	}
	custom.done()
	remove := c.object("RemoveHeadersConfig")
	for _, item := range remove.objects("Items") {
		policy.Remove = append(policy.Remove, item.required("Header"))
		item.done()
	}
	remove.done()
	timing := c.object("ServerTimingHeadersConfig")
	timing.refuse("Enabled")
	timing.ignore("SamplingRate")
	timing.done()
	c.done()
	return policy
}

func cors(p *properties) *CORS {
	if !p.has("CorsConfig") {
		return nil
	}
	c := p.object("CorsConfig")
	items := func(name string) []string {
		list := c.object(name)
		defer list.done()
		return list.texts("Items")
	}
	policy := &CORS{
		Origins:     items("AccessControlAllowOrigins"),
		Methods:     items("AccessControlAllowMethods"),
		Headers:     items("AccessControlAllowHeaders"),
		Expose:      items("AccessControlExposeHeaders"),
		MaxAge:      c.text("AccessControlMaxAgeSec"),
		Credentials: c.flag("AccessControlAllowCredentials"),
		Override:    c.flag("OriginOverride"),
	}
	if slices.Contains(policy.Methods, "ALL") {
		policy.Methods = everyMethod
	}
	// CloudFront refuses such a policy when it is made.
	if policy.Credentials && (slices.Contains(policy.Origins, "*") || slices.Contains(policy.Headers, "*") || slices.Contains(policy.Methods, "*")) {
		c.fail("AccessControlAllowCredentials", "is true beside a *: list origins, methods and headers")
	}
	c.done()
	return policy
}

// securityConfig reads the security headers of a response headers policy
// (CloudFront developer guide, "Understand response headers policies").
func securityConfig(p *properties) []ResponseHeader {
	var headers []ResponseHeader
	read := func(config, header string, value func(*properties) string) {
		if !p.has(config) {
			return
		}
		c := p.object(config)
		if v := value(c); v != "" {
			headers = append(headers, ResponseHeader{Name: header, Value: v, Override: c.flag("Override")})
		}
		c.done()
	}
	read("ContentSecurityPolicy", "Content-Security-Policy", func(c *properties) string { return c.required("ContentSecurityPolicy") })
	read("ContentTypeOptions", "X-Content-Type-Options", func(*properties) string { return "nosniff" })
	read("FrameOptions", "X-Frame-Options", func(c *properties) string { return c.required("FrameOption") })
	read("ReferrerPolicy", "Referrer-Policy", func(c *properties) string { return c.required("ReferrerPolicy") })
	read("StrictTransportSecurity", "Strict-Transport-Security", func(c *properties) string {
		v := "max-age=" + strconv.Itoa(c.number("AccessControlMaxAgeSec"))
		if c.flag("IncludeSubdomains") {
			v += "; includeSubDomains"
		}
		if c.flag("Preload") {
			v += "; preload"
		}
		return v
	})
	read("XSSProtection", "X-Xss-Protection", func(c *properties) string {
		v := "0"
		if c.flag("Protection") {
			v = "1"
		}
		if c.flag("ModeBlock") {
			v += "; mode=block"
		}
		if uri := c.text("ReportUri"); uri != "" {
			v += "; report=" + uri
		}
		return v
	})
	p.done()
	return headers
}
