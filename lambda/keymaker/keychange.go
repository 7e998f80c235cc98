package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"

	"premiumhls/internal/rotation"
	"premiumhls/internal/signingkey"
	"premiumhls/lambda/internal/customresource"
)

// A keyChange is Custom::KeyChange {SignerParameter, StateParameter, Keys:
// [{Name, Custody, Type}], Wait, Lifetime, EndAllCookies}, with durations as Go
// writes them. It fails if the change from the deployed keys to those of the
// properties would refuse viewers who are playing. The key group and the
// signer depend on it, so nothing has changed for viewers by then.
//
// It records the longest lifetime of what each key signs, before the signer
// gets the new settings. It has no underlying resource but that record; its
// physical id is the name of the signer's parameter.
//
// It takes part in rollbacks and does not fail them, except where a key would
// be trusted again that was revoked. Most rollbacks pass the check anyway: the
// signer's parameter is updated last, so what a rollback returns to is nearly
// always what is deployed.
type keyChange struct {
	parameters parameterStore
	states     stateStore
	stack      customresource.StackStatus
	now        func() time.Time
}

// howToOverride ends a refusal to drop a key.
const howToOverride = "If a key has leaked, set endAllCookies to true for one deploy: the cookies and links of all viewers end with it."

// howToEndRollback ends the refusal of a rollback. Which order CloudFormation
// follows in a rollback is not documented; that of dependencies was seen, so
// the key group is still as the failed deploy left it.
const howToEndRollback = "The rollback stops here so that the key group does not trust this key again. See \"A leaked key\" in docs/keys.md for how to continue."

type keyChangeProperties struct {
	signer, state string
	keys          []rotation.Key
	times         rotation.Times
	endAllCookies bool
}

// create checks as an update does: there is a list of keys already if an
// earlier version of the stack had no such resource.
func (r keyChange) create(ctx context.Context, event cfn.Event) (result, error) {
	p, err := parseKeyChange(event)
	if err != nil {
		return result{}, err
	}
	deployed, err := r.deployed(ctx, event, p)
	if err == nil {
		if err := rotation.CheckRevoked(deployed, p.keys); err != nil {
			return result{}, r.revoked(ctx, event, err)
		}
		if !p.endAllCookies {
			err = r.check(event, p, deployed)
		}
	}
	if unreadable, ok := errors.AsType[*customresource.Refusal](err); ok && p.endAllCookies && unreadable.Code == rotation.CodeUnknownKeys {
		return result{PhysicalID: p.signer}, nil
	}
	if err := r.stack.UnlessRollback(ctx, event, err); err != nil {
		return result{}, err
	}
	if err != nil {
		return result{PhysicalID: p.signer}, nil // a rollback: the record is good
	}
	err = r.record(ctx, event, p, deployed)
	if err := r.stack.UnlessRollback(ctx, event, err); err != nil {
		return result{}, err
	}
	return result{PhysicalID: p.signer}, nil
}

func (r keyChange) update(ctx context.Context, event cfn.Event) (result, error) {
	return r.create(ctx, event)
}

// delete removes the record of the stack.
func (r keyChange) delete(ctx context.Context, event cfn.Event) error {
	name, err := property(event, "StateParameter")
	if err != nil {
		return nil // the creation was refused for the same reason
	}
	text, err := r.states.read(ctx, name, event.StackID)
	if err == nil && text == "" {
		return nil // there is none, or it is another stack's
	}
	return r.parameters.remove(ctx, name)
}

// deployed reads which keys are deployed, none on the first deploy.
func (r keyChange) deployed(ctx context.Context, event cfn.Event, p keyChangeProperties) (rotation.Deployed, error) {
	state, err := r.states.read(ctx, p.state, event.StackID)
	if err != nil {
		return rotation.Deployed{}, fmt.Errorf("reading the record of the signing keys: %w", err)
	}
	parameter, err := r.parameters.get(ctx, p.signer)
	if errors.Is(err, errMissing) {
		deployed := rotation.Deployed{State: &signingkey.State{Stack: event.StackID}}
		if state != "" { // of an attempt before this one
			if *deployed.State, err = signingkey.ParseState(state); err != nil {
				return rotation.Deployed{}, err
			}
		}
		return deployed, nil
	}
	if err != nil {
		return rotation.Deployed{}, fmt.Errorf("reading the deployed signing keys: %w", err)
	}
	deployed, err := rotation.Parse(aws.ToString(parameter.Value), state, p.keys)
	if err != nil {
		return rotation.Deployed{}, refuse(rotation.CodeUnknownKeys, "parameter %s does not list the deployed signing keys as a deploy writes them (%v). Restore its former value (aws ssm get-parameter-history --name %s) and deploy again. %s", p.signer, err, p.signer, howToOverride)
	}
	return deployed, nil
}

// check compares under the new settings and under the former ones: until the
// deploy is done the signer follows either.
func (r keyChange) check(event cfn.Event, p keyChangeProperties, deployed rotation.Deployed) error {
	all := []rotation.Times{p.times}
	if former := formerTimes(event); former != nil {
		all = append(all, *former)
	}
	now := r.now()
	var last *rotation.Refusal
	for _, times := range all {
		refusal, ok := errors.AsType[*rotation.Refusal](rotation.Check(deployed, p.keys, now, times))
		if ok && (last == nil || refusal.After.After(last.After)) {
			last = refusal
		}
	}
	if last != nil {
		return refuse(last.Code, "%s %s", last.Error(), howToOverride)
	}
	return nil
}

// revoked is the refusal of a revoked key.
func (r keyChange) revoked(ctx context.Context, event cfn.Event, err error) error {
	refusal, _ := errors.AsType[*rotation.Refusal](err)
	if event.RequestType == cfn.RequestUpdate {
		if back, err := r.stack.RollingBack(ctx, event.StackID); err == nil && back {
			return refuse(refusal.Code, "%s %s", refusal.Error(), howToEndRollback)
		}
	}
	return refuse(refusal.Code, "%s", refusal.Error())
}

// record writes what the keys may have signed and will sign.
func (r keyChange) record(ctx context.Context, event cfn.Event, p keyChangeProperties, deployed rotation.Deployed) error {
	recorded := rotation.Record(deployed, p.keys, r.now(), p.times, formerTimes(event))
	return r.states.change(ctx, p.state, event.StackID, func(state *signingkey.State) { state.Keys = recorded.Keys })
}

func parseKeyChange(event cfn.Event) (p keyChangeProperties, err error) {
	if p.signer, err = property(event, "SignerParameter"); err != nil {
		return p, err
	}
	if p.state, err = property(event, "StateParameter"); err != nil {
		return p, err
	}
	keys, err := list(event, "Keys", "Name", "Custody")
	if err != nil {
		return p, err
	}
	for _, key := range keys {
		p.keys = append(p.keys, rotation.Key{Name: key["Name"], Custody: key["Custody"], Type: key["Type"]})
	}
	if p.times, err = keyTimes(event.ResourceType, event.ResourceProperties); err != nil {
		return p, err
	}
	text, err := property(event, "EndAllCookies")
	if err != nil {
		return p, err
	}
	if p.endAllCookies, err = strconv.ParseBool(text); err != nil {
		return p, refuse(customresource.CodeInvalidProperty, "%s: property EndAllCookies: invalid value %q: must be true or false", event.ResourceType, text)
	}
	return p, nil
}

// formerTimes returns the times of the properties before an update, or nil.
func formerTimes(event cfn.Event) *rotation.Times {
	times, err := keyTimes(event.ResourceType, event.OldResourceProperties)
	if err != nil {
		return nil
	}
	return &times
}

func keyTimes(resourceType string, properties map[string]any) (times rotation.Times, err error) {
	if times.Wait, err = durationProperty(resourceType, properties, "Wait"); err != nil {
		return times, err
	}
	times.Lifetime, err = durationProperty(resourceType, properties, "Lifetime")
	return times, err
}

func durationProperty(resourceType string, properties map[string]any, name string) (time.Duration, error) {
	text, _ := properties[name].(string)
	value, err := time.ParseDuration(text)
	if err != nil || value < 0 {
		return 0, refuse(customresource.CodeInvalidProperty, "%s: property %s: invalid value %q: must be a duration such as 10m0s", resourceType, name, text)
	}
	return value, nil
}
