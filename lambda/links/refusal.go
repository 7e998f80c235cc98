package main

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// A refusal is an error response. The viewer gets status and code; the cause is
// for the log only.
type refusal struct {
	status int
	code   string
	cause  error
	header [2]string // an additional header: name and value
}

func (r *refusal) Error() string {
	if r.cause == nil {
		return r.code
	}
	return r.code + ": " + r.cause.Error()
}

func (r *refusal) Unwrap() error { return r.cause }

// because returns the refusal with a cause.
func (r refusal) because(cause error) *refusal {
	r.cause = cause
	return &r
}

// with returns the refusal with a header.
func (r refusal) with(name, value string) *refusal {
	r.header = [2]string{name, value}
	return &r
}

// after returns the refusal with a Retry-After, rounded up to seconds.
func (r refusal) after(d time.Duration) *refusal {
	return r.with("retry-after", strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))))
}

// The codes are part of the API and do not change.
var (
	notThroughDistribution = refusal{status: http.StatusForbidden, code: "not_through_distribution"}
	invalidLink            = refusal{status: http.StatusForbidden, code: "invalid_link"}
	linkExpired            = refusal{status: http.StatusForbidden, code: "link_expired"}
	notFound               = refusal{status: http.StatusNotFound, code: "not_found"}
	methodNotAllowed       = refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed"}
	playlistTooLarge       = refusal{status: http.StatusRequestEntityTooLarge, code: "playlist_too_large"}
	invalidPlaylist        = refusal{status: http.StatusUnprocessableEntity, code: "invalid_playlist"}
	internal               = refusal{status: http.StatusInternalServerError, code: "internal"}
	bucketUnavailable      = refusal{status: http.StatusServiceUnavailable, code: "bucket_unavailable"}
	keysUnavailable        = refusal{status: http.StatusServiceUnavailable, code: "keys_unavailable"}
)

// asRefusal returns the refusal for an error: an internal error if it is not
// another.
func (h *handler) asRefusal(err error) *refusal {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused
	}
	return internal.because(err)
}

func (r *refusal) response(requestID string) events.APIGatewayV2HTTPResponse {
	body, _ := json.Marshal(struct {
		Code      string `json:"code"`
		RequestID string `json:"requestId"`
	}{r.code, requestID}) // two strings: it cannot fail
	headers := map[string]string{"content-type": "application/json", "cache-control": "no-store"}
	if r.header[0] != "" {
		headers[r.header[0]] = r.header[1]
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: r.status, Headers: headers, Body: string(body)}
}
