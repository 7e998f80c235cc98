package cloudfront

import (
	"cmp"
	"io"
	"net/http"
	"strings"

	"premiumhls/internal/cloudfront"
)

// serveOrigin responds with the response of the behavior's origin.
func (v *visit) serveOrigin(b *cloudfront.Behavior, path string) {
	origin := v.origin(b)
	if origin == nil {
		v.entry.Reason = "the origin " + b.Origin.DomainName + " cannot be reached"
		v.page(http.StatusBadGateway, noOrigin)
		return
	}
	out, err := v.originRequest(b, path, v.rawQuery)
	if err != nil {
		v.entry.Reason = "the path cannot be decoded"
		v.page(http.StatusBadRequest, badRequest)
		return
	}
	if v.edge.objects != nil && (v.r.Method == http.MethodGet || v.r.Method == http.MethodHead) {
		v.serveCached(b, path, origin, out)
		return
	}
	v.pass(b, origin, out)
}

func (v *visit) origin(b *cloudfront.Behavior) http.Handler {
	if v.edge.options.Origins == nil {
		return nil
	}
	return v.edge.options.Origins(b.Origin.DomainName)
}

// An answer sends an origin's response to the viewer.
type answer struct {
	*visit
	behavior *cloudfront.Behavior
	header   http.Header
	written  bool
	replaced bool   // by a custom error page: the origin's body is discarded
	result   string // of the cache lookup: Hit, RefreshHit or Miss; empty: Miss
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.written {
		return
	}
	if status < 200 {
		return // ignore 1xx responses
	}
	a.written = true
	if status >= 400 && a.customError(status) {
		a.replaced = true
		return
	}
	header := a.w.Header()
	for name, values := range a.header {
		if !dropped(name, a.behavior) {
			header[name] = values
		}
	}
	a.entry.Result = cmp.Or(a.result, "Miss")
	if status >= 400 {
		a.entry.Result = "Error"
	}
	if a.behavior.ResponseHeaders != nil {
		a.behavior.ResponseHeaders.Apply(a.r, header)
	}
	// CloudFront runs no viewer-response function if the origin's status is 400
	// or higher (CloudFront developer guide, "Restrictions on all edge
	// functions").
	if f := a.behavior.Functions.ViewerResponse; f != nil && status < 400 {
		changed, err := a.viewerResponse(f, status, header)
		if err != nil {
			clear(header)
			a.replaced = true
			a.functionFailed(err)
			return
		}
		status = changed
	}
	if a.result == "Hit" {
		header.Set("Age", a.header.Get("Age"))
	}
	header.Set("X-Cache", a.entry.Result+" from cloudfront")
	header.Set("Via", via(a.r))
	header.Set("X-Amz-Cf-Id", a.id)
	a.entry.Status = status
	a.responds(header)
	a.w.WriteHeader(status)
}

// dropped reports whether an origin's header does not reach the viewer
// (CloudFront developer guide, "HTTP response headers that CloudFront removes
// or replaces"). Cookies reach it only if the behavior forwards cookies to the
// origin.
func dropped(name string, b *cloudfront.Behavior) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Age", "Via", "X-Cache":
		return true
	case "Set-Cookie":
		return !b.ForwardsCookies()
	}
	return strings.HasPrefix(name, "X-Amz-Cf-") || strings.HasPrefix(name, "X-Edge-") || strings.HasPrefix(name, http.TrailerPrefix)
}

func (a *answer) Write(p []byte) (int, error) {
	if !a.written {
		a.WriteHeader(http.StatusOK)
	}
	if a.replaced || a.r.Method == http.MethodHead {
		return len(p), nil
	}
	n, err := a.w.Write(p)
	a.entry.Bytes += int64(n)
	return n, err
}

// ReadFrom copies a file to the connection without reading it into memory.
func (a *answer) ReadFrom(src io.Reader) (int64, error) {
	if !a.written || a.replaced || a.r.Method == http.MethodHead {
		return io.Copy(writerOnly{a}, src)
	}
	n, err := io.Copy(a.w, src)
	a.entry.Bytes += n
	return n, err
}

// writerOnly hides ReadFrom from io.Copy.
type writerOnly struct{ io.Writer }

// Flush sends buffered data.
func (a *answer) Flush() {
	if !a.written {
		a.WriteHeader(http.StatusOK)
	}
	if !a.replaced {
		http.NewResponseController(a.w).Flush() // ignore an unsupported Flush
	}
}

// customError responds to an error with the distribution's page for it, and
// reports whether it did. If there is no such page, or it cannot be fetched, the
// original error is sent (CloudFront developer guide, "Generate custom error
// responses"). Undocumented: whether CloudFront fetches a page of a signed
// behavior. Stricter reading: it does not.
func (v *visit) customError(status int) bool {
	for _, e := range v.d.CustomErrorResponses {
		if e.ErrorCode != status || e.ResponsePagePath == "" {
			continue
		}
		route := v.d.Route(e.ResponsePagePath)
		if route.Behavior == nil || len(route.Signed) > 0 {
			return false
		}
		page := v.fetch(route.Behavior, e.ResponsePagePath)
		if page == nil || page.status != http.StatusOK {
			return false
		}
		header := v.w.Header()
		for name, values := range page.header {
			if !dropped(name, route.Behavior) && name != "Content-Length" {
				header[name] = values
			}
		}
		header.Set("X-Cache", "Error from cloudfront")
		code := e.ResponseCode
		if code == 0 {
			code = status
		}
		v.finish(code, page.body)
		return true
	}
	return false
}

// fetch requests a custom error page from its origin.
func (v *visit) fetch(b *cloudfront.Behavior, path string) *page {
	origin := v.origin(b)
	if origin == nil {
		return nil
	}
	r, err := http.NewRequestWithContext(v.r.Context(), http.MethodGet, "/", nil)
	if err != nil {
		return nil
	}
	r.Host, r.Header = v.r.Host, http.Header{}
	own := *v
	own.r = r
	out, err := own.originRequest(b, path, "")
	if err != nil {
		return nil
	}
	p := &page{header: http.Header{}}
	origin.ServeHTTP(p, out)
	return p
}

// A page buffers a small response.
type page struct {
	header http.Header
	status int
	body   []byte
}

func (p *page) Header() http.Header { return p.header }

func (p *page) WriteHeader(status int) {
	if p.status == 0 && status >= 200 {
		p.status = status
	}
}

func (p *page) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	if len(p.body)+len(b) > maxPage {
		return 0, &http.MaxBytesError{Limit: maxPage}
	}
	p.body = append(p.body, b...)
	return len(b), nil
}

// maxPage is the maximum size of an error page, in bytes.
const maxPage = 1 << 20
