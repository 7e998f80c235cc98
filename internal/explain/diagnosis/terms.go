package diagnosis

import (
	"fmt"
	"strings"
	"time"

	"premiumhls/internal/cloudfront"
	"premiumhls/internal/link"
)

// adviseResource shows where a policy's resource and a URL part.
func (e *explanation) adviseResource(c cloudfront.Check) string {
	resource, asked := e.decision.Policy.Resource, c.Found
	e.compare("policy", resource, "request", asked)
	if asked != link.Redact(withoutCredentials(e.request)) {
		return fmt.Sprintf("The path of the request can also be read as %s, which the policy for %s does not cover: ask for the path without percent-encoding, double slashes and dots.", pathOf(asked), resource)
	}
	meant := e.decision.Policy
	covers := func(resource, url string) bool {
		meant.Resource = resource
		return meant.MatchesURL(url)
	}
	site, rest := splitURL(resource)
	askedSite, askedRest := splitURL(asked)
	path, _, hasQuery := strings.Cut(askedRest, "?")
	get := "get cookies for this path (POST /api/cookies), or sign a policy whose Resource covers it"
	if carried(e.request).url {
		get = "get a link for this path (POST /api/links): the query of a link opens nothing else"
	}
	switch {
	case covers(strings.Replace(resource, "http://", "https://", 1), asked):
		return fmt.Sprintf("The policy is for http, and the request is https: sign a policy for %s.", strings.Replace(resource, "http://", "https://", 1))
	case covers(askedSite+rest, asked):
		return fmt.Sprintf("The policy is for %s, and the request goes to %s: sign a policy for %s%s, the host that viewers use.", site, askedSite, askedSite, rest)
	case covers(strings.ToLower(resource), strings.ToLower(asked)):
		return fmt.Sprintf("The policy is for %s and the request for %s, which differ in upper and lower case: write both the same.", resource, asked)
	case hasQuery && covers(resource, askedSite+path):
		return "The policy covers the path, but not the query of the request: end its Resource in *, or leave the query out."
	case strings.HasSuffix(resource, "/") && covers(resource+"*", asked):
		return fmt.Sprintf("The policy is for %s alone, without a wildcard: end its Resource in /*, which covers what is below.", resource)
	case covers(strings.TrimSuffix(resource, "/")+"/*", asked):
		return fmt.Sprintf("The policy is for %s alone, without a wildcard: sign one for %s/*, which covers what is below.", resource, strings.TrimSuffix(resource, "/"))
	case !strings.ContainsAny(resource, "*?"):
		return fmt.Sprintf("The policy is for %s alone, and the request is for %s: for HLS, end its Resource in /*, so that it covers the playlists and segments of a video.", resource, asked)
	}
	return fmt.Sprintf("The policy is for %s, and the request for %s: %s.", resource, asked, get)
}

// withoutCredentials is the URL that a policy is compared with.
func withoutCredentials(r Request) string {
	base, query, ok := strings.Cut(r.URL, "?")
	if !ok || !carried(r).url {
		return r.URL
	}
	var kept []string
next:
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		for _, f := range fields {
			if name == f.parameter {
				continue next
			}
		}
		kept = append(kept, part)
	}
	if len(kept) == 0 {
		return base
	}
	return base + "?" + strings.Join(kept, "&")
}

func (e *explanation) adviseStart() string {
	p, now := e.decision.Policy, e.request.Time
	start := "The policy is good only after " + stamp(p.NotBefore) + ", and it is " + stamp(now)
	if !p.NotBefore.Before(p.Expires) {
		return fmt.Sprintf("%s, and it ends before it begins, at %s: sign it with a DateGreaterThan before its DateLessThan, or without one.", start, stamp(p.Expires))
	}
	return fmt.Sprintf("%s, %s too early: wait, or set the clock of the machine that signs, or sign without DateGreaterThan.", start, rough(p.NotBefore.Sub(now)))
}

func (e *explanation) adviseEnd() string {
	p, now := e.decision.Policy, e.request.Time
	if carried(e.request).url {
		return fmt.Sprintf("The link expired at %s, and it is %s, %s too late: %s. If links end while people watch, raise the setting linkMinutes.", stamp(p.Expires), stamp(now), rough(now.Sub(p.Expires)), e.renew())
	}
	return fmt.Sprintf("The policy expired at %s, and it is %s, %s too late: get new cookies, and if these are new, set the clock of the machine that signs.", stamp(p.Expires), stamp(now), rough(now.Sub(p.Expires)))
}

func (e *explanation) adviseAddress() string {
	p, viewer := e.decision.Policy, e.request.Viewer
	if viewer.Is6() {
		return fmt.Sprintf("The policy is for the address %s, and the viewer came over IPv6, from %s: turn IPv6 off for the distribution, so that viewers come with the address that is bound.", p.SourceIP, viewer)
	}
	return fmt.Sprintf("The policy is for the address %s, and the viewer is at %s: %s from the network that watches, or bind no address.", p.SourceIP, viewer, e.renew())
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// rough is a duration as a person says it.
func rough(d time.Duration) string {
	switch {
	case d < time.Minute:
		return plural(int(d/time.Second), "second")
	case d < 2*time.Hour:
		return plural(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return plural(int(d/time.Hour), "hour")
	}
	return plural(int(d/(24*time.Hour)), "day")
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
