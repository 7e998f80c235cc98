package awsjson

import (
	"net/http"
	"sync/atomic"
	"time"
)

// idleTime is how long a connection over which nothing goes is used again.
const idleTime = 10 * time.Second

// NewHTTPClient returns a client of services for a function, whose container
// is frozen between requests. Connections die meanwhile, often without a word:
// the network forgets them, and the timers that would close them stand still.
// A request over such a connection hangs until its time is over.
//
// So none is used again that may have been idle for long, by the wall clock,
// which is right when a container thaws. It speaks HTTP/1.1, with which a
// connection that died all the same costs the one request that meets it, and
// not all that share it. It follows no redirect.
func NewHTTPClient() *http.Client {
	return &http.Client{
		Transport:     newTransport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type transport struct {
	http *http.Transport
	now  func() time.Time
	used atomic.Int64 // when it was last used, in nanoseconds since 1970
}

func newTransport() *transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2 = false
	return &transport{http: t, now: time.Now}
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	now := t.now().UnixNano()
	if idle := time.Duration(now - t.used.Swap(now)); idle.Abs() > idleTime {
		t.http.CloseIdleConnections()
	}
	return t.http.RoundTrip(r)
}
