package main

import (
	"context"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// A route is a method and path of the API.
type route struct {
	method, path string
	decision     string // in the log, if it succeeds
	serve        func(*handler, context.Context, *request) (events.APIGatewayV2HTTPResponse, error)
}

var routes = []route{
	{"POST", "/api/cookies", "issued", (*handler).issue},
	{"DELETE", "/api/cookies", "cleared", (*handler).clear},
	{"GET", "/api/entitlements", "listed", (*handler).list},
}

// linkRoutes exist if there are links.
var linkRoutes = []route{{"POST", "/api/links", "link_issued", (*handler).link}}

// findRoute returns the route for a method and path. A path that begins with the
// name of a stage is not found.
func (h *handler) findRoute(method, path string) (*route, error) {
	routes := routes
	if h.settings.links > 0 && path == linkRoutes[0].path {
		routes = linkRoutes
	}
	var allowed []string
	for i := range routes {
		if routes[i].path != path {
			continue
		}
		if routes[i].method == method {
			return &routes[i], nil
		}
		allowed = append(allowed, routes[i].method)
	}
	if allowed != nil {
		return nil, methodNotAllowed.with("allow", strings.Join(allowed, ", "))
	}
	return nil, &notFound
}
