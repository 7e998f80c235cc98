package awsjson

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// maxMessage is the largest part of a service's message in an error, in bytes.
const maxMessage = 500

// An Error is an error response of a service.
type Error struct {
	Status  int
	Code    string // such as ThrottlingException; can be empty
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("status %d %s: %s", e.Status, e.Code, e.Message)
}

// Temporary reports whether a retry can succeed.
func (e *Error) Temporary() bool {
	if e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests {
		return true
	}
	// The SDK's own lists. The package adds 12 KB to a function and no measurable
	// time to its start.
	_, throttled := retry.DefaultThrottleErrorCodes[e.Code]
	_, retryable := retry.DefaultRetryableErrorCodes[e.Code]
	return throttled || retryable
}

// A FunctionError is the error of an invoked function.
type FunctionError struct {
	Kind    string // Unhandled, or Handled by the runtime
	Type    string // the name of its error
	Message string
}

func (e *FunctionError) Error() string {
	return fmt.Sprintf("function error (%s) %s: %s", e.Kind, e.Type, e.Message)
}

func serviceError(response *http.Response, body []byte) *Error {
	// Some services write Message, which encoding/json accepts too, and some have
	// the code in a header.
	var fault struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &fault) // if it fails, the status must do
	code := fault.Type
	if code == "" {
		code, _, _ = strings.Cut(response.Header.Get("X-Amzn-Errortype"), ":")
	}
	return &Error{
		Status:  response.StatusCode,
		Code:    cut(code[strings.LastIndexByte(code, '#')+1:]),
		Message: cut(fault.Message),
	}
}

func functionError(kind string, body []byte) *FunctionError {
	var fault struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	_ = json.Unmarshal(body, &fault) // if it fails, the kind must do
	return &FunctionError{Kind: cut(kind), Type: cut(fault.Type), Message: cut(fault.Message)}
}

func cut(text string) string {
	if len(text) > maxMessage {
		return text[:maxMessage] + "…"
	}
	return text
}
