package diagnosis

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"premiumhls/local/cloudfront"
	"premiumhls/signedcookie"
)

// An outcome is what an edge does with a request.
type outcome struct {
	entry   cloudfront.Entry
	reached bool // an origin was asked
}

// somewhere is a viewer whose address is not known (RFC 5737).
var somewhere = netip.MustParseAddr("192.0.2.1")

// ask sends a request to an edge that serves a distribution. Behind it is no
// origin: who gets there is served.
func ask(d cloudfront.Distribution, r Request) outcome {
	var o outcome
	origin := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { o.reached = true })
	scheme, _, _ := strings.Cut(r.URL, "://")
	server := cloudfront.New(d, cloudfront.Options{
		Scheme:  strings.ToLower(scheme),
		Origins: func(string) http.Handler { return origin },
		Now:     func() time.Time { return r.Time },
		Log:     func(e cloudfront.Entry) { o.entry = e },
	})
	viewer := r.Viewer
	if !viewer.IsValid() {
		viewer = somewhere
	}
	request := &http.Request{
		Method: r.Method, URL: &url.URL{}, Host: hostOf(r.URL), RequestURI: targetOf(r.URL),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, RemoteAddr: netip.AddrPortFrom(viewer, 443).String(),
	}
	for name, values := range r.Header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	request.Header.Del("Cookie")
	for _, c := range r.Cookies {
		request.Header.Add("Cookie", c)
	}
	server.ServeHTTP(&nobody{http.Header{}}, request)
	return o
}

// nobody is a viewer who does not read the answer.
type nobody struct{ header http.Header }

func (n *nobody) Header() http.Header         { return n.header }
func (n *nobody) Write(b []byte) (int, error) { return len(b), nil }
func (n *nobody) WriteHeader(int)             {}

// judge asks the edge about the request.
func (e *explanation) judge() {
	r := e.request
	e.route = e.target.Route(pathOf(r.URL))
	o := e.ask(r)
	if last, failed := failedCheck(o.entry.Decision); failed && last == cloudfront.CheckAddress && !r.Viewer.IsValid() {
		// The last check of the chain, and one that cannot be made.
		o.entry.Decision.Allowed, o.entry.Decision.Code = true, ""
		o.entry.Decision.Checks[len(o.entry.Decision.Checks)-1].OK = true
		o.entry.Reason = "all else fits, if the viewer is at " + o.entry.Decision.Policy.SourceIP
	}
	e.entry, e.decision = o.entry, o.entry.Decision
}

// ask is the edge's word on a request to the target.
func (e *explanation) ask(r Request) outcome {
	if e.target.KeysUnknown == "" {
		return ask(e.target.Distribution, r)
	}
	return e.vouch(r)
}

// vouch asks an edge that knows other keys than CloudFront does, because
// CloudFront's are not known: one made for the purpose, which then signs the
// policy that was sent. All that does not need the key is judged so.
func (e *explanation) vouch(r Request) outcome {
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
	if last, failed := failedCheck(o.entry.Decision); !failed || last != cloudfront.CheckVerification {
		return o
	}
	hash, err := signedcookie.ParseHash(sent.get(hashAlgorithm))
	if err != nil {
		hash = signedcookie.SHA1
	}
	made, err := signedcookie.Sign(key, hash, []byte(policyOf(o.entry.Decision)))
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

// refused reports whether the edge itself answered, and not an origin.
func (e *explanation) refused() bool { return e.entry.Status != 0 && e.entry.Status != http.StatusOK }

// gets reports whether a request that differs from the one to be explained
// gets past a check, and so whether the difference is what is wrong.
func (e *explanation) gets(r Request, past string) bool {
	d := e.ask(r).entry.Decision
	for _, c := range d.Checks {
		if c.Name == past {
			return c.OK
		}
	}
	return false
}
