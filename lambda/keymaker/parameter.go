package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

// A parameterClient is what the function needs of an SSM client.
type parameterClient interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
	DeleteParameter(context.Context, *ssm.DeleteParameterInput, ...func(*ssm.Options)) (*ssm.DeleteParameterOutput, error)
}

// A parameterStore keeps secrets as SecureString parameters.
type parameterStore struct {
	client   parameterClient
	patience patience // with a denied reading
}

var errMissing = errors.New("there is no such parameter")

// get returns a parameter, its value in clear, or an error that wraps
// errMissing.
func (s parameterStore) get(ctx context.Context, name string) (*types.Parameter, error) {
	var out *ssm.GetParameterOutput
	err := s.patience.call(ctx, func() (err error) {
		out, err = s.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		return err
	})
	if _, ok := errors.AsType[*types.ParameterNotFound](err); ok {
		return nil, fmt.Errorf("reading parameter %s: %w", name, errMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("reading parameter %s: %w", name, err)
	}
	if out.Parameter == nil {
		return nil, fmt.Errorf("reading parameter %s: the answer holds none", name)
	}
	return out.Parameter, nil
}

// read returns a secret, or an error that wraps errMissing.
func (s parameterStore) read(ctx context.Context, name string) (string, error) {
	parameter, err := s.get(ctx, name)
	if err != nil {
		return "", err
	}
	if typ := parameter.Type; typ != types.ParameterTypeSecureString {
		return "", refuse("parameter %s exists as a %s, and a secret is a SecureString only; delete the parameter or choose another name", name, typ)
	}
	return aws.ToString(parameter.Value), nil
}

// readOrCreate returns a parameter's value, which it lets create make where
// there is no parameter. Callers that race each other get the same value.
func (s parameterStore) readOrCreate(ctx context.Context, name, description string, create func() (string, error)) (string, error) {
	var made string
	for try := range 5 {
		if err := sleep(ctx, time.Duration(try)*100*time.Millisecond); err != nil {
			return "", fmt.Errorf("creating parameter %s: %w", name, err)
		}
		value, err := s.read(ctx, name)
		if !errors.Is(err, errMissing) {
			return value, err
		}
		if made == "" {
			if made, err = create(); err != nil {
				return "", fmt.Errorf("creating parameter %s: %w", name, err)
			}
		}
		_, err = s.client.PutParameter(ctx, &ssm.PutParameterInput{
			Name:        &name,
			Description: &description,
			Value:       &made,
			Type:        types.ParameterTypeSecureString,
			Tier:        types.ParameterTierStandard,
			Overwrite:   aws.Bool(false),
		})
		if err == nil {
			return made, nil
		}
		if _, ok := errors.AsType[*types.ParameterAlreadyExists](err); !ok {
			return "", fmt.Errorf("creating parameter %s: %w", name, withoutSecret(err, made))
		}
		// Another was faster, or a try whose answer was lost: read that.
	}
	return "", fmt.Errorf("parameter %s is said to exist and not to exist in turns", name)
}

// remove deletes a parameter, or finds it gone.
func (s parameterStore) remove(ctx context.Context, name string) error {
	_, err := s.client.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: &name})
	if _, ok := errors.AsType[*types.ParameterNotFound](err); ok {
		return nil
	}
	if err != nil {
		return fmt.Errorf("deleting parameter %s: %w", name, err)
	}
	return nil
}

// removeOf deletes the parameter that a Delete event is about, if any.
func (s parameterStore) removeOf(ctx context.Context, event cfn.Event) error {
	id := event.PhysicalResourceID
	if strings.HasPrefix(id, refusedPrefix) {
		return nil
	}
	if strings.HasPrefix(id, "/") {
		// The id, not the property: where an update replaced the parameter,
		// or failed to, this alone says surely which of the two is meant.
		return s.remove(ctx, id)
	}
	// An id that CloudFormation made for a creation that never answered.
	name, err := parameterName(event)
	if err != nil {
		return nil // the creation was refused for the same reason
	}
	return s.remove(ctx, name)
}

// withoutSecret returns the error of a call that sent a secret, less its text
// where that repeats any of it: the service's validation errors quote values.
func withoutSecret(err error, secret string) error {
	const run = 12 // characters: too few to be of use, too many to be chance
	text := err.Error()
	for i := 0; i+run <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+run]) {
			if api, ok := errors.AsType[smithy.APIError](err); ok {
				return fmt.Errorf("%s (the service's message is withheld: it quotes the value)", api.ErrorCode())
			}
			return errors.New("the error is withheld: it quotes the value")
		}
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
