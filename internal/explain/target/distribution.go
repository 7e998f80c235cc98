package target

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	edge "premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

// stackReader reads one distribution, and each key and policy once.
type stackReader struct {
	ctx    context.Context
	front  CloudFront
	target Target
	keys   map[string]publicKey
	cors   map[string]*edge.CORS
}

// A publicKey is one, or why it cannot be used.
type publicKey struct {
	edge.PublicKey
	err error
}

func (r *stackReader) note(format string, args ...any) {
	r.target.Notes = append(r.target.Notes, fmt.Sprintf(format, args...))
}

func (r *stackReader) distribution(id string) error {
	out, err := r.front.GetDistribution(r.ctx, &cloudfront.GetDistributionInput{Id: &id})
	if err != nil {
		return fmt.Errorf("reading the distribution %s: %w", id, err)
	}
	if out.Distribution == nil || out.Distribution.DistributionConfig == nil {
		return fmt.Errorf("reading the distribution %s: the answer holds no configuration", id)
	}
	config := out.Distribution.DistributionConfig
	d := &r.target.Distribution
	d.Domain = aws.ToString(out.Distribution.DomainName)
	d.Enabled, d.IPv6 = aws.ToBool(config.Enabled), aws.ToBool(config.IsIPV6Enabled)
	d.DefaultRootObject = aws.ToString(config.DefaultRootObject)
	if config.Aliases != nil {
		d.Aliases = config.Aliases.Items
	}
	if config.Restrictions != nil && config.Restrictions.GeoRestriction != nil {
		geo := config.Restrictions.GeoRestriction
		d.GeoRestriction = edge.GeoRestriction{Type: string(geo.RestrictionType), Locations: geo.Items}
	}
	if aws.ToString(config.WebACLId) != "" {
		r.note(webACLNote)
	}
	if config.CustomErrorResponses != nil && len(config.CustomErrorResponses.Items) > 0 {
		r.note("The distribution has custom error pages, so a viewer can see one instead of a 403.")
	}
	if status := aws.ToString(out.Distribution.Status); status == "InProgress" {
		r.note("The distribution is being deployed: until that ends, some edges answer as they did before.")
	}
	return r.behaviors(config)
}

func (r *stackReader) behaviors(config *types.DistributionConfig) error {
	d := &r.target.Distribution
	if config.CacheBehaviors != nil {
		for _, b := range config.CacheBehaviors.Items {
			behavior, err := r.behavior(settings{
				aws.ToString(b.PathPattern), b.AllowedMethods, b.ViewerProtocolPolicy, b.TrustedKeyGroups, b.TrustedSigners,
				aws.ToString(b.ResponseHeadersPolicyId), b.FunctionAssociations, b.LambdaFunctionAssociations})
			if err != nil {
				return err
			}
			d.Behaviors = append(d.Behaviors, behavior)
		}
	}
	b := config.DefaultCacheBehavior
	if b == nil {
		return errors.New("reading the distribution: it has no default behavior")
	}
	behavior, err := r.behavior(settings{
		"*", b.AllowedMethods, b.ViewerProtocolPolicy, b.TrustedKeyGroups, b.TrustedSigners,
		aws.ToString(b.ResponseHeadersPolicyId), b.FunctionAssociations, b.LambdaFunctionAssociations})
	d.Behaviors = append(d.Behaviors, behavior)
	return err
}

// settings are what the two types of a behavior have in common.
type settings struct {
	pattern   string
	methods   *types.AllowedMethods
	protocol  types.ViewerProtocolPolicy
	groups    *types.TrustedKeyGroups
	signers   *types.TrustedSigners
	headers   string
	functions *types.FunctionAssociations
	lambdas   *types.LambdaFunctionAssociations
}

func (r *stackReader) behavior(s settings) (edge.Behavior, error) {
	b := edge.Behavior{PathPattern: s.pattern, ViewerProtocolPolicy: string(s.protocol), AllowedMethods: []string{"GET", "HEAD"}}
	if s.methods != nil {
		b.AllowedMethods = nil
		for _, m := range s.methods.Items {
			b.AllowedMethods = append(b.AllowedMethods, string(m))
		}
	}
	if s.functions != nil && len(s.functions.Items) > 0 || s.lambdas != nil && len(s.lambdas.Items) > 0 {
		r.note(functionsNote, s.pattern)
	}
	if s.signers != nil && aws.ToBool(s.signers.Enabled) {
		b.Signed = true
		r.note("Behavior %s trusts accounts (trusted signers), whose keys cannot be read: a key group takes their place.", s.pattern)
	}
	if s.groups != nil && aws.ToBool(s.groups.Enabled) {
		b.Signed, b.PublicKeys = true, map[string]edge.PublicKey{}
		for _, id := range s.groups.Items {
			if err := r.keyGroup(id, b.PublicKeys); err != nil {
				return b, err
			}
		}
	}
	cors, err := r.corsOf(s.headers)
	b.ResponseHeaders = &edge.ResponseHeadersPolicy{CORS: cors}
	return b, err
}

func (r *stackReader) keyGroup(id string, keys map[string]edge.PublicKey) error {
	out, err := r.front.GetKeyGroup(r.ctx, &cloudfront.GetKeyGroupInput{Id: &id})
	if err != nil {
		return fmt.Errorf("reading the key group %s: %w", id, err)
	}
	if out.KeyGroup == nil || out.KeyGroup.KeyGroupConfig == nil {
		return fmt.Errorf("reading the key group %s: the answer holds no configuration", id)
	}
	for _, keyID := range out.KeyGroup.KeyGroupConfig.Items {
		key, err := r.publicKey(keyID)
		if err != nil {
			return err
		}
		if key.err != nil {
			r.note("The public key %s of key group %s is not looked at: %v.", keyID, id, key.err)
			continue
		}
		keys[keyID] = key.PublicKey
	}
	return nil
}

func (r *stackReader) publicKey(id string) (publicKey, error) {
	if key, ok := r.keys[id]; ok {
		return key, nil
	}
	out, err := r.front.GetPublicKey(r.ctx, &cloudfront.GetPublicKeyInput{Id: &id})
	if err != nil {
		return publicKey{}, fmt.Errorf("reading the public key %s: %w", id, err)
	}
	var text []byte
	if out.PublicKey != nil && out.PublicKey.PublicKeyConfig != nil {
		text = []byte(aws.ToString(out.PublicKey.PublicKeyConfig.EncodedKey))
	}
	var key publicKey
	if key.PublicKey, key.err = edge.ParsePublicKey(id, text); key.err == nil {
		r.target.Keys[id], key.err = signedcookie.ParsePublicKey(text)
	}
	r.keys[id] = key
	return key, nil
}

// corsOf is the cross-origin part of a response headers policy; nil for none.
func (r *stackReader) corsOf(id string) (*edge.CORS, error) {
	if id == "" {
		return nil, nil
	}
	if cors, ok := r.cors[id]; ok {
		return cors, nil
	}
	out, err := r.front.GetResponseHeadersPolicy(r.ctx, &cloudfront.GetResponseHeadersPolicyInput{Id: &id})
	if err != nil {
		return nil, fmt.Errorf("reading the response headers policy %s: %w", id, err)
	}
	var cors *edge.CORS
	if out.ResponseHeadersPolicy != nil && out.ResponseHeadersPolicy.ResponseHeadersPolicyConfig != nil {
		if c := out.ResponseHeadersPolicy.ResponseHeadersPolicyConfig.CorsConfig; c != nil {
			cors = &edge.CORS{Credentials: aws.ToBool(c.AccessControlAllowCredentials), Override: aws.ToBool(c.OriginOverride)}
			if c.AccessControlAllowOrigins != nil {
				cors.Origins = c.AccessControlAllowOrigins.Items
			}
		}
	}
	r.cors[id] = cors
	return cors, nil
}
