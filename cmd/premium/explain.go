package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"premiumhls/internal/explain/diagnosis"
	"premiumhls/internal/localrun"
)

// An explainCommand explains requests.
type explainCommand struct {
	URL string `arg:"" optional:"" help:"The URL of the request."`

	Cookie        string     `group:"The request, by one of" placeholder:"'NAME=VALUE; …'" help:"Its Cookie header."`
	Curl          string     `group:"The request, by one of" placeholder:"'curl …'" help:"A browser's \"Copy as cURL (bash)\". @FILE reads it from a file, - from stdin."`
	Har           string     `group:"The request, by one of" placeholder:"FILE" help:"A browser's recording: the request for URL, or every 403."`
	Jar           string     `group:"The request, by one of" placeholder:"FILE" help:"A cookie jar in Netscape format, as curl writes it."`
	SetCookie     string     `group:"The request, by one of" placeholder:"FILE" help:"The response that set the cookies, from curl -i or a HAR file."`
	SetCookieFrom string     `group:"More about the request" placeholder:"URL" help:"Where that response came from (default: /api/cookies on the URL's host)."`
	Page          string     `group:"More about the request" placeholder:"URL" help:"The page that sends the request."`
	Method        string     `group:"More about the request" placeholder:"METHOD" help:"The method (default: GET, or that of --curl or --har)."`
	Response      string     `group:"More about the request" placeholder:"FILE" help:"The response, from curl -i. - reads stdin."`
	Address       netip.Addr `group:"More about the request" placeholder:"ADDRESS" help:"The viewer's address, such as 192.0.2.1."`
	Now           time.Time  `group:"More about the request" placeholder:"TIME" help:"When it was sent, such as 2026-11-23T10:00:00Z (default: now, or the time in --har)."`
	Behavior      string     `group:"More about the request" placeholder:"PATTERN" help:"The path pattern of the behavior that you expect."`

	Stack     string   `group:"The distribution, by one of" placeholder:"NAME" help:"A deployed stack, with your AWS credentials."`
	Template  string   `group:"The distribution, by one of" placeholder:"FILE" help:"A synthesized template, or the folder cdk.out."`
	PublicKey []string `group:"The distribution, by one of" sep:"none" placeholder:"FILE" help:"A public key in PEM (repeatable). May be combined with --template."`
	KeyID     []string `group:"The distribution, by one of" name:"key-id" sep:"none" placeholder:"ID" help:"With --public-key: its id in CloudFront, once for each key (default: the id in the request)."`
	Host      string   `group:"The distribution, by one of" placeholder:"HOST" help:"With --public-key: the distribution's host (default: the URL's)."`
	Pattern   string   `group:"The distribution, by one of" placeholder:"PATTERN" help:"With --public-key: the path pattern of the behavior that trusts the key (default: *)."`

	JSON bool `name:"json" help:"Print JSON."`

	pageURL, setCookieURL *url.URL
	local                 localrun.Run
}

func (explainCommand) Help() string {
	return `Checks a request as CloudFront does, one check after the other, stops at the first that fails, and says what to do. Exit code 0: served. 1: refused. 2: could not find out.

While premium local runs, its distribution is used if none is named, and a URL alone means the last request with that URL that was refused:

    premium explain http://localhost:8080/premium/course-2/index.m3u8

For a deployed stack, copy the request in the browser's developer tools ("Copy as cURL"):

    premium explain --stack PremiumHls --curl 'curl https://video.example.com/premium/course-1/index.m3u8 …'`
}

func (o *explainCommand) Run(ctx context.Context, s system) error {
	if err := o.check(); err != nil {
		return err
	}
	requests, err := o.requests(s)
	if err != nil {
		return err
	}
	if o.Stack == "" && o.Template == "" && len(o.PublicKey) == 0 {
		if err := o.findLocal(requests); err != nil {
			return err
		}
	}
	t, err := o.target(ctx)
	if err != nil {
		return err
	}
	served := true
	var reports []diagnosis.Report
	for _, r := range requests {
		report := diagnosis.Explain(t, r)
		served = served && report.Served
		reports = append(reports, report)
	}
	if err := printReports(s.out, reports, served, o.JSON); err != nil {
		return err
	}
	if !served {
		return negative{}
	}
	return nil
}

func (o *explainCommand) check() error {
	given := func(values ...string) int {
		return len(values) - len(slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v != "" }))
	}
	switch {
	case given(o.Cookie, o.Curl, o.Har, o.Jar) > 1:
		return errors.New("set only one of --cookie, --curl, --har and --jar")
	case given(o.Template, o.Stack) > 1:
		return errors.New("set either --template or --stack, not both")
	case len(o.PublicKey) > 0 && o.Stack != "":
		return errors.New("--public-key: not allowed with --stack, which has its own keys")
	case len(o.KeyID) > 0 && len(o.KeyID) != len(o.PublicKey):
		return errors.New("--key-id: must be set as often as --public-key, in the same order")
	case o.Template != "" && given(o.Host, o.Pattern) > 0:
		return errors.New("--host and --pattern: not allowed with --template, which has its own behaviors")
	case o.URL == "" && o.Curl == "" && o.Har == "":
		return errors.New("no request: set a URL, --curl or --har (to check a whole site run premium doctor)")
	case o.Curl != "" && o.URL != "":
		return errors.New("URL: not allowed with --curl, which has its own")
	case (o.Curl == "-" || o.Curl == "@-") && o.Response == "-":
		return errors.New("--curl and --response: only one can be read from stdin")
	}
	var err error
	if o.URL != "" {
		if o.URL, err = address("URL", o.URL); err != nil {
			return err
		}
	}
	if o.Page != "" {
		if o.pageURL, err = absolute("--page", o.Page); err != nil {
			return err
		}
	}
	if o.SetCookieFrom != "" {
		o.setCookieURL, err = absolute("--set-cookie-from", o.SetCookieFrom)
	}
	return err
}

// findLocal finds the local run that serves the requests. A request of which only
// the URL is known is replaced by the last one with that URL that the local run
// refused.
func (o *explainCommand) findLocal(requests []diagnosis.Request) error {
	address, err := url.Parse(requests[0].URL)
	if err != nil {
		return err
	}
	if o.local, err = localrun.At(address.Host); errors.Is(err, localrun.ErrNone) {
		return fmt.Errorf("no distribution for %s: set --stack, --template or --public-key, or run premium local", address.Host)
	}
	if err != nil || o.URL == "" || o.Cookie+o.Jar+o.Har+o.SetCookie+o.Method+o.Response != "" {
		return err
	}
	refusal, ok, err := o.local.Refusal(o.URL)
	if err != nil || !ok {
		return err
	}
	r := &requests[0]
	r.Method, r.URL, r.Header, r.Cookies = refusal.Method, refusal.URL, refusal.Header, refusal.Header.Values("Cookie")
	r.Response = &diagnosis.Response{Status: refusal.Status, Header: refusal.Response, Body: refusal.Body}
	if o.Now.IsZero() {
		r.Time = refusal.Time
	}
	if !r.Viewer.IsValid() {
		r.Viewer, _ = netip.ParseAddr(refusal.Viewer) // unknown if it is invalid
	}
	if r.Page == nil {
		r.Page = pageOf(refusal.Header)
	}
	return nil
}

// address is a URL as it is sent: without a fragment.
func address(what, text string) (string, error) {
	text, _, _ = strings.Cut(text, "#")
	if _, err := absolute(what, text); err != nil {
		return "", err
	}
	return text, nil
}

// absolute parses a URL with the scheme http or https and a host.
func absolute(what, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s: invalid value %q: must be https:// or http:// and a host", what, text)
	}
	return u, nil
}
