package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

type functionProps struct {
	pkg         string // the Go package below lambda/
	code        string // the folder with its binary
	description string
	memory      float64 // MB
	timeout     float64 // seconds
	traced      bool    // with X-Ray
}

// newFunction makes a Lambda function with a role that can write to its own log
// group only.
func newFunction(stack *premiumHLS, s settings.Settings, id string, p functionProps) awslambda.Function {
	role := awsiam.NewRole(stack, jsii.String(id+"Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	logs := newLogGroup(stack, s, id+"Log")
	logs.GrantWrite(role)
	tracing := awslambda.Tracing_DISABLED
	if p.traced {
		// The CDK grants X-Ray's two actions on *: they have no resources.
		tracing = awslambda.Tracing_ACTIVE
	}
	function := awslambda.NewFunction(stack, &id, &awslambda.FunctionProps{
		Description:   &p.description,
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:  awslambda.Architecture_ARM_64(),
		Handler:       jsii.String("bootstrap"),
		Code:          awslambda.Code_FromAsset(&p.code, nil),
		MemorySize:    &p.memory,
		Timeout:       awscdk.Duration_Seconds(&p.timeout),
		Role:          role,
		LogGroup:      logs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Tracing:       tracing,
	})
	function.Node().DefaultChild().(awslambda.CfnFunction).AddMetadata(jsii.String(assets.PackageMetadata), "./lambda/"+p.pkg)
	return function
}

func newLogGroup(stack *premiumHLS, s settings.Settings, id string) awslogs.LogGroup {
	return newNamedLogGroup(stack, s, id, nil)
}

// newNamedLogGroup makes a log group with a name, or one that CloudFormation
// names.
func newNamedLogGroup(stack *premiumHLS, s settings.Settings, id string, name *string) awslogs.LogGroup {
	group := awslogs.NewLogGroup(stack, &id, &awslogs.LogGroupProps{
		LogGroupName:  name,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	// A number of days can be set on the CloudFormation resource only.
	group.Node().DefaultChild().(awslogs.CfnLogGroup).SetRetentionInDays(jsii.Number(s.LogDays))
	return group
}
