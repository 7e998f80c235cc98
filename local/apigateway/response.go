package apigateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// response is the response to the client that a function's payload describes.
type response struct {
	status int
	header http.Header
	body   []byte
}

// readResponse interprets a function's payload (API Gateway developer guide,
// "Create AWS Lambda proxy integrations for HTTP APIs", response of format
// 2.0). JSON without a statusCode is itself the body; a JSON string is the body
// without its quotes. Undocumented: other payloads, and wrong types in a
// response with a statusCode. Stricter reading: they are errors.
func readResponse(payload []byte) (*response, error) {
	payload = bytes.TrimSpace(payload)
	if !json.Valid(payload) {
		return nil, errors.New("the payload is not JSON")
	}
	var fields map[string]json.RawMessage
	if payload[0] == '{' {
		if err := json.Unmarshal(payload, &fields); err != nil {
			return nil, fmt.Errorf("the payload: %w", err)
		}
	}
	if _, ok := fields["statusCode"]; ok {
		return readProxyResponse(fields)
	}
	res := &response{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: payload}
	if payload[0] == '"' {
		var text string
		if err := json.Unmarshal(payload, &text); err != nil {
			return nil, fmt.Errorf("the payload: %w", err)
		}
		res.body = []byte(text)
	}
	return res, nil
}

func readProxyResponse(fields map[string]json.RawMessage) (*response, error) {
	res := &response{header: http.Header{}}
	var headers map[string]any
	var cookies []string
	var body *string
	var encoded bool
	for _, f := range []struct {
		name string
		into any
	}{
		{"statusCode", &res.status},
		{"headers", &headers},
		{"cookies", &cookies},
		{"body", &body},
		{"isBase64Encoded", &encoded},
	} {
		raw, ok := fields[f.name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, f.into); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if res.status < 200 || res.status > 599 {
		return nil, fmt.Errorf("statusCode: invalid value %d: must be the status of a response", res.status)
	}
	for name, value := range headers {
		var text string
		switch v := value.(type) {
		case string:
			text = v
		case bool:
			text = strconv.FormatBool(v)
		case float64:
			text = strconv.FormatFloat(v, 'f', -1, 64)
		default:
			return nil, fmt.Errorf("headers: invalid value of %q: must be a string", name)
		}
		if !isHeaderName(name) || !isHeaderValue(text) {
			return nil, fmt.Errorf("headers: invalid header %q", name)
		}
		res.header.Add(name, text)
	}
	for _, c := range cookies {
		if !isHeaderValue(c) {
			return nil, errors.New("cookies: invalid header value")
		}
		res.header.Add("Set-Cookie", c)
	}
	for _, name := range connectionHeaders {
		res.header.Del(name)
	}
	// Undocumented: the Content-Type if the function sets none.
	if res.header.Get("Content-Type") == "" {
		res.header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	if body != nil {
		res.body = []byte(*body)
	}
	if encoded {
		raw, err := base64.StdEncoding.DecodeString(string(res.body))
		if err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		res.body = raw
	}
	return res, nil
}

// isHeaderName and isHeaderValue prevent a function from adding lines to the
// response (RFC 9110, sections 5.1 and 5.5).
func isHeaderName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	}) < 0
}

func isHeaderValue(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) < 0
}

// connectionHeaders are set by the server only.
var connectionHeaders = []string{"Connection", "Content-Length", "Date", "Keep-Alive", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", requestIDHeader}

// write sends the response.
func (res *response) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, values := range res.header {
		h[name] = append(h[name], values...)
	}
	if res.status == http.StatusNoContent || res.status == http.StatusNotModified {
		h.Del("Content-Type")
		w.WriteHeader(res.status)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(res.body)))
	w.WriteHeader(res.status)
	if r.Method != http.MethodHead {
		w.Write(res.body)
	}
}

// refuse sends an error response of API Gateway itself.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	body, _ := json.Marshal(map[string]string{"message": message})
	(&response{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: body}).write(w, r)
}
