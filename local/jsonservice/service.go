// Package jsonservice is the protocol that services of AWS share whose clients
// speak JSON: how a call is told, answered and refused, and how it goes wrong
// where a test wants it to.
package jsonservice

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"premiumhls/local/iam"
)

const (
	mediaTypes = "application/x-amz-json-" // and the protocol's version
	maxBody    = 64 << 10
)

// An Error is a refusal as a service words it.
type Error struct {
	Code    string // such as "ParameterNotFound"
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// A Service is an [http.Handler] that answers a client whose endpoint it is.
type Service struct {
	Name         string // for a person
	TargetPrefix string // of the header X-Amz-Target
	Version      string // of the protocol; empty: 1.1
	Internal     string // the code of an error that is no [*Error]
	// Call carries out an operation. It is called concurrently.
	Call func(operation string, body []byte, fault Fault) (any, error)
	// IAMPrefix is the service's name in IAM actions, such as "ssm".
	IAMPrefix string
	// Resources are the ARNs that an operation is about, for Authorize.
	Resources func(operation string, body []byte) []string
	// Authorize, unless nil, decides whether a signed request may perform an
	// action on resources.
	Authorize func(r *http.Request, action string, resources ...string) error

	Faults
}

// ServeHTTP answers one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), s.TargetPrefix)
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	mediaType := mediaTypes + cmp.Or(s.Version, "1.1")
	w.Header().Set("Content-Type", mediaType)
	// The media type also keeps web pages out: a browser asks before it sends
	// this one to another origin, and gets no leave.
	if r.Method != http.MethodPost || !ok || media != mediaType {
		answerError(w, http.StatusBadRequest, &Error{"UnknownOperationException", "not a call of " + s.Name})
		return
	}

	// Read before any delay: only then does the server see a client leave.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answerError(w, http.StatusBadRequest, unreadable(err))
		return
	}

	fault := s.faultFor(operation)
	if !fault.before(w, r) {
		return
	}
	result, err := s.authorized(r, operation, body, fault)
	if fault.Lose {
		cut()
	}
	var refusal *Error
	switch {
	case errors.As(err, &refusal):
		answerError(w, http.StatusBadRequest, refusal)
	case err != nil:
		answerError(w, http.StatusInternalServerError, &Error{s.Internal, err.Error()})
	case fault.Truncate:
		truncate(w, encode(result))
	default:
		answer(w, http.StatusOK, result)
	}
}

// authorized carries out an operation if the caller is allowed to.
func (s *Service) authorized(r *http.Request, operation string, body []byte, fault Fault) (any, error) {
	if s.Authorize != nil {
		if err := s.Authorize(r, s.IAMPrefix+":"+operation, s.Resources(operation, body)...); err != nil {
			return nil, Denied(err)
		}
	}
	return s.Call(operation, body, fault)
}

// Denied is the error of a caller whom IAM does not know or does not allow.
func Denied(err error) *Error {
	if errors.As(err, new(iam.ErrUnknownCaller)) {
		return &Error{"UnrecognizedClientException", err.Error()}
	}
	return &Error{"AccessDeniedException", err.Error()}
}

// Unknown refuses an operation that a service does not have.
func Unknown(operation string) error {
	return &Error{"UnknownOperationException", operation + " is not an operation of this service"}
}

// Decoded makes a call with its input.
func Decoded[In any](body []byte, call func(In) (any, error)) (any, error) {
	var in In
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, unreadable(err)
	}
	return call(in)
}

func unreadable(err error) *Error {
	return &Error{"SerializationException", "the request is not readable: " + err.Error()}
}

func encode(result any) []byte {
	body, err := json.Marshal(result)
	if err != nil {
		panic(err) // a type of this project that is not JSON
	}
	return body
}

func answer(w http.ResponseWriter, status int, result any) {
	body := encode(result)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left is not an error
}

func answerError(w http.ResponseWriter, status int, e *Error) {
	answer(w, status, map[string]string{"__type": e.Code, "message": e.Message})
}
