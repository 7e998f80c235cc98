package cloud

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"
)

type server struct{ http.Server }

// listen serves a handler on a free port of this machine, over TLS if config is
// not nil, and returns its URL.
func (c *Cloud) listen(handler http.Handler, config *tls.Config) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
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
	return fmt.Sprintf("%s://localhost:%d", scheme, port), nil
}

func keys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
