package main

import (
	"encoding/json"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/metric"
)

// A refusal is an error response. The client gets status and code; the cause is
// for the log only.
type refusal struct {
	status int
	code   string
	metric string
	header [2]string
	cause  error
}

// because returns the refusal with a cause.
func (r refusal) because(cause error) *refusal {
	r.cause = cause
	return &r
}

// The codes are part of the API and do not change. Stripe sends an event again,
// for three days in live mode, whatever the code is.
var (
	invalidJSON            = refusal{status: http.StatusBadRequest, code: "invalid_json"}
	unknownField           = refusal{status: http.StatusBadRequest, code: "unknown_field"}
	invalidPath            = refusal{status: http.StatusBadRequest, code: "invalid_path"}
	bodyTooLarge           = refusal{status: http.StatusBadRequest, code: "body_too_large"}
	subjectTooLong         = refusal{status: http.StatusBadRequest, code: "viewer_not_supported"}
	invalidSignature       = refusal{status: http.StatusBadRequest, code: "invalid_signature", metric: metric.StripeRefused}
	invalidEvent           = refusal{status: http.StatusBadRequest, code: "invalid_event", metric: metric.StripeRefused}
	wrongMode              = refusal{status: http.StatusBadRequest, code: "wrong_mode", metric: metric.StripeRefused}
	unauthenticated        = refusal{status: http.StatusUnauthorized, code: "unauthenticated", header: [2]string{"www-authenticate", "Bearer"}}
	notThroughDistribution = refusal{status: http.StatusForbidden, code: "not_through_distribution"}
	notFound               = refusal{status: http.StatusNotFound, code: "not_found"}
	methodNotAllowed       = refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed", header: [2]string{"allow", http.MethodPost}}
	internal               = refusal{status: http.StatusInternalServerError, code: "internal", metric: metric.StripeFailed}
	secretsUnavailable     = refusal{status: http.StatusServiceUnavailable, code: "secrets_unavailable", metric: metric.StripeFailed, header: [2]string{"retry-after", "5"}}
	salesUnavailable       = refusal{status: http.StatusServiceUnavailable, code: "sales_unavailable", metric: metric.StripeFailed, header: [2]string{"retry-after", "5"}}
)

// refuse notes a refusal for the log and returns its response.
func (h *handler) refuse(l *line, r refusal, requestID string) events.APIGatewayV2HTTPResponse {
	l.decision, l.metric = r.code, r.metric
	if r.cause != nil {
		l.cause = r.cause
	}
	response := answer(r.status, struct {
		Code      string `json:"code"`
		RequestID string `json:"requestId"`
	}{r.code, requestID})
	if r.header[0] != "" {
		response.Headers[r.header[0]] = r.header[1]
	}
	return response
}

func answer(status int, body any) events.APIGatewayV2HTTPResponse {
	text, _ := json.Marshal(body) // of strings and numbers: it cannot fail
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status,
		Headers:    map[string]string{"content-type": "application/json", "cache-control": "no-store"},
		Body:       string(text),
	}
}
