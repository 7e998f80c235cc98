// Package jsonservice implements the AWS JSON protocol that the stand-ins for
// SSM, KMS and other services share: it decodes calls, authorizes them, encodes
// results and errors, and injects faults for tests.
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

// An Error is an error response of a service.
type Error struct {
	Code    string // for example "ParameterNotFound"
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// A Service is an [http.Handler] that is the endpoint of an AWS client.
type Service struct {
	Name         string // in error messages
	TargetPrefix string // of the header X-Amz-Target
	Version      string // of the protocol; empty: 1.1
	Internal     string // the code of errors other than [*Error]
	// Call runs an operation. It is called concurrently.
	Call func(operation string, body []byte, fault Fault) (any, error)
	// IAMPrefix is the service's prefix of IAM actions, for example "ssm".
	IAMPrefix string
	// Resources returns the ARNs of an operation's resources, for Authorize.
	Resources func(operation string, body []byte) []string
	// Authorize, unless nil, decides whether a signed request may perform an
	// action on resources.
	Authorize func(r *http.Request, action string, resources ...string) error

	Faults
}

// ServeHTTP handles one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), s.TargetPrefix)
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	mediaType := mediaTypes + cmp.Or(s.Version, "1.1")
	w.Header().Set("Content-Type", mediaType)
	// The media type also blocks web pages: a browser sends a preflight before
	// it sends this one to another origin, and the preflight fails.
	if r.Method != http.MethodPost || !ok || media != mediaType {
		answerError(w, http.StatusBadRequest, &Error{"UnknownOperationException", "not a call of " + s.Name})
		return
	}

	// Read before any delay: the server notices a disconnect only after that.
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

// authorized runs an operation if the caller may.
func (s *Service) authorized(r *http.Request, operation string, body []byte, fault Fault) (any, error) {
	if s.Authorize != nil {
		if err := s.Authorize(r, s.IAMPrefix+":"+operation, s.Resources(operation, body)...); err != nil {
			return nil, Denied(err)
		}
	}
	return s.Call(operation, body, fault)
}

// Denied returns the error response for an error of IAM: an unknown caller, or
// a denied call.
func Denied(err error) *Error {
	if errors.As(err, new(iam.ErrUnknownCaller)) {
		return &Error{"UnrecognizedClientException", err.Error()}
	}
	return &Error{"AccessDeniedException", err.Error()}
}

// Unknown returns the error for an unsupported operation.
func Unknown(operation string) error {
	return &Error{"UnknownOperationException", operation + ": unsupported operation"}
}

// Decoded decodes the input and makes the call.
func Decoded[In any](body []byte, call func(In) (any, error)) (any, error) {
	var in In
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, unreadable(err)
	}
	return call(in)
}

func unreadable(err error) *Error {
	return &Error{"SerializationException", "invalid request: " + err.Error()}
}

func encode(result any) []byte {
	body, err := json.Marshal(result)
	if err != nil {
		panic(err) // bug: a result type that is not JSON
	}
	return body
}

func answer(w http.ResponseWriter, status int, result any) {
	body := encode(result)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have disconnected
}

func answerError(w http.ResponseWriter, status int, e *Error) {
	answer(w, status, map[string]string{"__type": e.Code, "message": e.Message})
}
