package cloudfront

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Read finds the distribution among a template's resources, with the keys and
// policies that its behaviors name. What the edge does not enforce, but would
// change what a viewer may get, is an error that names it.
func Read(resources []Resource) (Distribution, error) {
	r := reader{byID: map[string]map[string]Resource{}}
	var found []Resource
	for _, resource := range resources {
		if resource.Type == "AWS::CloudFront::Distribution" {
			found = append(found, resource)
		}
		if r.byID[resource.Type] == nil {
			r.byID[resource.Type] = map[string]Resource{}
		}
		r.byID[resource.Type][resource.PhysicalID] = resource
	}
	if len(found) != 1 {
		return Distribution{}, fmt.Errorf("reading the distribution: the template has %d, not one", len(found))
	}
	d := r.distribution(found[0])
	if err := errors.Join(r.errs...); err != nil {
		return Distribution{}, fmt.Errorf("reading the distribution: %w", err)
	}
	return d, nil
}

type reader struct {
	byID map[string]map[string]Resource // by type, then physical id
	errs []error
}

func (r *reader) distribution(resource Resource) Distribution {
	top := propertiesOf(resource, &r.errs)
	top.ignore("Tags")
	c := top.object("DistributionConfig")
	top.done()

	d := Distribution{
		Aliases:           c.texts("Aliases"),
		Enabled:           c.flag("Enabled"),
		IPv6:              c.flag("IPV6Enabled"),
		HTTPVersion:       c.text("HttpVersion"),
		DefaultRootObject: c.text("DefaultRootObject"),
	}
	d.Domain, _ = resource.Attributes["DomainName"].(string)
	c.ignore("Comment", "PriceClass", "Logging", "ViewerCertificate", "AnycastIpListId")
	c.refuse("WebACLId", "OriginGroups", "Staging", "ContinuousDeploymentPolicyId", "TenantConfig",
		"CNAMEs", "S3Origin", "CustomOrigin", "ViewerMtlsConfig", "ConnectionFunctionAssociation")
	c.oneOf("ConnectionMode", "direct")

	origins := map[string]Origin{}
	for _, o := range c.objects("Origins") {
		origin := r.origin(o)
		origins[origin.ID] = origin
	}
	for _, b := range c.objects("CacheBehaviors") {
		pattern := b.required("PathPattern")
		if len(pattern) > 255 {
			b.fail("PathPattern", "is longer than 255 characters")
		}
		d.Behaviors = append(d.Behaviors, r.behavior(b, pattern, origins))
	}
	if !c.has("DefaultCacheBehavior") {
		c.fail("DefaultCacheBehavior", "is missing")
	} else {
		d.Behaviors = append(d.Behaviors, r.behavior(c.object("DefaultCacheBehavior"), "*", origins))
	}

	for _, e := range c.objects("CustomErrorResponses") {
		d.CustomErrorResponses = append(d.CustomErrorResponses, CustomErrorResponse{
			ErrorCode: e.number("ErrorCode"), ResponseCode: e.number("ResponseCode"), ResponsePagePath: e.text("ResponsePagePath")})
		e.ignore("ErrorCachingMinTTL")
		e.done()
	}
	restrictions := c.object("Restrictions")
	geo := restrictions.object("GeoRestriction")
	d.GeoRestriction = GeoRestriction{Type: geo.oneOf("RestrictionType", "none", "whitelist", "blacklist"), Locations: geo.texts("Locations")}
	geo.done()
	restrictions.done()
	c.done()
	return d
}

func (r *reader) origin(o *properties) Origin {
	origin := Origin{ID: o.required("Id"), DomainName: o.required("DomainName"), Path: o.text("OriginPath")}
	if origin.Path != "" && !strings.HasPrefix(origin.Path, "/") || strings.HasSuffix(origin.Path, "/") {
		o.fail("OriginPath", "is %q: it begins with a slash and does not end in one", origin.Path)
	}
	for _, h := range o.objects("OriginCustomHeaders") {
		origin.CustomHeaders = append(origin.CustomHeaders, CustomHeader{Name: h.required("HeaderName"), Value: h.text("HeaderValue")})
		h.done()
	}
	// Attempts, timeouts and the protocol towards the origin change how it is
	// reached, not what it says.
	o.ignore("ConnectionAttempts", "ConnectionTimeout", "ResponseCompletionTimeout", "OriginShield", "CustomOriginConfig")
	o.refuse("VpcOriginConfig")
	if o.has("S3OriginConfig") {
		origin.S3 = true
		s3 := o.object("S3OriginConfig")
		s3.ignore("OriginReadTimeout")
		s3.refuse("OriginAccessIdentity")
		s3.done()
	}
	id := o.text("OriginAccessControlId")
	switch control, ok := r.byID["AWS::CloudFront::OriginAccessControl"][id]; {
	case id == "" && origin.S3:
		o.fail("OriginAccessControlId", "is missing: a private bucket would refuse every request")
	case id != "" && !ok:
		o.fail("OriginAccessControlId", "names %q, which is not in the template", id)
	case id != "":
		p := propertiesOf(control, &r.errs)
		c := p.object("OriginAccessControlConfig")
		c.ignore("Name", "Description", "SigningProtocol")
		// Only a request that the edge always signs is one that the viewer
		// cannot sign in its place.
		c.oneOf("SigningBehavior", "always")
		c.oneOf("OriginAccessControlOriginType", "s3")
		c.done()
		p.done()
	}
	o.done()
	return origin
}

var everyMethod = []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}

func (r *reader) behavior(b *properties, pattern string, origins map[string]Origin) Behavior {
	behavior := Behavior{
		PathPattern:          pattern,
		ViewerProtocolPolicy: b.oneOf("ViewerProtocolPolicy", "", "allow-all", "https-only", "redirect-to-https"),
		AllowedMethods:       b.texts("AllowedMethods"),
		Compress:             b.flag("Compress"),
	}
	if behavior.ViewerProtocolPolicy == "" {
		b.fail("ViewerProtocolPolicy", "is missing")
	}
	if behavior.AllowedMethods == nil {
		behavior.AllowedMethods = []string{"GET", "HEAD"}
	}
	for _, method := range behavior.AllowedMethods {
		if !slices.Contains(everyMethod, method) {
			b.fail("AllowedMethods", "has %q, which CloudFront does not take", method)
		}
	}
	target := b.required("TargetOriginId")
	origin, ok := origins[target]
	if !ok {
		b.fail("TargetOriginId", "names %q, which is not an origin", target)
	}
	behavior.Origin = origin

	// A list of key groups that is given but empty trusts nobody; it does not
	// open the behavior.
	if b.has("TrustedKeyGroups") {
		behavior.Signed = true
		behavior.PublicKeys = map[string]PublicKey{}
		for _, id := range b.texts("TrustedKeyGroups") {
			r.keyGroup(b, id, behavior.PublicKeys)
		}
	}
	if b.has("TrustedSigners") {
		b.fail("TrustedSigners", "is not enforced by the edge: use key groups")
	}
	behavior.CachePolicy = r.cachePolicy(b)
	behavior.OriginRequestPolicy = r.originRequestPolicy(b)
	behavior.ResponseHeaders = r.responseHeadersPolicy(b)
	behavior.Functions = r.functions(b)

	b.ignore("CachedMethods", "RealtimeLogConfigArn")
	b.refuse("LambdaFunctionAssociations", "FieldLevelEncryptionId", "SmoothStreaming",
		"ForwardedValues", "MinTTL", "MaxTTL", "DefaultTTL")
	grpc := b.object("GrpcConfig")
	grpc.refuse("Enabled")
	grpc.done()
	b.done()
	return behavior
}

// keyGroup adds the keys of the key group id to keys.
func (r *reader) keyGroup(b *properties, id string, keys map[string]PublicKey) {
	group, ok := r.byID["AWS::CloudFront::KeyGroup"][id]
	if !ok {
		b.fail("TrustedKeyGroups", "names %q, which is not in the template", id)
		return
	}
	p := propertiesOf(group, &r.errs)
	c := p.object("KeyGroupConfig")
	c.ignore("Name", "Comment")
	for _, keyID := range c.texts("Items") {
		resource, ok := r.byID["AWS::CloudFront::PublicKey"][keyID]
		if !ok {
			c.fail("Items", "names the public key %q, which is not in the template", keyID)
			continue
		}
		key := propertiesOf(resource, &r.errs)
		config := key.object("PublicKeyConfig")
		config.ignore("Name", "Comment", "CallerReference")
		public, err := ParsePublicKey(keyID, []byte(config.required("EncodedKey")))
		if err != nil {
			config.fail("EncodedKey", "cannot be read: %v", err)
		}
		config.done()
		key.done()
		keys[keyID] = public
	}
	c.done()
	p.done()
}
