// Package stacks defines Premium HLS as one CloudFormation stack. This file is
// its table of contents; each part has a file of its own.
package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

// New adds the stack to an app.
//
// The order is that of what needs what. One knot is cut: the distribution
// needs the API's name, and the signer behind the API needs the distribution's
// host and the keys' ids. The signer therefore reads those at run time from a
// parameter that is written after the distribution.
func New(app constructs.Construct, s settings.Settings, p assets.Assets) awscdk.Stack {
	stack := newStack(app, s)

	storage := newStorage(stack, s)
	keymaker := newKeymaker(stack, s, p.Keymaker)
	keys := newSigningKeys(stack, s, p.PublicKeys, keymaker)
	secret := newOriginSecret(stack, s, keymaker)
	signer := newSigner(stack, s, p.Signer, keys)
	entitlements := newEntitlements(stack, s, signer)
	signIn := newSignIn(stack, s)
	delivery := newDelivery(stack, s, storage, keys, signer, signIn, secret)
	client := signIn.newClient(stack, s, delivery.host)
	signer.admit(client)
	keys.publish(stack, s, delivery.host)
	upload := newUploader(stack, s, storage, p)
	newPage(upload, s, p, client)
	if s.Monitoring {
		output(stack, "Dashboard", "The CloudWatch dashboard", *newMonitoring(stack, s, signer, delivery))
	}
	if storage.logs != nil {
		newSignerLogDelivery(stack, s, signer, storage.logs)
		output(stack, "LogQueries", "The Athena workgroup with the queries of the logs", *newLogQueries(stack, s, storage.logs))
	}

	output(stack, "Site", "The page: open it, and it plays", *jsii.Sprintf("https://%s/", *delivery.host))
	output(stack, "Bucket", "Where the videos are", *storage.bucket.BucketName())
	output(stack, "PremiumDestination", "Where MediaConvert writes what is for sale", *jsii.Sprintf("s3://%s/%s/", *storage.bucket.BucketName(), s.PremiumPath))
	output(stack, "TrailerDestination", "Where MediaConvert writes what is for everyone", *jsii.Sprintf("s3://%s/public/trailers/", *storage.bucket.BucketName()))
	output(stack, "MediaConvertRole", "The role for MediaConvert's jobs", *storage.mediaConvert.RoleArn())
	output(stack, "Distribution", "The distribution's id", *delivery.distribution.DistributionId())
	output(stack, "DistributionDomain", "What a DNS record of your own names must lead to", *delivery.distribution.DistributionDomainName())
	output(stack, "KeyGroup", "The key group that signed cookies are checked against", *keys.group.KeyGroupId())
	if entitlements.table != nil {
		output(stack, "EntitlementsTable", "Who may watch what", *entitlements.table.TableName())
	}
	if signIn.pool != nil {
		output(stack, "UserPool", "Who can sign in", *signIn.pool.UserPoolId())
	}
	if s.DeployCheck {
		newDeployCheck(stack, s, p, keys, signer, delivery, newProbe(upload, s))
	}
	return stack
}

func newStack(app constructs.Construct, s settings.Settings) awscdk.Stack {
	stack := awscdk.NewStack(app, &s.StackName, &awscdk.StackProps{
		Description: jsii.String("Premium HLS: video on CloudFront for viewers who may watch it"),
	})
	// Set here, so that a cdk.json without them makes the same template.
	for _, flag := range []string{
		"@aws-cdk/aws-iam:minimizePolicies",
		"@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy",
	} {
		stack.Node().SetContext(&flag, true)
	}
	// The CDK makes each function depend on its role, which it names anyway.
	stack.TemplateOptions().SetMetadata(&map[string]any{
		"cfn-lint": map[string]any{"config": map[string]any{"ignore_checks": []string{"W3005"}}},
	})
	return stack
}

func output(stack awscdk.Stack, name, description, value string) {
	awscdk.NewCfnOutput(stack, jsii.String(name+"Output"), &awscdk.CfnOutputProps{
		Description: &description,
		Value:       &value,
	}).OverrideLogicalId(&name)
}

// name makes a name for what CloudFront keeps per account, in no region: the
// stack may stand in several regions of one account.
func name(s settings.Settings, of string) *string {
	return jsii.Sprintf("%s-%s-%s", s.StackName, of, *awscdk.Aws_REGION())
}

// parameter is the name of one of the stack's parameters in Parameter Store.
func parameter(s settings.Settings, of string) string {
	return "/" + s.StackName + "/" + of
}

// parameterArn is the ARN of that parameter, or with a * at the end of all
// parameters below it.
func parameterArn(stack awscdk.Stack, s settings.Settings, of string) *string {
	return stack.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("ssm"),
		Resource:     jsii.String("parameter"),
		ResourceName: jsii.String(s.StackName + "/" + of),
	})
}
