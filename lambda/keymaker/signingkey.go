package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/lambda/internal/customresource"
	"premiumhls/signedcookie"
)

// A signingKey is Custom::SigningKey {ParameterName, KeyType, AnyType}: a
// private key in a parameter. Its attributes are PublicKey (SPKI in PEM),
// Fingerprint and KeyType. KeyType is the type of a new key; if AnyType is
// true, a key that exists may have another.
//
// The first line of the parameter names the stack that made it. Nobody can know
// the id of a stack before it exists, so a key that was put there beforehand is
// recognized.
type signingKey struct{ parameters parameterStore }

const ownerLine = "Stack: "

// ownerOf returns the id of the stack that made a signing key, or nothing for
// a key of an earlier version.
func ownerOf(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	owner, _ := strings.CutPrefix(first, ownerLine)
	if owner == first {
		return ""
	}
	return owner
}

func (r signingKey) create(ctx context.Context, event cfn.Event) (result, error) {
	p, err := signingKeyProperties(event)
	if err != nil {
		return result{}, err
	}
	description := "Private key that signs CloudFront cookies (" + string(p.typ) + ", PKCS #8 PEM)"
	text, created, err := r.parameters.readOrCreate(ctx, p.name, description, func() (secret, error) {
		key, err := signedcookie.GenerateKey(p.typ)
		if err != nil {
			return secret{}, err
		}
		text, err := signedcookie.MarshalPrivateKey(key)
		return secret{ownerLine + event.StackID + "\n", string(text)}, err
	})
	if err != nil {
		return result{}, err
	}
	if !created && ownerOf(text) != event.StackID {
		return result{}, notOurs(p.name, ", give the key another name in signingKeys, or bring it as a key with custody external under another parameter")
	}
	return p.publicHalf(text)
}

func (r signingKey) update(ctx context.Context, event cfn.Event) (result, error) {
	p, err := signingKeyProperties(event)
	if err != nil {
		return result{}, err
	}
	if p.name != event.PhysicalResourceID {
		return r.create(ctx, event) // a replacement
	}
	text, err := r.parameters.read(ctx, p.name)
	if errors.Is(err, errMissing) {
		// A new key would not match the public half that CloudFront has.
		return result{}, refuse(codeMissing, "parameter %s does not exist: it held the private half of a public key in CloudFront. Add a key with a new name to signingKeys, and drop this one when its cookies have expired.", p.name)
	}
	if err != nil {
		return result{}, err
	}
	if owner := ownerOf(text); owner != "" && owner != event.StackID {
		return result{}, notOurs(p.name, "; its history (aws ssm get-parameter-history) may hold the stack's own key")
	}
	return p.publicHalf(text)
}

func (r signingKey) delete(ctx context.Context, event cfn.Event) error {
	return r.parameters.removeOf(ctx, event, ownerOf)
}

type keyProperties struct {
	name    string
	typ     signedcookie.KeyType
	anyType bool
}

func signingKeyProperties(event cfn.Event) (p keyProperties, err error) {
	if p.name, err = parameterName(event); err != nil {
		return p, err
	}
	if p.typ, err = keyTypeProperty(event); err != nil {
		return p, err
	}
	p.anyType = event.ResourceProperties["AnyType"] == "true"
	return p, nil
}

func keyTypeProperty(event cfn.Event) (signedcookie.KeyType, error) {
	text, err := property(event, "KeyType")
	if err != nil {
		return "", err
	}
	typ, err := signedcookie.ParseKeyType(text)
	if err != nil {
		return "", refuse(customresource.CodeInvalidProperty, "%s: property KeyType: %v", event.ResourceType, err)
	}
	return typ, nil
}

// publicHalf makes a result of the private key in the parameter.
func (p keyProperties) publicHalf(text string) (result, error) {
	key, err := signedcookie.ParsePrivateKey([]byte(text))
	if err != nil {
		return result{}, refuse(codeInvalidValue, "parameter %s does not hold a private key that CloudFront can use: %v", p.name, err)
	}
	is, err := signedcookie.TypeOf(key.Public())
	if err != nil {
		return result{}, fmt.Errorf("parameter %s: %w", p.name, err)
	}
	if is != p.typ && !p.anyType {
		return result{}, refuse(codeKeyType, "parameter %s holds a key of type %s, not %s, and CloudFront cannot change a public key. Set the type of this key to %s in signingKeys, and add a key with a new name.", p.name, is, p.typ, is)
	}
	attributes, err := publicAttributes(key.Public())
	if err != nil {
		return result{}, fmt.Errorf("parameter %s: %w", p.name, err)
	}
	return result{PhysicalID: p.name, Attributes: attributes}, nil
}

// publicAttributes are the attributes of every kind of signing key: PublicKey,
// as CloudFront takes it, Fingerprint, by which the signer recognizes the
// private half, and KeyType.
func publicAttributes(public crypto.PublicKey) (map[string]any, error) {
	text, err := signedcookie.MarshalPublicKey(public)
	if err != nil {
		return nil, err
	}
	fingerprint, err := signedcookie.Fingerprint(public)
	if err != nil {
		return nil, err
	}
	typ, err := signedcookie.TypeOf(public)
	if err != nil {
		return nil, err
	}
	return map[string]any{"PublicKey": string(text), "Fingerprint": fingerprint, "KeyType": string(typ)}, nil
}
