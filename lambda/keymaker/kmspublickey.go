package main

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"premiumhls/signedcookie"
)

// A kmsClient is what the function needs of a KMS client.
type kmsClient interface {
	GetPublicKey(context.Context, *kms.GetPublicKeyInput, ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error)
}

// A kmsPublicKey is Custom::KMSPublicKey {KeyId}: the public half of a key in
// KMS, as the attribute PublicKey, SPKI in PEM. The key is not the resource's:
// nothing is made, and nothing deleted.
type kmsPublicKey struct {
	client   func() kmsClient
	patience patience
}

func (r kmsPublicKey) create(ctx context.Context, event cfn.Event) (result, error) {
	id, err := property(event, "KeyId")
	if err != nil {
		return result{}, err
	}
	client := r.client()
	var out *kms.GetPublicKeyOutput
	err = r.patience.call(ctx, func() (err error) {
		out, err = client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &id})
		return err
	})
	if err != nil {
		return result{}, fmt.Errorf("reading the public half of KMS key %s: %w", id, err)
	}
	if out.KeySpec != types.KeySpecRsa2048 || out.KeyUsage != types.KeyUsageTypeSignVerify {
		return result{}, refuse("KMS key %s has the spec %s and the usage %s, neither of which can change; cookies need a key of spec %s and usage %s: make such a key",
			id, out.KeySpec, out.KeyUsage, types.KeySpecRsa2048, types.KeyUsageTypeSignVerify)
	}
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		return result{}, fmt.Errorf("reading the public half of KMS key %s: %w", id, err)
	}
	if typ, err := signedcookie.TypeOf(public); err != nil || typ != signedcookie.RSA2048 {
		return result{}, fmt.Errorf("KMS key %s is said to be %s and its public half is not", id, out.KeySpec)
	}
	attributes, err := publicAttributes(public)
	if err != nil {
		return result{}, fmt.Errorf("KMS key %s: %w", id, err)
	}
	return result{PhysicalID: id, Attributes: attributes}, nil
}

func (r kmsPublicKey) update(ctx context.Context, event cfn.Event) (result, error) {
	return r.create(ctx, event)
}

func (kmsPublicKey) delete(context.Context, cfn.Event) error { return nil }
