// Command prover is the function behind Custom::DeployCheck, the last resource
// of a deploy: it asks the distribution for the probe below the premium path,
// without cookies and with those that the signer makes with each key, and
// fails the deploy where the answers are not what viewers need. These are its
// checks:
//
//	reach    the distribution answers for the viewers' host
//	refuse   it refuses the probe without cookies, by itself
//	sign     the signer makes cookies for the probe, with the key that is named
//	serve    the probe is served with them
//	confine  they open nothing outside the probe's folder
//	verify   with a changed signature they open nothing
//
// It needs lambda:InvokeFunction on the signer and cloudformation:DescribeStacks
// on its own stack.
//
// DISTRIBUTION_ENDPOINT_URL names where the distribution is reached in place of
// its own domain name, with http or https, as AWS_ENDPOINT_URL_LAMBDA and
// AWS_ENDPOINT_URL_CLOUDFORMATION do for those services.
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

	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/customresource"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	lambda.Start(customresource.Respond(serve, func(cfn.Event) string { return physicalID }))
}

// serve makes its clients with each request, which is rare, so that a failure
// of that too is told to CloudFormation.
func serve(ctx context.Context, event cfn.Event) (customresource.Result, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(10*time.Second)))
	if err != nil {
		return customresource.Result{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	signer, err := awsjson.New(awsjson.Lambda, "", os.Getenv)
	if err != nil {
		return customresource.Result{}, fmt.Errorf("making the client of the signer: %w", err)
	}
	way, err := parseWay(os.Getenv("DISTRIBUTION_ENDPOINT_URL"))
	if err != nil {
		return customresource.Result{}, err
	}
	return (&prover{
		signer: signer,
		way:    way,
		stack: customresource.StackStatus{Client: func() customresource.StackClient {
			return cloudformation.NewFromConfig(cfg)
		}},
	}).handle(ctx, event)
}
