package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/lambda/internal/customresource"
)

// physicalID is the same for ever: a proof is never replaced by another.
const physicalID = "deploy-proof"

// A prover proves deploys.
type prover struct {
	signer invoker
	way    way
	stack  customresource.StackStatus
}

// handle answers an event of Custom::DeployCheck. Its attribute Result is a
// sentence about what was proven.
func (p *prover) handle(ctx context.Context, event cfn.Event) (customresource.Result, error) {
	done := func(sentence string) customresource.Result {
		return customresource.Result{PhysicalID: physicalID, Attributes: map[string]any{"Result": sentence}}
	}
	switch event.RequestType {
	case cfn.RequestCreate:
	case cfn.RequestUpdate:
		// What a rollback goes back to was proven when it was deployed. To
		// fail here would leave the stack between two templates.
		back, err := p.stack.RollingBack(ctx, event.StackID)
		if err != nil {
			slog.WarnContext(ctx, "it is not known whether this is a rollback: the deploy is proven", "cause", err.Error())
		}
		if back {
			slog.WarnContext(ctx, "not proven, since the stack is rolling back")
			return done("Not proven: the stack went back to what it was."), nil
		}
	case cfn.RequestDelete:
		return customresource.Result{PhysicalID: physicalID}, nil
	default:
		return customresource.Result{}, fmt.Errorf("request type %q is not one of CloudFormation's", event.RequestType)
	}

	s, err := parseSubject(event)
	if err != nil {
		return customresource.Result{}, err
	}
	v, err := p.newVisit(s)
	if err != nil {
		return customresource.Result{}, err
	}
	defer v.close()
	if failed := persist(ctx, s.patience, v.check); failed != nil {
		// Asked again: an update that is cancelled meanwhile becomes a rollback.
		return done("Not proven: the stack went back to what it was."), p.stack.UnlessRollback(ctx, event, failed)
	}
	var names []string
	for _, key := range s.keys {
		names = append(names, key.name)
	}
	return done("Premium videos are served with cookies signed by " + strings.Join(names, ", ") + ", and refused without."), nil
}

const (
	// The pause between two tries goes from one to the other. CloudFront keeps
	// an error of the origin for ten seconds (CloudFront developer guide,
	// "Control how long CloudFront caches errors").
	firstPause   = time.Second
	longestPause = 15 * time.Second
	// settledPatience is for how long a failure is tried again that no change
	// on its way to the edges explains.
	settledPatience = 30 * time.Second
)

// persist tries until nothing fails or patience is over, at least once.
//
// Nothing tells when a change has reached every edge: CloudFormation waits for
// a distribution to be deployed, but not for its key group and policies, which
// have no such state.
func persist(ctx context.Context, patience time.Duration, try func(context.Context) *failure) *failure {
	var last *failure
	var settled time.Time // since when the failures are of that kind
	began := time.Now()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		failed := try(ctx)
		if failed == nil {
			return nil
		}
		if last != nil && ctx.Err() != nil {
			return last // this one says only that the time ended
		}
		last = failed
		now := time.Now()
		failed.after = now.Sub(began)
		slog.InfoContext(ctx, "not proven yet", "check", failed.check, "key", failed.key, "found", failed.found)
		switch {
		case !failed.settled:
			settled = time.Time{}
		case settled.IsZero():
			settled = now
		}
		next := now.Add(pause)
		if next.After(began.Add(patience)) || failed.settled && next.After(settled.Add(settledPatience)) || !sleep(ctx, pause) {
			return failed
		}
	}
}

// sleep reports whether it could sleep for d before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
