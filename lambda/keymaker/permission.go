package main

import (
	"context"
	"errors"
	"time"

	"github.com/aws/smithy-go"
)

// A patience is how long to wait after each denial in turn. IAM is eventually
// consistent: a permission that the same deployment gave may be unknown for
// seconds.
type patience []time.Duration

var deploymentPatience = patience{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// call makes a call, and makes it again while it is denied.
func (p patience) call(ctx context.Context, call func() error) error {
	for _, wait := range p {
		err := call()
		if !denied(err) || sleep(ctx, wait) != nil {
			return err
		}
	}
	return call()
}

func denied(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "AccessDeniedException"
}
