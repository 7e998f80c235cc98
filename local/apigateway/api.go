package apigateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Invoke runs a function synchronously and returns its response payload. An
// error means that the function failed. It must return soon after ctx ends.
type Invoke func(ctx context.Context, functionARN string, payload []byte) ([]byte, error)

// Options is what an API needs besides its configuration.
type Options struct {
	Invoke Invoke
	// Authorize, unless nil, decides whether the API may invoke a function
	// for a route, as "APIID/$default/POST/api/cookies".
	Authorize func(functionARN, route string) error
	AccountID string           // in the events; "000000000000" when empty
	Client    *http.Client     // fetches the issuers' keys; http.DefaultClient when nil
	Now       func() time.Time // time.Now when nil
	Log       *slog.Logger     // causes of rejected and failed requests; nil: none
}

// API is an http.Handler that behaves like the API's endpoint.
type API struct {
	config    Config
	routes    []*route
	invoke    Invoke
	mayInvoke func(functionARN, route string) error
	accountID string
	now       func() time.Time
	log       *slog.Logger
}

type route struct {
	Route
	authorizer *authorizer
	limiter    *rate.Limiter
}

const requestIDHeader = "Apigw-Requestid"

// New checks the configuration as a deployment does and returns the API.
func New(config Config, options Options) (*API, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configure HTTP API %q: %w", config.APIID, err)
	}
	if options.Invoke == nil {
		return nil, fmt.Errorf("configure HTTP API %q: Options.Invoke is nil", config.APIID)
	}
	a := &API{config: config, invoke: options.Invoke, mayInvoke: options.Authorize, accountID: options.AccountID, now: options.Now, log: options.Log}
	if a.accountID == "" {
		a.accountID = "000000000000"
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	client := http.Client{}
	if options.Client != nil {
		client = *options.Client
	}
	// Fetch keys from the issuer's own URL only: follow no redirect.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	authorizers := map[*JWTAuthorizer]*authorizer{}
	// Undocumented: whether routes without their own throttle share one token
	// bucket. Stricter reading: they do.
	shared := newLimiter(config.Throttle)
	for _, r := range config.Routes {
		rt := &route{Route: r, limiter: shared}
		if r.Throttle != nil {
			rt.limiter = newLimiter(r.Throttle)
		}
		if rt.Timeout == 0 {
			rt.Timeout = maxTimeout
		}
		if j := r.Authorizer; j != nil {
			if authorizers[j] == nil {
				authorizers[j] = &authorizer{JWTAuthorizer: j, now: a.now, keys: &keySet{
					issuer: j.Issuer, discoveryURL: j.discoveryURL(), client: &client, now: a.now,
				}}
			}
			rt.authorizer = authorizers[j]
		}
		a.routes = append(a.routes, rt)
	}
	return a, nil
}

// ServeHTTP handles one request. Every response has the header
// apigw-requestid.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := newRequestID()
	w.Header().Set(requestIDHeader, requestID)
	log := a.log.With("requestId", requestID)

	if headerSize(r) > maxHeaderBytes {
		refuse(w, r, http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
		return
	}
	rt, parameters := match(a.routes, r.Method, r.URL.EscapedPath())
	if rt == nil {
		// A route that matches OPTIONS handles a preflight itself, behind its own
		// authorizer (developer guide, "Configuring CORS for an HTTP API with a
		// $default route and an authorizer").
		if a.config.CORS != nil && isPreflight(r) {
			a.config.CORS.preflight(w, r)
			return
		}
		refuse(w, r, http.StatusNotFound, "Not Found")
		return
	}
	// "A token counts for a request". Stricter reading: requests that the
	// authorizer rejects count too.
	if !rt.limiter.AllowN(a.now(), 1) {
		refuse(w, r, http.StatusTooManyRequests, "Too Many Requests")
		return
	}
	id, ok := a.authorize(w, r, rt, log)
	if !ok {
		return
	}
	payload, ok := a.payload(w, r, rt, parameters, id, requestID, log)
	if !ok {
		return
	}
	res, err := a.call(r.Context(), rt, payload)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		log.Warn("function timed out", "route", rt.Key(), "function", rt.FunctionARN, "cause", err)
		refuse(w, r, http.StatusServiceUnavailable, "Service Unavailable")
		return
	case err != nil:
		log.Error("function failed", "route", rt.Key(), "function", rt.FunctionARN, "cause", err)
		refuse(w, r, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	// Stricter reading of the guide: only responses of an integration get CORS
	// headers.
	if a.config.CORS != nil {
		a.config.CORS.decorate(res.header, r)
	}
	res.write(w, r)
}

// authorize checks the request's token. If it rejects the request, it writes
// the response and returns false.
func (a *API) authorize(w http.ResponseWriter, r *http.Request, rt *route, log *slog.Logger) (*identity, bool) {
	if rt.authorizer == nil {
		return nil, true
	}
	id, reason, cause := rt.authorizer.authorize(r.Context(), r, rt.Scopes)
	if reason == nil {
		return &id, true
	}
	log.Info("request rejected", "route", rt.Key(), "reason", reason, "cause", cause)
	status, message, challenge := http.StatusUnauthorized, "Unauthorized", "invalid_token"
	switch reason {
	case errNoToken:
		w.Header().Set("Www-Authenticate", "Bearer")
		refuse(w, r, status, message)
		return nil, false
	case errMissingScopes:
		status, message, challenge = http.StatusForbidden, "Forbidden", "insufficient_scope"
	}
	w.Header().Set("Www-Authenticate", fmt.Sprintf("Bearer scope=%q error=%q error_description=%q",
		strings.Join(rt.Scopes, " "), challenge, reason))
	refuse(w, r, status, message)
	return nil, false
}

// payload reads the body and returns the event as JSON. If it fails, it writes
// the response and returns false.
func (a *API) payload(w http.ResponseWriter, r *http.Request, rt *route, parameters map[string]string, id *identity, requestID string, log *slog.Logger) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, r, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return nil, false
	case err != nil:
		log.Info("cannot read request body", "route", rt.Key(), "cause", err)
		refuse(w, r, http.StatusBadRequest, "Bad Request")
		return nil, false
	}
	payload, err := json.Marshal(a.newEvent(r, rt, parameters, id, requestID, body))
	if err != nil {
		log.Error("cannot encode event", "route", rt.Key(), "cause", err)
		refuse(w, r, http.StatusInternalServerError, "Internal Server Error")
		return nil, false
	}
	// Lambda rejects it. Undocumented: the status that the client gets.
	if len(payload) > maxInvokeBytes {
		refuse(w, r, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return nil, false
	}
	return payload, true
}

// call invokes the route's function within the integration's timeout. The
// function keeps running if the client disconnects, as on AWS.
func (a *API) call(ctx context.Context, rt *route, payload []byte) (*response, error) {
	if a.mayInvoke != nil {
		path := strings.TrimPrefix(rt.Path, "/")
		if rt.Path != defaultPath {
			path = rt.Method + "/" + path
		}
		if err := a.mayInvoke(rt.FunctionARN, a.config.APIID+"/$default/"+path); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rt.Timeout)
	defer cancel()
	answer, err := a.invoke(ctx, rt.FunctionARN, payload)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("invoke: %w", ctx.Err())
	}
	if err != nil {
		// %v: only the integration's own timeout may be reported as one.
		return nil, fmt.Errorf("invoke: %v", err)
	}
	if len(answer) > maxInvokeBytes {
		return nil, fmt.Errorf("invalid response size %d bytes: must be at most %d", len(answer), maxInvokeBytes)
	}
	res, err := readResponse(answer)
	if err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	return res, nil
}

// headerSize is the size of the request line and the header values.
func headerSize(r *http.Request) int {
	n := len(r.Method) + len(r.URL.RequestURI()) + len(r.Proto) + 2 + len(r.Host)
	for _, values := range r.Header {
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}

func newRequestID() string {
	raw := make([]byte, 11)
	rand.Read(raw) // never fails
	return base64.StdEncoding.EncodeToString(raw)
}
