package apigateway

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// event is the event of a function: payload format 2.0 (API Gateway developer
// guide, "Create AWS Lambda proxy integrations for HTTP APIs"). Fields without
// a value are omitted, as on AWS.
type event struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	Query           map[string]string `json:"queryStringParameters,omitempty"`
	Context         requestContext    `json:"requestContext"`
	PathParameters  map[string]string `json:"pathParameters,omitempty"`
	Body            string            `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	StageVariables  map[string]string `json:"stageVariables,omitempty"`
}

type requestContext struct {
	AccountID    string             `json:"accountId"`
	APIID        string             `json:"apiId"`
	Authorizer   *authorizerContext `json:"authorizer,omitempty"`
	DomainName   string             `json:"domainName"`
	DomainPrefix string             `json:"domainPrefix"`
	HTTP         httpContext        `json:"http"`
	RequestID    string             `json:"requestId"`
	RouteKey     string             `json:"routeKey"`
	Stage        string             `json:"stage"`
	Time         string             `json:"time"`
	TimeEpoch    int64              `json:"timeEpoch"`
}

type authorizerContext struct {
	JWT jwtContext `json:"jwt"`
}

type jwtContext struct {
	Claims map[string]string `json:"claims"`
	Scopes []string          `json:"scopes"` // null for a route without scopes
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// newEvent returns the event of an authorized request.
func (a *API) newEvent(r *http.Request, rt *route, parameters map[string]string, id *identity, requestID string, body []byte) event {
	now := a.now().UTC()
	host := hostname(r.Host)
	prefix, _, _ := strings.Cut(host, ".")
	// rawPath is decoded on AWS, despite its name.
	path := r.URL.Path
	e := event{
		Version:        "2.0",
		RouteKey:       rt.Key(),
		RawPath:        path,
		RawQueryString: r.URL.RawQuery,
		Cookies:        cookies(r.Header),
		Headers:        headers(r),
		Query:          query(r.URL.RawQuery),
		PathParameters: parameters,
		StageVariables: a.config.StageVariables,
		Context: requestContext{
			AccountID:    a.accountID,
			APIID:        a.config.APIID,
			DomainName:   host,
			DomainPrefix: prefix,
			HTTP: httpContext{
				Method:    r.Method,
				Path:      path,
				Protocol:  r.Proto,
				SourceIP:  sourceIP(r),
				UserAgent: r.UserAgent(),
			},
			RequestID: requestID,
			RouteKey:  rt.Key(),
			Stage:     "$default",
			Time:      now.Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch: now.UnixMilli(),
		},
	}
	if id != nil {
		e.Context.Authorizer = &authorizerContext{JWT: jwtContext{Claims: id.claims}}
		if len(rt.Scopes) > 0 {
			e.Context.Authorizer.JWT.Scopes = id.scopes
		}
	}
	if len(body) > 0 {
		if isText(r.Header.Get("Content-Type")) && utf8.Valid(body) {
			e.Body = string(body)
		} else {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
	}
	return e
}

// isText reports whether a body of this type is in the event unencoded. The
// guide does not list the types; these are the ones observed of API Gateway. A
// body without a type, or a form, is base64-encoded. Undocumented: text that is
// not UTF-8. It is base64-encoded, because JSON cannot contain it.
func isText(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasPrefix(t, "text/") ||
		slices.Contains([]string{"application/json", "application/xml", "application/javascript"}, t))
}

// headers returns the header names in lower case, and repeated values joined by
// commas. Cookies are in a separate field.
func headers(r *http.Request) map[string]string {
	h := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		if name != "Cookie" {
			h[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	// API Gateway appends the address it sees to the client's header.
	ip := sourceIP(r)
	if said := h["x-forwarded-for"]; said != "" {
		ip = said + ", " + ip
	}
	h["x-forwarded-for"] = ip
	h["x-forwarded-port"] = "443"
	h["x-forwarded-proto"] = "https"
	return h
}

func cookies(h http.Header) []string {
	var all []string
	for _, line := range h.Values("Cookie") {
		for c := range strings.SplitSeq(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				all = append(all, c)
			}
		}
	}
	return all
}

// query returns the decoded parameters, repeated ones joined by commas. A
// parameter that cannot be decoded stays as it was sent.
func query(raw string) map[string]string {
	var parameters map[string]string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		if parameters == nil {
			parameters = map[string]string{}
		}
		if before, twice := parameters[name]; twice {
			value = before + "," + value
		}
		parameters[name] = value
	}
	return parameters
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

func sourceIP(r *http.Request) string { return hostname(r.RemoteAddr) }

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}
