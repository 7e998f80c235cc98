// Package apigateway serves an API Gateway HTTP API on this machine: its
// routes, JWT authorizers, throttling, CORS and Lambda proxy integrations
// (payload format 2.0), configured from the resources of a template.
//
// It follows the API Gateway developer guide. Where the guide does not define a
// behavior, this package implements the stricter reading; a comment says so.
package apigateway

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Quotas of HTTP APIs and of Lambda (API Gateway developer guide, "Quotas for
// configuring and running an HTTP API"; Lambda developer guide, "Lambda quotas").
const (
	maxTimeout     = 30 * time.Second
	minTimeout     = 50 * time.Millisecond
	maxHeaderBytes = 10240    // request line and header values together
	maxBodyBytes   = 10 << 20 // payload of a request
	maxInvokeBytes = 6 << 20  // payload of an invocation, and of its response

	accountRate  = 10000 // requests a second, if the template sets no limit
	accountBurst = 5000
)

// defaultPath is the route key of the route for requests that match no other.
const defaultPath = "$default"

// anyMethod is the method of a route for every method without its own route.
const anyMethod = "ANY"

// Config is an HTTP API with its $default stage.
type Config struct {
	APIID          string
	Routes         []Route
	CORS           *CORS     // nil: no CORS, the functions' own headers pass
	Throttle       *Throttle // nil: the account's quota
	StageVariables map[string]string
}

// Route is a method and path with the function behind it.
type Route struct {
	Method string // "GET", …, or "ANY"
	Path   string // "/api/cookies", "/a/{id}", "/a/{proxy+}" or "$default"

	FunctionARN string
	Timeout     time.Duration  // of the integration: 50 ms to 30 s, zero is 30 s
	Authorizer  *JWTAuthorizer // nil: open to everyone
	Scopes      []string       // the token needs one of them; empty: none
	Throttle    *Throttle      // nil: shares the stage's
}

// Key is the route key, as in "POST /api/cookies".
func (r Route) Key() string {
	if r.Path == defaultPath {
		return defaultPath
	}
	return r.Method + " " + r.Path
}

// JWTAuthorizer says which tokens a route accepts.
type JWTAuthorizer struct {
	Header   string // header that carries the token
	Issuer   string // must equal the token's iss
	Audience []string

	// DiscoveryURL is the URL of the issuer's discovery document; empty:
	// "<Issuer>/.well-known/openid-configuration". Set it to replace the
	// template's issuer by a local one.
	DiscoveryURL string
}

func (a *JWTAuthorizer) discoveryURL() string {
	if a.DiscoveryURL != "" {
		return a.DiscoveryURL
	}
	return strings.TrimSuffix(a.Issuer, "/") + "/.well-known/openid-configuration"
}

// CORS is the API's CorsConfiguration.
type CORS struct {
	AllowOrigins     []string // exact, "*", "https://*" or "http://*"
	AllowMethods     []string
	AllowHeaders     []string
	ExposeHeaders    []string
	MaxAge           *int // seconds; nil: none sent
	AllowCredentials bool
}

// Throttle is a token bucket: Rate tokens a second, at most Burst tokens.
type Throttle struct {
	Rate  float64
	Burst int
}

// validate returns an error for the first setting that API Gateway rejects.
func (c Config) validate() error {
	if len(c.Routes) == 0 {
		return errors.New("the API has no route")
	}
	seen := map[string]bool{}
	for _, r := range c.Routes {
		if err := r.validate(); err != nil {
			return fmt.Errorf("route %q: %w", r.Key(), err)
		}
		if seen[r.Key()] {
			return fmt.Errorf("route %q: defined twice", r.Key())
		}
		seen[r.Key()] = true
	}
	if err := c.Throttle.validate(); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if c.CORS != nil && c.CORS.AllowCredentials && slices.Contains(c.CORS.AllowOrigins, "*") {
		return errors.New("CORS: credentials are not allowed together with the origin *")
	}
	return nil
}

func (r Route) validate() error {
	if r.Path != defaultPath {
		if !slices.Contains(routeMethods, r.Method) {
			return fmt.Errorf("invalid method %q: must be one of %s", r.Method, strings.Join(routeMethods, ", "))
		}
		if err := validatePath(r.Path); err != nil {
			return err
		}
	}
	if r.FunctionARN == "" {
		return errors.New("has no function")
	}
	if r.Timeout != 0 && (r.Timeout < minTimeout || r.Timeout > maxTimeout) {
		return fmt.Errorf("timeout %s is not between %s and %s", r.Timeout, minTimeout, maxTimeout)
	}
	if err := r.Throttle.validate(); err != nil {
		return err
	}
	if r.Authorizer == nil {
		if len(r.Scopes) > 0 {
			return errors.New("scopes need an authorizer")
		}
		return nil
	}
	if r.Authorizer.Header == "" {
		return errors.New("authorizer: no identity source")
	}
	if len(r.Authorizer.Audience) == 0 {
		return errors.New("authorizer: no audience")
	}
	if r.Authorizer.Issuer == "" {
		return errors.New("authorizer: no issuer")
	}
	if err := validateKeyURL(r.Authorizer.discoveryURL()); err != nil {
		return fmt.Errorf("authorizer: issuer: %w", err)
	}
	return nil
}

func (t *Throttle) validate() error {
	if t != nil && (t.Rate < 0 || t.Burst < 0) {
		return fmt.Errorf("invalid throttle rate %g, burst %d: must not be negative", t.Rate, t.Burst)
	}
	return nil
}

// validateKeyURL accepts only URLs whose response cannot be changed in transit:
// HTTPS, or this machine.
func validateKeyURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil {
		return fmt.Errorf("%q is not an absolute URL", raw)
	}
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%q is not an https URL", raw)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
