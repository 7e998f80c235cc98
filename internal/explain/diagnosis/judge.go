package diagnosis

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

// somewhere is a viewer whose address is unknown (RFC 5737).
var somewhere = netip.MustParseAddr("192.0.2.1")

// ask returns the verdict of a distribution on a request.
func ask(d cloudfront.Distribution, r Request) cloudfront.Verdict {
	scheme, _, _ := strings.Cut(r.URL, "://")
	viewer := r.Viewer
	if !viewer.IsValid() {
		viewer = somewhere
	}
	path, query := targetOf(r.URL), ""
	if i := strings.IndexByte(path, '?'); i >= 0 {
		path, query = path[:i], path[i:]
	}
	request := cloudfront.ViewerRequest{
		Method: r.Method, Scheme: strings.ToLower(scheme), Host: hostOf(r.URL), Path: path, Query: query,
		Header: http.Header{}, Viewer: viewer.Unmap(), Time: r.Time,
	}
	for name, values := range r.Header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	request.Header.Del("Cookie")
	for _, c := range r.Cookies {
		request.Header.Add("Cookie", c)
	}
	return d.Judge(request, nil)
}

// judge asks the edge about the request.
func (e *explanation) judge() {
	r := e.request
	e.route = e.target.Route(pathOf(r.URL))
	v := e.ask(r)
	if last, failed := failedCheck(v.Decision); failed && last == cloudfront.CheckAddress && !r.Viewer.IsValid() {
		// The last check, which cannot be made.
		v.Decision.Allowed, v.Decision.Code, v.Rule = true, "", cloudfront.RuleNone
		v.Decision.Checks[len(v.Decision.Checks)-1].OK = true
		v.Reason = "everything else matches, if the viewer is at " + v.Decision.Policy.SourceIP
	}
	e.verdict, e.decision = v, v.Decision
}

// ask returns the verdict of the target on a request.
func (e *explanation) ask(r Request) cloudfront.Verdict {
	if e.target.KeysUnknown == "" {
		return ask(e.target.Distribution, r)
	}
	return e.vouch(r)
}

// vouch asks an edge that knows other keys than CloudFront does, because
// CloudFront's are not known: one made for the purpose, which then signs the
// policy that was sent. All that does not need the key is judged so.
func (e *explanation) vouch(r Request) cloudfront.Verdict {
	key := anyKey()
	public, err := signedcookie.MarshalPublicKey(key.Public())
	if err != nil {
		return ask(e.target.Distribution, r)
	}
	sent := carried(r)
	trusted, err := cloudfront.ParsePublicKey(sent.get(keyPairID), public)
	if err != nil {
		return ask(e.target.Distribution, r)
	}
	d := e.target.Distribution
	d.Behaviors = append([]cloudfront.Behavior(nil), d.Behaviors...)
	for i := range d.Behaviors {
		if d.Behaviors[i].Signed {
			d.Behaviors[i].PublicKeys = map[string]cloudfront.PublicKey{trusted.ID: trusted}
		}
	}
	o := ask(d, r)
	if last, failed := failedCheck(o.Decision); !failed || last != cloudfront.CheckVerification {
		return o
	}
	hash, err := signedcookie.ParseHash(sent.get(hashAlgorithm))
	if err != nil {
		hash = signedcookie.SHA1
	}
	made, err := signedcookie.Sign(key, hash, []byte(policyOf(o.Decision)))
	if err != nil {
		return o
	}
	return ask(d, sent.with(signature, signedcookie.Encode(made)))
}

var anyKey = sync.OnceValue(func() signer {
	key, err := signedcookie.GenerateKey(signedcookie.ECDSAP256)
	if err != nil {
		panic(err) // the machine has no source of randomness
	}
	return key
})

// failedCheck is the name of the check at which a chain ended.
func failedCheck(d cloudfront.Decision) (name string, failed bool) {
	if len(d.Checks) == 0 || d.Checks[len(d.Checks)-1].OK {
		return "", false
	}
	return d.Checks[len(d.Checks)-1].Name, true
}

// policyOf is the bytes of the policy that a chain found.
func policyOf(d cloudfront.Decision) string {
	for _, c := range d.Checks {
		if c.Name == cloudfront.CheckPolicy {
			return c.Found
		}
	}
	return ""
}

// admitted reports whether the request gets as far as a behavior.
func (e *explanation) admitted() bool { return e.verdict.Route.Behavior != nil }

// pattern is the path pattern of the behavior that serves the path.
func (e *explanation) pattern() string {
	if e.verdict.Route.Behavior == nil {
		return ""
	}
	return e.verdict.Route.Behavior.PathPattern
}

// gets reports whether a request that differs from the one to be explained
// gets past a check, and so whether the difference is what is wrong.
func (e *explanation) gets(r Request, past string) bool {
	d := e.ask(r).Decision
	for _, c := range d.Checks {
		if c.Name == past {
			return c.OK
		}
	}
	return false
}
