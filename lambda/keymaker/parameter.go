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

	"premiumhls/lambda/internal/retry"
)

// A parameterClient is what the function needs of an SSM client.
type parameterClient interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
	DeleteParameter(context.Context, *ssm.DeleteParameterInput, ...func(*ssm.Options)) (*ssm.DeleteParameterOutput, error)
}

// A parameterStore reads and writes parameters.
type parameterStore struct {
	client parameterClient
	pauses retry.Pauses // after denied calls
}

var errMissing = errors.New("the parameter does not exist")

// get returns a parameter with its value in clear, or an error that wraps
// errMissing.
func (s parameterStore) get(ctx context.Context, name string) (*types.Parameter, error) {
	var out *ssm.GetParameterOutput
	err := retry.Do(ctx, s.pauses, retry.Denied, func() (err error) {
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
		return nil, fmt.Errorf("reading parameter %s: the response has no parameter", name)
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
		return "", refuse(codeNotSecure, "parameter %s is a %s: must be a SecureString. Delete it (aws ssm delete-parameter --name %s) and deploy again, or choose another name.", name, typ, name)
	}
	return aws.ToString(parameter.Value), nil
}

// put writes a parameter. Its error does not hold any of secret.
func (s parameterStore) put(ctx context.Context, in *ssm.PutParameterInput, secret string) error {
	in.Tier = types.ParameterTierStandard
	return retry.Do(ctx, s.pauses, retry.Denied, func() error {
		_, err := s.client.PutParameter(ctx, in)
		if err != nil {
			return withoutSecret(err, secret)
		}
		return nil
	})
}

// A secret is a value of which a part may be said.
type secret struct {
	open string // what comes first, and may be said
	text string
}

// readOrCreate returns the value of a SecureString and whether this call made
// it. It calls create if there is no such parameter. Callers that race each
// other get the same value.
func (s parameterStore) readOrCreate(ctx context.Context, name, description string, create func() (secret, error)) (value string, created bool, err error) {
	var new secret
	for attempt := range 5 {
		if err := retry.Sleep(ctx, time.Duration(attempt)*100*time.Millisecond); err != nil {
			return "", false, fmt.Errorf("creating parameter %s: %w", name, err)
		}
		value, err := s.read(ctx, name)
		if !errors.Is(err, errMissing) {
			return value, false, err
		}
		if new.text == "" {
			if new, err = create(); err != nil {
				return "", false, fmt.Errorf("creating parameter %s: %w", name, err)
			}
		}
		err = s.put(ctx, &ssm.PutParameterInput{
			Name:        &name,
			Description: &description,
			Value:       aws.String(new.open + new.text),
			Type:        types.ParameterTypeSecureString,
			Overwrite:   aws.Bool(false),
		}, new.text)
		if err == nil {
			return new.open + new.text, true, nil
		}
		if _, ok := errors.AsType[*types.ParameterAlreadyExists](err); !ok {
			return "", false, fmt.Errorf("creating parameter %s: %w", name, err)
		}
		// Another call was faster, or an attempt whose response was lost.
	}
	return "", false, fmt.Errorf("creating parameter %s: inconsistent reads: exists, then not found", name)
}

// overwrite replaces the value of a parameter, or makes it.
func (s parameterStore) overwrite(ctx context.Context, name, description string, typ types.ParameterType, value string) error {
	confidential := ""
	if typ == types.ParameterTypeSecureString {
		confidential = value
	}
	err := s.put(ctx, &ssm.PutParameterInput{
		Name: &name, Description: &description, Value: &value, Type: typ, Overwrite: aws.Bool(true),
	}, confidential)
	if err != nil {
		return fmt.Errorf("writing parameter %s: %w", name, err)
	}
	return nil
}

// remove deletes a parameter. It is no error if there is none.
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

// removeOf deletes the parameter of a Delete event, unless another stack made
// it, as owner finds out from its value.
func (s parameterStore) removeOf(ctx context.Context, event cfn.Event, owner func(value string) string) error {
	// The id, not the property: after an update that replaced the parameter,
	// or failed to, only the id says which of the two is meant.
	name := event.PhysicalResourceID
	if strings.HasPrefix(name, refusedPrefix) {
		return nil
	}
	if !strings.HasPrefix(name, "/") {
		// An id that CloudFormation made for a creation without a response.
		var err error
		if name, err = parameterName(event); err != nil {
			return nil // the creation was refused for the same reason
		}
	}
	parameter, err := s.get(ctx, name)
	if errors.Is(err, errMissing) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("deleting parameter %s: %w", name, err)
	}
	if stack := owner(aws.ToString(parameter.Value)); stack != "" && stack != event.StackID {
		return nil
	}
	return s.remove(ctx, name)
}

// notOurs is the refusal of a parameter that the stack should make and finds.
func notOurs(name, what string) error {
	return refuse(codeNotOurs, "parameter %s exists and this stack did not make it. If nothing uses it, delete it (aws ssm delete-parameter --name %s) and deploy again%s.", name, name, what)
}

// A quotedError is an error of a service whose message quotes a secret.
type quotedError struct{ code string }

func (e *quotedError) Error() string {
	return e.code + " (message withheld: it quotes the value)"
}

// withoutSecret returns the error of a call that sent a secret, without its
// text if that repeats any of it: the service's validation errors quote values.
func withoutSecret(err error, secret string) error {
	const run = 12 // characters: too few to be of use, too many to be chance
	text := err.Error()
	for i := 0; i+run <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+run]) {
			if api, ok := errors.AsType[smithy.APIError](err); ok {
				return &quotedError{api.ErrorCode()}
			}
			return &quotedError{"error"}
		}
	}
	return err
}
