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
