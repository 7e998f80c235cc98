package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/internal/signingkey"
	"premiumhls/lambda/internal/customresource"
)

// A keyActivation is Custom::KeyActivation {StateParameter, Keys: [{Name,
// PublicKeyId, TrustedSince}], Wait}: it records that the signer may use the
// keys once they have been in the key group for Wait. It comes after the deploy
// check, so a key that viewers are refused with is never used. A deploy without
// the check goes by the wait alone.
//
// The record of a key stays as it is: the signer may have turned to it.
type keyActivation struct{ states stateStore }

func (r keyActivation) create(ctx context.Context, event cfn.Event) (result, error) {
	name, err := property(event, "StateParameter")
	if err != nil {
		return result{}, err
	}
	wait, err := durationProperty(event.ResourceType, event.ResourceProperties, "Wait")
	if err != nil {
		return result{}, err
	}
	keys, err := list(event, "Keys", "Name", "PublicKeyId", "TrustedSince")
	if err != nil {
		return result{}, err
	}
	active := map[string]signingkey.KeyState{}
	for _, key := range keys {
		since, err := time.Parse(time.RFC3339, key["TrustedSince"])
		if err != nil {
			return result{}, refuse(customresource.CodeInvalidProperty, "%s: property TrustedSince of key %s: invalid value %q: must be a time such as 2026-11-26T12:00:00Z", event.ResourceType, key["Name"], key["TrustedSince"])
		}
		active[key["Name"]] = signingkey.KeyState{ID: key["PublicKeyId"], ActiveFrom: since.Add(wait).UTC()}
	}
	err = r.states.change(ctx, name, event.StackID, func(state *signingkey.State) {
		for name, is := range active {
			entry := state.Keys[name]
			if entry.ID == is.ID && !entry.ActiveFrom.IsZero() {
				continue
			}
			entry.ID, entry.ActiveFrom = is.ID, is.ActiveFrom
			state.Keys[name] = entry
		}
	})
	if err != nil {
		return result{}, err
	}
	return result{PhysicalID: "active-keys"}, nil
}

func (r keyActivation) update(ctx context.Context, event cfn.Event) (result, error) {
	return r.create(ctx, event)
}

// delete keeps the record, which goes with the resource that began it.
func (keyActivation) delete(context.Context, cfn.Event) error { return nil }
