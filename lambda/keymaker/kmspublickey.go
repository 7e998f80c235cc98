package main

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"premiumhls/lambda/internal/retry"
	"premiumhls/signedcookie"
)

// A kmsClient is what the function needs of a KMS client.
type kmsClient interface {
	GetPublicKey(context.Context, *kms.GetPublicKeyInput, ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error)
}

// A kmsPublicKey is Custom::KMSPublicKey {KeyId}: the public half of a key in
// KMS, with the attributes of a signing key. The resource makes and deletes
// nothing: the key is a resource of its own.
type kmsPublicKey struct {
	client func() kmsClient
	pauses retry.Pauses
}

// kmsKeyTypes are the key specs whose keys CloudFront accepts.
var kmsKeyTypes = map[types.KeySpec]signedcookie.KeyType{
	types.KeySpecRsa2048:     signedcookie.RSA2048,
	types.KeySpecEccNistP256: signedcookie.ECDSAP256,
}

func (r kmsPublicKey) create(ctx context.Context, event cfn.Event) (result, error) {
	id, err := property(event, "KeyId")
	if err != nil {
		return result{}, err
	}
	client := r.client()
	var out *kms.GetPublicKeyOutput
	err = retry.Do(ctx, r.pauses, retry.Denied, func() (err error) {
		out, err = client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &id})
		return err
	})
	if err != nil {
		return result{}, fmt.Errorf("reading the public half of KMS key %s: %w", id, err)
	}
	want, ok := kmsKeyTypes[out.KeySpec]
	if !ok || out.KeyUsage != types.KeyUsageTypeSignVerify {
		return result{}, refuse(codeKMSKeySpec, "KMS key %s has spec %s and usage %s, which cannot change: must be %s or %s, and %s. Make another key.",
			id, out.KeySpec, out.KeyUsage, types.KeySpecEccNistP256, types.KeySpecRsa2048, types.KeyUsageTypeSignVerify)
	}
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		return result{}, fmt.Errorf("reading the public half of KMS key %s: %w", id, err)
	}
	if typ, err := signedcookie.TypeOf(public); err != nil || typ != want {
		return result{}, fmt.Errorf("KMS key %s has spec %s, but its public half is a %T", id, out.KeySpec, public)
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
