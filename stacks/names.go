package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/settings"
)

// name makes a name for a resource of CloudFront, which has one namespace for
// all regions of an account.
func name(s settings.Settings, of string) *string {
	return jsii.Sprintf("%s-%s-%s", s.StackName, of, *awscdk.Aws_REGION())
}

// parameter is the name of one of the stack's parameters in Parameter Store.
func parameter(s settings.Settings, of string) string {
	return "/" + s.StackName + "/" + of
}

// parameterArn is the ARN of that parameter, or with a * at the end of all
// parameters below it.
func parameterArn(site *premiumHLS, s settings.Settings, of string) *string {
	return site.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("ssm"),
		Resource:     jsii.String("parameter"),
		ResourceName: jsii.String(s.StackName + "/" + of),
	})
}
