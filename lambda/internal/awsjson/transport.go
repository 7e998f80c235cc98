package awsjson

import (
	"net/http"
	"sync/atomic"
	"time"
)

// idleTime is how long an idle connection is reused.
const idleTime = 10 * time.Second

// NewHTTPClient returns an HTTP client for a Lambda function. A container is frozen
// between requests. Meanwhile the network drops its connections, often silently,
// and the timers that would close them stand still. A request over such a
// connection hangs until it times out.
//
// So the client does not reuse a connection that was idle for long by the wall
// clock, which is right after a thaw. It uses HTTP/1.1, so that a dropped
// connection affects one request and not all that share it. It does not follow
// redirects.
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
