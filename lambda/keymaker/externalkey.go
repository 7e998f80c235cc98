package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"premiumhls/lambda/internal/customresource"
	"premiumhls/lambda/internal/retry"
	"premiumhls/signedcookie"
)

// An externalKey is Custom::ExternalKey {ParameterName, PublicKey, KeyType}: a
// key pair that somebody else made, whose private half is in a parameter of
// theirs. It has the attributes of a signing key; PublicKey is the property in
// the one form in which CloudFormation sees no change.
//
// The parameter is only read, never written or deleted.
type externalKey struct {
	parameters parameterStore
	stack      customresource.StackStatus
}

// howToGetPublic ends a refusal whose cause is the public half.
const howToGetPublic = "Write the public key file again from the private key (openssl pkey -in private.pem -pubout -out public.pem) and deploy again."

func (r externalKey) create(ctx context.Context, event cfn.Event) (result, error) {
	name, err := parameterName(event)
	if err != nil {
		return result{}, err
	}
	typ, err := keyTypeProperty(event)
	if err != nil {
		return result{}, err
	}
	public, err := publicKeyProperty(event, name)
	if err != nil {
		return result{}, err
	}
	if err := r.compare(ctx, event, name, typ, public); err != nil {
		if err = r.stack.UnlessRollback(ctx, event, err); err != nil {
			return result{}, err
		}
	}
	attributes, err := publicAttributes(public)
	if err != nil {
		return result{}, fmt.Errorf("public half of parameter %s: %w", name, err)
	}
	return result{PhysicalID: name, Attributes: attributes}, nil
}

func (r externalKey) update(ctx context.Context, event cfn.Event) (result, error) {
	return r.create(ctx, event)
}

func (externalKey) delete(context.Context, cfn.Event) error { return nil }

// compare returns an error if a parameter does not hold the private half of a
// public key. The error holds no part of what it does hold.
func (r externalKey) compare(ctx context.Context, event cfn.Event, name string, typ signedcookie.KeyType, public crypto.PublicKey) error {
	if text, ok := event.OldResourceProperties["PublicKey"].(string); ok {
		if old, err := signedcookie.ParsePublicKey([]byte(text)); err == nil && !equal(old, public) {
			return refuse(codePublicChanged, "the public half of the key in parameter %s changed, and CloudFront cannot change a public key. Restore this key and add one with a new name to signingKeys.", name)
		}
	}

	parameter, err := r.parameters.get(ctx, name)
	switch {
	case errors.Is(err, errMissing):
		return refuse(codeMissing, "parameter %s does not exist: must be a SecureString with the private half of a signing key (PEM), in the account and region of this stack. Put it there and deploy again.", name)
	case retry.Denied(err):
		return fmt.Errorf("%w (a SecureString that is encrypted with a KMS key of your own cannot be read: encrypt it with the default key, alias/aws/ssm, and deploy again)", err)
	case err != nil:
		return err
	}
	if parameter.Type != types.ParameterTypeSecureString {
		return refuse(codeNotSecure, "parameter %s is a %s, which stores the private half of a signing key in clear: must be a SecureString. Replace it, use a new key, and deploy again.", name, parameter.Type)
	}
	key, err := signedcookie.ParsePrivateKey([]byte(aws.ToString(parameter.Value)))
	if err != nil {
		return refuse(codeInvalidValue, "parameter %s does not hold a private key that CloudFront can use (%v): must be an unencrypted PEM of type %s.", name, err, typ)
	}
	is, err := signedcookie.TypeOf(key.Public())
	if err != nil {
		return fmt.Errorf("parameter %s: %w", name, err)
	}
	if is != typ {
		return refuse(codeKeyType, "parameter %s holds a key of type %s: must be %s, as in the settings. Set the type of this key to %s in signingKeys, or put another key there.", name, is, typ, is)
	}
	if !equal(key.Public(), public) {
		return refuse(codeKeyPair, "parameter %s does not hold the private half of the public key file: CloudFront would refuse every cookie. %s", name, howToGetPublic)
	}
	return nil
}

func publicKeyProperty(event cfn.Event, name string) (crypto.PublicKey, error) {
	text, err := property(event, "PublicKey")
	if err != nil {
		return nil, err
	}
	public, err := signedcookie.ParsePublicKey([]byte(text))
	if err != nil {
		return nil, refuse(codeInvalidValue, "invalid public key file of the key in parameter %s: %v. %s", name, err, howToGetPublic)
	}
	return public, nil
}

func equal(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}
