package eventbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"premiumhls/local/eventbridge"
)

const (
	function = "arn:aws:lambda:us-east-1:111122223333:function:f"
	queue    = "arn:aws:sqs:us-east-1:111122223333:q"
	ruleARN  = "arn:aws:events:us-east-1:111122223333:rule/r"
)

type message struct {
	sender     eventbridge.Sender
	queue      string
	body       string
	attributes map[string]string
}

func newBus(t *testing.T, change func(*eventbridge.Options)) (*eventbridge.Bus, chan message) {
	t.Helper()
	sent := make(chan message, 10)
	o := eventbridge.Options{
		Invoke:    func(context.Context, string, []byte) ([]byte, error) { return nil, nil },
		Exists:    func(string) bool { return true },
		MayInvoke: func(string, string) error { return nil },
		Send: func(s eventbridge.Sender, queue string, body []byte, attributes map[string]string) error {
			sent <- message{s, queue, string(body), attributes}
			return nil
		},
		Pause: time.Millisecond, Account: "111122223333", Region: "us-east-1",
	}
	change(&o)
	b := eventbridge.New(o)
	t.Cleanup(b.Close)
	return b, sent
}

func rule(t *testing.T, properties string) eventbridge.Rule {
	t.Helper()
	r, err := eventbridge.ParseRule(ruleARN, object(t, properties))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const uploadRule = `{"EventPattern":{"source":["aws.s3"]},"State":"ENABLED","Targets":[{"Id":"T","Arn":"` + function + `","RetryPolicy":{"MaximumRetryAttempts":185,"MaximumEventAgeInSeconds":86400},"DeadLetterConfig":{"Arn":"` + queue + `"}}]}`

func TestDelivery(t *testing.T) {
	got := make(chan map[string]any, 10)
	b, _ := newBus(t, func(o *eventbridge.Options) {
		o.Invoke = func(_ context.Context, f string, payload []byte) ([]byte, error) {
			if f != function {
				t.Errorf("invoked %s", f)
			}
			got <- object(t, string(payload))
			return nil, nil
		}
	})
	b.PutRule(rule(t, uploadRule))
	for _, source := range []string{"aws.ec2", "aws.s3"} { // the first matches no rule
		if err := b.Put(source, "Object Created", nil, map[string]any{"object": map[string]any{"key": "k"}}); err != nil {
			t.Fatal(err)
		}
	}
	e := <-got
	if e["source"] != "aws.s3" || e["detail-type"] != "Object Created" || e["account"] != "111122223333" || e["region"] != "us-east-1" ||
		e["version"] != "0" || len(e["id"].(string)) != 36 || e["detail"].(map[string]any)["object"].(map[string]any)["key"] != "k" {
		t.Errorf("event %v", e)
	}
	if _, err := time.Parse(time.RFC3339, e["time"].(string)); err != nil {
		t.Error(err)
	}
	b.DeleteRule(ruleARN)
	b.Put("aws.s3", "Object Created", nil, nil)
	b.PutRule(rule(t, strings.Replace(uploadRule, "ENABLED", "DISABLED", 1)))
	b.Put("aws.s3", "Object Created", nil, nil)
	b.PutRule(rule(t, strings.Replace(uploadRule, `"EventPattern":{"source":["aws.s3"]}`, `"ScheduleExpression":"rate(1 day)"`, 1)))
	b.Put("aws.s3", "Object Created", nil, nil)
	b.Fire()
	if e := <-got; e["detail-type"] != "Scheduled Event" || e["source"] != "aws.events" {
		t.Errorf("event %v", e)
	}
	b.Close()
	if len(got) > 0 {
		t.Errorf("also delivered: %v", <-got)
	}
}

func TestRetries(t *testing.T) {
	for _, test := range []struct {
		name            string
		rules           *eventbridge.InvokeRules
		fails, attempts int
		kept            bool
	}{
		{"succeeds at the second attempt", nil, 1, 2, false},
		{"fails always, nothing configured", nil, 9, 3, false},
		{"fails always", &eventbridge.InvokeRules{Retries: 2, OnFailure: queue}, 9, 3, true},
		{"no retries", &eventbridge.InvokeRules{Retries: 0, OnFailure: queue}, 9, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var attempts atomic.Int32
			done := make(chan bool, 10)
			b, sent := newBus(t, func(o *eventbridge.Options) {
				o.Invoke = func(context.Context, string, []byte) ([]byte, error) {
					defer func() { done <- true }()
					if n := attempts.Add(1); int(n) <= test.fails {
						return nil, errors.New("broken")
					}
					return nil, nil
				}
			})
			if test.rules != nil {
				b.PutInvokeRules(function, *test.rules)
			}
			b.PutRule(rule(t, uploadRule))
			b.Put("aws.s3", "Object Created", nil, map[string]any{"n": 1})
			for range test.attempts {
				<-done
			}
			if test.kept {
				m := <-sent
				var record struct {
					RequestContext struct {
						Condition              string
						ApproximateInvokeCount int
					}
					RequestPayload  map[string]any
					ResponsePayload struct{ ErrorMessage string }
				}
				if err := json.Unmarshal([]byte(m.body), &record); err != nil {
					t.Fatal(err)
				}
				if m.sender.Function != function || m.queue != queue || record.RequestContext.Condition != "RetriesExhausted" ||
					record.RequestContext.ApproximateInvokeCount != test.attempts || record.RequestPayload["source"] != "aws.s3" || record.ResponsePayload.ErrorMessage != "broken" {
					t.Errorf("message %+v", m)
				}
			}
			b.Close()
			if n := int(attempts.Load()); n != test.attempts || len(sent) != 0 {
				t.Errorf("%d attempts and %d more messages, want %d and none", n, len(sent), test.attempts)
			}
		})
	}
}

func TestUndeliverable(t *testing.T) {
	for code, change := range map[string]func(*eventbridge.Options){
		"NO_PERMISSIONS":     func(o *eventbridge.Options) { o.MayInvoke = func(string, string) error { return errors.New("no") } },
		"RESOURCE_NOT_FOUND": func(o *eventbridge.Options) { o.Exists = func(string) bool { return false } },
	} {
		b, sent := newBus(t, func(o *eventbridge.Options) {
			o.Invoke = func(context.Context, string, []byte) ([]byte, error) {
				t.Errorf("%s: invoked", code)
				return nil, nil
			}
			change(o)
		})
		b.PutRule(rule(t, uploadRule))
		b.Put("aws.s3", "Object Created", nil, nil)
		if m := <-sent; m.attributes["ERROR_CODE"] != code || m.sender.Rule != ruleARN || m.attributes["TARGET_ARN"] != function || object(t, m.body)["source"] != "aws.s3" {
			t.Errorf("message %+v", m)
		}
	}
}

func TestConcurrency(t *testing.T) {
	var running, most int
	var mu sync.Mutex
	started, end := make(chan bool, 100), make(chan bool)
	b, _ := newBus(t, func(o *eventbridge.Options) {
		o.Invoke = func(context.Context, string, []byte) ([]byte, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			started <- true
			<-end
			mu.Lock()
			running--
			mu.Unlock()
			return nil, nil
		}
	})
	b.PutRule(rule(t, uploadRule))
	for range 20 {
		b.Put("aws.s3", "Object Created", nil, nil)
	}
	for range eventbridge.Concurrency {
		<-started
	}
	close(end)
	for range 20 - eventbridge.Concurrency {
		<-started
	}
	b.Close()
	if most != eventbridge.Concurrency {
		t.Errorf("%d at once, want %d", most, eventbridge.Concurrency)
	}
}

func TestRuleRefuses(t *testing.T) {
	for _, test := range []struct{ properties, names string }{
		{`{}`, "EventPattern"},
		{`{"EventPattern":{"source":["a"]},"EventBusName":"other"}`, "EventBusName"},
		{`{"ScheduleExpression":"at(noon)"}`, "ScheduleExpression"},
		{`{"EventPattern":{"source":["a"]},"State":"PAUSED"}`, "State"},
		{`{"EventPattern":{"source":["a"]},"Targets":[{"Arn":"` + queue + `"}]}`, "Lambda"},
		{`{"EventPattern":{"source":["a"]},"Targets":[{"Arn":"` + function + `","Input":"{}"}]}`, "Input"},
		{`{"EventPattern":{"source":["a"]},"Targets":[{"Arn":"` + function + `","RetryPolicy":{"MaximumRetryAttempts":186}}]}`, "RetryPolicy"},
		{`{"EventPattern":{"source":["a"]},"Targets":[{"Arn":"` + function + `","DeadLetterConfig":{"Arn":"arn:aws:sns:x"}}]}`, "DeadLetterConfig"},
		{`{"EventPattern":{"source":["a"]},"Targets":[{},{},{},{},{},{}]}`, "6 targets"},
	} {
		if _, err := eventbridge.ParseRule(ruleARN, object(t, test.properties)); err == nil || !strings.Contains(err.Error(), test.names) {
			t.Errorf("%s: error %v, want one that names %s", test.properties, err, test.names)
		}
	}
}
