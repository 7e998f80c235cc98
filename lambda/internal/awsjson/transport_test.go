package awsjson

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A connection is used again after a short pause, and not after a long one, by
// a wall clock that may be put forward or back.
func TestIdleConnections(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pause time.Duration
		same  bool // connection
	}{
		{"at once", 0, true},
		{"idle for a moment", idleTime, true},
		{"idle for longer", idleTime + time.Millisecond, false},
		{"frozen for an hour", time.Hour, false},
		{"the clock is put back", -time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Peer", r.RemoteAddr)
			}))
			defer server.Close()
			now := time.Now()
			transport := newTransport()
			transport.now = func() time.Time { return now }
			peer := func() string {
				response, err := (&http.Client{Transport: transport}).Get(server.URL)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				return response.Header.Get("Peer")
			}
			first := peer()
			now = now.Add(tt.pause)
			if again := peer(); (again == first) != tt.same {
				t.Errorf("first from %s, then from %s", first, again)
			}
		})
	}
}

// Where a server speaks both protocols, requests do not share a connection.
func TestHTTP1(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Protocol", r.Proto)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := NewHTTPClient()
	client.Transport.(*transport).http.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := response.Header.Get("Protocol"); got != "HTTP/1.1" {
		t.Errorf("it speaks %s", got)
	}
}
