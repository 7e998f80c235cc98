package cloudfront

import (
	"strings"

	"premiumhls/signedcookie"
)

// A Route says how a distribution handles a path.
type Route struct {
	// Behavior serves the path: the one that its normal form chooses. It is nil
	// only if the distribution has no behaviors.
	Behavior *Behavior
	// Signed is every behavior that needs a signature and that some reading of
	// the path chooses. The request must satisfy all of them.
	Signed []*Behavior
	// Raw is the path as it came, Normal its normal form.
	Raw, Normal string
}

// Route chooses the behavior for a path as it came, without its query: the
// first whose pattern matches, in order (CloudFront developer guide, "Path
// pattern").
func (d *Distribution) Route(raw string) Route {
	route := Route{Raw: raw, Normal: normalPath(raw)}
	route.Behavior = d.behavior(route.Normal)
	if isPlain(raw) && raw != "/" {
		if route.Behavior != nil && route.Behavior.Signed {
			route.Signed = []*Behavior{route.Behavior}
		}
		return route
	}
	paths := readings(raw)
	if raw == "/" && d.DefaultRootObject != "" {
		// Whether the default root object's own path chooses the behavior is
		// undocumented.
		paths = append(paths, "/"+d.DefaultRootObject)
	}
next:
	for _, path := range paths {
		b := d.behavior(path)
		if b == nil || !b.Signed {
			continue
		}
		for _, have := range route.Signed {
			if have == b {
				continue next
			}
		}
		route.Signed = append(route.Signed, b)
	}
	return route
}

func (d *Distribution) behavior(path string) *Behavior {
	path = strings.TrimPrefix(path, "/")
	for i := range d.Behaviors {
		if d.Behaviors[i].matches(path) {
			return &d.Behaviors[i]
		}
	}
	return nil
}

// matches reports whether the behavior's pattern matches a path, which comes
// without the slash that it begins with: with case, * for any characters, a
// slash included, and ? for exactly one. The slash at the beginning of the
// pattern is optional.
func (b *Behavior) matches(path string) bool {
	return signedcookie.Match(strings.TrimPrefix(b.PathPattern, "/"), path)
}
