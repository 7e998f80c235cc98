package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/lambda/internal/customresource"
)

// A result is what CloudFormation is told of a resource.
type result = customresource.Result

// A resource makes, keeps and ends the resources of one type. Each method may
// be called again with the same event.
type resource interface {
	create(context.Context, cfn.Event) (result, error)
	update(context.Context, cfn.Event) (result, error)
	delete(context.Context, cfn.Event) error
}

// A refusal is an error of a request that made nothing, and that would make
// nothing however often it were sent.
type refusal struct{ sentence string }

func (r *refusal) Error() string { return r.sentence }

func refuse(format string, args ...any) error {
	return &refusal{fmt.Sprintf(format, args...)}
}

// refusedPrefix begins the physical id of a resource whose creation was
// refused. The Delete that CloudFormation sends for it must leave alone what
// the creation found, which is somebody else's.
const refusedPrefix = "refused:"

type keymaker struct {
	resources map[string]resource
}

// clients are the services that the function uses. Those that few requests
// need are made when one does.
type clients struct {
	parameters parameterClient
	kms        func() kmsClient
	stacks     func() customresource.StackClient
}

func newKeymaker(c clients, p patience) *keymaker {
	parameters := parameterStore{c.parameters, p}
	stack := customresource.StackStatus{Client: c.stacks}
	return &keymaker{map[string]resource{
		"Custom::SigningKey":   signingKey{parameters},
		"Custom::KMSPublicKey": kmsPublicKey{c.kms, p},
		"Custom::ExternalKey":  externalKey{parameters, stack},
		"Custom::OriginSecret": originSecret{parameters},
		"Custom::KeyChange":    keyChange{parameters, stack, time.Now},
		"Custom::KeyTrust":     keyTrust{time.Now},
	}}
}

// handle does what the event asks for. Its result names a physical id with an
// error too, so that the Delete of a rollback finds what is there.
func (k *keymaker) handle(ctx context.Context, event cfn.Event) (result, error) {
	r, ok := k.resources[event.ResourceType]
	if !ok {
		r = unknown{}
	}

	var done result
	var err error
	switch event.RequestType {
	case cfn.RequestCreate:
		done, err = r.create(ctx, event)
	case cfn.RequestUpdate:
		done, err = r.update(ctx, event)
	case cfn.RequestDelete:
		done.PhysicalID = event.PhysicalResourceID
		err = r.delete(ctx, event)
	default:
		err = refuse("request type %q is not one of CloudFormation's", event.RequestType)
	}
	if err == nil {
		return done, nil
	}

	var refused *refusal
	switch {
	case !errors.As(err, &refused):
		return result{PhysicalID: intendedID(event)}, err
	case event.PhysicalResourceID != "":
		return result{PhysicalID: event.PhysicalResourceID}, err
	default:
		return result{PhysicalID: refusedPrefix + event.LogicalResourceID}, err
	}
}

// intendedID returns the physical id that an event leads to, as far as the
// event alone tells: what a failure midway may have made has this id.
func intendedID(event cfn.Event) string {
	if name, err := parameterName(event); err == nil && event.RequestType != cfn.RequestDelete {
		return name
	}
	if event.PhysicalResourceID != "" {
		return event.PhysicalResourceID
	}
	return refusedPrefix + event.LogicalResourceID
}

// property returns a property that must be there.
func property(event cfn.Event, name string) (string, error) {
	value, ok := event.ResourceProperties[name].(string)
	if !ok || value == "" {
		return "", refuse("%s needs the property %s, a string that is not empty", event.ResourceType, name)
	}
	return value, nil
}

// parameterName returns the property ParameterName, which is the physical id
// of a resource that is a parameter. The leading slash tells it from the ids
// of others.
func parameterName(event cfn.Event) (string, error) {
	name, err := property(event, "ParameterName")
	if err == nil && !strings.HasPrefix(name, "/") {
		return "", refuse("%s needs a ParameterName that begins with a slash, not %q", event.ResourceType, name)
	}
	return name, err
}

// unknown stands for a resource type that this function does not make.
type unknown struct{}

func (unknown) create(_ context.Context, event cfn.Event) (result, error) {
	return result{}, refuse("resource type %q is not one that this function makes", event.ResourceType)
}

func (u unknown) update(ctx context.Context, event cfn.Event) (result, error) {
	return u.create(ctx, event)
}

// delete succeeds: the creation failed here, so there is nothing to delete.
func (unknown) delete(context.Context, cfn.Event) error { return nil }
