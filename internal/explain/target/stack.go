package target

import (
	"context"
	"crypto"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"

	edge "premiumhls/internal/cloudfront"
)

// A CloudFormation returns the resources of a stack.
type CloudFormation interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	ListStackResources(context.Context, *cloudformation.ListStackResourcesInput, ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error)
}

// A CloudFront tells how a distribution is set up.
type CloudFront interface {
	GetDistribution(context.Context, *cloudfront.GetDistributionInput, ...func(*cloudfront.Options)) (*cloudfront.GetDistributionOutput, error)
	GetKeyGroup(context.Context, *cloudfront.GetKeyGroupInput, ...func(*cloudfront.Options)) (*cloudfront.GetKeyGroupOutput, error)
	GetPublicKey(context.Context, *cloudfront.GetPublicKeyInput, ...func(*cloudfront.Options)) (*cloudfront.GetPublicKeyOutput, error)
	GetResponseHeadersPolicy(context.Context, *cloudfront.GetResponseHeadersPolicyInput, ...func(*cloudfront.Options)) (*cloudfront.GetResponseHeadersPolicyOutput, error)
}

// FromStack reads the distribution of a deployed stack as CloudFront has it
// now, which can differ from its template.
func FromStack(ctx context.Context, name string, formation CloudFormation, front CloudFront) (Target, error) {
	described, err := formation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return Target{}, fmt.Errorf("looking for the stack %s: %w", name, err)
	}
	found, err := resources(ctx, name, formation)
	if err != nil {
		return Target{}, err
	}
	ids := found["AWS::CloudFront::Distribution"]
	if len(ids) != 1 {
		return Target{}, fmt.Errorf("the stack %s has %d distributions, not one", name, len(ids))
	}
	r := stackReader{ctx: ctx, front: front, keys: map[string]publicKey{}, cors: map[string]*edge.CORS{}}
	r.target.Keys = map[string]crypto.PublicKey{}
	if err := r.distribution(ids[0]); err != nil {
		return Target{}, err
	}
	// The stack's other keys tell whose a signature is.
	for _, id := range found["AWS::CloudFront::PublicKey"] {
		if _, err := r.publicKey(id); err != nil {
			return Target{}, err
		}
	}
	for _, stack := range described.Stacks {
		for _, output := range stack.Outputs {
			if aws.ToString(output.OutputKey) == "Site" {
				r.target.Site = aws.ToString(output.OutputValue)
			}
		}
	}
	if r.target.Site == "" {
		r.target.Site = "https://" + r.target.Domain + "/"
	}
	return r.target, nil
}

// resources are a stack's physical ids by type.
func resources(ctx context.Context, name string, formation CloudFormation) (map[string][]string, error) {
	found := map[string][]string{}
	pages := cloudformation.NewListStackResourcesPaginator(formation, &cloudformation.ListStackResourcesInput{StackName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the resources of the stack %s: %w", name, err)
		}
		for _, r := range page.StackResourceSummaries {
			if id := aws.ToString(r.PhysicalResourceId); id != "" {
				kind := aws.ToString(r.ResourceType)
				found[kind] = append(found[kind], id)
			}
		}
	}
	return found, nil
}
