// Command keymaker is the function behind the stack's custom resources: it
// makes what CloudFormation cannot make without seeing it, and tells it only
// what may be seen.
//
//	Custom::SigningKey    a key pair: the private half to a SecureString
//	                      parameter, the public half to CloudFormation
//	Custom::KMSPublicKey  the public half of a key that KMS keeps
//	Custom::ExternalKey   a key pair brought along: its halves belong together
//	Custom::OriginSecret  what shows that a request came through the
//	                      distribution
//	Custom::KeyChange     whether new signing keys leave viewers playing
//	Custom::KeyTrust      when a public key joined a key group
//
// Each request may come more than once, and a retry finds what an earlier try
// made. The function needs ssm:GetParameter, ssm:PutParameter and
// ssm:DeleteParameter on the parameters that it makes, ssm:GetParameter on
// those that it only reads, kms:GetPublicKey on the keys in KMS and
// cloudformation:DescribeStacks on its own stack.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"premiumhls/lambda/internal/customresource"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	lambda.Start(customresource.Respond(serve, intendedID))
}

// serve makes its clients with each request, which is rare, so that a failure
// of that too is told to CloudFormation: a function that fails at its start
// leaves a deployment waiting for an hour.
func serve(ctx context.Context, event cfn.Event) (result, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRetryMaxAttempts(8),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(10*time.Second)))
	if err != nil {
		return result{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return newKeymaker(clients{
		parameters: ssm.NewFromConfig(cfg),
		kms:        func() kmsClient { return kms.NewFromConfig(cfg) },
		stacks:     func() customresource.StackClient { return cloudformation.NewFromConfig(cfg) },
	}, deploymentPatience).handle(ctx, event)
}
