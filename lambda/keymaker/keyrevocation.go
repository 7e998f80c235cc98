package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"

	"premiumhls/internal/rotation"
	"premiumhls/internal/signingkey"
	"premiumhls/lambda/internal/customresource"
)

// A keyRevocation is Custom::KeyRevocation {SignerParameter, StateParameter,
// Keys: [{Name}]}, of a deploy that ends all cookies: it records that the keys
// which the deploy dropped must never be trusted again. It comes right after
// the key group and before the signer's parameter, which still has them.
//
// From then on [keyChange] refuses these keys, also in a rollback of the
// deploy. Deleting the resource, in a rollback too, keeps the record.
type keyRevocation struct {
	parameters parameterStore
	states     stateStore
	stack      customresource.StackStatus
}

// maxRevoked keeps the record within a parameter's 4 KB.
const maxRevoked = 40

func (r keyRevocation) create(ctx context.Context, event cfn.Event) (result, error) {
	signer, err := property(event, "SignerParameter")
	if err != nil {
		return result{}, err
	}
	name, err := property(event, "StateParameter")
	if err != nil {
		return result{}, err
	}
	keys, err := list(event, "Keys", "Name")
	if err != nil {
		return result{}, err
	}
	done := result{PhysicalID: "revoked-keys"}
	parameter, err := r.parameters.get(ctx, signer)
	if errors.Is(err, errMissing) {
		return done, nil // the first deploy drops no key
	}
	if err != nil {
		return result{}, err
	}
	deployed, err := rotation.Parse(aws.ToString(parameter.Value), "", nil)
	if err != nil {
		// The change itself was allowed because of endAllCookies.
		slog.WarnContext(ctx, "deployed keys unknown, none recorded as revoked", "parameter", signer, "cause", err.Error())
		return done, nil
	}
	err = r.states.change(ctx, name, event.StackID, func(state *signingkey.State) {
		for _, key := range deployed.Keys {
			kept := slices.ContainsFunc(keys, func(k map[string]string) bool { return k["Name"] == key.Name })
			if !kept && !state.IsRevoked(key.Name) {
				state.Revoked = append(state.Revoked, key.Name)
			}
		}
		state.Revoked = state.Revoked[max(0, len(state.Revoked)-maxRevoked):]
	})
	if err != nil {
		return result{}, err
	}
	return done, nil
}

// update revokes what a second such deploy drops, but nothing in a rollback:
// the keys that it drops were never compromised.
func (r keyRevocation) update(ctx context.Context, event cfn.Event) (result, error) {
	back, err := r.stack.RollingBack(ctx, event.StackID)
	if err != nil {
		return result{}, err
	}
	if back {
		return result{PhysicalID: event.PhysicalResourceID}, nil
	}
	return r.create(ctx, event)
}

func (keyRevocation) delete(context.Context, cfn.Event) error { return nil }
