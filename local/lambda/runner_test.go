package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"premiumhls/local/lambda"
)

// parentEnv makes the test binary a process that runs a function, which waits
// at the gate of gateEnv, for tests that kill it.
const (
	parentEnv = "LAMBDARUNTIME_TEST_PARENT"
	gateEnv   = "LAMBDARUNTIME_TEST_GATE"
)

var binary string // of testdata/function

func TestMain(m *testing.M) {
	if function := os.Getenv(parentEnv); function != "" {
		beParent(function)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambdaruntime-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "function")
	if err := lambda.Build(context.Background(), ".", "./testdata/function", binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func start(t *testing.T, f lambda.Function) *lambda.Runner {
	t.Helper()
	if f.Binary == "" {
		f.Binary = binary
	}
	if f.Timeout == 0 {
		f.Timeout = time.Minute
	}
	r := lambda.Start(f)
	t.Cleanup(r.Close)
	return r
}

type event struct {
	Do   string
	Text string
	Size int
}

type response struct {
	Text        string
	PID         int
	Invocations int
	RequestID   string
	ARN         string
	Left        time.Duration
	Env         []string
	Dir, Tmp    string
}

func invoke(ctx context.Context, r *lambda.Runner, e event) (response, error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return response{}, err
	}
	body, err := r.Invoke(ctx, payload)
	if err != nil {
		return response{}, err
	}
	var out response
	return out, json.Unmarshal(body, &out)
}

func mustInvoke(t *testing.T, r *lambda.Runner, e event) response {
	t.Helper()
	out, err := invoke(t.Context(), r, e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A gate is a server that functions call. It responds to none of them until a
// number of them are waiting.
type gate struct {
	URL     string
	arrived chan struct{}
	open    chan struct{}
}

func newGate(t *testing.T) *gate {
	g := &gate{arrived: make(chan struct{}, 100), open: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		g.arrived <- struct{}{}
		select {
		case <-g.open:
		case <-r.Context().Done():
		}
	}))
	g.URL = server.URL
	t.Cleanup(server.Close)
	return g
}

func (g *gate) await(n int) {
	for range n {
		<-g.arrived
	}
}

// alive reports whether a process that is or was a child of this one runs.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Signal(syscall.Signal(0)) == nil
}

// buffer holds a log.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestInvokeIsWarmAfterTheFirst(t *testing.T) {
	r := start(t, lambda.Function{Concurrency: 1})
	first := mustInvoke(t, r, event{Do: "echo", Text: "hello"})
	if first.Text != "hello" || first.Invocations != 1 {
		t.Errorf("first: %+v", first)
	}
	for n := 2; n < 20; n++ {
		again := mustInvoke(t, r, event{Do: "echo"})
		if again.PID != first.PID || again.Invocations != n {
			t.Fatalf("invocation %d: process %d after %d, its invocation %d", n, again.PID, first.PID, again.Invocations)
		}
	}
	if n := r.ColdStarts(); n != 1 {
		t.Errorf("%d cold starts of one process", n)
	}
}

func TestReport(t *testing.T) {
	const large = 4 << 20
	reports := make(chan lambda.Report, 100)
	r := start(t, lambda.Function{Concurrency: 1, Report: func(report lambda.Report) { reports <- report }})
	invocation := func(e event) lambda.Report {
		t.Helper()
		_, _ = invoke(t.Context(), r, e) // failures are reported too
		select {
		case report := <-reports:
			return report
		default:
			t.Fatalf("%s: no report", e.Do)
			panic("unreachable")
		}
	}
	began := time.Now()
	first := invocation(event{Do: "echo"})
	if passed := time.Since(began); first.Init <= 0 || first.Duration <= 0 || first.Init+first.Duration > passed || first.Started.Before(began) {
		t.Errorf("the first took %+v of %v", first, passed)
	}
	for _, e := range []event{{Do: "echo"}, {Do: "error", Text: "not today"}, {Do: "fill", Size: large}} {
		if report := invocation(e); report.Init != 0 || report.Duration <= 0 {
			t.Errorf("%s in a warm process: %+v", e.Do, report)
		}
	}
	if report := invocation(event{Do: "echo"}); runtime.GOOS == "linux" && report.MaxMemory < max(first.MaxMemory, large) {
		t.Errorf("%d bytes of memory after %d and an answer of %d", report.MaxMemory, first.MaxMemory, large)
	}
	r.Recycle()
	if report := invocation(event{Do: "echo"}); report.Init <= 0 {
		t.Errorf("the first of a new process: %+v", report)
	}
	if _, err := invoke(t.Context(), r, event{Do: "exit"}); err == nil || len(reports) != 0 {
		t.Errorf("%v and %d reports of an invocation without an answer", err, len(reports))
	}
}

func TestInvocationsAtOnceHaveTheirOwnEnvironments(t *testing.T) {
	r := start(t, lambda.Function{Concurrency: 4})
	g := newGate(t)
	var group sync.WaitGroup
	var mu sync.Mutex
	var pids []int
	for range 4 {
		group.Go(func() {
			out, err := invoke(t.Context(), r, event{Do: "call", Text: g.URL})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			pids = append(pids, out.PID)
		})
	}
	g.await(4)

	if _, err := invoke(t.Context(), r, event{Do: "echo"}); !errors.Is(err, lambda.ErrThrottled) {
		t.Errorf("a fifth: %v, want ErrThrottled", err)
	}
	close(g.open)
	group.Wait()
	slices.Sort(pids)
	if len(slices.Compact(pids)) != 4 {
		t.Errorf("processes %v, want 4 different ones", pids)
	}
	running := r.Processes()
	slices.Sort(running)
	if !slices.Equal(running, pids) {
		t.Errorf("processes %v run, want %v", running, pids)
	}
	if out := mustInvoke(t, r, event{Do: "echo"}); !slices.Contains(pids, out.PID) {
		t.Errorf("process %d is none of the warm ones %v", out.PID, pids)
	}
}

func TestFunctionErrors(t *testing.T) {
	for _, c := range []struct {
		title   string
		event   event
		timeout time.Duration
		env     map[string]string
		kind    string
		message string
		survive bool // the process does
	}{
		{title: "an error", event: event{Do: "error", Text: "not today"}, kind: "errorString", message: "not today", survive: true},
		{title: "a panic", event: event{Do: "panic", Text: "help"}, kind: "string", message: "help"},
		{title: "an exit", event: event{Do: "exit", Size: 7}, kind: "Runtime.ExitError", message: "Runtime exited with error: exit status 7"},
		{title: "an exit without error", event: event{Do: "exit", Size: 0}, kind: "Runtime.ExitError", message: "Runtime exited with error: exit status 0"},
		{title: "a response too large", event: event{Do: "fill", Size: lambda.MaxResponse}, kind: "Function.ResponseSizeTooLarge", message: "exceeded maximum allowed payload size (6291556 bytes)"},
		{title: "a timeout", event: event{Do: "call"}, timeout: 500 * time.Millisecond, kind: "Sandbox.Timedout", message: "Task timed out after 0.50 seconds"},
		{title: "an exit at the start", env: map[string]string{"AT_START": "exit"}, kind: "Runtime.ExitError", message: "Runtime exited with error: exit status 3"},
		{title: "an error at the start", env: map[string]string{"AT_START": "report"}, kind: "Config", message: "no settings"},
	} {
		t.Run(c.title, func(t *testing.T) {
			if c.event.Do == "call" {
				g := newGate(t)
				go g.await(1)
				c.event.Text = g.URL
			}
			r := start(t, lambda.Function{Concurrency: 1, Timeout: c.timeout, Env: c.env})
			var before response
			if c.env == nil {
				before = mustInvoke(t, r, event{Do: "echo"})
			}
			_, err := invoke(t.Context(), r, c.event)
			var failed *lambda.FunctionError
			if !errors.As(err, &failed) || failed.Type != c.kind || !strings.Contains(failed.Message, c.message) {
				t.Fatalf("error %v, want %s: %s", err, c.kind, c.message)
			}
			if c.env != nil {
				return
			}
			after := mustInvoke(t, r, event{Do: "echo"})
			if survived := after.PID == before.PID; survived != c.survive {
				t.Errorf("process was %d and is %d", before.PID, after.PID)
			}
			if n := r.ColdStarts(); (n == 1) != c.survive {
				t.Errorf("%d cold starts", n)
			}
		})
	}
}

func TestLargestRequest(t *testing.T) {
	r := start(t, lambda.Function{})
	if _, err := r.Invoke(t.Context(), bytes.Repeat([]byte{' '}, lambda.MaxRequest+1)); !errors.Is(err, lambda.ErrRequestTooLarge) {
		t.Errorf("one byte more: %v, want ErrRequestTooLarge", err)
	}
	payload := []byte(`{"Do":"echo"}`)
	payload = append(payload, bytes.Repeat([]byte{' '}, lambda.MaxRequest-len(payload))...)
	if _, err := r.Invoke(t.Context(), payload); err != nil {
		t.Error(err)
	}
}

// An idle environment that ends causes no error.
func TestIdleEnvironmentEnds(t *testing.T) {
	r := start(t, lambda.Function{Concurrency: 1})
	first := mustInvoke(t, r, event{Do: "describe"})
	process, err := os.FindProcess(first.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	for { // until it has ended
		if _, err := os.Stat(first.Tmp); errors.Is(err, os.ErrNotExist) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if again := mustInvoke(t, r, event{Do: "echo"}); again.PID == first.PID || again.Invocations != 1 {
		t.Errorf("process %d, its invocation %d", again.PID, again.Invocations)
	}
}

func TestWhatLambdaTells(t *testing.T) {
	t.Setenv("AWS_PROFILE", "the-developer")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "the-developer")
	t.Setenv("GITHUB_TOKEN", "the-developer")
	r := start(t, lambda.Function{
		Name:     "signer",
		Timeout:  42 * time.Second,
		MemoryMB: 256,
		Env:      map[string]string{"OWN": "1", "AWS_REGION": "eu-west-1", "AWS_LAMBDA_RUNTIME_API": "elsewhere"},
	})
	out := mustInvoke(t, r, event{Do: "describe"})
	if again := mustInvoke(t, r, event{Do: "describe"}); out.RequestID == again.RequestID || len(out.RequestID) != 36 {
		t.Errorf("request ids %q, %q", out.RequestID, again.RequestID)
	}
	if out.ARN != "arn:aws:lambda:eu-west-1:111122223333:function:signer" {
		t.Errorf("ARN %q", out.ARN)
	}
	if out.Left <= 0 || out.Left > 42*time.Second {
		t.Errorf("%s left of 42 s", out.Left)
	}
	for _, want := range []string{
		"OWN=1", "AWS_REGION=eu-west-1", "AWS_LAMBDA_FUNCTION_NAME=signer",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "TZ=:UTC", "LAMBDA_TASK_ROOT=" + out.Dir,
		"HOME=" + out.Tmp,
	} {
		if !slices.Contains(out.Env, want) {
			t.Errorf("environment has no %s: %q", want, out.Env)
		}
	}
	for _, variable := range out.Env {
		if strings.Contains(variable, "the-developer") {
			t.Errorf("environment has the developer's %s", variable)
		}
	}
	if _, err := os.Stat(out.Tmp); err != nil {
		t.Errorf("temporary directory: %v", err)
	}
	r.Close()
	if _, err := os.Stat(out.Tmp); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("temporary directory is left: %v", err)
	}
}

func TestRecycle(t *testing.T) {
	r := start(t, lambda.Function{Concurrency: 2})
	idle := mustInvoke(t, r, event{Do: "echo"})
	r.Recycle()
	fresh := mustInvoke(t, r, event{Do: "echo"})
	if fresh.PID == idle.PID || fresh.Invocations != 1 {
		t.Errorf("after Recycle: process %d, its invocation %d", fresh.PID, fresh.Invocations)
	}

	g := newGate(t)
	done := make(chan response, 1)
	go func() {
		out, err := invoke(t.Context(), r, event{Do: "call", Text: g.URL})
		if err != nil {
			t.Error(err)
		}
		done <- out
	}()
	g.await(1)
	r.Recycle()
	close(g.open)
	busy := <-done // Recycle lets it finish
	if after := mustInvoke(t, r, event{Do: "echo"}); after.PID == busy.PID {
		t.Error("an environment that was busy during Recycle is used again")
	}
}

func TestClose(t *testing.T) {
	r := start(t, lambda.Function{Concurrency: 2})
	g := newGate(t)
	failed := make(chan error, 1)
	go func() {
		_, err := invoke(t.Context(), r, event{Do: "call", Text: g.URL})
		failed <- err
	}()
	g.await(1)
	idle := mustInvoke(t, r, event{Do: "echo"})
	r.Close()
	if err := <-failed; !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("the invocation that ran: %v, want ErrClosed", err)
	}
	if alive(idle.PID) {
		t.Errorf("process %d lives", idle.PID)
	}
	if left := r.Processes(); len(left) != 0 {
		t.Errorf("processes %v run after Close", left)
	}
	if _, err := invoke(t.Context(), r, event{Do: "echo"}); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("the next invocation: %v, want ErrClosed", err)
	}
	r.Close()
}

func TestCloseWhileStarting(t *testing.T) {
	for range 50 {
		r := start(t, lambda.Function{Concurrency: 4})
		starting := make(chan struct{}, 4)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				starting <- struct{}{}
				if _, err := invoke(t.Context(), r, event{Do: "echo"}); err != nil && !errors.Is(err, lambda.ErrClosed) {
					t.Error(err)
				}
			})
		}
		for range 4 {
			<-starting
		}
		r.Close()
		group.Wait()
	}
}

func TestCallerLeaves(t *testing.T) {
	r := start(t, lambda.Function{Concurrency: 1})
	g := newGate(t)
	ctx, leave := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := invoke(ctx, r, event{Do: "call", Text: g.URL})
		failed <- err
	}()
	g.await(1)
	leave()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if _, err := invoke(t.Context(), r, event{Do: "echo"}); !errors.Is(err, lambda.ErrThrottled) {
		t.Errorf("the next: %v, want ErrThrottled: the function goes on", err)
	}
	close(g.open)
	for {
		out, err := invoke(t.Context(), r, event{Do: "echo"})
		if errors.Is(err, lambda.ErrThrottled) {
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil || out.Invocations != 2 {
			t.Errorf("its environment's next: %+v, %v", out, err)
		}
		return
	}
}

func TestLogIsOfWholeLines(t *testing.T) {
	var log buffer
	r := start(t, lambda.Function{Concurrency: 8, Log: &log})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if _, err := invoke(t.Context(), r, event{Do: "echo"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	r.Close()
	if want := strings.Repeat("did echo\n", 160); log.String() != want {
		t.Errorf("log:\n%s", log.String())
	}

	var last buffer
	r = start(t, lambda.Function{Env: map[string]string{"AT_START": "exit"}, Log: &last})
	if _, err := invoke(t.Context(), r, event{}); err == nil {
		t.Error("no error")
	}
	if last.String() != "last words\n" {
		t.Errorf("log %q", last.String())
	}
}

func TestChildThatHoldsTheOutput(t *testing.T) {
	var log buffer
	r := start(t, lambda.Function{Log: &log})
	mustInvoke(t, r, event{Do: "child"})
	r.Close() // returns
}

func TestNoBinary(t *testing.T) {
	r := start(t, lambda.Function{Name: "signer", Binary: filepath.Join(t.TempDir(), "none")})
	for range 2 {
		_, err := invoke(t.Context(), r, event{Do: "echo"})
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "starting the function signer") {
			t.Errorf("error %v", err)
		}
	}
}

func TestBuildError(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module broken\n", "main.go": "package main\n\nfunc main() { undefined() }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := lambda.Build(t.Context(), dir, ".", filepath.Join(dir, "out"))
	if err == nil || !strings.Contains(err.Error(), "main.go:3") {
		t.Errorf("error %v, want the compiler's", err)
	}
}

// beParent runs a function that waits at a gate.
func beParent(function string) {
	r := lambda.Start(lambda.Function{Binary: function, Timeout: time.Hour})
	out, err := invoke(context.Background(), r, event{Do: "echo"})
	if err == nil {
		fmt.Println(out.PID)
		_, err = invoke(context.Background(), r, event{Do: "call", Text: os.Getenv(gateEnv)})
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
