package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	"premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

// hosts are the names that the distribution answers to.
func (e *explanation) hosts() string {
	own := e.target.Domain
	if own == "" {
		own = "its own name, ….cloudfront.net"
	}
	return strings.Join(append(slices.Clone(e.target.Aliases), own), " or ")
}

// hostCheck shows the host as one of the distribution's; that it is not is
// shown where the edge has not let the request in.
func (e *explanation) hostCheck() {
	if e.admitted() {
		e.add(Check{CheckHost, OK, hostOf(e.request.URL), e.hosts()})
	}
}

// adviseAdmission says what to do about a request that is refused whatever its
// behavior.
func (e *explanation) adviseAdmission() string {
	host := hostOf(e.request.URL)
	atHost := e.target.Distribution
	atHost.Domain = host
	switch {
	case e.verdict.Rule == cloudfront.RuleHost && ask(atHost, e.request).Route.Behavior != nil:
		return fmt.Sprintf("The distribution does not serve the host %s: request the URL at %s, or add %s to the distribution's alternate domain names.", host, e.hosts(), host)
	case e.verdict.Rule == cloudfront.RuleDisabled:
		return "The distribution is disabled: enable it, and wait until it is deployed."
	case e.verdict.Rule == cloudfront.RuleIPv6:
		return "The viewer's address is IPv6, which the distribution has off: give the viewer's IPv4 address, or turn IPv6 on if no policy binds an address."
	case e.verdict.Rule == cloudfront.RuleURL || e.verdict.Rule == cloudfront.RuleSize:
		return e.capital(e.verdict.Reason) + ": clear cookies that are no longer needed, and keep one set of signed cookies for a path."
	}
	return e.capital(e.verdict.Reason) + "."
}

func (e *explanation) capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// behaviorCheck shows which behavior is chosen, and whether it is the one that
// a person takes it to be.
func (e *explanation) behaviorCheck() bool {
	found := e.pattern()
	if i := e.index(found); i >= 0 {
		found += fmt.Sprintf(" (number %d of %d, ", i+1, len(e.target.Behaviors))
		if e.target.Behaviors[i].Signed {
			found += "signed)"
		} else {
			found += "not signed)"
		}
	}
	expected := "any"
	if e.request.Behavior != "" {
		expected = e.request.Behavior
	}
	if e.request.Behavior != "" && !samePattern(e.request.Behavior, e.pattern()) {
		why, remedy := e.adviseBehavior(e.request.Behavior)
		e.fail(CheckBehavior, found, expected, fmt.Sprintf("Behavior %s takes the path %s, because %s: %s.", e.pattern(), pathOf(e.request.URL), why, remedy))
		return false
	}
	e.add(Check{CheckBehavior, OK, found, expected})
	return true
}

func (e *explanation) index(pattern string) int {
	return slices.IndexFunc(e.target.Behaviors, func(b cloudfront.Behavior) bool { return samePattern(b.PathPattern, pattern) })
}

func samePattern(a, b string) bool {
	return strings.TrimPrefix(a, "/") == strings.TrimPrefix(b, "/")
}

// adviseBehavior says why a path does not choose the behavior with a pattern,
// and what would make it.
func (e *explanation) adviseBehavior(pattern string) (why, remedy string) {
	path := pathOf(e.request.URL)
	matches := func(pattern, path string) bool {
		return signedcookie.Match(strings.TrimPrefix(pattern, "/"), strings.TrimPrefix(path, "/"))
	}
	switch {
	case e.index(pattern) < 0:
		var others []string
		for _, b := range e.target.Behaviors {
			others = append(others, b.PathPattern)
		}
		return "the distribution has no behavior " + pattern, "add it, or name one of " + strings.Join(others, ", ")
	case matches(pattern, path):
		return "it comes before " + pattern + ", and the first that matches is chosen", "move " + pattern + " in front of it"
	case matches(strings.ToLower(pattern), strings.ToLower(path)):
		e.compareIn(pattern, path)
		return "the pattern " + pattern + " differs from it in upper and lower case", "ask for the path as the pattern has it"
	case matches(pattern, path+"/"):
		return "the pattern " + pattern + " has a slash after it", "ask for a file below it"
	}
	e.compareIn(pattern, path)
	return "it does not match " + pattern, "change the path, or the behavior's pattern"
}

func (e *explanation) compareIn(pattern, path string) {
	e.compare("pattern", "/"+strings.TrimPrefix(pattern, "/"), "request", path)
}

// unneeded notes signed cookies that the chosen behavior does not look at:
// then another one may have been meant.
func (e *explanation) unneeded() {
	if len(e.route.Signed) > 0 || !carried(e.request).has(keyPairID) {
		return
	}
	for _, b := range e.target.Behaviors {
		if b.Signed {
			why, remedy := e.adviseBehavior(b.PathPattern)
			e.report.Advice = fmt.Sprintf("The edge serves this request without checking its signature: behavior %s needs none, and serves the path because %s. If you mean behavior %s, %s.",
				e.pattern(), why, b.PathPattern, remedy)
			return
		}
	}
	e.report.Advice = "The edge serves this request without checking its signature: no behavior of the distribution needs one. Give the premium behavior a key group, or everyone can watch its videos."
}

// requestCheck shows whether the behavior takes the request's method and
// scheme.
func (e *explanation) requestCheck() bool {
	scheme, _, _ := strings.Cut(e.request.URL, "://")
	found := e.request.Method + " over " + strings.ToUpper(scheme)
	expected := "any method and scheme"
	if b := e.route.Behavior; b != nil {
		expected = strings.Join(b.AllowedMethods, ", ") + "; " + b.ViewerProtocolPolicy
	}
	if e.verdict.Rule == cloudfront.RuleNone || e.verdict.Rule == cloudfront.RuleSigned {
		e.add(Check{CheckRequest, OK, found, expected})
		return true
	}
	advice := e.capital(e.verdict.Reason) + "."
	b := e.route.Behavior
	switch {
	case e.verdict.Rule == cloudfront.RuleEncoding:
		advice = "The path cannot be decoded: a % in it must begin an encoded byte, and is itself written %25."
	case e.verdict.Rule == cloudfront.RuleMethod:
		advice = fmt.Sprintf("Behavior %s allows %s, not %s: send another method, or allow it in the behavior.", b.PathPattern, strings.Join(b.AllowedMethods, ", "), e.request.Method)
	case e.verdict.Rule == cloudfront.RuleHTTPS:
		advice = "The request is not HTTPS, which behavior " + b.PathPattern + " requires: request https://" + strings.TrimPrefix(redact(e.request.URL), "http://") + ", to which browsers send Secure cookies too."
	}
	e.fail(CheckRequest, found, expected, advice)
	return false
}
