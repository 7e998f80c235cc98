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
	// proofPatience is how long a change of keys may be on its way to the
	// edges.
	proofPatience = "10m0s"
	// proofTime is the prover's own, in seconds: its last try may take two
	// minutes more, and the most that Lambda gives is 900.
	proofTime = 780
)

// newProof makes the last resource of a deploy: it fails the deploy, which
// then rolls back, where the distribution does not serve a probe below the
// premium path to viewers with cookies, or serves it to others.
func newProof(stack awscdk.Stack, s settings.Settings, p assets.Assets, keys *signingKeys, sg signer, d delivery, probe awss3deployment.BucketDeployment) {
	prover := newFunction(stack, s, "Prover", functionProps{
		pkg:         "deploycheck",
		code:        p.DeployCheck,
		description: "Proves at deploy time that premium videos are served with cookies only",
		memory:      256,
		timeout:     proofTime,
	})
	prover.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("AskForCookies"),
		Actions:   jsii.Strings("lambda:InvokeFunction"),
		Resources: &[]*string{sg.function.FunctionArn()},
	}))
	prover.AddToRolePolicy(tellARollback(stack))

	var list []map[string]any
	for _, key := range keys.keys {
		list = append(list, map[string]any{"Name": key.Name, "PublicKeyId": key.id, "Type": key.Type, "Hash": key.Hash})
	}
	last := awscdk.NewCustomResource(stack, jsii.String("Proof"), &awscdk.CustomResourceProps{
		ServiceToken: prover.FunctionArn(),
		ResourceType: jsii.String("Custom::DeployProof"),
		Properties: &map[string]any{
			"SignerFunction": sg.function.FunctionArn(),
			"Distribution":   d.distribution.DistributionId(),
			"DomainName":     d.distribution.DistributionDomainName(),
			"Host":           d.host,
			"PremiumPath":    s.PremiumPath,
			"Keys":           list,
			"Patience":       proofPatience,
			// Another digest is a change, which has CloudFormation ask again.
			"Digest": checkDigest(s, p.Digest),
		},
		ServiceTimeout: awscdk.Duration_Minutes(jsii.Number(15)),
	})
	last.Node().AddDependency(probe)
	for _, resource := range provenBy(stack, sg) {
		last.Node().AddDependency(resource)
	}
	output(stack, "Proof", "What this deploy proved", *last.GetAttString(jsii.String("Result")))
}

// newProbe puts the probe where the distribution finds it, and the right to
// write there stays with what uploads the page.
func newProbe(upload uploader, s settings.Settings) awss3deployment.BucketDeployment {
	object := s.PremiumPath + "/" + deploycheck.Folder + "/" + deploycheck.Name
	return upload("Probe", awss3deployment.BucketDeploymentProps{
		Sources:     &[]awss3deployment.ISource{awss3deployment.Source_Data(&object, jsii.String(deploycheck.Content), nil)},
		ContentType: jsii.String("text/plain"),
		// CloudFront asks the bucket each time: a proof by what an edge kept
		// would say nothing of the bucket.
		CacheControl: &[]awss3deployment.CacheControl{awss3deployment.CacheControl_NoCache()},
	})
}

// provenBy returns the resources that decide whether a viewer is served, as
// far as they are made by now: everything of CloudFront, the keys, the bucket's
// policy, and the signer with its parameter and rights.
func provenBy(stack awscdk.Stack, sg signer) (resources []awscdk.CfnResource) {
	ofSigner := []string{*sg.function.Node().Path() + "/", *sg.function.Role().Node().Path() + "/"}
	for _, construct := range *stack.Node().FindAll(constructs.ConstructOrder_PREORDER) {
		resource, ok := construct.(awscdk.CfnResource)
		if !ok {
			continue
		}
		if !proves(*resource.CfnResourceType()) {
			path := *construct.Node().Path()
			if !slices.ContainsFunc(ofSigner, func(parent string) bool { return strings.HasPrefix(path, parent) }) {
				continue
			}
		}
		resources = append(resources, resource)
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

// proves reports whether resources of a type decide, whatever their names.
func proves(resourceType string) bool {
	switch resourceType {
	case "AWS::SSM::Parameter", "AWS::KMS::Key", "AWS::S3::BucketPolicy":
		return true
	}
	return strings.HasPrefix(resourceType, "AWS::CloudFront::")
}
