package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// newClient returns a client that does not follow redirects and connects only to
// this machine.
func newClient() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: loopbackOnly}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 1 << 10, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
	}
}

func loopbackOnly(_, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err != nil || !to.Addr().IsLoopback() {
		return fmt.Errorf("%s is not on this machine", address)
	}
	return nil
}

// expected is the required response to a request.
type expected struct {
	status  int
	code    string // in the body of a refusal
	content []byte // of a file; nil if any is accepted
}

// A response is what the system returned.
type response struct {
	status int
	header http.Header
	body   []byte // valid until the next request
}

// A request is sent by a viewer.
type request struct {
	kind    kind
	method  string
	url     string
	cookies string // value of the Cookie header; empty if none
	token   string // empty if none
	body    string
	form    bool // the body is a form; otherwise JSON
	from    int  // first byte requested with Range; 0 without Range
	want    expected
}

func (r request) make(ctx context.Context) (*http.Request, error) {
	made, err := http.NewRequestWithContext(ctx, r.method, r.url, bodyOf(r.body))
	if err != nil {
		return nil, err
	}
	if r.cookies != "" {
		made.Header.Set("Cookie", r.cookies)
	}
	if r.token != "" {
		made.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.from > 0 {
		made.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.from))
	}
	switch {
	case r.form:
		made.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case r.body != "":
		made.Header.Set("Content-Type", "application/json")
	}
	return made, nil
}
