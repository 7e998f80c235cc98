package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/signedcookie"
)

const hidden = "a secret that nobody may see"

func TestFailuresAreAnswered(t *testing.T) {
	for _, c := range []struct {
		title  string
		handle func(context.Context, cfn.Event) (result, error)
		reason string
	}{
		{"an error", func(context.Context, cfn.Event) (result, error) {
			return result{}, errors.New("the cause")
		}, "the cause"},
		{"an error too long", func(context.Context, cfn.Event) (result, error) {
			return result{}, errors.New("the cause " + strings.Repeat("ü", 5000))
		}, "the cause üü"},
		{"a panic", func(context.Context, cfn.Event) (result, error) {
			panic(hidden)
		}, "panicked"},
		{"a panic of the runtime's", func(context.Context, cfn.Event) (result, error) {
			return result{physicalID: strings.Fields("")[0]}, nil
		}, "panicked"},
		{"an error with attributes", func(context.Context, cfn.Event) (result, error) {
			return result{attributes: map[string]any{"Value": hidden}}, errors.New("the cause")
		}, "the cause"},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			d.keepSecret(hidden)
			d.function = respond(c.handle)
			answer := d.fail(event(cfn.RequestCreate, keyType, keyOf(keyName, signedcookie.RSA2048)), c.reason)
			if answer.PhysicalResourceID != keyName {
				t.Errorf("physical id %q: a rollback would miss what was made", answer.PhysicalResourceID)
			}
			if !strings.Contains(d.said.String(), `"level":"ERROR"`) {
				t.Error("nothing was logged")
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
		_, err := attempt(ctx, cfn.Event{}, func(context.Context, cfn.Event) (result, error) {
			<-end // whatever its context says
			return result{}, nil
		})
		if err == nil || ctx.Err() != nil {
			t.Errorf("error %v, and the function's own time: %v", err, ctx.Err())
		}
		if took := time.Since(start); took != time.Minute-answerTime {
			t.Errorf("gave up after %s", took)
		}
		close(end)
	})
}

func TestAnswerIsRetried(t *testing.T) {
	for _, c := range []struct {
		title    string
		failures int32
		taken    bool
	}{
		{"twice", sendTries - 1, true},
		{"too often", sendTries, false},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			var asked atomic.Int32
			d.answerStatus = func() int {
				if asked.Add(1) <= c.failures {
					return http.StatusServiceUnavailable
				}
				return http.StatusOK
			}
			e := event(cfn.RequestCreate, keyType, keyOf(keyName, signedcookie.ECDSAP256))
			e.ResponseURL = d.address
			err := d.function(t.Context(), e)
			if (err == nil) != c.taken || (len(d.answers) == 1) != c.taken {
				t.Errorf("error %v with %d answers", err, len(d.answers))
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
			d := deploy(t)
			e := event(cfn.RequestCreate, keyType, keyOf(keyName, signedcookie.ECDSAP256))
			e.ResponseURL = c.address
			err := d.function(t.Context(), e)
			if err == nil {
				t.Fatal("no error: Lambda would not send the event again")
			}
			_, _ = d.Write([]byte(err.Error()))
		})
	}
}
