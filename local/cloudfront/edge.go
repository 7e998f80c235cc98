package cloudfront

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Limits of a request, in bytes. CloudFront answers what is over either with
// 413 and closes the connection (CloudFront developer guide, "Maximum length
// of a request and maximum length of a URL").
const (
	maxRequest = 20480 // path, query and headers
	maxURL     = 8192
)

// rememberedSignatures bounds an edge's memory, to some megabytes.
const rememberedSignatures = 4096

// Options is what an edge works with.
type Options struct {
	// Scheme, where it is "https", makes every connection count as HTTPS,
	// because TLS ends in front of the edge. Otherwise it is seen from the
	// connection.
	Scheme string
	// Origins finds the origin with a domain name; nil is an origin that
	// cannot be reached.
	Origins func(domainName string) http.Handler
	// Country tells a viewer's country, as two letters, or empty where it is
	// not known. Nil knows none.
	Country func(netip.Addr) string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log is told of every request when it is answered. It may be called by
	// many goroutines at once.
	Log func(Entry)
}

// An Entry is what the edge tells about one request.
type Entry struct {
	Time     time.Time
	Viewer   netip.AddrPort
	Method   string
	Host     string
	Path     string // as it came, with its query
	Behavior string // the pattern of the behavior that was chosen; empty for none
	Status   int
	Decision Decision // zero where the request did not get as far
	Reason   string   // a sentence for a person
	Bytes    int64    // of the body sent
	Duration time.Duration
}

// An Edge serves a distribution. It must be reached without a mux that cleans
// paths, because it judges a path as it came.
type Edge struct {
	options      Options
	distribution atomic.Pointer[Distribution]
	memory       *Memory
}

// New makes an edge that serves a distribution.
func New(d Distribution, options Options) *Edge {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = func(Entry) {}
	}
	if options.Country == nil {
		options.Country = func(netip.Addr) string { return "" }
	}
	e := &Edge{options: options, memory: NewMemory(rememberedSignatures)}
	e.Update(d)
	return e
}

// Update makes the edge serve another version of its distribution. Requests
// under way end with the one they began with.
func (e *Edge) Update(d Distribution) { e.distribution.Store(&d) }

// ServeHTTP answers a viewer.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := e.newVisit(w, r)
	defer func() {
		v.entry.Duration = e.options.Now().Sub(v.entry.Time)
		e.options.Log(v.entry)
	}()
	v.serve()
}

// A visit is one request on its way.
type visit struct {
	edge     *Edge
	d        *Distribution
	w        http.ResponseWriter
	r        *http.Request
	id       string
	scheme   string // of the viewer's connection: http or https
	viewer   netip.AddrPort
	country  string
	path     string // as it came
	rawQuery string // with its question mark; empty where there is none
	entry    Entry
}

func (e *Edge) newVisit(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{edge: e, d: e.distribution.Load(), w: w, r: r, id: newID(), scheme: "http"}
	if e.options.Scheme == "https" || r.TLS != nil {
		v.scheme = "https"
	}
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		v.viewer = netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
	}
	v.country = e.options.Country(v.viewer.Addr())
	v.path, v.rawQuery = target(r)
	v.entry = Entry{Time: e.options.Now(), Viewer: v.viewer, Method: r.Method, Host: r.Host, Path: v.path + v.rawQuery}
	return v
}

// target is the path and query of a request as they came. The URL that
// net/http makes of them is no longer that.
func target(r *http.Request) (path, query string) {
	uri := r.RequestURI
	if uri == "" {
		uri = r.URL.RequestURI()
	}
	if !strings.HasPrefix(uri, "/") {
		p := splitURL(uri) // in absolute form
		if p.path == "" {
			p.path = "/"
		}
		return p.path, p.query
	}
	if i := strings.IndexByte(uri, '?'); i >= 0 {
		return uri[:i], uri[i:]
	}
	return uri, ""
}

// request is what the signature check judges.
func (v *visit) request() Request {
	return Request{
		URL:     v.scheme + "://" + v.r.Host + v.path + v.rawQuery,
		Cookies: v.r.Header.Values("Cookie"),
		Viewer:  v.viewer.Addr(),
		Time:    v.entry.Time,
	}
}

// serve is the order in which a request is judged, which AWS does not
// document: first what holds for the whole distribution, then the behavior,
// its signature last.
func (v *visit) serve() {
	if status, message, reason := v.admit(); status != 0 {
		v.entry.Reason = reason
		if message == badCountry && v.customError(http.StatusForbidden) {
			return
		}
		v.page(status, message)
		return
	}
	route := v.d.Route(v.path)
	if route.Behavior == nil {
		v.entry.Reason = "the distribution has no behavior for the path"
		v.page(http.StatusForbidden, badRequest)
		return
	}
	b := route.Behavior
	v.entry.Behavior = b.PathPattern
	if v.scheme == "http" && !v.allowsHTTP(route) {
		return
	}
	if !slices.Contains(b.AllowedMethods, v.r.Method) {
		v.entry.Reason = "behavior " + b.PathPattern + " allows " + strings.Join(b.AllowedMethods, ", ") + ", not " + v.r.Method
		v.page(http.StatusForbidden, badMethod)
		return
	}
	// Whether a preflight, which carries no cookies, needs a signature is
	// undocumented; the stricter reading is that it does.
	v.entry.Decision = v.d.Decide(route, v.request(), v.edge.memory)
	v.entry.Reason = v.entry.Decision.Reason
	if !v.entry.Decision.Allowed {
		if !v.customError(v.entry.Decision.Status) {
			v.deny(v.entry.Decision)
		}
		return
	}
	path := v.path
	if path == "/" && v.d.DefaultRootObject != "" {
		path += v.d.DefaultRootObject
	}
	if v.viewerRequest(b.Functions.ViewerRequest) {
		v.serveOrigin(b, path)
	}
}

// allowsHTTP reports whether the request may come without TLS, and answers it
// where it may not.
func (v *visit) allowsHTTP(route Route) bool {
	policy := route.Behavior.ViewerProtocolPolicy
	for _, b := range route.Signed {
		if b.ViewerProtocolPolicy != "allow-all" && policy == "allow-all" {
			policy = b.ViewerProtocolPolicy
		}
	}
	switch policy {
	case "allow-all":
		return true
	case "redirect-to-https":
		v.entry.Reason = "behavior " + route.Behavior.PathPattern + " redirects to HTTPS"
		v.redirect("https://" + strings.TrimSuffix(v.r.Host, ":80") + v.path + v.rawQuery)
	default:
		v.entry.Reason = "behavior " + route.Behavior.PathPattern + " allows HTTPS only"
		v.page(http.StatusForbidden, badProtocol)
	}
	return false
}

// admit judges a request by what holds for every behavior. A status of 0 lets
// it in.
func (v *visit) admit() (status int, message, reason string) {
	switch {
	case !v.d.serves(v.r.Host, v.scheme):
		return http.StatusForbidden, badRequest, "the host " + v.r.Host + " is not one of the distribution's"
	case !v.d.Enabled:
		return http.StatusForbidden, badRequest, "the distribution is disabled"
	case v.viewer.Addr().Is6() && !v.d.IPv6:
		// The distribution would have no address that such a viewer can reach.
		return http.StatusForbidden, badRequest, "the viewer came over IPv6, which the distribution has off"
	case len(v.scheme)+len("://")+len(v.r.Host)+len(v.path)+len(v.rawQuery) > maxURL:
		v.w.Header().Set("Connection", "close")
		return http.StatusRequestEntityTooLarge, tooLarge, "the URL is longer than 8192 bytes"
	case size(v.r, v.path, v.rawQuery) > maxRequest:
		v.w.Header().Set("Connection", "close")
		return http.StatusRequestEntityTooLarge, tooLarge, "the request and its headers are larger than 20480 bytes"
	case v.r.Method == http.MethodGet && v.r.ContentLength != 0:
		return http.StatusForbidden, badRequest, "the GET request has a body"
	case !strings.HasPrefix(v.path, "/"):
		return http.StatusBadRequest, badRequest, "the request target is not a path"
	case !v.d.GeoRestriction.allows(v.country):
		return http.StatusForbidden, badCountry, "the distribution is not available in " + v.country
	}
	return 0, "", ""
}

// serves reports whether a Host header names the distribution. The port that
// the scheme implies may be left out or given.
func (d *Distribution) serves(host, scheme string) bool {
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	host = strings.TrimSuffix(strings.ToLower(host), port)
	is := func(name string) bool {
		name = strings.TrimSuffix(strings.ToLower(name), port)
		if label, ok := strings.CutPrefix(name, "*."); ok { // an alias may stand for one label
			first, rest, _ := strings.Cut(host, ".")
			return first != "" && rest == label
		}
		return name != "" && name == host
	}
	return is(d.Domain) || slices.ContainsFunc(d.Aliases, is)
}

// size is what CloudFront's limit counts.
func size(r *http.Request, path, query string) int {
	n := len(path) + len(query) + len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n
}

// allows reports whether viewers in a country get anything. One whose country
// is not known does (CloudFront developer guide, "Restrict the geographic
// distribution of your content").
func (g GeoRestriction) allows(country string) bool {
	in := slices.ContainsFunc(g.Locations, func(c string) bool { return strings.EqualFold(c, country) })
	switch {
	case country == "" || g.Type == "" || g.Type == "none":
		return true
	case g.Type == "whitelist":
		return in
	}
	return !in
}
