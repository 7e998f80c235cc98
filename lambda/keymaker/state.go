package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"premiumhls/internal/signingkey"
)

// A stateStore keeps the [signingkey.State] of the stack.
type stateStore struct{ parameters parameterStore }

// read returns the text of the state, or nothing if there is none or it is the
// one of an earlier stack of the same name.
func (s stateStore) read(ctx context.Context, name, stackID string) (string, error) {
	parameter, err := s.parameters.get(ctx, name)
	if errors.Is(err, errMissing) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	text := aws.ToString(parameter.Value)
	state, err := signingkey.ParseState(text)
	if err != nil {
		return "", fmt.Errorf("parameter %s: %w (its history has the value before: aws ssm get-parameter-history --name %s)", name, err, name)
	}
	if state.Stack != stackID {
		return "", nil
	}
	return text, nil
}

// change lets apply change the state, and writes it if that made a difference.
func (s stateStore) change(ctx context.Context, name, stackID string, apply func(*signingkey.State)) error {
	text, err := s.read(ctx, name, stackID)
	if err != nil {
		return err
	}
	state := signingkey.State{Stack: stackID}
	if text != "" {
		if state, err = signingkey.ParseState(text); err != nil {
			return err
		}
	}
	if state.Keys == nil {
		state.Keys = map[string]signingkey.KeyState{}
	}
	apply(&state)
	if text == "" && len(state.Keys) == 0 && len(state.Revoked) == 0 {
		return nil
	}
	changed, err := state.Text()
	if err != nil || changed == text {
		return err
	}
	return s.parameters.overwrite(ctx, name, "When the signing keys became active, and the longest lifetime of what they signed", types.ParameterTypeString, changed)
}
