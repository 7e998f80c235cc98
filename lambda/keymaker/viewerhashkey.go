package main

import (
	"context"
	"encoding/base64"

	"github.com/aws/aws-lambda-go/cfn"
)

// A viewerHashKey is Custom::ViewerHashKey {ParameterName}: 32 random bytes in
// base64url, with which the signer hashes viewers for its log. It has no
// attributes: CloudFormation never sees the key.
type viewerHashKey struct{ parameters parameterStore }

const viewerHashKeyBytes = 32

func (r viewerHashKey) create(ctx context.Context, event cfn.Event) (result, error) {
	name, err := parameterName(event)
	if err != nil {
		return result{}, err
	}
	text, _, err := r.parameters.readOrCreate(ctx, name, "Key of the viewers' digests in the logs", func() (secret, error) {
		text, err := randomText(viewerHashKeyBytes)
		return secret{text: text}, err
	})
	if err != nil {
		return result{}, err
	}
	if value, err := base64.RawURLEncoding.DecodeString(text); err != nil || len(value) != viewerHashKeyBytes {
		return result{}, refuse(codeInvalidValue, "parameter %s does not hold a viewer hash key: must be %d bytes in base64url. Delete it (aws ssm delete-parameter --name %s) and deploy again.", name, viewerHashKeyBytes, name)
	}
	return result{PhysicalID: name}, nil
}

// update keeps the key, and makes another if it is gone.
func (r viewerHashKey) update(ctx context.Context, event cfn.Event) (result, error) {
	return r.create(ctx, event)
}

func (r viewerHashKey) delete(ctx context.Context, event cfn.Event) error {
	return r.parameters.removeOf(ctx, event, func(string) string { return "" })
}
