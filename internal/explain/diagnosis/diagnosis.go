// Package diagnosis explains what CloudFront does with a request, check by
// check, and what to do about the first that fails.
//
// Package internal/cloudfront decides whether a check passes. To find out what
// kind of mistake was made, it is asked about the request as it is and about the
// request as it may have been meant.
package diagnosis

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"premiumhls/internal/cloudfront"
	"premiumhls/internal/explain/cookiejar"
	"premiumhls/internal/explain/target"
)

// A Request is the request to explain.
type Request struct {
	Method  string // empty is GET
	URL     string // as it was sent: nothing decoded
	Header  http.Header
	Cookies []string   // the values of its Cookie headers
	Viewer  netip.Addr // the zero value is not known
	Time    time.Time
	// Page is the page that sent it; nil is not known.
	Page *url.URL
	// Withheld are cookies that the browser has, or was sent, and that do not
	// go along with the request.
	Withheld []cookiejar.Withheld
	// Sanitized says that the request was recorded without its cookies.
	Sanitized bool
	// Behavior is the pattern of the behavior that a person takes to be
	// chosen; empty is any.
	Behavior string
	Response *Response // nil: unknown
}

// A Verdict is how a check came out.
type Verdict string

const (
	OK         Verdict = "ok"
	Failed     Verdict = "failed"
	NotChecked Verdict = "not checked"
)

// A Check is one link of the chain. It shows nothing by which somebody else
// could watch.
type Check struct {
	Name     string  `json:"name"`
	Verdict  Verdict `json:"verdict"`
	Found    string  `json:"found"`
	Expected string  `json:"expected"`
}

// Names of the checks besides those of package cloudfront.
const (
	CheckHost     = "host"     // the distribution's, and let in
	CheckBehavior = "behavior" // which one is chosen
	CheckRequest  = "request"  // its method and scheme are the behavior's
	CheckResponse = "response" // the response matches
)

// A Report is the explanation of one request.
type Report struct {
	Method string    `json:"method"`
	URL    string    `json:"url"` // without signatures
	Time   time.Time `json:"time"`
	// Served reports whether the request gets a successful response.
	Served bool `json:"served"`
	// Code is the error code in the response to a refused viewer, or empty.
	Code   string  `json:"code,omitempty"`
	Checks []Check `json:"checks"`
	// Advice is a sentence that says what to do.
	Advice string `json:"advice"`
	// Comparison shows, in lines of a fixed width, where two texts part.
	Comparison []string `json:"comparison,omitempty"`
	Notes      []string `json:"notes,omitempty"`
}

// An explanation is a report in the making.
type explanation struct {
	target   target.Target
	request  Request
	report   Report
	overHTTP bool // the viewer sent it without TLS
	verdict  cloudfront.Verdict
	decision cloudfront.Decision // the verdict's signature check
	route    cloudfront.Route
}

// Explain judges a request. Its URL has a scheme and a host.
func Explain(t target.Target, r Request) Report {
	sent := r.URL
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if host := hostOf(r.URL); t.AnyHost && (len(t.Aliases) == 0 || strings.HasSuffix(host, ".cloudfront.net")) {
		t.Domain = host
	}
	address, overHTTP := strings.CutPrefix(r.URL, "http://")
	if overHTTP && t.CountsAsHTTPS {
		r.URL = "https://" + address
		if r.Page != nil && r.Page.Scheme == "http" && r.Page.Host == hostOf(r.URL) {
			page := *r.Page
			page.Scheme = "https"
			r.Page = &page
		}
	}
	t.CustomErrorResponses = nil // they change what is shown, not what is checked
	e := &explanation{request: r, overHTTP: overHTTP, report: Report{Method: r.Method, URL: redact(sent), Time: r.Time.UTC(), Notes: t.Notes}}
	e.target = t.Identify(e.value(keyPairID))
	e.judge()
	e.explain()
	e.noteFunctions()
	if address, err := url.Parse(r.URL); err == nil && r.Page != nil && !cookiejar.SameSitePage(r.Page, address) {
		e.note("The page is of another site than the videos: Safari, and other browsers depending on their settings, then send no cookies, whatever their SameSite, unless they are Partitioned. A link needs no cookies.")
	}
	e.noteFraming()
	return e.report
}

func (e *explanation) explain() {
	e.hostCheck()
	if !e.admitted() {
		e.fail(CheckHost, e.verdict.Reason, e.hosts(), e.adviseAdmission())
		return
	}
	if !e.behaviorCheck() || !e.requestCheck() || !e.signatureChecks() {
		e.disagree()
		return
	}
	e.report.Served = true
	e.report.Advice = "The edge serves this request: " + e.verdict.Reason + "."
	if e.target.KeysUnknown != "" && len(e.decision.Checks) > 0 {
		e.report.Advice = "Everything that can be checked without the public key matches. Whether the key is trusted and made the signature is not checked: " + e.target.KeysUnknown + "."
	}
	e.unneeded()
	e.responseCheck()
}

func (e *explanation) add(c Check) { e.report.Checks = append(e.report.Checks, c) }

func (e *explanation) fail(name, found, expected, advice string) {
	e.add(Check{name, Failed, found, expected})
	e.report.Served, e.report.Advice = false, advice
}

func (e *explanation) note(text string) { e.report.Notes = append(e.report.Notes, text) }

// noteFunctions names the CloudFront Functions of the chosen behavior. They run
// after the signature check.
func (e *explanation) noteFunctions() {
	b := e.verdict.Route.Behavior
	if b == nil {
		return
	}
	for _, f := range []struct {
		event    string
		function *cloudfront.Function
	}{{"viewer-request", b.Functions.ViewerRequest}, {"viewer-response", b.Functions.ViewerResponse}} {
		if f.function != nil {
			e.note(fmt.Sprintf("Behavior %s runs the CloudFront Function %s (%s), which is not run here: it can change or answer a request.", b.PathPattern, f.function.Name, f.event))
		}
	}
}

// noteFraming says if browsers do not show a response in a frame of the page.
func (e *explanation) noteFraming() {
	r := e.request
	if r.Response == nil || r.Page == nil || r.Page.Host == hostOf(r.URL) {
		return
	}
	origin := r.Page.Scheme + "://" + r.Page.Host
	for directive := range strings.SplitSeq(r.Response.Header.Get("Content-Security-Policy"), ";") {
		fields := strings.Fields(directive)
		if len(fields) == 0 || fields[0] != "frame-ancestors" || slices.Contains(fields[1:], origin) {
			continue
		}
		e.note(fmt.Sprintf("Browsers do not show this response in a frame of a page of %s: its frame-ancestors are %s. Put %s, and the origin of each page around it, into the setting allowedOrigins, and frame /embed/PATH; no other page can be framed.",
			origin, strings.Join(fields[1:], " "), origin))
	}
}

// signatureChecks adds the checks of package cloudfront.
func (e *explanation) signatureChecks() bool {
	e.report.Code = e.decision.Code
	for _, c := range e.decision.Checks {
		verdict := OK
		switch {
		case !c.OK:
			verdict = Failed
		case e.target.KeysUnknown != "" && (c.Name == cloudfront.CheckKey || c.Name == cloudfront.CheckVerification):
			verdict = NotChecked
			c.Found, c.Expected = e.target.KeysUnknown, e.expectedKey(c.Name)
		case c.Name == cloudfront.CheckAddress && !e.request.Viewer.IsValid() && e.decision.Policy.SourceIP != "":
			verdict, c.Found = NotChecked, "the viewer's address is unknown; set --address"
		case c.Name == cloudfront.CheckAddress && !e.request.Viewer.IsValid():
			c.Found = "not known"
		}
		e.add(Check{c.Name, verdict, e.discreet(c, verdict), c.Expected})
	}
	if e.decision.Allowed || len(e.decision.Checks) == 0 {
		return true
	}
	e.report.Advice = e.advise(e.decision.Checks[len(e.decision.Checks)-1])
	return false
}

func (e *explanation) expectedKey(check string) string {
	if check == cloudfront.CheckKey {
		return "a key of behavior " + e.pattern()
	}
	return "a signature of these bytes by that key"
}

// advise says what to do about the check that failed.
func (e *explanation) advise(c cloudfront.Check) string {
	if advice := e.adviseSignedURL(c); advice != "" {
		return advice
	}
	if advice := e.adviseRepeated(); advice != "" {
		return advice
	}
	switch c.Name {
	case cloudfront.CheckKeyPairID:
		return e.adviseMissing()
	case cloudfront.CheckKey:
		return e.adviseKey()
	case cloudfront.CheckSignature:
		return e.adviseEncoding(signature)
	case cloudfront.CheckPolicy:
		return e.advisePolicy()
	case cloudfront.CheckHash:
		return e.adviseHash()
	case cloudfront.CheckVerification:
		return e.adviseSignature(c)
	case cloudfront.CheckResource:
		return e.adviseResource(c)
	case cloudfront.CheckStart:
		return e.adviseStart()
	case cloudfront.CheckEnd:
		return e.adviseEnd()
	case cloudfront.CheckAddress:
		return e.adviseAddress()
	}
	return e.decision.Reason + "."
}
