package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"github.com/aws/aws-lambda-go/cfn"
)

// An originSecret is Custom::OriginSecret {ParameterName}: 32 random bytes in
// a parameter, with the attribute Value, the same in base64url, not shown.
type originSecret struct{ parameters parameterStore }

const originSecretBytes = 32

func (r originSecret) create(ctx context.Context, event cfn.Event) (result, error) {
	name, err := parameterName(event)
	if err != nil {
		return result{}, err
	}
	value, err := r.parameters.readOrCreate(ctx, name, "Shows that a request came through the CloudFront distribution", func() (string, error) {
		secret := make([]byte, originSecretBytes)
		_, err := rand.Read(secret)
		return base64.RawURLEncoding.EncodeToString(secret), err
	})
	if err != nil {
		return result{}, err
	}
	if secret, err := base64.RawURLEncoding.DecodeString(value); err != nil || len(secret) < originSecretBytes {
		return result{}, refuse("parameter %s exists and does not hold an origin secret, which is %d bytes or more in base64url", name, originSecretBytes)
	}
	return result{PhysicalID: name, Attributes: map[string]any{"Value": value}, NoEcho: true}, nil
}

// update keeps the secret. One that is gone is made anew: what is returned
// here goes to the distribution in the same update.
func (r originSecret) update(ctx context.Context, event cfn.Event) (result, error) {
	return r.create(ctx, event)
}

func (r originSecret) delete(ctx context.Context, event cfn.Event) error {
	return r.parameters.removeOf(ctx, event)
}
