package kms

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

const (
	mediaType    = "application/x-amz-json-1.1"
	targetPrefix = "TrentService." // KMS by its first name
	maxBody      = 64 << 10
)

// ServeHTTP answers one call of a KMS client.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	// The media type also keeps web pages out: a browser asks before it sends
	// this one to another origin, and gets no leave.
	if r.Method != http.MethodPost || !ok || media != mediaType {
		answerError(w, http.StatusBadRequest, &Error{"UnknownOperationException", "not a call of KMS"})
		return
	}
	s.count(operation)

	// Read before any delay: only then does the server see a client leave.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answerError(w, http.StatusBadRequest, &Error{"SerializationException", "the request is not readable: " + err.Error()})
		return
	}

	fault := s.faultFor(operation)
	if !fault.before(w, r) {
		return
	}
	result, err := s.call(operation, body)
	var refusal *Error
	switch {
	case errors.As(err, &refusal):
		answerError(w, http.StatusBadRequest, refusal)
	case err != nil:
		answerError(w, http.StatusInternalServerError, &Error{"KMSInternalException", err.Error()})
	case fault.Truncate:
		truncate(w, result)
	default:
		answer(w, http.StatusOK, result)
	}
}

func (s *Service) call(operation string, body []byte) (any, error) {
	switch operation {
	case "GetPublicKey":
		return decoded(body, s.getPublicKey)
	case "Sign":
		return decoded(body, s.sign)
	}
	return nil, &Error{"UnknownOperationException", operation + " is not an operation of this service"}
}

func decoded[In any](body []byte, call func(In) (any, error)) (any, error) {
	var in In
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &Error{"SerializationException", "the request is not readable: " + err.Error()}
	}
	return call(in)
}

func answer(w http.ResponseWriter, status int, result any) {
	body, err := json.Marshal(result)
	if err != nil {
		panic(err) // a type of this package that is not JSON
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left is not an error
}

func answerError(w http.ResponseWriter, status int, e *Error) {
	answer(w, status, map[string]string{"__type": e.Code, "message": e.Message})
}
