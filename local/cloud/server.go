package cloud

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

type server struct{ http.Server }

// listen serves a handler on a free loopback port, and returns its URL.
func (c *Cloud) listen(handler http.Handler) (string, error) {
	return c.listenAt("127.0.0.1", "localhost", handler, nil)
}

// listenPublic serves a handler like the edge: over TLS and reachable from other
// devices, if the edge is.
func (c *Cloud) listenPublic(handler http.Handler) (string, error) {
	host, _, err := net.SplitHostPort(c.options.Host)
	if err != nil || !c.options.Public {
		return c.listenAt("127.0.0.1", "localhost", handler, c.options.TLS)
	}
	return c.listenAt("", host, handler, c.options.TLS)
}

func (c *Cloud) listenAt(address, host string, handler http.Handler, config *tls.Config) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return "", fmt.Errorf("listening on this machine: %w", err)
	}
	s := &server{http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}}
	c.servers = append(c.servers, s)
	port, scheme := listener.Addr().(*net.TCPAddr).Port, "http"
	if config != nil {
		listener, scheme = tls.NewListener(listener, config), "https"
	}
	go s.Serve(listener)
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port)), nil
}

func keys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
