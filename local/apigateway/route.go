package apigateway

import (
	"fmt"
	"net/url"
	"strings"
)

var routeMethods = []string{anyMethod, "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

// validatePath checks a route's path: segments that are literal or one
// variable each, a greedy variable only at the end.
func validatePath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("path %q: must begin with /", path)
	}
	segments := split(path)
	for i, s := range segments {
		name, greedy, variable := pathVariable(s)
		switch {
		case !variable && strings.ContainsAny(s, "{}"):
			return fmt.Errorf("path %q: %q is neither literal nor a variable", path, s)
		case variable && name == "":
			return fmt.Errorf("path %q has a variable without a name", path)
		case greedy && i != len(segments)-1:
			return fmt.Errorf("path %q has a greedy variable before its end", path)
		}
	}
	return nil
}

func split(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

func pathVariable(segment string) (name string, greedy, ok bool) {
	name, ok = strings.CutPrefix(segment, "{")
	if !ok {
		return "", false, false
	}
	if name, ok = strings.CutSuffix(name, "}"); !ok || strings.ContainsAny(name, "{}") {
		return "", false, false
	}
	name, greedy = strings.CutSuffix(name, "+")
	return name, greedy, true
}

// match chooses the route of a request: a full match first, then a greedy
// variable, then $default (API Gateway developer guide, "Create routes for
// HTTP APIs"). A route with another method does not match, so an ANY route
// with a wider path can match. path is as sent, still escaped.
//
// Undocumented: how literal segments compare. Stricter reading: byte for byte
// with the escaped path, so another case, a trailing slash or an escaped letter
// does not match.
func match(routes []*route, method, path string) (best *route, parameters map[string]string) {
	for _, r := range routes {
		if r.Path != defaultPath && r.Method != anyMethod && r.Method != method {
			continue
		}
		p, ok := r.parameters(path)
		if ok && (best == nil || r.beats(best)) {
			best, parameters = r, p
		}
	}
	return best, parameters
}

// parameters matches the path and returns the decoded values of its variables.
func (r *route) parameters(path string) (map[string]string, bool) {
	if r.Path == defaultPath {
		return nil, true
	}
	want, got := split(r.Path), split(path)
	var values map[string]string
	for i, s := range want {
		if i >= len(got) {
			return nil, false
		}
		name, greedy, variable := pathVariable(s)
		value := got[i]
		if greedy {
			value = strings.Join(got[i:], "/")
			got = got[:i+1]
		}
		if !variable {
			if s != value {
				return nil, false
			}
			continue
		}
		decoded, err := url.PathUnescape(value)
		if err != nil || decoded == "" {
			return nil, false
		}
		if values == nil {
			values = map[string]string{}
		}
		values[name] = decoded
	}
	return values, len(want) == len(got)
}

// beats reports whether r is the more specific of two routes that both match:
// the first segment that differs in kind decides, then the method.
func (r *route) beats(other *route) bool {
	if (r.Path == defaultPath) != (other.Path == defaultPath) {
		return other.Path == defaultPath
	}
	// A full match beats a greedy one whatever their lengths.
	a, b := split(r.Path), split(other.Path)
	if ga, gb := rank(a[len(a)-1]) == 2, rank(b[len(b)-1]) == 2; ga != gb {
		return gb
	}
	for i := range min(len(a), len(b)) {
		if ra, rb := rank(a[i]), rank(b[i]); ra != rb {
			return ra < rb
		}
	}
	return r.Method != anyMethod && other.Method == anyMethod
}

// rank orders segments: literal, variable, greedy variable.
func rank(segment string) int {
	_, greedy, variable := pathVariable(segment)
	switch {
	case greedy:
		return 2
	case variable:
		return 1
	default:
		return 0
	}
}
