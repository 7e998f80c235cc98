// Package customresource turns handlers of CloudFormation's custom resources
// into Lambda functions.
package customresource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/lambda/internal/retry"
)

const (
	// responseTime is reserved of the function's timeout for the response. Of
	// a timeout shorter than twice that, half is.
	responseTime = 10 * time.Second
	sendTime     = 5 * time.Second // for one attempt

	// maxReason keeps a response below CloudFormation's limit of 4096 bytes.
	maxReason = 1000
)

// sendPauses are the pauses between attempts to send a response.
var sendPauses = retry.Pauses{500 * time.Millisecond, time.Second}

// A Result is what CloudFormation receives about a resource.
type Result struct {
	PhysicalID string
	Attributes map[string]any // for Fn::GetAtt
	NoEcho     bool           // hide the attributes
}

// A Handler handles an event. Its error becomes the reason in CloudFormation's
// events.
type Handler func(context.Context, cfn.Event) (Result, error)

// Respond turns a handler into a Lambda function that always sends CloudFormation
// a response, also when the handler panics or hangs. The physical id is what
// intendedID returns if the handler returns none.
//
// It replaces [cfn.LambdaWrap], which cannot set NoEcho, has no time limit and
// sends once. The function returns an error only if the response could not be
// sent; Lambda then sends the event again.
func Respond(handle Handler, intendedID func(cfn.Event) string) func(context.Context, cfn.Event) error {
	return func(ctx context.Context, event cfn.Event) error {
		start := time.Now()
		done, err := attempt(ctx, event, handle)
		if done.PhysicalID == "" {
			done.PhysicalID = intendedID(event)
		}

		response := cfn.NewResponse(&event)
		response.PhysicalResourceID = done.PhysicalID
		log := slog.With(
			"requestType", event.RequestType,
			"resourceType", event.ResourceType,
			"logicalId", event.LogicalResourceID,
			"physicalId", done.PhysicalID,
			"requestId", event.RequestID,
			"milliseconds", time.Since(start).Milliseconds(),
		)
		if err != nil {
			response.Status = cfn.StatusFailed
			response.Reason = shortened(err.Error())
			if refusal, ok := errors.AsType[*Refusal](err); ok {
				log = log.With("code", refusal.Code)
			}
			log.ErrorContext(ctx, "custom resource failed", "cause", err.Error())
		} else {
			response.Status = cfn.StatusSuccess
			response.Data = done.Attributes
			response.NoEcho = done.NoEcho
			log.InfoContext(ctx, "custom resource done")
		}
		if err := send(ctx, event.ResponseURL, response); err != nil {
			return fmt.Errorf("sending CloudFormation the response for %s: %w", event.LogicalResourceID, err)
		}
		return nil
	}
}

// attempt runs a handler that may panic or never return.
func attempt(ctx context.Context, event cfn.Event, handle Handler) (Result, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(responseTime, time.Until(deadline)/2)))
		defer cancel()
	}

	type outcome struct {
		Result
		err error
	}
	returned := make(chan outcome, 1) // buffered: a late handler must not block
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				logPanic(ctx, cause)
				returned <- outcome{err: errors.New("function panicked; see its log")}
			}
		}()
		done, err := handle(ctx, event)
		returned <- outcome{done, err}
	}()
	select {
	case o := <-returned:
		return o.Result, o.err
	case <-ctx.Done():
		return Result{}, errors.New("function timed out; see its log")
	}
}

// logPanic logs the cause of a panic only if it is the Go runtime's own: any
// other value may hold a secret.
func logPanic(ctx context.Context, cause any) {
	text := fmt.Sprintf("%T", cause)
	if err, ok := cause.(runtime.Error); ok {
		text = err.Error()
	}
	slog.ErrorContext(ctx, "panic", "cause", text, "stack", string(debug.Stack()))
}

func shortened(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	return strings.ToValidUTF8(reason[:maxReason], "") + "…"
}

// send puts a response to the URL where CloudFormation waits for it.
func send(ctx context.Context, address string, response *cfn.Response) error {
	body, err := json.Marshal(response)
	if err != nil {
		return fmt.Errorf("encoding the response: %w", err)
	}
	return retry.Do(ctx, sendPauses, retry.Any, func() error {
		err := sendOnce(ctx, address, body)
		if err != nil {
			slog.WarnContext(ctx, "sending the response failed", "cause", err.Error())
		}
		return err
	})
}

func sendOnce(ctx context.Context, address string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	// No Content-Type: the address is signed for a request without one.
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, address, bytes.NewReader(body))
	if err != nil {
		return withoutAddress(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return withoutAddress(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("CloudFormation returned %s", response.Status)
	}
	return nil
}

// withoutAddress removes the URL from an error: anyone who has it can respond
// in the function's place.
func withoutAddress(err error) error {
	var where *url.Error
	if errors.As(err, &where) {
		return where.Err
	}
	return err
}
