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

// A StackStatus distinguishes a rollback from an update. It needs
// cloudformation:DescribeStacks on the stack.
//
// A custom resource receives an Update for both, and no property says which:
// the rollback of an update that got through all resources looks exactly like a
// later update to the old settings. A check must not fail the first, which
// would leave the stack between two templates, and must fail the second. So
// the status of the stack decides.
type StackStatus struct{ Client func() StackClient }

// UnlessRollback returns the error of a check that an Update failed, or nil if
// the Update is part of a rollback: what that goes back to was deployed. If the
// status cannot be read the error stands. It is read only if there is an error.
func (s StackStatus) UnlessRollback(ctx context.Context, event cfn.Event, err error) error {
	if err == nil || event.RequestType != cfn.RequestUpdate {
		return err
	}
	back, cause := s.RollingBack(ctx, event.StackID)
	if cause != nil {
		return fmt.Errorf("%w (could not determine whether the stack is rolling back: %v)", err, cause)
	}
	if back {
		slog.WarnContext(ctx, "check failed, ignored because the stack is rolling back", "logicalId", event.LogicalResourceID, "cause", err.Error())
		return nil
	}
	return err
}

// RollingBack reports whether the stack is rolling back an update.
func (s StackStatus) RollingBack(ctx context.Context, stackID string) (bool, error) {
	out, err := s.Client().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stackID})
	if err != nil {
		return false, fmt.Errorf("reading the status of the stack: %w", err)
	}
	if len(out.Stacks) != 1 {
		return false, fmt.Errorf("reading the status of the stack: got %d stacks, want 1", len(out.Stacks))
	}
	return out.Stacks[0].StackStatus == types.StackStatusUpdateRollbackInProgress, nil
}
