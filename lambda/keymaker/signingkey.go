package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/signedcookie"
)

// A signingKey is Custom::SigningKey {ParameterName, KeyType}: a private key
// in a parameter, with the attribute PublicKey, SPKI in PEM.
type signingKey struct{ parameters parameterStore }

func (r signingKey) create(ctx context.Context, event cfn.Event) (result, error) {
	name, typ, err := signingKeyProperties(event)
	if err != nil {
		return result{}, err
	}
	text, err := r.parameters.readOrCreate(ctx, name, "Private key that signs CloudFront cookies ("+string(typ)+", PKCS #8 PEM)", func() (string, error) {
		key, err := signedcookie.GenerateKey(typ)
		if err != nil {
			return "", err
		}
		text, err := signedcookie.MarshalPrivateKey(key)
		return string(text), err
	})
	if err != nil {
		return result{}, err
	}
	return publicHalf(name, typ, text)
}

func (r signingKey) update(ctx context.Context, event cfn.Event) (result, error) {
	name, typ, err := signingKeyProperties(event)
	if err != nil {
		return result{}, err
	}
	if name != event.PhysicalResourceID {
		return r.create(ctx, event) // a replacement
	}
	text, err := r.parameters.read(ctx, name)
	if errors.Is(err, errMissing) {
		// A new key would not fit the public half that CloudFront has.
		return result{}, refuse("parameter %s, the private half of a public key that CloudFront holds, is gone and cannot be made again: add a new name to signingKeys, and drop this one once no cookies of it live", name)
	}
	if err != nil {
		return result{}, err
	}
	return publicHalf(name, typ, text)
}

func (r signingKey) delete(ctx context.Context, event cfn.Event) error {
	return r.parameters.removeOf(ctx, event)
}

func signingKeyProperties(event cfn.Event) (name string, typ signedcookie.KeyType, err error) {
	if name, err = parameterName(event); err != nil {
		return "", "", err
	}
	if typ, err = keyTypeProperty(event); err != nil {
		return "", "", err
	}
	return name, typ, nil
}

func keyTypeProperty(event cfn.Event) (signedcookie.KeyType, error) {
	text, err := property(event, "KeyType")
	if err != nil {
		return "", err
	}
	typ, err := signedcookie.ParseKeyType(text)
	if err != nil {
		return "", refuse("property KeyType: %v", err)
	}
	return typ, nil
}

// publicHalf makes a result of the private key in a parameter.
func publicHalf(name string, want signedcookie.KeyType, text string) (result, error) {
	key, err := signedcookie.ParsePrivateKey([]byte(text))
	if err != nil {
		return result{}, refuse("parameter %s exists and does not hold a private key that CloudFront could use: %v", name, err)
	}
	is, err := signedcookie.TypeOf(key.Public())
	if err != nil {
		return result{}, fmt.Errorf("parameter %s: %w", name, err)
	}
	if is != want {
		return result{}, refuse("parameter %s holds a key of type %s and %s is asked for: a public key's material cannot change; keep the key type of this one and add a new name to signingKeys", name, is, want)
	}
	attributes, err := publicAttributes(key.Public())
	if err != nil {
		return result{}, fmt.Errorf("parameter %s: %w", name, err)
	}
	return result{PhysicalID: name, Attributes: attributes}, nil
}

// publicAttributes are what every kind of signing key gives to the template:
// PublicKey, as CloudFront takes it, and Fingerprint, by which the signer
// knows the private half that belongs to it.
func publicAttributes(public crypto.PublicKey) (map[string]any, error) {
	text, err := signedcookie.MarshalPublicKey(public)
	if err != nil {
		return nil, err
	}
	fingerprint, err := signedcookie.Fingerprint(public)
	if err != nil {
		return nil, err
	}
	return map[string]any{"PublicKey": string(text), "Fingerprint": fingerprint}, nil
}
