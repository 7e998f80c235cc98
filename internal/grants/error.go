package grants

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// A NoTableError reports a stack without a table of grants.
type NoTableError struct{ Stack string }

func (e *NoTableError) Error() string {
	return fmt.Sprintf(`stack %s has no entitlements table: deploy it with "entitlements": "table" in cdk.json`, e.Stack)
}

// Explain turns an error of an AWS call into one that says what to do. What
// names the table or stack that the call was about.
func Explain(err error, what, region string) error {
	var noTable *NoTableError
	var notFound *types.ResourceNotFoundException
	var rejected smithy.APIError
	switch {
	case err == nil || errors.As(err, &noTable):
		return err
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted: the change may or may not have been made")
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("AWS did not respond in time: the change may or may not have been made")
	case errors.As(err, &notFound):
		return fmt.Errorf("%s not found in %s with these credentials", what, region)
	case errors.As(err, &rejected):
		return explainRejection(rejected, what, region)
	case strings.Contains(err.Error(), "get credentials"), strings.Contains(err.Error(), "get identity"):
		return fmt.Errorf("no valid AWS credentials: sign in, or set AWS_PROFILE: %w", err)
	}
	return fmt.Errorf("calling AWS for %s: %w", what, err)
}

func explainRejection(rejected smithy.APIError, what, region string) error {
	message := strings.TrimSuffix(rejected.ErrorMessage(), ".")
	switch rejected.ErrorCode() {
	case "AccessDeniedException", "AccessDenied":
		return fmt.Errorf("access denied: %s", message)
	case "UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException", "ExpiredToken", "InvalidSignatureException":
		return fmt.Errorf("AWS credentials are invalid or expired: %s", message)
	case "ValidationError":
		// CloudFormation has no error code of its own for a missing stack.
		if strings.Contains(message, "does not exist") {
			return fmt.Errorf("%s not found in %s with these credentials", what, region)
		}
	case "ValidationException":
		return fmt.Errorf("%s is not an entitlements table, or cannot store this value: %s", what, message)
	}
	return fmt.Errorf("AWS rejected the call for %s: %s (%s)", what, message, rejected.ErrorCode())
}
