package stacks

import (
	"context"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/cxapi"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/assets"
	_ "premiumhls/stacks/quiet"
	"premiumhls/stacks/settings"
)

// Add reads the settings of an app's context, builds the parts and adds the
// stack. A bad setting is an error whose text a person can act on.
func Add(ctx context.Context, app constructs.Construct, values any) (awscdk.Stack, error) {
	context, _ := values.(map[string]any)
	s, err := settings.Read(context)
	if err != nil {
		return nil, err
	}
	if err := checkRotation(ctx, s); err != nil {
		return nil, err
	}
	place, err := assets.Here(ctx)
	if err != nil {
		return nil, err
	}
	built, err := assets.Build(ctx, place, s)
	if err != nil {
		return nil, fmt.Errorf("building the stack's parts: %w", err)
	}
	return New(app, s, built), nil
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
