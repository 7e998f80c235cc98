// Package stacks defines Premium HLS: the construct [NewPremiumHLS], for any CDK
// app, and a stack of it that takes its settings from cdk.json.
package stacks

import (
	"context"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/cxapi"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

// Add adds a stack with one site to an app, with the settings of the app's
// context.
func Add(ctx context.Context, app constructs.Construct, values any) (awscdk.Stack, error) {
	context, _ := values.(map[string]any)
	s, err := settings.Read(context)
	if err != nil {
		return nil, err
	}
	if err := checkRegion(s, regionFor(s)); err != nil {
		return nil, err
	}
	var last string
	if app, ok := app.(awscdk.Stage); ok { // as every App is
		last = filepath.Join(*app.Outdir(), s.StackName+".template.json")
	}
	warnings, err := checkAgainstLast(last, s)
	if err != nil {
		return nil, err
	}
	built, err := build(ctx, s)
	if err != nil {
		return nil, err
	}
	stack := New(app, s, built)
	for i, warning := range warnings {
		awscdk.Annotations_Of(stack).AddWarningV2(jsii.Sprintf("premiumhls:leftBehind%d", i), &warning, nil)
	}
	return stack, nil
}

// New is [Add] with assets that are built already.
func New(app constructs.Construct, s settings.Settings, p assets.Assets) awscdk.Stack {
	props := &awscdk.StackProps{
		Description: jsii.String("Premium HLS: paid video on CloudFront behind signed cookies"),
	}
	if s.Region != "" {
		props.Env = &awscdk.Environment{Region: &s.Region}
	}
	stack := awscdk.NewStack(app, &s.StackName, props)
	// Set here, so that a cdk.json without them makes the same template.
	for _, flag := range []string{
		"@aws-cdk/aws-iam:minimizePolicies",
		"@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy",
	} {
		stack.Node().SetContext(&flag, true)
	}
	// The CDK makes each function depend on its role, which it refers to anyway.
	stack.TemplateOptions().SetMetadata(&map[string]any{
		"cfn-lint": map[string]any{"config": map[string]any{"ignore_checks": []string{"W3005"}}},
	})
	// The id Default is not part of logical ids.
	newPremiumHLS(stack, jsii.String("Default"), s, retained(stack, s), p).AddOutputs()
	return stack
}

// Synthesize writes the cloud assembly of the stack with the given context
// into a folder, as the CDK's command line would.
func Synthesize(ctx context.Context, out string, values map[string]any) (cxapi.CloudFormationStackArtifact, error) {
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir:             &out,
		Context:            &values,
		AnalyticsReporting: jsii.Bool(false),
	})
	stack, err := Add(ctx, app, values)
	if err != nil {
		return nil, err
	}
	return app.Synth(nil).GetStackArtifact(stack.ArtifactId()), nil
}
