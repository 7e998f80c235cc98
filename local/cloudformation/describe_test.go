package cloudformation_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awscloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"premiumhls/local/cloudformation"
)

const stackID = "arn:aws:cloudformation:us-east-1:111122223333:stack/PremiumHls/1"

func client(t *testing.T, status func(string) string) *awscloudformation.Client {
	t.Helper()
	server := httptest.NewServer(cloudformation.Handler(status, nil))
	t.Cleanup(server.Close)
	return awscloudformation.New(awscloudformation.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(server.URL),
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1,
	})
}

func TestDescribeStacks(t *testing.T) {
	status := cloudformation.UpdateRollbackInProgress
	c := client(t, func(stack string) string {
		if stack != stackID {
			return ""
		}
		return status
	})
	for _, want := range []types.StackStatus{types.StackStatusUpdateRollbackInProgress, types.StackStatusUpdateComplete} {
		status = string(want)
		out, err := c.DescribeStacks(t.Context(), &awscloudformation.DescribeStacksInput{StackName: aws.String(stackID)})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Stacks) != 1 || out.Stacks[0].StackStatus != want || *out.Stacks[0].StackId != stackID {
			t.Errorf("stacks %+v, want one that is %s", out.Stacks, want)
		}
	}

	_, err := c.DescribeStacks(t.Context(), &awscloudformation.DescribeStacksInput{StackName: aws.String("Other")})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "ValidationError" || !strings.Contains(api.ErrorMessage(), "Other does not exist") {
		t.Errorf("another stack: %v", err)
	}
}

func TestOtherOperations(t *testing.T) {
	c := client(t, func(string) string { return cloudformation.UpdateComplete })
	_, err := c.DeleteStack(t.Context(), &awscloudformation.DeleteStackInput{StackName: aws.String(stackID)})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "InvalidAction" {
		t.Errorf("DeleteStack: %v", err)
	}
}
