package main

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/deploycheck"
	"premiumhls/internal/premiumpath"
	"premiumhls/lambda/internal/keyring"
)

// An invocation is a request that API Gateway forwards, or the deploy check's
// request for the cookies of its probe.
type invocation struct {
	events.APIGatewayV2HTTPRequest
	DeployCheck *deploycheck.Parameters `json:"deployCheck"`
}

// invoke handles one event.
func (h *handler) invoke(ctx context.Context, in invocation) (any, error) {
	if in.isDeployCheck() {
		return h.handleDeployCheck(ctx, *in.DeployCheck), nil
	}
	return h.handle(ctx, in.APIGatewayV2HTTPRequest)
}

// isDeployCheck reports whether the event is a deploy check's and nothing else.
// API Gateway decides on the members of its events, each of which has a version
// and a request context; a caller who sends an event without them may invoke the
// function itself.
func (in *invocation) isDeployCheck() bool {
	return in.DeployCheck != nil && reflect.ValueOf(in.APIGatewayV2HTTPRequest).IsZero()
}

// handleDeployCheck makes cookies as viewers get them, for the probe's folder
// only and a few minutes. They are bound to no address: the signer does not know
// that of the deploy check.
func (h *handler) handleDeployCheck(ctx context.Context, parameters deploycheck.Parameters) deploycheck.Response {
	set, err := h.deployCheckCookies(ctx, parameters.Key)
	if err != nil {
		h.logger.LogAttrs(ctx, slog.LevelWarn, "deploy check", slog.String("key", parameters.Key), slog.String("cause", err.Error()))
		return deploycheck.Response{Refusal: err.Error()}
	}
	h.logger.LogAttrs(ctx, slog.LevelInfo, "deploy check", slog.String("key", parameters.Key))
	return deploycheck.Response{Cookies: set.setCookies(set.end - h.time().Unix())}
}

func (h *handler) deployCheckCookies(ctx context.Context, name string) (*cookieSet, error) {
	// What this function has cached may be from before the deploy. What is read
	// here is not cached: the deploy may still be rolled back.
	snapshot, err := h.ring.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the signing keys: %w", err)
	}
	i := slices.IndexFunc(snapshot.Keys, func(key *keyring.Key) bool { return key.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("the signer has no usable key %q; its log says why it skips one", name)
	}
	path, err := premiumpath.Parse(deploycheck.Folder)
	if err != nil {
		return nil, err
	}
	return h.makeCookieSet(ctx, cookiesFor{
		key:  snapshot.Keys[i],
		host: snapshot.Host,
		path: path,
		end:  h.time().Add(deploycheck.Lifetime).Unix(),
	})
}
