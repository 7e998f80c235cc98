package lambda

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const apiVersion = "/2018-06-01"

// runtimeAPI returns the Runtime API of the process.
func (e *environment) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiVersion+"/runtime/invocation/next", e.serveNext)
	mux.HandleFunc("POST "+apiVersion+"/runtime/invocation/{id}/response", e.serveResponse)
	mux.HandleFunc("POST "+apiVersion+"/runtime/invocation/{id}/error", e.serveError)
	mux.HandleFunc("POST "+apiVersion+"/runtime/init/error", e.serveInitError)
	return mux
}

// serveNext ends the previous invocation, if any, and waits for the next one.
func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	if !e.rest() {
		e.kill()
		<-r.Context().Done() // the process would read a response as an invocation
		return
	}
	var inv *invocation
	select {
	case inv = <-e.work:
	case <-r.Context().Done():
	}
	if r.Context().Err() != nil {
		return // the process has ended: settle handles the invocation
	}

	f := e.runner.function
	deadline := time.Now().Add(f.Timeout)
	e.mu.Lock()
	inv.handed, inv.handedAt = true, time.Now()
	e.limit.Stop()
	e.limit = time.AfterFunc(f.Timeout, func() { e.expire(inv, f.Timeout) })
	e.mu.Unlock()

	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN(f))
	h.Set("Lambda-Runtime-Trace-Id", newTraceID())
	_, _ = w.Write(inv.payload) // launch waits for a process that has ended
}

// rest makes the environment idle, and reports whether it can be used again.
func (e *environment) rest() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.ready {
		e.ready, e.init = true, time.Since(e.started)
	}
	inv := e.current
	if inv == nil || !inv.handed {
		return true // its first, which waits for it
	}
	e.limit.Stop()
	inv.fail("Runtime.NoResponse", "Runtime asked for the next invocation without an answer to this one")
	e.report(inv)
	if e.runner.function.Freeze {
		freeze(e.cmd.Process) // before assign can thaw it
	}
	if !e.runner.release(e) {
		return false // settle ends the invocation after the process
	}
	e.current = nil
	close(inv.over)
	return true
}

// report reports an invocation with a response. The caller holds the lock.
func (e *environment) report(inv *invocation) {
	report := e.runner.function.Report
	if report == nil || inv.took == 0 {
		return
	}
	report(Report{Started: e.started, Init: e.init, Duration: inv.took, MaxMemory: maxMemory(e.cmd.Process)})
	e.init = 0
}

func (e *environment) serveResponse(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxResponse))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		err = &FunctionError{"Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxResponse)}
		if e.answer(w, r, nil, err) {
			status(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge")
		}
		return
	}
	if err != nil {
		return // the process ended: settle reports that
	}
	if err := trailed(r.Trailer); err != nil {
		body = nil
		if e.answer(w, r, nil, err) {
			status(w, http.StatusAccepted, "OK")
		}
		return
	}
	if e.answer(w, r, body, nil) {
		status(w, http.StatusAccepted, "OK")
	}
}

// trailed returns the error that ended a response midway, if any.
func trailed(trailer http.Header) error {
	kind := trailer.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		return nil
	}
	text, err := base64.StdEncoding.DecodeString(trailer.Get("Lambda-Runtime-Function-Error-Body"))
	if err != nil {
		text = nil
	}
	told := parseError(text)
	told.Type = kind
	return told
}

func (e *environment) serveError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxResponse))
	if err != nil {
		return // the process ended: settle reports that
	}
	if e.answer(w, r, nil, parseError(body)) {
		status(w, http.StatusAccepted, "OK")
	}
}

func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxResponse))
	if err != nil {
		return // the process ended: settle reports that
	}
	e.mu.Lock()
	e.initError = parseError(body)
	e.mu.Unlock()
	status(w, http.StatusAccepted, "OK")
}

// answer accepts the response to the invocation that the request names. It
// rejects a response to any other than the current one.
func (e *environment) answer(w http.ResponseWriter, r *http.Request, response []byte, err error) bool {
	e.mu.Lock()
	inv := e.current
	expected := inv != nil && inv.handed && !inv.answered && inv.id == r.PathValue("id")
	if expected {
		inv.took = time.Since(inv.handedAt)
		inv.answer(response, err)
	}
	e.mu.Unlock()
	if !expected {
		status(w, http.StatusBadRequest, "InvalidRequestID")
	}
	return expected
}

func parseError(body []byte) *FunctionError {
	var told struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(body, &told); err != nil {
		return &FunctionError{"Runtime.UnknownReason", string(body)}
	}
	return &FunctionError{cmp.Or(told.ErrorType, "Runtime.UnknownReason"), told.ErrorMessage}
}

func status(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"status":%q}`+"\n", text)
}

// newRequestID returns a random UUID.
func newRequestID() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func newTraceID() string {
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), randomBytes(12), randomBytes(8))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
