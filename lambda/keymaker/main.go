// Command keymaker is the Lambda function behind the stack's custom resources.
// It makes what CloudFormation could not make without seeing it, and returns
// only what CloudFormation may see.
//
//	Custom::SigningKey     a key pair: the private half goes to a SecureString
//	                       parameter, the public half to CloudFormation
//	Custom::KMSPublicKey   the public half of a key in KMS
//	Custom::ExternalKey    a key pair made elsewhere: checks that its halves match
//	Custom::OriginSecret   the values of the header that the distribution adds
//	Custom::ViewerHashKey  the key of the viewers' digests in the logs
//	Custom::PurchaseKey    the key of the references in purchases
//	Custom::KeyChange      checks that new signing keys keep viewers playing
//	Custom::KeyTrust       the time since when a key group has a public key
//	Custom::KeyActivation  lets the signer use the keys that a deploy checked
//	Custom::KeyRevocation  records keys that must never be trusted again
//
// A request may come more than once: a retry finds what an earlier attempt
// made.
//
// Permissions: ssm:GetParameter, ssm:PutParameter and ssm:DeleteParameter on
// the parameters it makes, ssm:GetParameter on the ones it only reads,
// kms:GetPublicKey on the keys in KMS and cloudformation:DescribeStacks on its
// own stack.
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
	"premiumhls/lambda/internal/retry"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	lambda.Start(customresource.Respond(serve, intendedID))
}

// denialPauses are the pauses after calls that IAM denies: a permission that
// the same deploy gave may take seconds to reach the service.
var denialPauses = retry.Pauses{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// serve makes its clients for each request, which is rare, so that CloudFormation
// also receives a failure of that: if a function fails at its start, the deploy
// waits for an hour.
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
	}, denialPauses).handle(ctx, event)
}
