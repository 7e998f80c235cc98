package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"premiumhls/internal/explain/cookiejar"
	"premiumhls/internal/explain/curl"
	"premiumhls/internal/explain/diagnosis"
	"premiumhls/internal/explain/har"
)

// requests are those to be explained.
func (o *explainCommand) requests(s system) ([]diagnosis.Request, error) {
	base := diagnosis.Request{
		Method: o.Method, URL: o.URL, Viewer: o.Address, Time: o.Now, Page: o.pageURL, Behavior: o.Behavior,
	}
	if base.Time.IsZero() {
		base.Time = s.now()
	}
	if o.Response != "" {
		text, err := read(o.Response, s)
		if err != nil {
			return nil, fmt.Errorf("reading the response: %w", err)
		}
		answers := transcript(text)
		if len(answers) == 0 {
			return nil, fmt.Errorf("reading the response: no status line: save it with curl -i")
		}
		last := answers[len(answers)-1]
		base.Response = &diagnosis.Response{Status: last.status, Header: last.header, Body: last.body}
	}
	b := &browser{}
	if o.Har != "" {
		return o.recorded(base, b)
	}
	var err error
	switch {
	case o.Curl != "":
		base, err = o.copied(base, b, s)
	case o.Cookie != "":
		base.Cookies = []string{strings.TrimSpace(strings.TrimPrefix(o.Cookie, "Cookie:"))}
	case o.Jar != "":
		err = b.open(o.Jar)
	}
	if err != nil {
		return nil, err
	}
	if err := o.answered(base, b); err != nil {
		return nil, err
	}
	base, err = b.send(base)
	return []diagnosis.Request{base}, err
}

// read reads a file, or stdin where it is -.
func read(file string, s system) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(s.in)
	}
	return os.ReadFile(file)
}

// copied is the request of a curl command.
func (o *explainCommand) copied(base diagnosis.Request, b *browser, s system) (diagnosis.Request, error) {
	line := o.Curl
	if file, ok := strings.CutPrefix(line, "@"); ok || line == "-" {
		if line == "-" {
			file = "-"
		}
		text, err := read(file, s)
		if err != nil {
			return base, fmt.Errorf("reading the curl command: %w", err)
		}
		line = string(text)
	}
	c, err := curl.Parse(line)
	if err != nil {
		return base, err
	}
	if base.URL, err = address("the URL of the curl command", c.URL); err != nil {
		return base, err
	}
	base.Header, base.Cookies = c.Header, c.Cookies
	if base.Method == "" {
		base.Method = c.Method
	}
	if base.Page == nil {
		base.Page = pageOf(c.Header)
	}
	if c.Jar != "" {
		return base, b.open(c.Jar)
	}
	return base, nil
}

// pageOf is the page that a request's headers name; nil where they name none.
func pageOf(header http.Header) *url.URL {
	for _, name := range []string{"Origin", "Referer"} {
		if page, err := absolute(name, header.Get(name)); err == nil {
			return page
		}
	}
	return nil
}

// recorded are the requests of a HAR file.
func (o *explainCommand) recorded(base diagnosis.Request, b *browser) ([]diagnosis.Request, error) {
	text, err := os.ReadFile(o.Har)
	if err != nil {
		return nil, fmt.Errorf("reading the HAR file: %w", err)
	}
	archive, err := har.Parse(text)
	if err != nil {
		return nil, err
	}
	chosen, err := archive.Choose(o.URL)
	if err != nil {
		return nil, err
	}
	var requests []diagnosis.Request
	for _, i := range chosen {
		e := archive.Entries[i]
		r := base
		r.URL, r.Header, r.Cookies, r.Sanitized = e.URL, e.Header, e.Cookies, archive.Sanitized
		if r.Method == "" {
			r.Method = e.Method
		}
		if o.Now.IsZero() && !e.Started.IsZero() {
			r.Time = e.Started
		}
		if r.Page == nil {
			r.Page = pageOf(e.Header)
		}
		if r.Response == nil && e.Status != 0 {
			r.Response = &diagnosis.Response{Status: e.Status, Header: e.ResponseHeader, Body: e.Body}
		}
		own := *b
		for _, before := range archive.Entries[:i] {
			own.hear(before, r)
		}
		if err := o.answered(r, &own); err != nil {
			return nil, err
		}
		if r, err = own.explain(r); err != nil {
			return nil, err
		}
		requests = append(requests, r)
	}
	return requests, nil
}

// answered lets a browser hear the answer that -set-cookie names.
func (o *explainCommand) answered(r diagnosis.Request, b *browser) error {
	if o.SetCookie == "" {
		return nil
	}
	text, err := os.ReadFile(o.SetCookie)
	if err != nil {
		return fmt.Errorf("reading the answer that set the cookies: %w", err)
	}
	if strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		archive, err := har.Parse(text)
		if err != nil {
			return err
		}
		for _, e := range archive.Entries {
			b.hear(e, r)
		}
		return nil
	}
	from := o.setCookieURL
	if from == nil {
		if from, err = absolute("the URL", r.URL); err != nil {
			return err
		}
		from = from.ResolveReference(&url.URL{Path: "/api/cookies"})
	}
	heard := false
	for _, answer := range transcript(text) {
		for _, header := range answer.header.Values("Set-Cookie") {
			b.store(header, cookiejar.Response{URL: from, Page: r.Page, Time: r.Time})
			heard = true
		}
	}
	if !heard {
		return fmt.Errorf("the answer in %s sets no cookies: save it with curl -i, headers and all", o.SetCookie)
	}
	return nil
}

// hear stores the cookies of a recorded answer.
func (b *browser) hear(e har.Entry, r diagnosis.Request) {
	from, err := absolute("", e.URL)
	if err != nil {
		return
	}
	page, at := r.Page, e.Started
	if own := pageOf(e.Header); own != nil {
		page = own
	}
	if at.IsZero() {
		at = r.Time
	}
	for _, header := range e.SetCookies {
		b.store(header, cookiejar.Response{URL: from, Page: page, Time: at.Truncate(time.Second)})
	}
}
