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

// A Fault is what goes wrong with one call. The zero Fault is a call that
// goes well.
type Fault struct {
	// Delay passes before anything else happens. A client that leaves
	// meanwhile leaves the call undone.
	Delay time.Duration

	// Code, unless empty, is answered as the error in place of carrying out
	// the call: "ThrottlingException", "AccessDeniedException",
	// "InternalServerError". Status is the HTTP status with it (0: 400) and
	// Message its text (empty: the code).
	Code    string
	Status  int
	Message string

	// Cut ends the connection in place of carrying out the call; Lose
	// carries it out and then ends the connection without an answer;
	// Truncate carries it out and sends half of the answer.
	Cut, Lose, Truncate bool

	// Alter, unless nil, changes the secret values that a read answers, where
	// the service has such. What is stored stays as it is.
	Alter func(name, value string) string
}

// Faults say what goes wrong with calls. The zero value is nothing.
type Faults struct {
	decide atomic.Pointer[func(operation string) Fault]
}

// SetFault has f decide what goes wrong with each call from now on; nil ends
// that. The operation is one such as "GetParameters". Calls come concurrently.
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

// Around returns a handler that has these faults in front of h, for a service
// whose protocol is not this one. Every call is one of the given operation.
func (s *Faults) Around(operation string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Read before any delay: only then does the server see a client leave.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client left
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

// answerBody keeps the body of an answer.
type answerBody struct{ bytes.Buffer }

func (*answerBody) Header() http.Header { return http.Header{} }
func (*answerBody) WriteHeader(int)     {}

// before does what a fault does in place of a call, and tells whether the
// call is still to be carried out.
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

// cut ends the connection without an answer.
func cut() { panic(http.ErrAbortHandler) }

// truncate promises a whole answer and sends half of it.
func truncate(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush() // ending the connection drops what is not sent yet
	cut()
}
