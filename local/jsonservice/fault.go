package jsonservice

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// A Fault is an injected fault of one call. The zero Fault is no fault.
type Fault struct {
	// Delay is the time before the call runs. If the client disconnects during
	// it, the call does not run.
	Delay time.Duration

	// Code, unless empty, is returned as the error and the call does not run:
	// "ThrottlingException", "AccessDeniedException", "InternalServerError".
	// Status is its HTTP status (0: 400) and Message its text (empty: the
	// code).
	Code    string
	Status  int
	Message string

	// Cut closes the connection and does not run the call. Lose runs it and
	// closes the connection without a response. Truncate runs it and sends
	// half of the response.
	Cut, Lose, Truncate bool

	// Alter, unless nil, changes secret values in responses of services that
	// have such. Stored values do not change.
	Alter func(name, value string) string
}

// Faults injects faults into calls. The zero value injects none.
type Faults struct {
	decide atomic.Pointer[func(operation string) Fault]
}

// SetFault sets the function that decides the fault of each call; nil: no
// faults. operation is for example "GetParameters". f is called concurrently.
func (s *Faults) SetFault(f func(operation string) Fault) {
	if f == nil {
		s.decide.Store(nil)
		return
	}
	s.decide.Store(&f)
}

func (s *Faults) faultFor(operation string) Fault {
	if f := s.decide.Load(); f != nil {
		return (*f)(operation)
	}
	return Fault{}
}

// Around wraps h, a handler of another protocol, with these faults. Every call
// counts as the given operation.
func (s *Faults) Around(operation string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Read before any delay: the server notices a disconnect only after that.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client disconnected
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		fault := s.faultFor(operation)
		if !fault.before(w, r) {
			return
		}
		if !fault.Lose && !fault.Truncate {
			h.ServeHTTP(w, r)
			return
		}
		var kept answerBody
		h.ServeHTTP(&kept, r)
		if fault.Lose {
			cut()
		}
		truncate(w, kept.Bytes())
	})
}

// answerBody holds the body of a response.
type answerBody struct{ bytes.Buffer }

func (*answerBody) Header() http.Header { return http.Header{} }
func (*answerBody) WriteHeader(int)     {}

// before applies the part of a fault before the call, and reports whether the
// call must still run.
func (f Fault) before(w http.ResponseWriter, r *http.Request) bool {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return false
		}
	}
	if f.Cut {
		cut()
	}
	if f.Code != "" {
		answerError(w, cmp.Or(f.Status, http.StatusBadRequest), &Error{f.Code, cmp.Or(f.Message, f.Code)})
		return false
	}
	return true
}

// cut closes the connection without a response.
func cut() { panic(http.ErrAbortHandler) }

// truncate sends half of a response.
func truncate(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush() // closing the connection discards unsent bytes
	cut()
}
