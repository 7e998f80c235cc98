package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// A sentence is an error that needs no more to be said.
type sentence struct{ text string }

func (s *sentence) Error() string { return s.text }

var errNoRegion = &sentence{"no AWS region is set: set AWS_REGION, or a profile that has one"}

// explain makes an error of AWS a sentence, without its stop, for who typed
// the command.
func explain(err error, what, region string) error {
	var known *sentence
	var notFound *types.ResourceNotFoundException
	var refused smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted: whether it was done is not known")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("AWS did not answer within %v: whether it was done is not known", timeout)
	case errors.As(err, &notFound):
		return fmt.Errorf("there is no %s in %s, for the account of these credentials", what, region)
	case errors.As(err, &refused):
		return explainRefusal(refused, what, region)
	case strings.Contains(err.Error(), "get credentials"), strings.Contains(err.Error(), "get identity"):
		return fmt.Errorf("no AWS credentials that work were found: sign in, or set AWS_PROFILE (%w)", err)
	}
	return fmt.Errorf("AWS cannot be reached for %s: %w", what, err)
}

func explainRefusal(refused smithy.APIError, what, region string) error {
	message := strings.TrimSuffix(refused.ErrorMessage(), ".")
	switch refused.ErrorCode() {
	case "AccessDeniedException", "AccessDenied":
		return fmt.Errorf("these credentials may not do that: %s", message)
	case "UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException", "ExpiredToken", "InvalidSignatureException":
		return fmt.Errorf("AWS does not take these credentials, which may have expired: %s", message)
	case "ValidationError":
		if strings.Contains(message, "does not exist") {
			return fmt.Errorf("there is no %s in %s, for the account of these credentials", what, region)
		}
	case "ValidationException":
		return fmt.Errorf("%s cannot hold that, or is not a table of grants: %s", what, message)
	}
	return fmt.Errorf("AWS refused it for %s: %s (%s)", what, message, refused.ErrorCode())
}
