package cloudfront

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"premiumhls/internal/cfn"
)

// Read reads the one distribution among the resources of a template, with the
// keys, policies and functions that its behaviors name. A property that is not
// supported here, but would change what a viewer may get, is an error.
func Read(resources []cfn.Resolved) (Distribution, error) {
	r := reader{byID: map[string]map[string]cfn.Resolved{}}
	var found []cfn.Resolved
	for _, resource := range resources {
		if resource.Type == "AWS::CloudFront::Distribution" {
			found = append(found, resource)
		}
		if r.byID[resource.Type] == nil {
			r.byID[resource.Type] = map[string]cfn.Resolved{}
		}
		r.byID[resource.Type][resource.PhysicalID] = resource
	}
	if len(found) != 1 {
		return Distribution{}, fmt.Errorf("the template has %d distributions: must be one", len(found))
	}
	d := r.distribution(found[0])
	if err := errors.Join(r.errs...); err != nil {
		return Distribution{}, fmt.Errorf("distribution: %w", err)
	}
	return d, nil
}

type reader struct {
	byID map[string]map[string]cfn.Resolved // by type, then physical id
	errs []error
}

func (r *reader) distribution(resource cfn.Resolved) Distribution {
	top := cfn.PropertiesOf(resource, &r.errs)
	top.Ignore("Tags")
	c := top.Object("DistributionConfig")
	top.Done()

	d := Distribution{
		Aliases:           c.Texts("Aliases"),
		Enabled:           c.Bool("Enabled"),
		IPv6:              c.Bool("IPV6Enabled"),
		HTTPVersion:       c.Text("HttpVersion"),
		DefaultRootObject: c.Text("DefaultRootObject"),
	}
	d.Domain, _ = resource.Attributes["DomainName"].(string)
	c.Ignore("Comment", "PriceClass", "Logging", "ViewerCertificate", "AnycastIpListId")
	c.Reject("WebACLId", "OriginGroups", "Staging", "ContinuousDeploymentPolicyId", "TenantConfig",
		"CNAMEs", "S3Origin", "CustomOrigin", "ViewerMtlsConfig", "ConnectionFunctionAssociation")
	c.OneOf("ConnectionMode", "direct")

	origins := map[string]Origin{}
	for _, o := range c.Objects("Origins") {
		origin := r.origin(o)
		origins[origin.ID] = origin
	}
	for _, b := range c.Objects("CacheBehaviors") {
		pattern := b.Required("PathPattern")
		if len(pattern) > 255 {
			b.Fail("PathPattern", "invalid length %d: must be at most 255", len(pattern))
		}
		d.Behaviors = append(d.Behaviors, r.behavior(b, pattern, origins))
	}
	if !c.Has("DefaultCacheBehavior") {
		c.Fail("DefaultCacheBehavior", "must be set")
	} else {
		d.Behaviors = append(d.Behaviors, r.behavior(c.Object("DefaultCacheBehavior"), "*", origins))
	}

	for _, e := range c.Objects("CustomErrorResponses") {
		response := CustomErrorResponse{
			ErrorCode: e.Int("ErrorCode"), ResponseCode: e.Int("ResponseCode"), ResponsePagePath: e.Text("ResponsePagePath")}
		if e.Has("ErrorCachingMinTTL") {
			ttl := e.Seconds("ErrorCachingMinTTL", 0)
			response.CachingMinTTL = &ttl
		}
		d.CustomErrorResponses = append(d.CustomErrorResponses, response)
		e.Done()
	}
	restrictions := c.Object("Restrictions")
	geo := restrictions.Object("GeoRestriction")
	d.GeoRestriction = GeoRestriction{Type: geo.OneOf("RestrictionType", "none", "whitelist", "blacklist"), Locations: geo.Texts("Locations")}
	geo.Done()
	restrictions.Done()
	c.Done()
	return d
}

func (r *reader) origin(o *cfn.Properties) Origin {
	origin := Origin{ID: o.Required("Id"), DomainName: o.Required("DomainName"), Path: o.Text("OriginPath")}
	if origin.Path != "" && !strings.HasPrefix(origin.Path, "/") || strings.HasSuffix(origin.Path, "/") {
		o.Fail("OriginPath", "invalid value %q: must begin with a slash and not end in one", origin.Path)
	}
	for _, h := range o.Objects("OriginCustomHeaders") {
		origin.CustomHeaders = append(origin.CustomHeaders, CustomHeader{Name: h.Required("HeaderName"), Value: h.Text("HeaderValue")})
		h.Done()
	}
	// Attempts, timeouts and the protocol towards the origin change how it is
	// reached, not what it says.
	o.Ignore("ConnectionAttempts", "ConnectionTimeout", "ResponseCompletionTimeout", "OriginShield", "CustomOriginConfig")
	o.Reject("VpcOriginConfig")
	if o.Has("S3OriginConfig") {
		origin.S3 = true
		s3 := o.Object("S3OriginConfig")
		s3.Ignore("OriginReadTimeout")
		s3.Reject("OriginAccessIdentity")
		s3.Done()
	}
	id := o.Text("OriginAccessControlId")
	switch control, ok := r.byID["AWS::CloudFront::OriginAccessControl"][id]; {
	case id == "" && origin.S3:
		o.Fail("OriginAccessControlId", "must be set: a private bucket refuses requests without it")
	case id != "" && !ok:
		o.Fail("OriginAccessControlId", "invalid value %q: not in the template", id)
	case id != "":
		p := cfn.PropertiesOf(control, &r.errs)
		c := p.Object("OriginAccessControlConfig")
		c.Ignore("Name", "Description", "SigningProtocol")
		// Only a request that the edge always signs is one that the viewer
		// cannot sign in its place.
		c.OneOf("SigningBehavior", "always")
		c.OneOf("OriginAccessControlOriginType", "s3")
		c.Done()
		p.Done()
	}
	o.Done()
	return origin
}

var everyMethod = []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}

func (r *reader) behavior(b *cfn.Properties, pattern string, origins map[string]Origin) Behavior {
	behavior := Behavior{
		PathPattern:          pattern,
		ViewerProtocolPolicy: b.OneOf("ViewerProtocolPolicy", "", "allow-all", "https-only", "redirect-to-https"),
		AllowedMethods:       b.Texts("AllowedMethods"),
		Compress:             b.Bool("Compress"),
	}
	if behavior.ViewerProtocolPolicy == "" {
		b.Fail("ViewerProtocolPolicy", "must be set")
	}
	if behavior.AllowedMethods == nil {
		behavior.AllowedMethods = []string{"GET", "HEAD"}
	}
	for _, method := range behavior.AllowedMethods {
		if !slices.Contains(everyMethod, method) {
			b.Fail("AllowedMethods", "invalid value %q: must be one of %s", method, strings.Join(everyMethod, ", "))
		}
	}
	target := b.Required("TargetOriginId")
	origin, ok := origins[target]
	if !ok {
		b.Fail("TargetOriginId", "invalid value %q: must be the Id of an origin", target)
	}
	behavior.Origin = origin

	// An empty list of key groups trusts no key; it does not make the behavior
	// public.
	if b.Has("TrustedKeyGroups") {
		behavior.Signed = true
		behavior.PublicKeys = map[string]PublicKey{}
		for _, id := range b.Texts("TrustedKeyGroups") {
			r.keyGroup(b, id, behavior.PublicKeys)
		}
	}
	if b.Has("TrustedSigners") {
		b.Fail("TrustedSigners", "is not supported: use TrustedKeyGroups")
	}
	behavior.CachePolicy = r.cachePolicy(b)
	behavior.OriginRequestPolicy = r.originRequestPolicy(b)
	behavior.ResponseHeaders = r.responseHeadersPolicy(b)
	behavior.Functions = r.functions(b)

	b.Ignore("CachedMethods", "RealtimeLogConfigArn")
	b.Reject("LambdaFunctionAssociations", "FieldLevelEncryptionId", "SmoothStreaming",
		"ForwardedValues", "MinTTL", "MaxTTL", "DefaultTTL")
	grpc := b.Object("GrpcConfig")
	grpc.Reject("Enabled")
	grpc.Done()
	b.Done()
	return behavior
}

// keyGroup adds the keys of the key group id to keys.
func (r *reader) keyGroup(b *cfn.Properties, id string, keys map[string]PublicKey) {
	group, ok := r.byID["AWS::CloudFront::KeyGroup"][id]
	if !ok {
		b.Fail("TrustedKeyGroups", "invalid value %q: not in the template", id)
		return
	}
	p := cfn.PropertiesOf(group, &r.errs)
	c := p.Object("KeyGroupConfig")
	c.Ignore("Name", "Comment")
	for _, keyID := range c.Texts("Items") {
		resource, ok := r.byID["AWS::CloudFront::PublicKey"][keyID]
		if !ok {
			c.Fail("Items", "invalid value %q: not in the template", keyID)
			continue
		}
		key := cfn.PropertiesOf(resource, &r.errs)
		config := key.Object("PublicKeyConfig")
		config.Ignore("Name", "Comment", "CallerReference")
		public, err := ParsePublicKey(keyID, []byte(config.Required("EncodedKey")))
		if err != nil {
			config.Fail("EncodedKey", "invalid key: %v", err)
		}
		config.Done()
		key.Done()
		keys[keyID] = public
	}
	c.Done()
	p.Done()
}
