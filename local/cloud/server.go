package cloud

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"
)

type server struct{ http.Server }

// listen serves a handler on a free port of this machine and returns its URL.
func (c *Cloud) listen(handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listening on this machine: %w", err)
	}
	s := &server{http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}}
	c.servers = append(c.servers, s)
	go s.Serve(listener)
	return fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port), nil
}

func keys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
