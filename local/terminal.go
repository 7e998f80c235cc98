package main

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"premiumhls/local/edge"
	"premiumhls/local/issuer"
)

// viewers are who can sign in. They differ in what a stack with entitlements
// lets them watch.
var viewers = []issuer.Viewer{
	{
		Username:    "ada",
		Subject:     "a0000000-0000-4000-8000-000000000001",
		Email:       "ada@example.com",
		Description: "has bought everything",
		Claims:      map[string]any{"cognito:groups": []string{"premium"}, "custom:courses": "course-1 course-2"},
	},
	{
		Username:    "ben",
		Subject:     "b0000000-0000-4000-8000-000000000002",
		Email:       "ben@example.com",
		Description: "has bought course-1",
		Claims:      map[string]any{"custom:courses": "course-1"},
	},
}

// terminal prints what a person at the terminal wants to see, a line at a time.
type terminal struct {
	mu  sync.Mutex
	out io.Writer
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(p)
}

func (t *terminal) welcome(o options, videos []video) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nPremium HLS plays on http://localhost:%d/\n\n", o.port)
	fmt.Fprintln(&b, "Sign in as")
	for _, v := range viewers {
		fmt.Fprintf(&b, "  %-4s %s\n", v.Username, v.Description)
	}
	for _, v := range videos {
		fmt.Fprintf(&b, "For sale: %s (%s)\n", v.Path, v.Playlist)
	}
	fmt.Fprintln(&b, "\nEach request, and what the edge decided (Ctrl-C ends):")
	io.WriteString(t, b.String())
}

// request prints a line for a request to the edge.
func (t *terminal) request(e edge.Entry) {
	decision := e.Reason
	if e.Decision.Code != "" {
		decision = e.Decision.Code + ": " + decision
	}
	fmt.Fprintf(t, "%s %3d %-6s %s  [%s] %s\n", e.Time.Format("15:04:05"), e.Status, e.Method, e.Path, e.Behavior, decision)
}
