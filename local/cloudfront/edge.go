package cloudfront

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"premiumhls/internal/cloudfront"
)

// cachedSignatures limits the cache of verified signatures, to a few megabytes.
const cachedSignatures = 4096

// Options are the options of an edge.
type Options struct {
	// Scheme "https" makes every connection count as HTTPS, for TLS that ends
	// in front of the edge. Empty: the connection decides.
	Scheme string
	// Origins returns the origin with a domain name; nil if it cannot be
	// reached.
	Origins func(domainName string) http.Handler
	// Country returns a viewer's country as two letters, or "" if unknown. Nil:
	// always unknown.
	Country func(netip.Addr) string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Cache makes the edge cache and compress responses according to the
	// behaviors' cache policies. Without it every request reaches an origin.
	Cache bool
	// Log is called after every response. It is called concurrently.
	Log func(Entry)
}

// An Entry describes one request and its response.
type Entry struct {
	Time     time.Time
	Viewer   netip.AddrPort
	Method   string
	Host     string
	Path     string // as received, with its query
	Behavior string // the pattern of the chosen behavior; empty if none
	Status   int
	Rule     cloudfront.Rule     // the rule that rejected the request; empty if it reached the origin
	Decision cloudfront.Decision // zero if the signature check was not reached
	Reason   string              // for people; use the other fields in code
	Result   string              // Hit, RefreshHit, Miss, Error or Redirect, as in X-Cache
	Bytes    int64               // of the body sent
	// Functions are the CloudFront Functions that ran, in order.
	Functions []FunctionRun
	Transfer  Transfer // for the access log
	Duration  time.Duration
}

// An Edge serves a distribution. Do not put it behind a mux that cleans paths:
// it checks a path as received.
type Edge struct {
	options      Options
	distribution atomic.Pointer[cloudfront.Distribution]
	programs     sync.Map // compiled functions: *cloudfront.Function to program
	cache        *cloudfront.Cache
	objects      *objectCache // nil: no caching
}

// New returns an edge that serves a distribution.
func New(d cloudfront.Distribution, options Options) *Edge {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = func(Entry) {}
	}
	if options.Country == nil {
		options.Country = func(netip.Addr) string { return "" }
	}
	e := &Edge{options: options, cache: cloudfront.NewCache(cachedSignatures)}
	if options.Cache {
		e.objects = newObjectCache()
	}
	e.Update(d)
	return e
}

// Invalidate removes objects from the cache, by paths that may end in *.
func (e *Edge) Invalidate(paths []string) {
	if e.objects == nil {
		return
	}
	for _, path := range paths {
		e.objects.invalidate(path)
	}
}

// Update makes the edge serve another version of its distribution. Requests in
// progress finish with the version they started with.
func (e *Edge) Update(d cloudfront.Distribution) {
	e.distribution.Store(&d)
	e.programs.Clear()
}

// program returns the compiled code of a function.
func (e *Edge) program(f *cloudfront.Function) program {
	if p, ok := e.programs.Load(f); ok {
		return p.(program)
	}
	p, _ := e.programs.LoadOrStore(f, compile(f))
	return p.(program)
}

// ServeHTTP handles a viewer's request.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := e.newVisit(w, r)
	defer func() {
		v.entry.Duration = e.options.Now().Sub(v.entry.Time)
		e.options.Log(v.entry)
	}()
	v.serve()
}

// responds records the start of the response, for the access log.
func (v *visit) responds(header http.Header) {
	v.entry.Transfer.response(header, v.edge.options.Now().Sub(v.entry.Time))
}

// A visit is the state of one request.
type visit struct {
	edge     *Edge
	d        *cloudfront.Distribution
	w        http.ResponseWriter
	r        *http.Request
	id       string
	scheme   string // of the viewer's connection: http or https
	viewer   netip.AddrPort
	country  string
	path     string // as received
	rawQuery string // with its question mark; empty if none
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
	v.entry.Transfer.request(v)
	return v
}

// target returns the path and query of a request as received, which net/http's URL
// no longer has.
func target(r *http.Request) (path, query string) {
	uri := r.RequestURI
	if uri == "" {
		uri = r.URL.RequestURI()
	}
	if !strings.HasPrefix(uri, "/") {
		if _, rest, ok := strings.Cut(uri, "://"); ok { // in absolute form
			_, uri = cutHost(rest)
		}
	}
	if i := strings.IndexByte(uri, '?'); i >= 0 {
		return uri[:i], uri[i:]
	}
	return uri, ""
}

// cutHost separates the host of an absolute URL without its scheme from the path
// and query, whose path is / if it is empty.
func cutHost(rest string) (host, target string) {
	i := strings.IndexAny(rest, "/?")
	switch {
	case i < 0:
		return rest, "/"
	case rest[i] == '?':
		return rest[:i], "/" + rest[i:]
	}
	return rest[:i], rest[i:]
}

// request returns the request as the distribution's rules see it.
func (v *visit) request() cloudfront.ViewerRequest {
	return cloudfront.ViewerRequest{
		Method: v.r.Method, Scheme: v.scheme, Host: v.r.Host, Path: v.path, Query: v.rawQuery,
		Header: v.r.Header, HasBody: v.r.ContentLength != 0,
		Viewer: v.viewer.Addr(), Country: v.country, Time: v.entry.Time,
	}
}

func (v *visit) serve() {
	verdict := v.d.Judge(v.request(), v.edge.cache)
	v.entry.Rule, v.entry.Decision, v.entry.Reason = verdict.Rule, verdict.Decision, verdict.Reason
	b := verdict.Route.Behavior
	if b != nil {
		v.entry.Behavior = b.PathPattern
	}
	switch verdict.Rule {
	case cloudfront.RuleNone:
	case cloudfront.RuleSigned:
		if !v.customError(verdict.Status) {
			v.deny(verdict.Decision)
		}
		return
	case cloudfront.RuleCountry:
		if !v.customError(verdict.Status) {
			v.page(verdict.Status, verdict.Message)
		}
		return
	case cloudfront.RuleURL, cloudfront.RuleSize:
		v.w.Header().Set("Connection", "close")
		v.page(verdict.Status, verdict.Message)
		return
	default:
		if verdict.Location != "" {
			v.redirect(verdict.Status, verdict.Location)
		} else {
			v.page(verdict.Status, verdict.Message)
		}
		return
	}
	if !v.viewerRequest(b.Functions.ViewerRequest) {
		return
	}
	path := v.path
	if path == "/" && v.d.DefaultRootObject != "" {
		path += v.d.DefaultRootObject
	}
	v.serveOrigin(b, path)
}
