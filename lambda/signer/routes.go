package main

import (
	"context"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// A route is a method and path of the API.
type route struct {
	method, path string
	decision     string // what the log calls it when it is followed to its end
	serve        func(*handler, context.Context, *request) (events.APIGatewayV2HTTPResponse, error)
}

var routes = []route{
	{"POST", "/api/cookies", "issued", (*handler).issue},
	{"DELETE", "/api/cookies", "cleared", (*handler).clear},
	{"GET", "/api/entitlements", "listed", (*handler).list},
}

// findRoute returns the route for a method and path. The path is compared as
// it came: one that begins with a stage's name is not found.
func findRoute(method, path string) (*route, error) {
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
