package awsjson

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// maxMessage is how much of a message from elsewhere an error has, in bytes.
const maxMessage = 500

// An Error is a service's refusal.
type Error struct {
	Status  int
	Code    string // such as ThrottlingException; empty where none was given
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("status %d %s: %s", e.Status, e.Code, e.Message)
}

// Temporary reports whether the same call may succeed a moment later.
func (e *Error) Temporary() bool {
	if e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests {
		return true
	}
	// The SDK's own lists. The package adds 12 KB to a function and nothing that
	// can be measured to its start.
	_, throttled := retry.DefaultThrottleErrorCodes[e.Code]
	_, retryable := retry.DefaultRetryableErrorCodes[e.Code]
	return throttled || retryable
}

// A FunctionError is what a function that was invoked failed with.
type FunctionError struct {
	Kind    string // Unhandled, or Handled by the runtime
	Type    string // the name of its error
	Message string
}

func (e *FunctionError) Error() string {
	return fmt.Sprintf("function error (%s) %s: %s", e.Kind, e.Type, e.Message)
}

func serviceError(response *http.Response, body []byte) *Error {
	// Some services call it Message, which encoding/json takes as well, and
	// some have the code in a header.
	var fault struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &fault) // the status alone then has to do
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
	_ = json.Unmarshal(body, &fault) // the kind alone then has to do
	return &FunctionError{Kind: cut(kind), Type: cut(fault.Type), Message: cut(fault.Message)}
}

func cut(text string) string {
	if len(text) > maxMessage {
		return text[:maxMessage] + "…"
	}
	return text
}
