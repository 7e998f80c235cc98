package main

import (
	"context"
	"encoding/base64"

	"github.com/aws/aws-lambda-go/cfn"
)

// A randomKey is Custom::ViewerHashKey or Custom::PurchaseKey {ParameterName}: 32
// random bytes in base64url, with which a function hashes viewers for its log
// or signs the references of purchases. It has no attributes: CloudFormation
// never sees the key.
type randomKey struct {
	parameters  parameterStore
	what        string // with an article
	description string
}

const randomKeyBytes = 32

func (r randomKey) create(ctx context.Context, event cfn.Event) (result, error) {
	name, err := parameterName(event)
	if err != nil {
		return result{}, err
	}
	text, _, err := r.parameters.readOrCreate(ctx, name, r.description, func() (secret, error) {
		text, err := randomText(randomKeyBytes)
		return secret{text: text}, err
	})
	if err != nil {
		return result{}, err
	}
	if value, err := base64.RawURLEncoding.DecodeString(text); err != nil || len(value) != randomKeyBytes {
		return result{}, refuse(codeInvalidValue, "parameter %s does not hold %s: must be %d bytes in base64url. Delete it (aws ssm delete-parameter --name %s) and deploy again.", name, r.what, randomKeyBytes, name)
	}
	return result{PhysicalID: name}, nil
}

// update keeps the key, and makes another if it is gone.
func (r randomKey) update(ctx context.Context, event cfn.Event) (result, error) {
	return r.create(ctx, event)
}

func (r randomKey) delete(ctx context.Context, event cfn.Event) error {
	return r.parameters.removeOf(ctx, event, func(string) string { return "" })
}
