package stacks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3deployment"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/deploycheck"
	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

const (
	// checkPatience is how long a change of keys may take to reach every edge
	// location.
	checkPatience = "10m0s"
	// checkTimeout is the function's timeout in seconds: its last try may take
	// two minutes longer than checkPatience. Lambda allows 900.
	checkTimeout = 780
)

// newDeployCheck makes the last resource of a deploy but for the activation of
// the keys that it checks. It fails the deploy, which
// then rolls back, if the distribution does not serve a probe below the premium
// path to viewers with cookies, or serves it to anyone else.
func newDeployCheck(stack *premiumHLS, s settings.Settings, p assets.Assets, keys *signingKeys, sg signer, d delivery, probe awss3deployment.BucketDeployment) awscdk.CustomResource {
	function := newFunction(stack, s, "DeployCheck", functionProps{
		pkg:         "deploycheck",
		code:        p.DeployCheck,
		description: "Checks at deploy time that premium videos are served with cookies only",
		memory:      256,
		timeout:     checkTimeout,
	})
	function.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("RequestCookies"),
		Actions:   jsii.Strings("lambda:InvokeFunction"),
		Resources: &[]*string{sg.function.FunctionArn()},
	}))
	function.AddToRolePolicy(describeStackStatus(stack))

	var list []map[string]any
	for _, key := range keys.keys {
		list = append(list, map[string]any{"Name": key.Name, "PublicKeyId": key.id, "Type": key.keyType(), "Hash": key.Hash})
	}
	properties := map[string]any{
		"SignerFunction": sg.function.FunctionArn(),
		"Distribution":   d.distribution.DistributionId(),
		"DomainName":     d.distribution.DistributionDomainName(),
		"Host":           d.host,
		"PremiumPath":    s.PremiumPath,
		"Keys":           list,
		"Patience":       checkPatience,
		// CloudFormation calls the function again when a property changes.
		"Digest": checkDigest(s, p.Digest),
	}
	if s.Links {
		properties["Links"] = true
	}
	if s.EndAllCookies {
		// A rollback would trust a leaked key again.
		properties["ReportOnly"] = true
	}
	last := awscdk.NewCustomResource(stack, jsii.String("DeployCheckRun"), &awscdk.CustomResourceProps{
		ServiceToken:   function.FunctionArn(),
		ResourceType:   jsii.String("Custom::DeployCheck"),
		Properties:     &properties,
		ServiceTimeout: awscdk.Duration_Minutes(jsii.Number(15)),
	})
	last.Node().AddDependency(probe)
	for _, resource := range checkedBy(stack, sg) {
		last.Node().AddDependency(resource)
	}
	if s.Links {
		// A link is requested of the API, with its stage, routes and permissions.
		last.Node().AddDependency(stack.links, stack.links.Role(), sg.api)
	}
	output(stack, "DeployCheck", "Result of the last deploy check", *last.GetAttString(jsii.String("Result")))
	return last
}

// newProbe uploads the probe with the function that uploads the page, so that
// no other role can write to the bucket.
func newProbe(upload uploader, s settings.Settings) awss3deployment.BucketDeployment {
	object := s.PremiumPath + "/" + deploycheck.Folder + "/" + deploycheck.Name
	return upload("Probe", awss3deployment.BucketDeploymentProps{
		Sources:     &[]awss3deployment.ISource{awss3deployment.Source_Data(&object, jsii.String(deploycheck.Content), nil)},
		ContentType: jsii.String("text/plain"),
		// CloudFront requests it from the bucket each time: a cached copy would
		// not show that the bucket can be read.
		CacheControl: &[]awss3deployment.CacheControl{awss3deployment.CacheControl_NoCache()},
	})
}

// checkedBy returns the resources that decide whether a viewer is served
// and that exist by now: all of CloudFront, the keys, the bucket policy, and the
// signer with its parameter and permissions.
func checkedBy(stack *premiumHLS, sg signer) (resources []awscdk.CfnResource) {
	ofSigner := []string{*sg.function.Node().Path() + "/", *sg.function.Role().Node().Path() + "/"}
	for _, construct := range *stack.Node().FindAll(constructs.ConstructOrder_PREORDER) {
		resource, ok := construct.(awscdk.CfnResource)
		if !ok {
			continue
		}
		if !decides(*resource.CfnResourceType()) {
			path := *construct.Node().Path()
			if !slices.ContainsFunc(ofSigner, func(parent string) bool { return strings.HasPrefix(path, parent) }) {
				continue
			}
		}
		resources = append(resources, resource)
	}
	// An existing bucket has its policy outside the site.
	if bucket := stack.existing.bucket; bucket != nil {
		for _, construct := range *bucket.Node().FindAll(constructs.ConstructOrder_PREORDER) {
			if resource, ok := construct.(awscdk.CfnResource); ok {
				resources = append(resources, resource)
			}
		}
	}
	return resources
}

// checkDigest changes with everything that a deploy check depends on: the
// settings, the functions' code and the source of this module, which makes the
// template from them.
func checkDigest(s settings.Settings, source string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("the settings have no JSON: %v", err))
	}
	sum := sha256.Sum256(append(text, source...))
	return hex.EncodeToString(sum[:])
}

// decides reports whether every resource of a type decides that.
func decides(resourceType string) bool {
	switch resourceType {
	case "AWS::SSM::Parameter", "AWS::KMS::Key", "AWS::S3::BucketPolicy":
		return true
	}
	return strings.HasPrefix(resourceType, "AWS::CloudFront::")
}
