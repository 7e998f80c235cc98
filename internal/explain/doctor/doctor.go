// Package doctor checks a site from outside, as viewers see it, and advises what to
// repair. The site is a deployed stack or a local run.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options are the site and what is known about it.
type Options struct {
	// Site is the address of the page: https://host/, or http://localhost:8080.
	Site string
	// Token is a viewer's ID token. Without it, checks that need a signed-in
	// viewer are skipped.
	Token string
	// Origins are those of other pages that can use the site, as in the setting
	// allowedOrigins.
	Origins []string
	// Transport carries the requests. Nil means http.DefaultTransport.
	Transport http.RoundTripper
}

// A Status is the result of a check.
type Status string

const (
	OK      Status = "ok"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// A Result is one check.
type Result struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	// Advice is what to do, or empty.
	Advice string `json:"advice,omitempty"`
}

// Healthy reports whether no check failed.
func Healthy(results []Result) bool {
	for _, r := range results {
		if r.Status == Failed {
			return false
		}
	}
	return true
}

// A visit is one examination of a site.
type visit struct {
	options Options
	site    *url.URL
	client  *http.Client
	results []Result

	page    *answer
	config  config
	catalog []video
	// catalogPath is where the catalog was read; empty if it was not.
	catalogPath string
	jwks        string // the address of the issuer's keys; empty if unknown
	// authorization is where a sign-in begins; empty if unknown.
	authorization string
}

// Check checks a site. It changes nothing; with a token it requests cookies.
func Check(ctx context.Context, o Options) []Result {
	v := &visit{options: o}
	site, err := url.Parse(o.Site)
	if err != nil || site.Host == "" || site.Scheme != "https" && site.Scheme != "http" {
		v.fail("site", fmt.Sprintf("%q is not an address", o.Site), "Give the address of the page, as in https://d111111abcdef8.cloudfront.net/.")
		return v.results
	}
	v.site = site.ResolveReference(&url.URL{Path: "/"})
	v.client = &http.Client{
		Timeout:       15 * time.Second,
		Transport:     o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	v.examine(ctx)
	return v.results
}

func (v *visit) examine(ctx context.Context) {
	if !v.checkPage(ctx) {
		return
	}
	v.checkHeaders()
	v.checkHTTPS(ctx)
	v.checkConfig(ctx)
	v.checkCatalog(ctx)
	v.checkCaching(ctx)
	v.checkTrailer(ctx)
	v.checkRefusal(ctx)
	v.checkSignIn(ctx)
	v.checkIssuerKeys(ctx)
	v.checkAPI(ctx)
	v.checkSales(ctx)
	v.checkCORS(ctx)
	v.checkEmbeds(ctx)
	v.checkViewer(ctx)
}

func (v *visit) add(status Status, name, found, advice string) {
	v.results = append(v.results, Result{name, status, found, advice})
}

func (v *visit) ok(name, found string)           { v.add(OK, name, found, "") }
func (v *visit) fail(name, found, advice string) { v.add(Failed, name, found, advice) }
func (v *visit) skip(name, why string)           { v.add(Skipped, name, why, "") }

// checkPage requests the page. It returns false if the site does not respond.
func (v *visit) checkPage(ctx context.Context) bool {
	const name = "page"
	page, err := v.get(ctx, "/", nil)
	if err != nil {
		v.fail(name, reason(err), "The site does not respond: check the address, its DNS record and certificate, and that the distribution is deployed and enabled.")
		return false
	}
	v.page = page
	switch {
	case page.status != http.StatusOK:
		v.fail(name, page.String(), "The page must return 200: check that public/index.html is in the bucket, that index.html is the distribution's default root object, and that the bucket policy allows the distribution to read.")
	case !strings.HasPrefix(page.header.Get("Content-Type"), "text/html"):
		v.fail(name, page.String()+" with Content-Type "+page.header.Get("Content-Type"), "The page must be text/html: upload it again with this Content-Type.")
	default:
		v.ok(name, page.String())
	}
	return true
}

// checkHeaders checks the security headers of the page.
func (v *visit) checkHeaders() {
	const name = "security headers"
	want := map[string]string{
		"Content-Security-Policy": "default-src", "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "", "Referrer-Policy": "",
	}
	if v.site.Scheme == "https" {
		want["Strict-Transport-Security"] = "max-age="
	}
	var missing []string
	for _, header := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Strict-Transport-Security"} {
		part, wanted := want[header]
		if value := v.page.header.Get(header); wanted && (value == "" || !strings.Contains(value, part)) {
			missing = append(missing, header)
		}
	}
	if len(missing) > 0 {
		v.fail(name, "without "+strings.Join(missing, ", "), "Give the default behavior the stack's response headers policy again: it sets "+strings.Join(missing, ", ")+".")
		return
	}
	v.ok(name, "all set")
}

// checkHTTPS checks that nothing is served without TLS, and that the API does not
// redirect: the token would have been sent already.
func (v *visit) checkHTTPS(ctx context.Context) {
	const name = "HTTPS"
	if v.site.Scheme != "https" || v.site.Port() != "" {
		v.skip(name, "the site has no HTTPS, or its own port")
		return
	}
	plain := *v.site
	plain.Scheme = "http"
	page, err := v.do(ctx, http.MethodGet, plain.String(), nil, "")
	if err != nil {
		v.skip(name, "port 80 does not respond: "+reason(err))
		return
	}
	if to := page.header.Get("Location"); page.status != http.StatusMovedPermanently || !strings.HasPrefix(to, "https://") {
		v.fail(name, "the page without TLS is "+page.String(), "Set the default behavior's viewer protocol policy to redirect-to-https.")
		return
	}
	plain.Path = apiPath
	api, err := v.do(ctx, http.MethodPost, plain.String(), nil, "")
	switch {
	case err != nil:
		v.fail(name, reason(err), "The API without TLS must be refused, and did not respond: run this again.")
	case api.status != http.StatusForbidden:
		v.fail(name, "the API without TLS is "+api.String(), "Set the viewer protocol policy of /api/* to https-only, so that no token is sent in the clear and then redirected.")
	default:
		v.ok(name, "the page redirects to HTTPS, and the API rejects plain HTTP")
	}
}

// reason is an error without the address, which the check has in its name.
func reason(err error) string {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}
