package main

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

// A keyTrust is Custom::KeyTrust {KeyName, PublicKeyId, KeyGroupId}: it is
// created once the key group has the public key, and its attribute Since is
// that time, RFC 3339 in UTC. It has no underlying resource; its physical id is
// "<KeyName>@<Since>".
type keyTrust struct{ now func() time.Time }

func (r keyTrust) create(_ context.Context, event cfn.Event) (result, error) {
	return r.since(event, r.now())
}

// update keeps the time while the public key stays the same. For another key,
// or a time that cannot be read, the trust begins now: to wait too long refuses
// nobody.
func (r keyTrust) update(ctx context.Context, event cfn.Event) (result, error) {
	id := event.PhysicalResourceID
	since, err := time.Parse(time.RFC3339, id[strings.LastIndexByte(id, '@')+1:])
	was, _ := event.OldResourceProperties["PublicKeyId"].(string)
	if err != nil || was != event.ResourceProperties["PublicKeyId"] {
		return r.create(ctx, event)
	}
	return r.since(event, since)
}

func (keyTrust) delete(context.Context, cfn.Event) error { return nil }

func (keyTrust) since(event cfn.Event, since time.Time) (result, error) {
	name, err := property(event, "KeyName")
	if err != nil {
		return result{}, err
	}
	for _, required := range []string{"PublicKeyId", "KeyGroupId"} {
		if _, err := property(event, required); err != nil {
			return result{}, err
		}
	}
	text := since.UTC().Format(time.RFC3339)
	return result{PhysicalID: name + "@" + text, Attributes: map[string]any{"Since": text}}, nil
}
