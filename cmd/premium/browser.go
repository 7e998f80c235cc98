package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"premiumhls/internal/explain/cookiejar"
	"premiumhls/internal/explain/diagnosis"
)

// A browser keeps cookies.
type browser struct {
	cookies []cookiejar.Cookie
	refused []cookiejar.Withheld
}

// open reads a cookie jar.
func (b *browser) open(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the cookie jar: %w", err)
	}
	cookies, err := cookiejar.ParseNetscape(string(text))
	if err != nil {
		return fmt.Errorf("reading the cookie jar %s: %w", file, err)
	}
	b.cookies = append(b.cookies, cookies...)
	return nil
}

// store keeps a cookie that was set, in place of the one with the same name,
// domain, path and partition.
func (b *browser) store(header string, from cookiejar.Response) {
	c, refused := cookiejar.Store(header, from)
	if refused != nil {
		b.refused = append(slices.Clone(b.refused), *refused)
		return
	}
	b.cookies = append(slices.DeleteFunc(slices.Clone(b.cookies), func(old cookiejar.Cookie) bool {
		return old.Name == c.Name && old.Domain == c.Domain && old.Path == c.Path && old.HostOnly == c.HostOnly && old.Partition == c.Partition
	}), c)
}

// send adds the cookies that the browser sends to a request, and says why it
// does not send the others.
func (b *browser) send(r diagnosis.Request) (diagnosis.Request, error) {
	sent, withheld, err := b.sort(r)
	if err != nil {
		return r, err
	}
	var pairs []string
	for _, c := range sent {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	if len(pairs) > 0 && len(r.Cookies) == 0 {
		r.Cookies = []string{strings.Join(pairs, "; ")}
	}
	r.Withheld = absent(withheld, r.Cookies)
	return r, nil
}

// explain says why the browser does not send what a recorded request does not
// have.
func (b *browser) explain(r diagnosis.Request) (diagnosis.Request, error) {
	_, withheld, err := b.sort(r)
	r.Withheld = absent(withheld, r.Cookies)
	return r, err
}

func (b *browser) sort(r diagnosis.Request) ([]cookiejar.Cookie, []cookiejar.Withheld, error) {
	target, err := absolute("the URL", r.URL)
	if err != nil {
		return nil, nil, err
	}
	sent, withheld := cookiejar.Send(b.cookies, cookiejar.Request{URL: target, Page: r.Page, Time: r.Time})
	return sent, append(slices.Clone(b.refused), withheld...), nil
}

// absent are those of CloudFront's cookies that a request does not carry.
func absent(withheld []cookiejar.Withheld, cookies []string) (kept []cookiejar.Withheld) {
	carried := "; " + strings.Join(cookies, "; ")
	for _, w := range withheld {
		if strings.HasPrefix(w.Name, "CloudFront-") && !strings.Contains(carried, "; "+w.Name+"=") {
			kept = append(kept, w)
		}
	}
	return kept
}
