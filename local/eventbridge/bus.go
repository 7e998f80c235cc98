// Package eventbridge stands in for Amazon EventBridge's default event bus and
// for Lambda's asynchronous invocation on this machine. Rules match events by
// pattern and invoke Lambda functions; what cannot be delivered, and what a
// function fails to handle, goes to dead-letter queues as on AWS. Only the
// pauses between attempts are shorter.
package eventbridge

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Concurrency is how many invocations run at once. On AWS there are more; here
// each is a process of its own on a small machine.
const Concurrency = 8

// Options are what a Bus needs.
type Options struct {
	// Invoke runs a function and returns its response. The error is the
	// function's.
	Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)
	// Exists reports whether there is a function with an ARN.
	Exists func(function string) bool
	// MayInvoke decides whether a rule may invoke a function.
	MayInvoke func(rule, function string) error
	// Send puts a message into a queue, for a rule or for a function.
	Send func(sender Sender, queue string, body []byte, attributes map[string]string) error
	// HandOver, unless nil, delivers an event to a target when and as often as
	// it likes by calling deliver: EventBridge promises neither an order nor
	// that an event comes once.
	HandOver func(deliver func())
	// Pause is the time between the first two attempts, and doubles; zero is
	// half a second. On AWS it is a minute.
	Pause   time.Duration
	Account string
	Region  string
	Log     *slog.Logger
}

// A Sender is who sends a message: a rule, or a function whose event failed.
type Sender struct{ Rule, Function string } // ARNs; one of them is empty

// A Rule is an AWS::Events::Rule.
type Rule struct {
	ARN      string
	Disabled bool
	Pattern  *Pattern
	Schedule string
	Targets  []Target
}

// A Target is a Lambda function that a rule invokes.
type Target struct {
	ID         string
	Function   string // ARN
	Retries    int
	MaxAge     time.Duration
	DeadLetter string // ARN of a queue; empty: none
}

// A Bus is the default event bus of an account. It is safe for concurrent use.
type Bus struct {
	options Options
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	slots   chan struct{}

	mu      sync.Mutex
	rules   map[string]Rule        // by ARN
	invokes map[string]InvokeRules // by the function's ARN
}

// InvokeRules are an AWS::Lambda::EventInvokeConfig: what happens to events
// that a function fails to handle.
type InvokeRules struct {
	Retries   int
	OnFailure string // ARN of a queue; empty: none
}

// New makes a bus without rules. Close ends its deliveries.
func New(options Options) *Bus {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.HandOver == nil {
		options.HandOver = func(deliver func()) { deliver() }
	}
	if options.Pause == 0 {
		options.Pause = 500 * time.Millisecond
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Bus{options: options, ctx: ctx, stop: stop, slots: make(chan struct{}, Concurrency), rules: map[string]Rule{}, invokes: map[string]InvokeRules{}}
}

// Close ends all deliveries and waits until nothing of them runs.
func (b *Bus) Close() {
	b.stop()
	b.running.Wait()
}

// ParseRule reads the properties of an AWS::Events::Rule. It refuses what this
// package does not do.
func ParseRule(arn string, properties map[string]any) (Rule, error) {
	r := Rule{ARN: arn}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		value := properties[name]
		var err error
		switch name {
		case "Name", "Description", "Tags":
		case "State":
			r.Disabled = value == "DISABLED"
			if !r.Disabled && value != "ENABLED" {
				err = fmt.Errorf("invalid value %v: must be ENABLED or DISABLED", value)
			}
		case "EventPattern":
			var p Pattern
			p, err = ParsePattern(value)
			r.Pattern = &p
		case "ScheduleExpression":
			r.Schedule, _ = value.(string)
			if !strings.HasPrefix(r.Schedule, "rate(") && !strings.HasPrefix(r.Schedule, "cron(") {
				err = fmt.Errorf("invalid value %v: must be rate(…) or cron(…)", value)
			}
		case "Targets":
			r.Targets, err = parseTargets(value)
		default:
			err = errors.New("not supported by the local run")
		}
		if err != nil {
			return Rule{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	if r.Pattern == nil && r.Schedule == "" {
		return Rule{}, errors.New("rule: must have an EventPattern or a ScheduleExpression")
	}
	return r, nil
}

// maxTargets is EventBridge's quota.
const maxTargets = 5

func parseTargets(value any) (targets []Target, err error) {
	list, _ := value.([]any)
	if len(list) > maxTargets {
		return nil, fmt.Errorf("%d targets: must be at most %d", len(list), maxTargets)
	}
	for _, item := range list {
		properties, _ := item.(map[string]any)
		t := Target{Retries: 185, MaxAge: 24 * time.Hour} // the defaults, which are the most
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			switch object, _ := properties[name].(map[string]any); name {
			case "Id":
				t.ID, _ = properties[name].(string)
			case "Arn":
				t.Function, _ = properties[name].(string)
				if !strings.Contains(t.Function, ":lambda:") {
					return nil, fmt.Errorf("%s: invalid value %v: must be a Lambda function", name, properties[name])
				}
			case "RetryPolicy":
				var age int
				if t.Retries, err = number(object["MaximumRetryAttempts"], 185); err == nil {
					age, err = number(object["MaximumEventAgeInSeconds"], 86400)
				}
				if err == nil && (t.Retries < 0 || t.Retries > 185 || age < 60 || age > 86400) {
					err = fmt.Errorf("invalid value %v: must be at most 185 attempts, and 60 to 86400 seconds", properties[name])
				}
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				t.MaxAge = time.Duration(age) * time.Second
			case "DeadLetterConfig":
				t.DeadLetter, _ = object["Arn"].(string)
				if !strings.Contains(t.DeadLetter, ":sqs:") {
					return nil, fmt.Errorf("%s: invalid value %v: must be an SQS queue", name, object["Arn"])
				}
			default:
				return nil, fmt.Errorf("%s: not supported by the local run", name)
			}
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// PutRule adds a rule, or replaces the one with its ARN.
func (b *Bus) PutRule(r Rule) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules[r.ARN] = r
}

// DeleteRule removes a rule.
func (b *Bus) DeleteRule(arn string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.rules, arn)
}

// PutInvokeRules sets what happens to events that a function fails to handle.
func (b *Bus) PutInvokeRules(function string, rules InvokeRules) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.invokes[function] = rules
}

// DeleteInvokeRules sets a function back to Lambda's defaults.
func (b *Bus) DeleteInvokeRules(function string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.invokes, function)
}

// Put sends an event of an AWS service to the rules. It does not wait for
// deliveries.
func (b *Bus) Put(source, detailType string, resources []string, detail any) error {
	if resources == nil {
		resources = []string{}
	}
	event, err := decoded(map[string]any{
		"version": "0", "id": uuid(), "detail-type": detailType, "source": source, "account": b.options.Account,
		"time": time.Now().UTC().Format(time.RFC3339), "region": b.options.Region, "resources": resources, "detail": detail,
	})
	if err != nil {
		return fmt.Errorf("event %s of %s: %w", detailType, source, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.rules {
		if !r.Disabled && r.Pattern != nil && r.Pattern.Match(event) {
			b.deliver(r, event)
		}
	}
	return nil
}

// Fire runs every rule with a schedule, as its time does on AWS. Nothing here
// waits for days.
func (b *Bus) Fire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.rules {
		if !r.Disabled && r.Schedule != "" {
			b.deliver(r, map[string]any{
				"version": "0", "id": uuid(), "detail-type": "Scheduled Event", "source": "aws.events", "account": b.options.Account,
				"time": time.Now().UTC().Format(time.RFC3339), "region": b.options.Region, "resources": []string{r.ARN}, "detail": map[string]any{},
			})
		}
	}
}

func (b *Bus) deliver(r Rule, event map[string]any) {
	payload, err := json.Marshal(event)
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	for _, t := range r.Targets {
		b.running.Go(func() { b.options.HandOver(func() { b.toTarget(r.ARN, t, payload) }) })
	}
}

// toTarget hands an event to a target. Without the permission, or without the
// function, EventBridge sends it to the dead-letter queue and does not retry
// (EventBridge user guide, "Using dead-letter queues").
func (b *Bus) toTarget(rule string, t Target, payload []byte) {
	code, err := "NO_PERMISSIONS", b.options.MayInvoke(rule, t.Function)
	if err == nil && !b.options.Exists(t.Function) {
		code, err = "RESOURCE_NOT_FOUND", fmt.Errorf("function %s does not exist", t.Function)
	}
	if err == nil {
		b.invoke(t.Function, payload, t.MaxAge)
		return
	}
	b.options.Log.Error("EventBridge could not deliver an event", "rule", rule, "target", t.Function, "cause", err.Error())
	if t.DeadLetter == "" {
		return
	}
	b.send(Sender{Rule: rule}, t.DeadLetter, payload, map[string]string{
		"RULE_ARN": rule, "TARGET_ARN": t.Function, "ERROR_CODE": code, "ERROR_MESSAGE": err.Error(),
	})
}

// invoke is Lambda's asynchronous invocation (Lambda developer guide, "Error
// handling for asynchronous invocation"): a function that fails gets the event
// again, two times by default.
func (b *Bus) invoke(function string, payload []byte, maxAge time.Duration) {
	b.mu.Lock()
	rules, ok := b.invokes[function]
	b.mu.Unlock()
	if !ok {
		rules.Retries = 2
	}
	began, pause := time.Now(), b.options.Pause
	for attempt := 1; ; attempt++ {
		select {
		case b.slots <- struct{}{}:
		case <-b.ctx.Done():
			return
		}
		response, err := b.options.Invoke(b.ctx, function, payload)
		<-b.slots
		if err == nil || b.ctx.Err() != nil {
			return
		}
		condition := ""
		switch {
		case attempt > rules.Retries:
			condition = "RetriesExhausted"
		case time.Since(began) > maxAge:
			condition = "EventAgeExceeded"
		}
		if condition != "" {
			b.failed(function, payload, rules, condition, attempt, response, err)
			return
		}
		select {
		case <-time.After(pause):
		case <-b.ctx.Done():
			return
		}
		pause *= 2
	}
}

// failed sends an event that a function could not handle to the function's
// on-failure destination, in the form of Lambda's invocation record.
func (b *Bus) failed(function string, payload []byte, rules InvokeRules, condition string, attempts int, response []byte, cause error) {
	b.options.Log.Error("a function failed to handle an event", "function", function, "attempts", attempts, "cause", cause.Error())
	if rules.OnFailure == "" {
		return
	}
	if !json.Valid(response) {
		response, _ = json.Marshal(map[string]string{"errorMessage": cause.Error()}) // of strings; cannot fail
	}
	record, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"requestContext": map[string]any{
			"requestId": uuid(), "functionArn": function + ":$LATEST", "condition": condition, "approximateInvokeCount": attempts,
		},
		"requestPayload":  json.RawMessage(payload),
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"responsePayload": json.RawMessage(response),
	})
	if err != nil {
		b.options.Log.Error("an event is lost", "cause", err.Error())
		return
	}
	b.send(Sender{Function: function}, rules.OnFailure, record, nil)
}

func (b *Bus) send(sender Sender, queue string, body []byte, attributes map[string]string) {
	if err := b.options.Send(sender, queue, body, attributes); err != nil {
		b.options.Log.Error("an event is lost: the dead-letter queue refused it", "queue", queue, "cause", err.Error())
	}
}

func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
