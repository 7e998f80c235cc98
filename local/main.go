// Command local runs the whole of Premium HLS on this machine: it synthesizes
// the stack, deploys the template to stand-ins of the services, and serves the
// distribution on localhost. It needs Go, Node and npm, and no AWS account.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"premiumhls/internal/cfn"
	"premiumhls/local/assembly"
	"premiumhls/local/cloud"
	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
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
	content  string
	port     int
	verbose  bool
	settings assembly.Changes
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o := options{settings: assembly.Changes{}}
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.StringVar(&o.content, "content", "", "a `folder` of HLS to sell in place of the sample")
	flags.IntVar(&o.port, "port", 8080, "the port to serve on")
	flags.BoolVar(&o.verbose, "v", false, "print what the Lambda functions log, too")
	flags.Var(o.settings, "c", "a setting over that of cdk.json, as `name=value`; may be repeated")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag: a folder of HLS is given with -content", flags.Arg(0))
	}
	if err := checkNode(ctx); err != nil {
		return err
	}
	var videos []video
	if o.content != "" {
		var err error
		if videos, err = findVideos(o.content); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", "localhost:"+strconv.Itoa(o.port))
	if err != nil {
		return portError(o.port, err)
	}
	defer listener.Close()

	folder, err := os.MkdirTemp("", "premiumhls-")
	if err != nil {
		return fmt.Errorf("making a folder for the synthesized stack: %w", err)
	}
	defer os.RemoveAll(folder)
	fmt.Fprintln(out, "Synthesizing the stack …")
	file, s, err := assembly.Synthesize(ctx, folder, o.settings)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Deploying it on this machine …")
	terminal := &terminal{out: out}
	c, err := deploy(ctx, o, s, folder, file, terminal)
	if err != nil {
		return err
	}
	defer c.Close()
	if len(videos) > 0 {
		if err := sell(c, s.PremiumPath, videos); err != nil {
			return err
		}
	}
	if err := grantPurchases(ctx, c); err != nil {
		return err
	}
	terminal.welcome(o, c, videos)
	return serve(ctx, listener, c)
}

func deploy(ctx context.Context, o options, s settings.Settings, folder, file string, terminal *terminal) (*cloud.Cloud, error) {
	root, err := assets.Root(".")
	if err != nil {
		return nil, err
	}
	t, err := cfn.Read(file)
	if err != nil {
		return nil, err
	}
	functions, log := io.Discard, slog.New(slog.NewTextHandler(terminal, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if o.verbose {
		functions = terminal
		log = slog.New(slog.NewTextHandler(terminal, nil))
	}
	c, err := cloud.New(cloud.Options{
		Root:      root,
		Assembly:  folder,
		Stack:     s.StackName,
		Host:      "localhost:" + strconv.Itoa(o.port),
		Viewers:   issuerViewers(),
		Shop:      shop,
		Functions: functions,
		Requests:  terminal.request,
		Log:       log,
	})
	if err != nil {
		return nil, err
	}
	if err := c.Deploy(ctx, t); err != nil {
		c.Close()
		return nil, err
	}
	if outputs, err := c.Outputs(); err == nil && outputs["Proof"] != "" {
		fmt.Fprintln(terminal, outputs["Proof"])
	}
	return c, nil
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// checkNode looks for what the CDK runs in, and what installs the page's
// libraries.
func checkNode(ctx context.Context) error {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is not installed, or not on the PATH: install Node 20 or newer, which brings npm (https://nodejs.org)", tool)
		}
	}
	version, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return fmt.Errorf("asking node for its version: %w", err)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(version)), "v"), ".")
	if n, err := strconv.Atoi(major); err == nil && n < 20 {
		return fmt.Errorf("node is version %s: install Node 20 or newer (https://nodejs.org)", strings.TrimSpace(string(version)))
	}
	return nil
}

func portError(port int, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d is in use by another program: end that, or choose another port with -port", port)
	}
	return fmt.Errorf("serving on port %d: %w", port, err)
}
