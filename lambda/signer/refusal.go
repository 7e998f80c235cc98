package main

import (
	"encoding/json"
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
	seconds := max(1, int(math.Ceil(d.Seconds())))
	return r.with("retry-after", strconv.Itoa(seconds))
}

// The codes are part of the API and do not change.
var (
	invalidJSON             = refusal{status: http.StatusBadRequest, code: "invalid_json"}
	unknownField            = refusal{status: http.StatusBadRequest, code: "unknown_field"}
	invalidPath             = refusal{status: http.StatusBadRequest, code: "invalid_path"}
	invalidPlaylistPath     = refusal{status: http.StatusBadRequest, code: "invalid_playlist_path"}
	bodyTooLarge            = refusal{status: http.StatusBadRequest, code: "body_too_large"}
	unauthenticated         = refusal{status: http.StatusUnauthorized, code: "unauthenticated", header: [2]string{"www-authenticate", "Bearer"}}
	notThroughDistribution  = refusal{status: http.StatusForbidden, code: "not_through_distribution"}
	notEntitled             = refusal{status: http.StatusForbidden, code: "not_entitled"}
	addressNotIPv4          = refusal{status: http.StatusForbidden, code: "viewer_address_not_ipv4"}
	notFound                = refusal{status: http.StatusNotFound, code: "not_found"}
	methodNotAllowed        = refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed"}
	tooManyRequests         = refusal{status: http.StatusTooManyRequests, code: "too_many_requests"}
	internal                = refusal{status: http.StatusInternalServerError, code: "internal"}
	keysUnavailable         = refusal{status: http.StatusServiceUnavailable, code: "keys_unavailable"}
	entitlementsUnavailable = refusal{status: http.StatusServiceUnavailable, code: "entitlements_unavailable"}
)

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
