package local

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mvdan.cc/sh/v3/syntax"

	edge "premiumhls/internal/cloudfront"
	"premiumhls/internal/link"
	"premiumhls/local/cloud"
	"premiumhls/local/cloudfront"
	"premiumhls/local/iam"
)

// terminal prints what a person at the terminal wants to see, a line at a time.
type terminal struct {
	mu      sync.Mutex
	out     io.Writer
	command string // how the user runs premium
	site    string // without a slash at its end
	// authority is the file of the certificate authority; empty without TLS.
	authority string
	// open says that requests are viewers', no longer those of the deploy check,
	// which prints its own result.
	open atomic.Bool
}

// step prints what is being done, and how long it took.
func (t *terminal) step(what string, do func() error) error {
	fmt.Fprintf(t, "%s … ", what)
	started := time.Now()
	if err := do(); err != nil {
		fmt.Fprintln(t, "failed")
		return err
	}
	fmt.Fprintf(t, "%.1f s\n", time.Since(started).Seconds())
	return nil
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(p)
}

func (t *terminal) welcome(c *cloud.Cloud, viewers []viewer, videos []video) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nPremium HLS plays on %s/\n\n", t.site)
	if t.authority != "" {
		fmt.Fprintf(&b, "Browsers and phones warn about the certificate until they trust the local authority:\n  %s\n\n", t.authority)
	}
	fmt.Fprintln(&b, "Sign in as")
	for _, v := range viewers {
		fmt.Fprintf(&b, "  %-4s %s\n", v.Username, v.Description)
	}
	for _, v := range videos {
		fmt.Fprintf(&b, "Premium: %s (%s)\n", v.Path, v.Playlist)
	}
	if _, table := c.Table(); table != "" {
		path := "course-2"
		if len(videos) > 0 {
			path = videos[len(videos)-1].Path
		}
		fmt.Fprintf(&b, "\nTo let ben watch %s:\n  %s grant ben %s\n", path, t.command, path)
	}
	fmt.Fprintln(&b, "\nRequests, and what the edge decided (Ctrl-C ends):")
	io.WriteString(t, b.String())
	t.open.Store(true)
}

// code prints the code that the user pool would send to a new viewer.
func (t *terminal) code(address, code string) {
	fmt.Fprintf(t, "Code for %q: %s\n", address, code)
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

// request prints a line for a request to the edge, and a second one for a
// refusal, with the command that explains it.
func (t *terminal) request(e cloudfront.Entry) {
	if !t.open.Load() {
		return
	}
	decision := e.Reason
	switch {
	case e.Decision.Code != "":
		decision = e.Decision.Code + ": " + decision
	case e.Status >= 400 && e.Rule == edge.RuleNone:
		decision = fmt.Sprintf("the origin responded with %d", e.Status)
	}
	path := link.Redact(e.Path)
	line := fmt.Sprintf("%s %3d %-6s %s  [%s] %s: %s\n", e.Time.Format("15:04:05"), e.Status, e.Method, path, e.Behavior, e.Result, decision)
	for _, f := range e.Functions {
		line += fmt.Sprintf("             CloudFront Function %s (%s): %s\n", f.Name, f.Event, outcome(f))
		for _, message := range f.Log {
			line += fmt.Sprintf("               log: %q\n", message)
		}
	}
	if e.Status >= 400 {
		line += fmt.Sprintf("             explain: %s explain %s\n", t.command, quote(t.site+path))
	}
	io.WriteString(t, line)
}

// outcome describes what a CloudFront Function did.
func outcome(f cloudfront.FunctionRun) string {
	var done []string
	if f.Err != nil {
		done = append(done, "failed: "+f.Err.Error())
	}
	if f.Status != 0 {
		done = append(done, fmt.Sprintf("set status %d", f.Status))
	}
	if len(f.Changed) > 0 {
		done = append(done, "changed "+strings.Join(f.Changed, ", "))
	}
	if len(done) == 0 {
		return "no change"
	}
	return strings.Join(done, "; ")
}

// quote quotes an argument for a shell, if it needs quotes.
func quote(argument string) string {
	quoted, err := syntax.Quote(argument, syntax.LangPOSIX)
	if err != nil { // it has a byte that no shell can quote
		return "URL"
	}
	return quoted
}
