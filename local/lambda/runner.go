// Package lambda runs the binaries of Lambda functions on this machine. A
// binary calls its Lambda Runtime API (Lambda developer guide, "Using the Lambda
// runtime API for custom runtimes"); callers invoke it with [Runner.Invoke].
package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"premiumhls/local/iam"
)

// Size limits of a synchronous invocation, in bytes.
const (
	MaxRequest  = 6 << 20
	MaxResponse = 6<<20 + 100
)

// Errors of an invocation that did not reach the function.
var (
	ErrThrottled       = errors.New("TooManyRequestsException: all execution environments are in use")
	ErrRequestTooLarge = fmt.Errorf("RequestTooLargeException: request must be smaller than %d bytes", MaxRequest)
	ErrClosed          = errors.New("the function's runner is closed")
)

// A FunctionError is an error that the function returned, or Lambda's error for
// a function that exited or timed out.
type FunctionError struct {
	Type    string // for example "errorString", "Runtime.ExitError" or "Sandbox.Timedout"
	Message string
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// A Function is a Lambda function and its configuration. A zero field has
// Lambda's default.
type Function struct {
	Name   string // default: the binary's file name
	Binary string // see [Build]

	// Env is the function's own environment. The process also gets the variables
	// that Lambda sets, and PATH, but no other variable of this process.
	Env map[string]string

	// Credentials are those of the function's role. The zero value is
	// credentials that no service accepts.
	Credentials iam.Credentials
	// LogGroup is the function's log group; default: /aws/lambda/NAME.
	LogGroup string
	// Authorize, unless nil, decides what Lambda may do with the function's
	// role: write logs and traces. Denied writes are dropped, as on Lambda.
	Authorize func(action, resource string) error
	Tracing   bool // active tracing with X-Ray

	Timeout     time.Duration // of one invocation; default: 3 s
	MemoryMB    int           // passed to the function, not enforced; default: 128
	Concurrency int           // execution environments at a time; default: 10

	// Freeze stops an execution environment between invocations, as Lambda
	// does: background work continues with the next invocation.
	// It is ignored on systems without Unix signals.
	Freeze bool

	// Log gets the function's standard output and error, a whole line in each
	// write and no concurrent writes. Nil: discarded.
	Log io.Writer

	// Report, unless nil, is called after each invocation with a response,
	// before Invoke returns. It is called concurrently.
	Report func(Report)
}

// A Report has the values of an invocation's REPORT line in Lambda's log.
type Report struct {
	// Started is the start time of the process.
	Started time.Time
	// Init is the time from the start of the process until it asked for its
	// first invocation; zero for a warm start.
	Init time.Duration
	// Duration is the time from the dispatch of the event to the response.
	Duration time.Duration
	// MaxMemory is the peak memory of the process, in bytes; zero if the system
	// does not report it.
	MaxMemory int64
}

const (
	defaultTimeout     = 3 * time.Second
	defaultMemoryMB    = 128
	defaultConcurrency = 10

	// initTime is Lambda's limit for the start of an environment. Lambda starts
	// a slower one again within the invocation's timeout; here the two limits
	// are added.
	initTime = 10 * time.Second
)

// A Runner runs one function. Its methods are safe for concurrent use.
type Runner struct {
	function Function
	log      *lineWriter // nil: none

	mu         sync.Mutex
	all        map[*environment]struct{}
	idle       []*environment // the most recently used is last
	generation int            // environments of an earlier generation are not used again
	coldStarts int
	closed     bool
}

// Start returns a runner of f. It starts execution environments on demand.
func Start(f Function) *Runner {
	f.Name = cmp.Or(f.Name, strings.TrimSuffix(filepath.Base(f.Binary), ".exe"))
	f.Timeout = cmp.Or(f.Timeout, defaultTimeout)
	f.MemoryMB = cmp.Or(f.MemoryMB, defaultMemoryMB)
	f.Concurrency = cmp.Or(f.Concurrency, defaultConcurrency)
	f.LogGroup = cmp.Or(f.LogGroup, "/aws/lambda/"+f.Name)
	f.Credentials = cmp.Or(f.Credentials, iam.Credentials{AccessKeyID: "LOCALACCESSKEYID", SecretAccessKey: "local-secret-access-key", SessionToken: "local-session-token"})
	r := &Runner{function: f, all: make(map[*environment]struct{})}
	if f.Log != nil {
		r.log = &lineWriter{w: f.Log}
	}
	return r
}

// Invoke calls the function and returns its response. It returns once the
// environment is free for the next invocation, so that of calls one after
// another only the first is a cold start.
//
// The error is a [*FunctionError] if the function failed, [ErrThrottled] if
// as many invocations as Concurrency allows are running, [ErrRequestTooLarge],
// or [ErrClosed]. If ctx ends, Invoke stops waiting; the function keeps running,
// as on Lambda.
func (r *Runner) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > MaxRequest {
		return nil, ErrRequestTooLarge
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		inv := newInvocation(payload)
		if err := r.dispatch(inv); err != nil {
			return nil, err
		}
		select {
		case <-inv.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !inv.again {
			return inv.response, inv.err
		}
	}
}

// dispatch assigns an invocation to a warm environment or to a new one.
func (r *Runner) dispatch(inv *invocation) error {
	for {
		e, warm, err := r.acquire()
		if err != nil {
			return err
		}
		if !warm {
			return e.start(inv)
		}
		if e.assign(inv) {
			return nil
		}
	}
}

func (r *Runner) acquire() (e *environment, warm bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, false, ErrClosed
	}
	if last := len(r.idle) - 1; last >= 0 {
		e, r.idle = r.idle[last], r.idle[:last]
		return e, true, nil
	}
	if len(r.all) >= r.function.Concurrency {
		return nil, false, ErrThrottled
	}
	e = newEnvironment(r, r.generation)
	r.all[e] = struct{}{}
	r.coldStarts++
	return e, false, nil
}

// release makes an environment available and reports whether it is idle now.
func (r *Runner) release(e *environment) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || e.generation != r.generation {
		return false
	}
	r.idle = append(r.idle, e)
	return true
}

func (r *Runner) forget(e *environment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, e)
	r.idle = slices.DeleteFunc(r.idle, func(other *environment) bool { return other == e })
}

func (r *Runner) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// Processes returns the ids of the running processes, in no order.
func (r *Runner) Processes() []int {
	r.mu.Lock()
	all := slices.Collect(maps.Keys(r.all))
	r.mu.Unlock()
	var ids []int
	for _, e := range all {
		if id := e.process(); id != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// ColdStarts returns the number of execution environments started so far.
func (r *Runner) ColdStarts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.coldStarts
}

// Recycle ends the warm environments, and those in use once their invocation
// is over, so that the next invocation is a cold start.
func (r *Runner) Recycle() {
	r.mu.Lock()
	r.generation++
	idle := r.idle
	r.idle = nil
	r.mu.Unlock()
	end(idle)
}

// Close ends all environments, also busy ones, and waits until they have ended.
// Running invocations return [ErrClosed].
func (r *Runner) Close() {
	r.mu.Lock()
	r.closed = true
	all := slices.Collect(maps.Keys(r.all))
	r.mu.Unlock()
	end(all)
}

func end(environments []*environment) {
	for _, e := range environments {
		e.kill()
	}
	for _, e := range environments {
		<-e.gone
	}
}
