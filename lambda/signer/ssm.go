package main

import (
	"cmp"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"premiumhls/lambda/internal/awsjson"
)

// newSSM makes the client from what Lambda puts into the environment. The
// SDK's config package would look for the same in many other places, which
// costs a cold start as much again as all the rest of it.
//
// AWS_ENDPOINT_URL_SSM and AWS_ENDPOINT_URL name another endpoint, as they do
// for every SDK.
func newSSM(getenv func(string) string) (*ssm.Client, error) {
	region := getenv("AWS_REGION")
	if region == "" {
		return nil, errors.New("AWS_REGION is not set")
	}
	options := ssm.Options{
		Region:      region,
		Retryer:     aws.NopRetryer{}, // the keyring tries again itself
		Credentials: awsjson.EnvironmentCredentials(getenv),
	}
	if endpoint := cmp.Or(getenv("AWS_ENDPOINT_URL_SSM"), getenv("AWS_ENDPOINT_URL")); endpoint != "" {
		options.BaseEndpoint = &endpoint
	}
	return ssm.New(options), nil
}
