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

// physicalID never changes: a deploy check is never replaced.
const physicalID = "deploy-check"

// A checker checks deploys.
type checker struct {
	signer   invoker
	endpoint endpoint
	stack    customresource.StackStatus
}

// Results of a check, in the attribute Result.
const (
	resultRollback = "Not checked: the stack rolled back to what was deployed before."
	resultFailed   = "FAILED, and not rolled back because of endAllCookies: "
)

// handle handles an event of Custom::DeployCheck. The attribute Result says what
// was checked.
func (c *checker) handle(ctx context.Context, event cfn.Event) (customresource.Result, error) {
	done := func(result string) customresource.Result {
		return customresource.Result{PhysicalID: physicalID, Attributes: map[string]any{"Result": result}}
	}
	switch event.RequestType {
	case cfn.RequestCreate:
	case cfn.RequestUpdate:
		// What a rollback returns to was checked when it was deployed. To fail
		// here would leave the stack between two templates.
		back, err := c.stack.RollingBack(ctx, event.StackID)
		if err != nil {
			slog.WarnContext(ctx, "cannot tell whether the stack is rolling back: checking the deploy", "cause", err.Error())
		}
		if back {
			slog.WarnContext(ctx, "not checked: the stack is rolling back")
			return done(resultRollback), nil
		}
	case cfn.RequestDelete:
		return customresource.Result{PhysicalID: physicalID}, nil
	default:
		return customresource.Result{}, fmt.Errorf("request type %q: must be Create, Update or Delete", event.RequestType)
	}

	s, err := parseSubject(event)
	if err != nil {
		return customresource.Result{}, err
	}
	v, err := c.newVisit(s)
	if err != nil {
		return customresource.Result{}, err
	}
	defer v.close()
	failed := persist(ctx, s.patience, v.check)
	switch {
	case failed != nil && s.reportOnly:
		slog.ErrorContext(ctx, "deploy check failed, not rolled back because of endAllCookies", "check", failed.check, "key", failed.key, "found", failed.found)
		return done(resultFailed + failed.Error()), nil
	case failed != nil:
		// An update that was cancelled meanwhile has become a rollback.
		return done(resultRollback), c.stack.UnlessRollback(ctx, event, failed)
	}
	var names []string
	for _, key := range s.keys {
		names = append(names, key.name)
	}
	return done("Premium videos are served with cookies signed by " + strings.Join(names, ", ") + ", and refused without."), nil
}

const (
	// The pause between two attempts grows from one to the other. CloudFront
	// caches an error of the origin for ten seconds (CloudFront developer
	// guide, "Control how long CloudFront caches errors").
	firstPause   = time.Second
	longestPause = 15 * time.Second
	// settledPatience is how long a failure is retried that cannot be due to a
	// change which has not reached every edge location.
	settledPatience = 30 * time.Second
)

// persist retries until nothing fails or patience is over.
//
// There is no way to know when a change has reached every edge location:
// CloudFormation waits for a distribution to be deployed, but not for its key
// group and policies, which have no such state.
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
			return last // this one only says that the time is over
		}
		last = failed
		now := time.Now()
		failed.after = now.Sub(began)
		slog.InfoContext(ctx, "deploy check failed, retrying", "check", failed.check, "key", failed.key, "found", failed.found)
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
