package local

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"premiumhls/local/cloud"
	"premiumhls/local/cloudfront"
	"premiumhls/local/iam"
)

// terminal prints what a person at the terminal wants to see, a line at a time.
type terminal struct {
	mu  sync.Mutex
	out io.Writer
	// open says that requests are viewers' and not yet those of the deploy's
	// proof, which tells its result itself.
	open atomic.Bool
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(p)
}

func (t *terminal) welcome(o Options, c *cloud.Cloud, videos []video) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nPremium HLS plays on http://localhost:%d/\n\n", o.Port)
	fmt.Fprintln(&b, "Sign in as")
	for _, v := range viewers {
		fmt.Fprintf(&b, "  %-4s %s\n", v.Username, v.Description)
	}
	for _, v := range videos {
		fmt.Fprintf(&b, "For sale: %s (%s)\n", v.Path, v.Playlist)
	}
	b.WriteString(howToGrant(c))
	fmt.Fprintln(&b, "\nEach request, and what the edge decided (Ctrl-C ends):")
	io.WriteString(t, b.String())
	t.open.Store(true)
}

// access prints a line for a call that IAM denied: the function would fail on
// AWS too.
func (t *terminal) access(d iam.Decision) {
	if d.Allowed {
		return
	}
	who := "role " + d.Caller.Role
	if d.Caller.Service != "" {
		who = d.Caller.Service
	}
	fmt.Fprintf(t, "IAM denied: %s: %s on %s, %s\n", who, d.Action, d.Resource, d.Reason)
}

// request prints a line for a request to the edge.
func (t *terminal) request(e cloudfront.Entry) {
	if !t.open.Load() {
		return
	}
	decision := e.Reason
	if e.Decision.Code != "" {
		decision = e.Decision.Code + ": " + decision
	}
	fmt.Fprintf(t, "%s %3d %-6s %s  [%s] %s: %s\n", e.Time.Format("15:04:05"), e.Status, e.Method, e.Path, e.Behavior, e.Result, decision)
}
