// Package customresource makes Lambda functions of handlers of CloudFormation's
// custom resources.
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
)

const (
	// answerTime is kept back of the function's time for the answer. Of a
	// shorter time than twice that, half is.
	answerTime = 10 * time.Second
	sendTries  = 3
	sendTime   = 5 * time.Second // for one try

	// maxReason keeps a response below the 4096 bytes that CloudFormation
	// takes.
	maxReason = 1000
)

// A Result is what CloudFormation is told of a resource.
type Result struct {
	PhysicalID string
	Attributes map[string]any // for Fn::GetAtt
	NoEcho     bool           // the attributes are not to be shown
}

// A Handler does what an event asks for. Its error is the reason that is told.
type Handler func(context.Context, cfn.Event) (Result, error)

// Respond makes a Lambda function of a handler: CloudFormation is told the
// outcome whatever the handler does, a panic and standing still included. The
// physical id is what intendedID returns where the handler names none.
//
// It takes the place of [cfn.LambdaWrap], which cannot set NoEcho, has no
// time limit and answers once. The function's own error is that of an answer
// that could not be given; Lambda then sends the event again.
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
			log.ErrorContext(ctx, "failed", "cause", err.Error())
		} else {
			response.Status = cfn.StatusSuccess
			response.Data = done.Attributes
			response.NoEcho = done.NoEcho
			log.InfoContext(ctx, "done")
		}
		if err := send(ctx, event.ResponseURL, response); err != nil {
			return fmt.Errorf("answering CloudFormation about %s: %w", event.LogicalResourceID, err)
		}
		return nil
	}
}

// attempt runs a handler that may panic or never return.
func attempt(ctx context.Context, event cfn.Event, handle Handler) (Result, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(answerTime, time.Until(deadline)/2)))
		defer cancel()
	}

	type outcome struct {
		Result
		err error
	}
	returned := make(chan outcome, 1) // a late handler finds room and ends
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				logPanic(ctx, cause)
				returned <- outcome{err: errors.New("the function panicked: its log says where")}
			}
		}()
		done, err := handle(ctx, event)
		returned <- outcome{done, err}
	}()
	select {
	case o := <-returned:
		return o.Result, o.err
	case <-ctx.Done():
		return Result{}, errors.New("the function's time ended before its work did; its log may say what it waited for")
	}
}

// logPanic logs the cause of a panic only where it is the Go runtime's own:
// any other value may hold what must not be logged.
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

// send puts a response to where CloudFormation waits for it, and tries again.
func send(ctx context.Context, address string, response *cfn.Response) error {
	body, err := json.Marshal(response)
	if err != nil {
		return fmt.Errorf("writing the response: %w", err)
	}
	for try := range sendTries {
		if err = sleep(ctx, time.Duration(try)*500*time.Millisecond); err != nil {
			return err
		}
		if err = sendOnce(ctx, address, body); err == nil {
			return nil
		}
		slog.WarnContext(ctx, "answer not taken", "try", try+1, "cause", err.Error())
	}
	return err
}

func sendOnce(ctx context.Context, address string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	// No Content-Type: the address is signed for a request without one.
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, address, bytes.NewReader(body))
	if err != nil {
		return withoutAddress(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return withoutAddress(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer was met with %s", answer.Status)
	}
	return nil
}

// withoutAddress keeps the address out of an error: whoever has it can answer
// in the function's place.
func withoutAddress(err error) error {
	var where *url.Error
	if errors.As(err, &where) {
		return where.Err
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
