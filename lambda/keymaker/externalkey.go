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
	"premiumhls/signedcookie"
)

// An externalKey is Custom::ExternalKey {ParameterName, PublicKey, KeyType}: a
// key pair that somebody else made, whose private half is in a parameter. Its
// attribute PublicKey is the property in the one form that CloudFormation sees
// no change in.
//
// The parameter is not the resource's: it is read, and never written or
// deleted.
type externalKey struct {
	parameters parameterStore
	stack      customresource.StackStatus
}

// howToGetPublic ends a refusal whose cause is the public half.
const howToGetPublic = "write the public key file anew from the private key (openssl pkey -in private.pem -pubout -out public.pem) and deploy again"

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
		return result{}, fmt.Errorf("the public half of parameter %s: %w", name, err)
	}
	return result{PhysicalID: name, Attributes: attributes}, nil
}

func (r externalKey) update(ctx context.Context, event cfn.Event) (result, error) {
	return r.create(ctx, event)
}

func (externalKey) delete(context.Context, cfn.Event) error { return nil }

// compare tells why a parameter does not hold the private half of a public
// key. No error holds a part of what it does hold.
func (r externalKey) compare(ctx context.Context, event cfn.Event, name string, typ signedcookie.KeyType, public crypto.PublicKey) error {
	if text, ok := event.OldResourceProperties["PublicKey"].(string); ok {
		if old, err := signedcookie.ParsePublicKey([]byte(text)); err == nil && !equal(old, public) {
			return refuse("the public half of the key in parameter %s is another than before, and CloudFront cannot change a public key: leave this key as it was and add a new name to signingKeys", name)
		}
	}

	parameter, err := r.parameters.get(ctx, name)
	switch {
	case errors.Is(err, errMissing):
		return refuse("parameter %s, which is to hold the private half of a signing key, is not there: put the key (PEM) there as a SecureString, in the account and region of this stack, and deploy again", name)
	case denied(err):
		return fmt.Errorf("%w (where the SecureString is encrypted with a KMS key of your own: encrypt it with the default key, alias/aws/ssm, and deploy again)", err)
	case err != nil:
		return err
	}
	if parameter.Type != types.ParameterTypeSecureString {
		return refuse("parameter %s is a %s, which keeps the private half of a signing key in clear: delete it, put a key there as a SecureString and deploy again", name, parameter.Type)
	}
	key, err := signedcookie.ParsePrivateKey([]byte(aws.ToString(parameter.Value)))
	if err != nil {
		return refuse("parameter %s does not hold a private key that CloudFront could use (%v): put there a PEM of an unencrypted key of type %s and deploy again", name, err, typ)
	}
	is, err := signedcookie.TypeOf(key.Public())
	if err != nil {
		return fmt.Errorf("parameter %s: %w", name, err)
	}
	if is != typ {
		return refuse("parameter %s holds a key of type %s, and %s is what the settings say: set the type of this key in signingKeys to %s, or put a key of type %s there, and deploy again", name, is, typ, is, typ)
	}
	if !equal(key.Public(), public) {
		return refuse("parameter %s does not hold the private half of the public key file: CloudFront would refuse every cookie; %s", name, howToGetPublic)
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
		return nil, refuse("the public key file of the key in parameter %s cannot be used (%v): %s", name, err, howToGetPublic)
	}
	return public, nil
}

func equal(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}
