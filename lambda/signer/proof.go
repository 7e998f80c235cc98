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

// An invocation is a request that API Gateway passes on, or the prover's
// question whether a key signs.
type invocation struct {
	events.APIGatewayV2HTTPRequest
	Proof *deploycheck.Question `json:"proof"`
}

// invoke answers one event.
func (h *handler) invoke(ctx context.Context, in invocation) (any, error) {
	if in.isProof() {
		return h.prove(ctx, *in.Proof), nil
	}
	return h.handle(ctx, in.APIGatewayV2HTTPRequest)
}

// isProof reports whether nothing but a proof was asked for. API Gateway
// decides on the members of its events, and each has a version and a request
// context; whoever sends an event without them may call the function itself.
func (in *invocation) isProof() bool {
	return in.Proof != nil && reflect.ValueOf(in.APIGatewayV2HTTPRequest).IsZero()
}

// prove makes cookies as viewers get them, for the probe's folder alone and a
// few minutes. They are bound to no address: the prover's is not known.
func (h *handler) prove(ctx context.Context, question deploycheck.Question) deploycheck.Answer {
	set, err := h.proofCookies(ctx, question.Key)
	if err != nil {
		h.logger.LogAttrs(ctx, slog.LevelWarn, "proof", slog.String("key", question.Key), slog.String("cause", err.Error()))
		return deploycheck.Answer{Refusal: err.Error()}
	}
	h.logger.LogAttrs(ctx, slog.LevelInfo, "proof", slog.String("key", question.Key))
	return deploycheck.Answer{Cookies: set.setCookies(set.end - h.time().Unix())}
}

func (h *handler) proofCookies(ctx context.Context, name string) (*cookieSet, error) {
	// Read anew: what this function has may be from before the deploy. And
	// read aside: the deploy may yet be rolled back.
	snapshot, err := h.ring.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the signing keys: %w", err)
	}
	i := slices.IndexFunc(snapshot.Keys, func(key *keyring.Key) bool { return key.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("the signer has no key %q that it can use; its log says whether one is left out, and why", name)
	}
	path, err := premiumpath.Parse(deploycheck.Folder)
	if err != nil {
		return nil, err
	}
	return h.makeCookieSet(ctx, cookiesFor{
		key:  snapshot.Keys[i],
		host: snapshot.Host,
		path: path,
		end:  h.time().Add(deploycheck.Life).Unix(),
	})
}
