// Command load runs the whole of Premium HLS on this machine and puts it under
// load: viewers sign in, request cookies, fetch playlists and segments with them,
// and try what must be refused. It ends by itself, prints response times and
// memory, and exits with status 1 if a response was wrong, memory grew, or a
// goroutine leaked.
//
// It connects to loopback addresses only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"premiumhls/internal/cfn"
	"premiumhls/local/assembly"
	"premiumhls/local/cloud"
	"premiumhls/local/cognito"
	"premiumhls/stacks/assets"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type options struct {
	requests int64
	atMost   time.Duration
	viewers  int
	parallel int
	settings assembly.Changes
}

// errFailed is the error of a run with wrong responses or leaks, which are
// printed.
var errFailed = errors.New("load run failed: see above")

func run(ctx context.Context, args []string, out io.Writer) error {
	o := options{settings: assembly.Changes{
		// Half of the viewers own one course, half own both.
		"entitlements":       `{"claim":"custom:courses","paths":true}`,
		"userPoolAttributes": `["courses"]`,
		// The run measures the system behind the throttling.
		"requestsPerSecond": "10000",
		"requestBurst":      "5000",
	}}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.Int64Var(&o.requests, "requests", 100_000, "number of requests to send")
	flags.DurationVar(&o.atMost, "for", 20*time.Minute, "maximum duration")
	flags.IntVar(&o.viewers, "viewers", 200, "number of viewers")
	flags.IntVar(&o.parallel, "parallel", 8, "viewers who watch at a time")
	flags.Var(o.settings, "c", "override a setting of cdk.json, as `name=value` (repeatable)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.requests < 1 || o.atMost <= 0 || o.viewers < 1 || o.parallel < 1 {
		return fmt.Errorf("-requests %d -for %v -viewers %d -parallel %d: each must be greater than zero", o.requests, o.atMost, o.viewers, o.parallel)
	}
	o.parallel = min(o.parallel, o.viewers)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening on this machine: %w", err)
	}
	defer listener.Close()
	host := fmt.Sprintf("localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	fmt.Fprintln(out, "Synthesizing the stack and deploying it on this machine …")
	folder, err := os.MkdirTemp("", "premiumhls-")
	if err != nil {
		return fmt.Errorf("creating a folder for the synthesized stack: %w", err)
	}
	defer os.RemoveAll(folder)
	c, err := deploy(ctx, o, folder, host)
	if err != nil {
		return err
	}
	defer c.Close()
	server := &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	defer server.Close()

	client := newClient()
	defer client.CloseIdleConnections()
	site, err := openSite(ctx, client, c, host)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Up to %d requests in up to %v, %d viewers, %d at a time (%s/%s, %d processors, %s).\n\n",
		o.requests, o.atMost, o.viewers, o.parallel, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	limited, cancel := context.WithTimeout(ctx, o.atMost)
	defer cancel()
	found := load(limited, o, site, newMeter(c, client, out, o.requests))
	found.print(out)
	if err := ctx.Err(); err != nil {
		return errors.New("the load run was interrupted")
	}
	if !found.ok() {
		return errFailed
	}
	return nil
}

// deploy synthesizes the stack and deploys it to stand-ins on this machine.
func deploy(ctx context.Context, o options, folder, host string) (*cloud.Cloud, error) {
	root, err := assets.Root(".")
	if err != nil {
		return nil, err
	}
	file, s, err := assembly.Synthesize(ctx, folder, o.settings)
	if err != nil {
		return nil, err
	}
	t, err := cfn.Read(file)
	if err != nil {
		return nil, err
	}
	c, err := cloud.New(cloud.Options{Root: root, Assembly: folder, Stack: s.StackName, Host: host, Viewers: viewers(o.viewers)})
	if err != nil {
		return nil, err
	}
	if err := c.Deploy(ctx, t); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// viewers returns those who can sign in: every other one also owns the second
// course.
func viewers(n int) (list []cognito.Viewer) {
	for i := range n {
		courses := "course-1"
		if i%2 == 1 {
			courses = "course-1 course-2"
		}
		list = append(list, cognito.Viewer{
			Username: fmt.Sprintf("viewer-%d", i),
			Subject:  fmt.Sprintf("00000000-0000-4000-8000-%012d", i),
			Claims:   map[string]any{"custom:courses": courses},
		})
	}
	return list
}
