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
	"premiumhls/lambda/internal/customresource"
)

// A keyChange is Custom::KeyChange {SignerParameter, Keys: [{Name, Custody,
// Type}], Wait, Live, EndAllCookies}, with durations as Go writes them: it fails where going from
// the keys that the signer's parameter names to those of the properties would
// refuse viewers who are playing. The key group depends on it, so nothing has
// changed for viewers by then. There is nothing of it but its physical id, the
// parameter's name.
//
// It takes part in rollbacks too, and does not fail them. Most pass its check
// as they are: the signer's parameter comes last in an update, so what a
// rollback goes back to is nearly always what is deployed. See
// [customresource.StackStatus] for the rest.
type keyChange struct {
	parameters parameterStore
	stack      customresource.StackStatus
	now        func() time.Time
}

// howToOverride ends each refusal.
const howToOverride = "If a key has leaked, set endAllCookies to true in cdk.json for this one deploy: the cookies of every viewer end with it."

// create checks as an update does. There is a list of keys already where an
// earlier stack had no such resource.
func (r keyChange) create(ctx context.Context, event cfn.Event) (result, error) {
	name, err := property(event, "SignerParameter")
	if err != nil {
		return result{}, err
	}
	if err := r.stack.UnlessRollback(ctx, event, r.check(ctx, event, name)); err != nil {
		return result{}, err
	}
	return result{PhysicalID: name}, nil
}

func (r keyChange) update(ctx context.Context, event cfn.Event) (result, error) {
	return r.create(ctx, event)
}

func (keyChange) delete(context.Context, cfn.Event) error { return nil }

func (r keyChange) check(ctx context.Context, event cfn.Event, name string) error {
	wanted, err := wantedKeys(event)
	if err != nil {
		return err
	}
	times, err := keyTimes(event, event.ResourceProperties)
	if err != nil {
		return err
	}
	text, err := property(event, "EndAllCookies")
	if err != nil {
		return err
	}
	end, err := strconv.ParseBool(text)
	if err != nil {
		return refuse("%s needs EndAllCookies to be true or false, not %q", event.ResourceType, text)
	}
	if end {
		return nil
	}

	parameter, err := r.parameters.get(ctx, name)
	if errors.Is(err, errMissing) {
		return nil // nothing is deployed
	}
	if err != nil {
		return fmt.Errorf("finding out which signing keys are deployed: %w", err)
	}
	deployed, err := rotation.ParseDeployed(aws.ToString(parameter.Value), wanted)
	if err != nil {
		return refuse("parameter %s does not name the signing keys as a deploy writes them (%v), so nothing can tell which change leaves viewers playing. Put its former value back (its history has it) and deploy again. %s", name, err, howToOverride)
	}

	// Viewers hold cookies of the former times, and until this deploy is done
	// the signer goes by either.
	all := []rotation.Times{times}
	if former, err := keyTimes(event, event.OldResourceProperties); err == nil {
		all = append(all, former)
	}
	now := r.now()
	var last *rotation.Refusal
	for _, times := range all {
		err := rotation.Check(deployed, wanted, now, times)
		refusal, ok := errors.AsType[*rotation.Refusal](err)
		if err != nil && !ok {
			return fmt.Errorf("comparing the signing keys with those deployed: %w", err)
		}
		if ok && (last == nil || refusal.After.After(last.After)) {
			last = refusal
		}
	}
	if last != nil {
		return refuse("%s %s", last.Error(), howToOverride)
	}
	return nil
}

func wantedKeys(event cfn.Event) ([]rotation.Key, error) {
	list, ok := event.ResourceProperties["Keys"].([]any)
	if !ok || len(list) == 0 {
		return nil, refuse("%s needs the property Keys, a list that is not empty", event.ResourceType)
	}
	var keys []rotation.Key
	for _, element := range list {
		fields, _ := element.(map[string]any)
		name, _ := fields["Name"].(string)
		custody, _ := fields["Custody"].(string)
		typ, _ := fields["Type"].(string)
		if name == "" || custody == "" || typ == "" {
			return nil, refuse("%s needs a Name, a Custody and a Type of each of its Keys", event.ResourceType)
		}
		keys = append(keys, rotation.Key{Name: name, Custody: custody, Type: typ})
	}
	return keys, nil
}

func keyTimes(event cfn.Event, properties map[string]any) (rotation.Times, error) {
	var times rotation.Times
	for _, t := range []struct {
		property string
		time     *time.Duration
	}{{"Wait", &times.Wait}, {"Live", &times.Live}} {
		text, _ := properties[t.property].(string)
		value, err := time.ParseDuration(text)
		if err != nil || value < 0 {
			return rotation.Times{}, refuse("%s needs the property %s, a duration such as 10m0s", event.ResourceType, t.property)
		}
		*t.time = value
	}
	return times, nil
}
