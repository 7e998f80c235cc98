package lambda

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// An environment is an execution environment: one process of the function
// with a Runtime API of its own. It handles one invocation at a time.
type environment struct {
	runner     *Runner
	generation int
	work       chan *invocation // holds one at most
	gone       chan struct{}    // closed after cleanup

	// Lock order: this lock, then the runner's.
	mu        sync.Mutex
	cmd       *exec.Cmd
	running   bool           // the process
	killed    bool           // or must be killed as soon as it runs
	ready     bool           // it has requested its first invocation
	current   *invocation    // from its dispatch until the process requests the next one
	started   time.Time      // the process
	init      time.Duration  // from started until it requested its first invocation
	initError *FunctionError // as reported by the process
	limit     *time.Timer    // of the start, then of the current invocation
}

// An invocation is guarded by its environment's lock until it is over.
type invocation struct {
	id      string
	payload []byte

	handed   bool // to the process
	handedAt time.Time
	answered bool          // response or err is final
	took     time.Duration // from handedAt to the response
	response []byte
	err      error
	again    bool // its environment ended before the dispatch: dispatch it again

	over chan struct{} // closed when the environment is free again, or gone
}

func newInvocation(payload []byte) *invocation {
	return &invocation{id: newRequestID(), payload: payload, over: make(chan struct{})}
}

// answer sets the result of an invocation. Only the first call has an effect.
func (inv *invocation) answer(response []byte, err error) {
	if !inv.answered {
		inv.answered, inv.response, inv.err = true, response, err
	}
}

func (inv *invocation) fail(kind, format string, args ...any) {
	inv.answer(nil, &FunctionError{kind, "RequestId: " + inv.id + " Error: " + fmt.Sprintf(format, args...)})
}

func newEnvironment(r *Runner, generation int) *environment {
	return &environment{
		runner:     r,
		generation: generation,
		work:       make(chan *invocation, 1),
		gone:       make(chan struct{}),
	}
}

// start starts the process for a first invocation. An error means that this
// machine cannot start it, not that the function failed.
func (e *environment) start(first *invocation) error {
	ended, err := e.launch(first)
	if err != nil {
		e.runner.forget(e)
		close(e.gone)
		if errors.Is(err, ErrClosed) {
			return err
		}
		return fmt.Errorf("starting the function %s: %w", e.runner.function.Name, err)
	}
	go ended()
	return nil
}

// launch starts the Runtime API and the process. The returned function waits for
// the process and cleans up.
func (e *environment) launch(first *invocation) (ended func(), err error) {
	f := e.runner.function
	binary, err := filepath.Abs(f.Binary)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lambda-")
	if err != nil {
		listener.Close()
		return nil, err
	}
	server := &http.Server{Handler: e.runtimeAPI(), ReadHeaderTimeout: time.Minute}

	cmd := exec.Command(binary)
	cmd.Dir = filepath.Dir(binary)
	cmd.Env = variables(f, listener.Addr().String(), cmd.Dir, dir)
	cmd.WaitDelay = time.Second // for a grandchild that holds the output
	var log *lineBuffer
	if e.runner.log != nil && f.MayLog() {
		log = &lineBuffer{to: e.runner.log}
		cmd.Stdout, cmd.Stderr = log, log
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	e.started = time.Now()
	if e.killed {
		err = ErrClosed
	} else {
		err = startProcess(cmd)
	}
	if err != nil {
		listener.Close()
		os.RemoveAll(dir)
		return nil, err
	}
	e.cmd, e.running, e.current = cmd, true, first
	e.work <- first
	e.limit = time.AfterFunc(initTime+f.Timeout, func() { e.expire(first, initTime+f.Timeout) })
	go func() { _ = server.Serve(listener) }() // until it is closed

	return func() {
		exit := cmd.Wait()
		if log != nil {
			log.flush()
		}
		e.settle(exit)
		server.Close()
		os.RemoveAll(dir)
		close(e.gone)
	}, nil
}

// settle ends the invocation of a process that ended.
func (e *environment) settle(exit error) {
	closed := e.runner.isClosed()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running = false
	e.limit.Stop()
	// First, so that the invocation's caller finds a free slot.
	e.runner.forget(e)
	inv := e.current
	if inv == nil {
		return
	}
	e.current = nil
	cause := "exit status 0"
	if exit != nil {
		cause = exit.Error()
	}
	switch {
	case closed:
		inv.answer(nil, ErrClosed)
	case inv.handed:
		inv.fail("Runtime.ExitError", "Runtime exited with error: %s", cause)
	case e.ready:
		inv.again = true // the idle process ended: not this invocation's fault
	case e.initError != nil:
		inv.answer(nil, e.initError)
	default:
		inv.fail("Runtime.ExitError", "Runtime exited with error: %s", cause)
	}
	close(inv.over)
}

// assign dispatches an invocation to an idle environment, unless that has ended.
func (e *environment) assign(inv *invocation) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.running {
		return false
	}
	e.current = inv
	if e.runner.function.Freeze {
		thaw(e.cmd.Process)
	}
	e.work <- inv
	return true
}

// expire ends an environment whose invocation timed out.
func (e *environment) expire(inv *invocation, limit time.Duration) {
	e.mu.Lock()
	if e.current != inv {
		e.mu.Unlock()
		return
	}
	inv.fail("Sandbox.Timedout", "Task timed out after %.2f seconds", limit.Seconds())
	e.mu.Unlock()
	e.kill()
}

// process returns the id of the process, or 0 if none runs.
func (e *environment) process() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.running {
		return 0
	}
	return e.cmd.Process.Pid
}

// kill kills the process. settle does the rest after its end.
func (e *environment) kill() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.killed = true
	if e.running {
		_ = e.cmd.Process.Kill() // fails if it has ended
	}
}

// variables returns a process's environment (Lambda developer guide, "Defined
// runtime environment variables").
func variables(f Function, api, taskRoot, tmp string) []string {
	set := map[string]string{
		"PATH":   os.Getenv("PATH"),
		"HOME":   tmp, // hides the developer's AWS configuration from the SDK
		"TMPDIR": tmp,
		"TZ":     ":UTC",
		"LANG":   "en_US.UTF-8",

		"_HANDLER":         "bootstrap",
		"LAMBDA_TASK_ROOT": taskRoot,

		"AWS_REGION":                      region,
		"AWS_DEFAULT_REGION":              region,
		"AWS_ACCESS_KEY_ID":               f.Credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           f.Credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN":               f.Credentials.SessionToken,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       f.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      logStream,
	}
	if root := os.Getenv("SYSTEMROOT"); root != "" {
		set["SYSTEMROOT"] = root // sockets on Windows need it
	}
	for name, value := range f.Env {
		set[name] = value
	}
	set["AWS_LAMBDA_RUNTIME_API"] = api

	list := make([]string, 0, len(set))
	for name, value := range set {
		list = append(list, name+"="+value)
	}
	return list
}

const (
	region    = "us-east-1"
	logStream = "local"
)

// MayLog authorizes what Lambda does with the function's role when it starts an
// execution environment, and reports whether Lambda may write its log.
func (f Function) MayLog() bool {
	if f.Authorize == nil {
		return true
	}
	if f.Tracing {
		_ = f.Authorize("xray:PutTraceSegments", "*") // denied: no traces
		_ = f.Authorize("xray:PutTelemetryRecords", "*")
	}
	stream := "arn:aws:logs:" + region + ":111122223333:log-group:" + f.LogGroup + ":log-stream:" + logStream
	return errors.Join(f.Authorize("logs:CreateLogStream", stream), f.Authorize("logs:PutLogEvents", stream)) == nil
}

func functionARN(f Function) string {
	return "arn:aws:lambda:" + cmp.Or(f.Env["AWS_REGION"], region) + ":111122223333:function:" + f.Name
}
