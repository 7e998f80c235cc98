package customresource

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// A StackClient is what a StackStatus needs of a CloudFormation client.
type StackClient interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
}

// A StackStatus tells a rollback from an update. It needs
// cloudformation:DescribeStacks on the stack.
//
// To a custom resource both are an Update, and no property tells which: once
// all of an update is done and it is rolled back after all (an alarm, another
// resource), the rollback looks exactly like a later update to the old
// settings. One must not fail, or the stack is stuck between two templates; the
// other must. CloudFormation knows, so it is asked.
type StackStatus struct{ Client func() StackClient }

// UnlessRollback returns the error of a check that an Update did not pass, or
// nil where the Update is a rollback's: what it goes back to was deployed.
// Where CloudFormation does not tell, the error stands. It is asked only where
// there is an error, since otherwise it does not matter.
func (s StackStatus) UnlessRollback(ctx context.Context, event cfn.Event, err error) error {
	if err == nil || event.RequestType != cfn.RequestUpdate {
		return err
	}
	back, cause := s.RollingBack(ctx, event.StackID)
	if cause != nil {
		return fmt.Errorf("%w (whether this is a rollback could not be found out: %v)", err, cause)
	}
	if back {
		slog.WarnContext(ctx, "let pass, since the stack is rolling back", "logicalId", event.LogicalResourceID, "cause", err.Error())
		return nil
	}
	return err
}

// RollingBack reports whether the stack goes back to what it was before an
// update.
func (s StackStatus) RollingBack(ctx context.Context, stackID string) (bool, error) {
	out, err := s.Client().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stackID})
	if err != nil {
		return false, fmt.Errorf("reading the status of the stack: %w", err)
	}
	if len(out.Stacks) != 1 {
		return false, fmt.Errorf("reading the status of the stack: the answer holds %d stacks", len(out.Stacks))
	}
	return out.Stacks[0].StackStatus == types.StackStatusUpdateRollbackInProgress, nil
}
