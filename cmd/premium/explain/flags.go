package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	url, method, behavior string

	cookie, curl, har, jar   string
	setCookie, setCookieFrom string
	page, response           string
	template, stack, site    string
	publicKeys, keyIDs       list
	host, pattern            string
	token                    string
	origins                  list
	now                      moment
	address                  netip.Addr
	json                     bool
	pageURL, setCookieURL    *url.URL
}

// A list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ", ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// A moment is a time in RFC 3339; the zero value is not given.
type moment struct{ time.Time }

func (m *moment) String() string { return "" }

func (m *moment) Set(s string) error {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return errors.New("not a time such as 2026-11-23T10:00:00Z")
	}
	m.Time = t
	return nil
}

const usage = `Explain says why CloudFront refuses a request, and what to do about it.

  go run ./explain [flags] [URL]       explains a request
  go run ./explain -stack NAME         looks at a deployed stack from outside
  go run ./explain -site ADDRESS       looks at any site, such as the local run's

Exit code: 0 served (or well), 1 not, 2 could not find out.

The request, by one of
  -cookie 'NAME=VALUE; …'   its Cookie header
  -curl 'curl …'            a browser's "Copy as cURL (bash)"; @FILE or - (stdin) reads it
  -har FILE                 a browser's recording: the request for URL, or every 403
  -jar FILE                 a cookie jar in Netscape's format, as curl writes it
  -set-cookie FILE          the answer that set the cookies, from curl -i or a HAR
and, where it is known,
  -set-cookie-from URL      where that answer came from (the URL's host, /api/cookies)
  -page URL                 the page that sends the request
  -method METHOD            GET unless -curl or -har says otherwise
  -response FILE            what was answered, from curl -i; - is stdin
  -address ADDRESS          the viewer's, as in 192.0.2.1
  -now TIME                 when, as in 2026-11-23T10:00:00Z (now; with -har when it was sent)
  -behavior PATTERN         the behavior that you expect to take the path

The distribution, by one of
  -template FILE            a synthesized template, or the folder cdk.out
  -stack NAME               a deployed stack, with the usual AWS credentials
  -public-key FILE          a public key in PEM, may be repeated; also beside -template
with a public key
  -key-id ID                its id at CloudFront, once for each key (the one that is sent)
  -host HOST                the distribution's (the URL's)
  -pattern PATTERN          the behavior that trusts the key (*)

A whole site
  -token TOKEN              a viewer's ID token, to go the whole way ($PREMIUMHLS_TOKEN)
  -origin ORIGIN            with -site: a page that CORS lets in; may be repeated

  -json                     print JSON
`

func parseFlags(args []string, s system) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints errors, and usage
	for name, value := range map[string]*string{
		"cookie": &o.cookie, "curl": &o.curl, "har": &o.har, "jar": &o.jar, "set-cookie": &o.setCookie,
		"set-cookie-from": &o.setCookieFrom, "page": &o.page, "method": &o.method, "response": &o.response,
		"behavior": &o.behavior, "template": &o.template, "stack": &o.stack, "site": &o.site, "host": &o.host,
		"pattern": &o.pattern, "token": &o.token,
	} {
		flags.StringVar(value, name, "", "")
	}
	flags.Var(&o.publicKeys, "public-key", "")
	flags.Var(&o.keyIDs, "key-id", "")
	flags.Var(&o.origins, "origin", "")
	flags.Var(&o.now, "now", "")
	flags.TextVar(&o.address, "address", netip.Addr{}, "")
	flags.BoolVar(&o.json, "json", false, "")
	// A URL may stand before flags too.
	var urls []string
	for rest := args; ; {
		if err := flags.Parse(rest); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		urls, rest = append(urls, flags.Arg(0)), flags.Args()[1:]
	}
	if len(urls) > 1 {
		return nil, fmt.Errorf("explain takes one URL, not %d", len(urls))
	}
	if len(urls) == 1 {
		o.url = urls[0]
	}
	if o.token == "" {
		o.token = s.getenv("PREMIUMHLS_TOKEN")
	}
	return o, o.check()
}

// examines reports whether a whole site is to be looked at.
func (o *options) examines() bool {
	return o.site != "" || o.stack != "" && o.url == "" && o.curl == "" && o.har == ""
}

func (o *options) check() error {
	given := func(values ...string) int {
		return len(values) - len(slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v != "" }))
	}
	switch {
	case given(o.cookie, o.curl, o.har, o.jar) > 1:
		return errors.New("give one of -cookie, -curl, -har and -jar")
	case given(o.template, o.stack, o.site) > 1:
		return errors.New("give one of -template, -stack and -site")
	case o.site == "" && given(o.template, o.stack) == 0 && len(o.publicKeys) == 0:
		return errors.New("the distribution is missing: give -template, -stack or -public-key")
	case len(o.publicKeys) > 0 && o.stack != "":
		return errors.New("a stack has its own keys: leave out -public-key")
	case len(o.keyIDs) > 0 && len(o.keyIDs) != len(o.publicKeys):
		return errors.New("give -key-id as often as -public-key, in the same order")
	case o.template != "" && given(o.host, o.pattern) > 0:
		return errors.New("a template has its own behaviors: leave out -host and -pattern")
	case o.examines() && given(o.url, o.cookie, o.curl, o.har, o.jar, o.setCookie) > 0:
		return errors.New("give the URL of the request, or leave out -site and what belongs to a request")
	case !o.examines() && o.url == "" && o.curl == "" && o.har == "":
		return errors.New("the URL of the request is missing")
	case o.curl != "" && o.url != "":
		return errors.New("the curl command has the URL: leave it out")
	case (o.curl == "-" || o.curl == "@-") && o.response == "-":
		return errors.New("-curl and -response cannot both be read from stdin")
	}
	var err error
	if o.url != "" {
		if o.url, err = address("the URL", o.url); err != nil {
			return err
		}
	}
	if o.page != "" {
		if o.pageURL, err = absolute("-page", o.page); err != nil {
			return err
		}
	}
	if o.setCookieFrom != "" {
		o.setCookieURL, err = absolute("-set-cookie-from", o.setCookieFrom)
	}
	return err
}

// address is a URL as it is sent: without what follows a #.
func address(what, text string) (string, error) {
	text, _, _ = strings.Cut(text, "#")
	if _, err := absolute(what, text); err != nil {
		return "", err
	}
	return text, nil
}

// absolute reads a URL with a scheme of HTTP and a host.
func absolute(what, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s is %q, and must begin with https:// or http:// and a host", what, text)
	}
	return u, nil
}
