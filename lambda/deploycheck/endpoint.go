package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// A endpoint is how a distribution is reached. The zero value is the one of
// viewers: HTTPS at the distribution's own domain name.
type endpoint struct {
	scheme, address string
	roots           *x509.CertPool // nil: those of the system
}

// parseEndpoint reads an endpoint's URL; the empty one is the zero value.
func parseEndpoint(address string) (endpoint, error) {
	if address == "" {
		return endpoint{}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Port() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return endpoint{}, fmt.Errorf("DISTRIBUTION_ENDPOINT_URL: invalid value %q: must be a URL with a port, such as http://localhost:8080", address)
	}
	return endpoint{scheme: u.Scheme, address: u.Host}, nil
}

// to returns where a distribution with the domain name is reached.
func (e endpoint) to(domain string) (scheme, address string) {
	if e.address == "" {
		return "https", domain + ":443"
	}
	return e.scheme, e.address
}

// client returns what asks a distribution under any host. The connection goes
// to the distribution's own domain name, and TLS and the request name the host
// that they are for: so an alias can be asked before its DNS record leads to
// the distribution, and its certificate is checked as a viewer checks it.
func (e endpoint) client(domain string) (scheme string, c *http.Client) {
	scheme, address := e.to(domain)
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
		TLSHandshakeTimeout: 5 * time.Second,
		DisableCompression:  true,
		DisableKeepAlives:   true, // the next try may meet another edge
	}
	if e.roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: e.roots}
	}
	return scheme, &http.Client{
		Transport:     transport,
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
