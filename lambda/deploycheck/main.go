// Command deploycheck is the Lambda function behind Custom::DeployCheck, which
// comes near the end of a deploy: it requests the probe below the premium path
// from the distribution, without cookies and with those that the signer makes
// with each key, and fails the deploy if the responses are not what viewers
// need. Its checks are
//
//	reach    the distribution responds for the viewers' host
//	refuse   it refuses the probe without cookies, by itself
//	sign     the signer makes cookies for the probe, with the named key
//	serve    the probe is served with them
//	confine  they open nothing outside the probe's folder
//	verify   with a changed signature they open nothing
//
// In a deploy that ends all cookies it reports a failure and does not fail: the
// rollback would trust a leaked key again.
//
// Permissions: lambda:InvokeFunction on the signer and
// cloudformation:DescribeStacks on its own stack.
//
// DISTRIBUTION_ENDPOINT_URL is where to reach the distribution in place of its
// own domain name, with http or https, as AWS_ENDPOINT_URL_LAMBDA and
// AWS_ENDPOINT_URL_CLOUDFORMATION are for those services.
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

// serve makes its clients for each request, which is rare, so that CloudFormation
// also receives a failure of that.
func serve(ctx context.Context, event cfn.Event) (customresource.Result, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(10*time.Second)))
	if err != nil {
		return customresource.Result{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	signer, err := awsjson.New(awsjson.Lambda, "", os.Getenv)
	if err != nil {
		return customresource.Result{}, fmt.Errorf("making the client for the signer: %w", err)
	}
	at, err := parseEndpoint(os.Getenv("DISTRIBUTION_ENDPOINT_URL"))
	if err != nil {
		return customresource.Result{}, err
	}
	return (&checker{
		signer:   signer,
		endpoint: at,
		stack: customresource.StackStatus{Client: func() customresource.StackClient {
			return cloudformation.NewFromConfig(cfg)
		}},
	}).handle(ctx, event)
}
