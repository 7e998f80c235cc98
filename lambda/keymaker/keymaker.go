package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/lambda/internal/customresource"
	"premiumhls/lambda/internal/retry"
)

// A result is what CloudFormation receives about a resource.
type result = customresource.Result

// A resource creates, updates and deletes the resources of one type. Each
// method may be called again with the same event.
type resource interface {
	create(context.Context, cfn.Event) (result, error)
	update(context.Context, cfn.Event) (result, error)
	delete(context.Context, cfn.Event) error
}

// Codes of refused requests, beside those of package rotation.
const (
	codeUnknownRequest = "UnknownRequest"
	codeNotOurs        = "ParameterNotOurs"     // another stack or person made it
	codeNotSecure      = "ParameterNotSecure"   // it is no SecureString
	codeMissing        = "ParameterMissing"     // it should exist
	codeInvalidValue   = "ParameterInvalid"     // it holds something else
	codeKeyType        = "KeyTypeMismatch"      // it holds a key of another type
	codeKeyPair        = "KeyPairMismatch"      // the halves do not match
	codePublicChanged  = "PublicKeyChanged"     // CloudFront cannot change it
	codeKMSKeySpec     = "KMSKeySpec"           // CloudFront cannot use the key
	codeGeneration     = "OriginSecretSequence" // signers do not know the secret
)

var refuse = customresource.Refuse

// refusedPrefix begins the physical id of a resource whose creation was
// refused. The Delete that CloudFormation sends for it must not delete what the
// creation found, which belongs to somebody else.
const refusedPrefix = "refused:"

type keymaker struct {
	resources map[string]resource
}

// clients are the services that the function uses. Those that few requests need
// are made on demand.
type clients struct {
	parameters parameterClient
	kms        func() kmsClient
	stacks     func() customresource.StackClient
}

func newKeymaker(c clients, p retry.Pauses) *keymaker {
	parameters := parameterStore{c.parameters, p}
	states := stateStore{parameters}
	stack := customresource.StackStatus{Client: c.stacks}
	return &keymaker{map[string]resource{
		"Custom::SigningKey":    signingKey{parameters},
		"Custom::KMSPublicKey":  kmsPublicKey{c.kms, p},
		"Custom::ExternalKey":   externalKey{parameters, stack},
		"Custom::OriginSecret":  originSecret{parameters, stack},
		"Custom::ViewerHashKey": randomKey{parameters, "a viewer hash key", "Key of the viewers' digests in the logs"},
		"Custom::PurchaseKey":   randomKey{parameters, "a purchase key", "Key of the references that stand for viewers in purchases"},
		"Custom::KeyChange":     keyChange{parameters, states, stack, time.Now},
		"Custom::KeyTrust":      keyTrust{time.Now},
		"Custom::KeyActivation": keyActivation{states},
		"Custom::KeyRevocation": keyRevocation{parameters, states, stack},
	}}
}

// handle handles an event. Its result has a physical id with an error too, so
// that the Delete of a rollback finds what was made.
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
		err = refuse(codeUnknownRequest, "request type %q: must be Create, Update or Delete", event.RequestType)
	}
	if err == nil {
		return done, nil
	}

	_, refused := errors.AsType[*customresource.Refusal](err)
	switch {
	case !refused:
		return result{PhysicalID: intendedID(event)}, err
	case event.PhysicalResourceID != "":
		return result{PhysicalID: event.PhysicalResourceID}, err
	default:
		return result{PhysicalID: refusedPrefix + event.LogicalResourceID}, err
	}
}

// intendedID returns the physical id that an event leads to: what a failure
// halfway may have made has this id.
func intendedID(event cfn.Event) string {
	if name, err := parameterName(event); err == nil && event.RequestType != cfn.RequestDelete {
		return name
	}
	if event.PhysicalResourceID != "" {
		return event.PhysicalResourceID
	}
	return refusedPrefix + event.LogicalResourceID
}

// property returns a required property.
func property(event cfn.Event, name string) (string, error) {
	value, ok := event.ResourceProperties[name].(string)
	if !ok || value == "" {
		return "", refuse(customresource.CodeInvalidProperty, "%s: property %s: must be a string that is not empty", event.ResourceType, name)
	}
	return value, nil
}

// list returns a required property that is a list of objects with string
// members, of which the named ones are required.
func list(event cfn.Event, name string, required ...string) ([]map[string]string, error) {
	elements, ok := event.ResourceProperties[name].([]any)
	if !ok || len(elements) == 0 {
		return nil, refuse(customresource.CodeInvalidProperty, "%s: property %s: must be a list that is not empty", event.ResourceType, name)
	}
	var objects []map[string]string
	for i, element := range elements {
		members, _ := element.(map[string]any)
		object := map[string]string{}
		for member, value := range members {
			if text, ok := value.(string); ok {
				object[member] = text
			}
		}
		for _, member := range required {
			if object[member] == "" {
				return nil, refuse(customresource.CodeInvalidProperty, "%s: property %s[%d].%s: must be a string that is not empty", event.ResourceType, name, i, member)
			}
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// parameterName returns the property ParameterName, which is the physical id of
// a resource that is a parameter. Its leading slash distinguishes it from other
// physical ids.
func parameterName(event cfn.Event) (string, error) {
	name, err := property(event, "ParameterName")
	if err == nil && !strings.HasPrefix(name, "/") {
		return "", refuse(customresource.CodeInvalidProperty, "%s: property ParameterName: invalid value %q: must begin with a slash", event.ResourceType, name)
	}
	return name, err
}

// unknown stands for a resource type that this function does not make.
type unknown struct{}

func (unknown) create(_ context.Context, event cfn.Event) (result, error) {
	return result{}, refuse(codeUnknownRequest, "resource type %q: this version of the function does not make it", event.ResourceType)
}

func (u unknown) update(ctx context.Context, event cfn.Event) (result, error) {
	return u.create(ctx, event)
}

// delete succeeds: the creation failed here, so there is nothing to delete.
func (unknown) delete(context.Context, cfn.Event) error { return nil }
