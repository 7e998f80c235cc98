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
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

const hidden = "a secret that nobody may see"

// A waiter is CloudFormation, which waits for an answer, and all that was said
// meanwhile: logs, answers and errors.
type waiter struct {
	address string
	status  func() int // with which an answer is met; nil: 200

	mu      sync.Mutex
	answers []cfn.Response
	said    bytes.Buffer
}

func wait(t *testing.T) *waiter {
	t.Helper()
	w := new(waiter)
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" {
			t.Errorf("answer: %s with Content-Type %q, want PUT without", r.Method, r.Header.Get("Content-Type"))
		}
		if len(body) > 4096 {
			t.Errorf("answer of %d bytes: CloudFormation takes 4096", len(body))
		}
		if w.status != nil {
			if status := w.status(); status != http.StatusOK {
				response.WriteHeader(status)
				return
			}
		}
		var answer cfn.Response
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Errorf("answer %s: %v", body, err)
		}
		w.mu.Lock()
		w.answers = append(w.answers, answer)
		w.mu.Unlock()
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	w.address = server.URL + "/?signature=of-the-address"

	logger := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(w, nil)))
	t.Cleanup(func() { slog.SetDefault(logger) })
	t.Cleanup(func() {
		for _, secret := range []string{hidden, "of-the-address"} {
			if strings.Contains(w.said.String(), secret) {
				t.Errorf("%q was told:\n%s", secret, w.said.String())
			}
		}
	})
	return w
}

func (w *waiter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.Write(p)
}

func (w *waiter) event() cfn.Event {
	return cfn.Event{
		RequestType: cfn.RequestCreate, ResourceType: "Custom::Thing", LogicalResourceID: "Thing",
		StackID: "stack", RequestID: "request", ResponseURL: w.address,
	}
}

func intended(cfn.Event) string { return "intended" }

func TestFailuresAreAnswered(t *testing.T) {
	for _, c := range []struct {
		title  string
		handle Handler
		reason string
	}{
		{"an error", func(context.Context, cfn.Event) (Result, error) {
			return Result{}, errors.New("the cause")
		}, "the cause"},
		{"a refusal", func(context.Context, cfn.Event) (Result, error) {
			return Result{}, fmt.Errorf("checking: %w", Refuse("SomeCode", "the cause"))
		}, "SomeCode: the cause"},
		{"an error too long", func(context.Context, cfn.Event) (Result, error) {
			return Result{}, errors.New("the cause " + strings.Repeat("ü", 5000))
		}, "the cause üü"},
		{"a panic", func(context.Context, cfn.Event) (Result, error) {
			panic(hidden)
		}, "panicked"},
		{"a panic of the runtime's", func(context.Context, cfn.Event) (Result, error) {
			return Result{PhysicalID: strings.Fields("")[0]}, nil
		}, "panicked"},
		{"an error with attributes", func(context.Context, cfn.Event) (Result, error) {
			return Result{Attributes: map[string]any{"Value": hidden}}, errors.New("the cause")
		}, "the cause"},
	} {
		t.Run(c.title, func(t *testing.T) {
			w := wait(t)
			if err := Respond(c.handle, intended)(t.Context(), w.event()); err != nil || len(w.answers) != 1 {
				t.Fatalf("%d answers, %v", len(w.answers), err)
			}
			answer := w.answers[0]
			if answer.Status != cfn.StatusFailed || !strings.Contains(answer.Reason, c.reason) || answer.Data != nil {
				t.Errorf("answer %+v, want a failure that says %q", answer, c.reason)
			}
			if answer.PhysicalResourceID != "intended" {
				t.Errorf("physical id %q: a rollback would miss what was made", answer.PhysicalResourceID)
			}
			if answer.StackID != "stack" || answer.RequestID != "request" || answer.LogicalResourceID != "Thing" {
				t.Errorf("answer to another request: %+v", answer)
			}
			if !strings.Contains(w.said.String(), `"level":"ERROR"`) {
				t.Error("nothing was logged")
			}
			if logged := strings.Contains(w.said.String(), `"code":"SomeCode"`); logged != (c.title == "a refusal") {
				t.Errorf("the code is in the log: %t", logged)
			}
		})
	}
}

func TestStandingStillIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := attempt(ctx, cfn.Event{}, func(context.Context, cfn.Event) (Result, error) {
			<-end // whatever its context says
			return Result{}, nil
		})
		if err == nil || ctx.Err() != nil {
			t.Errorf("error %v, and the function's own time: %v", err, ctx.Err())
		}
		if took := time.Since(start); took != time.Minute-responseTime {
			t.Errorf("gave up after %s", took)
		}
		close(end)
	})
}

func done(context.Context, cfn.Event) (Result, error) {
	return Result{PhysicalID: "thing", Attributes: map[string]any{"Since": "then"}, NoEcho: true}, nil
}

func TestAnswerIsRetried(t *testing.T) {
	for _, c := range []struct {
		title    string
		failures int32
		taken    bool
	}{
		{"twice", int32(len(sendPauses)), true},
		{"too often", int32(len(sendPauses) + 1), false},
	} {
		t.Run(c.title, func(t *testing.T) {
			w := wait(t)
			var asked atomic.Int32
			w.status = func() int {
				if asked.Add(1) <= c.failures {
					return http.StatusServiceUnavailable
				}
				return http.StatusOK
			}
			err := Respond(done, intended)(t.Context(), w.event())
			if (err == nil) != c.taken || (len(w.answers) == 1) != c.taken {
				t.Fatalf("error %v with %d answers", err, len(w.answers))
			}
			if c.taken {
				if a := w.answers[0]; a.Status != cfn.StatusSuccess || a.PhysicalResourceID != "thing" || a.Data["Since"] != "then" || !a.NoEcho {
					t.Errorf("answer %+v", a)
				}
			}
		})
	}
}

func TestAnswerThatCannotBeGiven(t *testing.T) {
	for _, c := range []struct{ title, address string }{
		{"nobody there", "http://127.0.0.1:1/?signature=of-the-address"},
		{"no address", ""},
		{"a broken address", "http://[?signature=of-the-address"},
	} {
		t.Run(c.title, func(t *testing.T) {
			w := wait(t)
			e := w.event()
			e.ResponseURL = c.address
			err := Respond(done, intended)(t.Context(), e)
			if err == nil {
				t.Fatal("no error: Lambda would not send the event again")
			}
			_, _ = w.Write([]byte(err.Error()))
		})
	}
}
