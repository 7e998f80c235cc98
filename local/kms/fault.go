package kms

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
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
	// "KMSInternalException". Status is the HTTP status with it (0: 400) and
	// Message its text (empty: the code).
	Code    string
	Status  int
	Message string

	// Cut ends the connection in place of an answer; Truncate sends half of
	// the answer.
	Cut, Truncate bool
}

// SetFault has f decide what goes wrong with each call from now on; nil ends
// that. The operation is one such as "Sign". Calls come concurrently.
func (s *Service) SetFault(f func(operation string) Fault) {
	if f == nil {
		s.fault.Store(nil)
		return
	}
	s.fault.Store(&f)
}

func (s *Service) faultFor(operation string) Fault {
	if f := s.fault.Load(); f != nil {
		return (*f)(operation)
	}
	return Fault{}
}

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
func truncate(w http.ResponseWriter, result any) {
	body, err := json.Marshal(result)
	if err != nil {
		panic(err) // a type of this package that is not JSON
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush() // ending the connection drops what is not sent yet
	cut()
}
