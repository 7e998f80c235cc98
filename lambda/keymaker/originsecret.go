package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strconv"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"premiumhls/internal/signingkey"
	"premiumhls/lambda/internal/customresource"
)

// An originSecret is Custom::OriginSecret {ParameterName, Generation}: the
// values that the signer accepts in the header that the distribution adds, in a
// parameter as [signingkey.OriginSecrets]. Its attribute Value, hidden, is the
// one that the distribution sends.
//
// What it makes depends on the generation alone, so a rollback returns to the
// value that was sent before.
type originSecret struct {
	parameters parameterStore
	stack      customresource.StackStatus
}

const (
	originSecretBytes       = 32
	originSecretDescription = "Shows that a request came through the CloudFront distribution"
)

func (r originSecret) create(ctx context.Context, event cfn.Event) (result, error) {
	name, err := parameterName(event)
	if err != nil {
		return result{}, err
	}
	generation, err := generationProperty(event)
	if err != nil {
		return result{}, err
	}
	text, created, err := r.parameters.readOrCreate(ctx, name, originSecretDescription, func() (secret, error) {
		secrets, err := nextSecrets(signingkey.OriginSecrets{Stack: event.StackID}, generation)
		if err != nil {
			return secret{}, err
		}
		text, err := secrets.Text()
		return secret{text: text}, err
	})
	if err != nil {
		return result{}, err
	}
	secrets, err := readSecrets(name, text, generation)
	if err != nil {
		return result{}, err
	}
	if !created && event.RequestType == cfn.RequestCreate && secrets.Stack != event.StackID {
		return result{}, notOurs(name, "")
	}
	_, known := secrets.Of(generation)
	_, knowsNext := secrets.Of(generation + 1)
	if !known {
		refusal := refuse(codeGeneration, "originSecretGeneration: invalid value %d: must be between %d and %d. The signers know a secret one deploy before the distribution sends it.",
			generation, secrets.Secrets[0].Generation, secrets.Secrets[len(secrets.Secrets)-1].Generation)
		if err := r.stack.UnlessRollback(ctx, event, refusal); err != nil {
			return result{}, err
		}
	}
	if !known || !knowsNext {
		secrets.Stack = event.StackID
		if secrets, err = nextSecrets(secrets, generation); err != nil {
			return result{}, err
		}
		text, err := secrets.Text()
		if err != nil {
			return result{}, err
		}
		if err := r.parameters.overwrite(ctx, name, originSecretDescription, types.ParameterTypeSecureString, text); err != nil {
			return result{}, err
		}
	}
	value, _ := secrets.Of(generation)
	return result{PhysicalID: name, Attributes: map[string]any{"Value": value}, NoEcho: true}, nil
}

// update keeps the secrets. If they are gone it makes others: what it returns
// goes to the distribution in the same update.
func (r originSecret) update(ctx context.Context, event cfn.Event) (result, error) {
	return r.create(ctx, event)
}

func (r originSecret) delete(ctx context.Context, event cfn.Event) error {
	return r.parameters.removeOf(ctx, event, func(value string) string {
		secrets, err := signingkey.ParseOriginSecrets(value)
		if err != nil {
			return ""
		}
		return secrets.Stack
	})
}

// generationProperty returns the property Generation, 1 if there is none.
func generationProperty(event cfn.Event) (int, error) {
	text, ok := event.ResourceProperties["Generation"].(string)
	if !ok {
		return 1, nil
	}
	generation, err := strconv.Atoi(text)
	if err != nil || generation < 1 {
		return 0, refuse(customresource.CodeInvalidProperty, "%s: property Generation: invalid value %q: must be a whole number from 1", event.ResourceType, text)
	}
	return generation, nil
}

// readSecrets reads the parameter. An earlier version kept one secret as it is,
// which is taken to be the one of the generation.
func readSecrets(name, text string, generation int) (signingkey.OriginSecrets, error) {
	secrets, err := signingkey.ParseOriginSecrets(text)
	if err == nil {
		return secrets, nil
	}
	if value, err := base64.RawURLEncoding.DecodeString(text); err == nil && len(value) >= originSecretBytes {
		return signingkey.OriginSecrets{Secrets: []signingkey.OriginSecret{{Generation: generation, Value: text}}}, nil
	}
	return signingkey.OriginSecrets{}, refuse(codeInvalidValue, "parameter %s does not hold origin secrets (%v). Delete it (aws ssm delete-parameter --name %s) and deploy again.", name, err, name)
}

// nextSecrets returns the secrets of a generation, the one before and the one
// after. It keeps those that there are, and makes the others but the one
// before.
func nextSecrets(known signingkey.OriginSecrets, generation int) (signingkey.OriginSecrets, error) {
	next := signingkey.OriginSecrets{Stack: known.Stack}
	for g := generation - 1; g <= generation+1; g++ {
		value, ok := known.Of(g)
		if !ok {
			if g < generation {
				continue
			}
			var err error
			if value, err = randomText(originSecretBytes); err != nil {
				return signingkey.OriginSecrets{}, err
			}
		}
		next.Secrets = append(next.Secrets, signingkey.OriginSecret{Generation: g, Value: value})
	}
	return next, nil
}

// randomText returns random bytes in base64url.
func randomText(bytes int) (string, error) {
	value := make([]byte, bytes)
	_, err := rand.Read(value)
	return base64.RawURLEncoding.EncodeToString(value), err
}
