package cloud

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"premiumhls/local/cloudformation"
	"premiumhls/local/s3"
	"premiumhls/local/ssm"
)

// providers returns the providers of resources with a local stand-in. All other
// resources get placeholder ids and attributes.
func (c *Cloud) providers(assets *cloudformation.Assets) map[string]cloudformation.Provider {
	generic := cloudformation.Generic{Environment: c.where()}
	providers := map[string]cloudformation.Provider{
		"AWS::Lambda::Function":         c.functions.provider(generic),
		"AWS::S3::Bucket":               bucketProvider{generic, c.buckets, c},
		"AWS::SSM::Parameter":           cloudformation.Parameter{Environment: c.where(), Store: parameters{c.Parameters}},
		"AWS::DynamoDB::Table":          tableProvider{generic, c},
		"AWS::KMS::Key":                 keyProvider{generic, c},
		"AWS::CloudFront::PublicKey":    publicKeyProvider{generic, c},
		"AWS::CloudFront::Distribution": with(generic, "DomainName", c.options.Host),
		"AWS::Cognito::UserPool":        with(generic, "ProviderURL", c.issuerURL),
		"Custom::CDKBucketDeployment":   cloudformation.BucketDeployment{Assets: assets, Bucket: c.buckets.byName, Authorize: c.functions.may, Invalidate: c.invalidate},
		// Empties buckets when they are deleted; these end with the process.
		"Custom::S3AutoDeleteObjects": generic,
		"Custom::DeployCheck":         proofProvider{c.resources, c},
		"Custom::*":                   c.resources,
	}
	c.ingestProviders(providers, generic)
	c.policies(providers, generic)
	return providers
}

// attributed is a placeholder with one real attribute.
type attributed struct {
	cloudformation.Generic
	name, value string
}

func with(generic cloudformation.Generic, name, value string) cloudformation.Provider {
	return attributed{generic, name, value}
}

func (a attributed) Create(ctx context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	state, err := a.Generic.Create(ctx, r)
	if err == nil {
		state.Attributes[a.name] = a.value
	}
	return state, err
}

func (a attributed) Update(ctx context.Context, r cloudformation.Resource, _ cloudformation.State) (cloudformation.State, error) {
	return a.Create(ctx, r)
}

// buckets are the stack's buckets by name.
type buckets map[string]*s3.Bucket

func (b buckets) byName(name string) (*s3.Bucket, error) {
	if found := b[name]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("there is no bucket %q", name)
}

// byDomain finds the bucket with a regional domain name.
func (b buckets) byDomain(domain string) *s3.Bucket {
	name, _, ok := strings.Cut(domain, ".s3.")
	if !ok {
		return nil
	}
	return b[name]
}

type bucketProvider struct {
	cloudformation.Generic
	buckets buckets
	cloud   *Cloud
}

func (p bucketProvider) Create(ctx context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	state, err := p.Generic.Create(ctx, r)
	if err == nil && p.buckets[state.PhysicalID] == nil {
		p.buckets[state.PhysicalID] = s3.New(state.PhysicalID, p.cloud.options.Log)
	}
	if err == nil {
		p.buckets[state.PhysicalID].SetCORS(corsRules(r.Properties))
		err = p.cloud.notifies(state.PhysicalID, r.Properties)
	}
	return state, err
}

func corsRules(bucket map[string]any) (rules []s3.CORSRule) {
	configuration, _ := bucket["CorsConfiguration"].(map[string]any)
	list, _ := configuration["CorsRules"].([]any)
	for _, item := range list {
		rule, _ := item.(map[string]any)
		strings := func(name string) (found []string) {
			values, _ := rule[name].([]any)
			for _, value := range values {
				if s, ok := value.(string); ok {
					found = append(found, s)
				}
			}
			return found
		}
		rules = append(rules, s3.CORSRule{Origins: strings("AllowedOrigins"), Methods: strings("AllowedMethods"), Expose: strings("ExposedHeaders")})
	}
	return rules
}

func (p bucketProvider) Update(ctx context.Context, r cloudformation.Resource, _ cloudformation.State) (cloudformation.State, error) {
	return p.Create(ctx, r)
}

// keyProvider makes keys in the local KMS.
type keyProvider struct {
	cloudformation.Generic
	cloud *Cloud
}

func (p keyProvider) Create(_ context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	spec, _ := r.Properties["KeySpec"].(string)
	usage, _ := r.Properties["KeyUsage"].(string)
	arn, err := p.cloud.KMS.CreateKeyOf(spec, usage)
	if err != nil {
		return cloudformation.State{}, err
	}
	id := arn[strings.LastIndex(arn, "/")+1:]
	return cloudformation.State{PhysicalID: id, Attributes: map[string]any{"Arn": arn, "KeyId": id}}, nil
}

func (keyProvider) Update(_ context.Context, _ cloudformation.Resource, state cloudformation.State) (cloudformation.State, error) {
	return state, nil
}

// parameters stores CloudFormation's parameters in the local SSM.
type parameters struct{ store *ssm.Store }

func (p parameters) Put(name, value string) error {
	return p.store.Put(name, ssm.String, value)
}

func (p parameters) Delete(name string) error {
	if !p.store.Delete(name) {
		return errors.New("there is no parameter " + name)
	}
	return nil
}
