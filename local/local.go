// Package local runs Premium HLS on this machine, for the command premium local:
// it synthesizes the stack, or takes the committed template if that is the same,
// deploys it to stand-ins of the AWS services, and serves the distribution on
// localhost. It needs Go, Node and npm, and no AWS account.
package local

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"premiumhls/internal/cfn"
	"premiumhls/local/assembly"
	"premiumhls/local/certificate"
	"premiumhls/local/cloud"
	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

// Options are the flags of premium local.
type Options struct {
	Content  string // a folder of HLS to serve in place of the sample, or of films; empty: the sample
	Port     int
	TLS      bool     // serves HTTPS and HTTP/2, with a certificate authority of this machine
	Host     string   // name or address under which other devices reach this machine; empty: this machine only
	NoCache  bool     // neither caches nor compresses at the edge
	Verbose  bool     // prints the functions' log too
	Settings []string // name=value, overrides cdk.json
	Out      io.Writer
	Command  string // how the user runs premium, for hints
}

// Run runs the site until ctx is canceled.
func Run(ctx context.Context, o Options) error {
	changes := assembly.Changes{}
	for _, setting := range o.Settings {
		if err := changes.Set(setting); err != nil {
			return err
		}
	}
	if err := checkNode(ctx); err != nil {
		return err
	}
	var videos []video
	if o.Content != "" {
		var err error
		videos, err = findVideos(o.Content)
		hasFilms := len(findCourses(o.Content)) > 0
		if err != nil && !(hasFilms && errors.Is(err, errNoPlaylist)) {
			return err
		}
		if hasFilms {
			if err := changes.Default("ingest", "true"); err != nil {
				return err
			}
		}
	}
	place, err := newPlace(o)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(place.listen, strconv.Itoa(o.Port)))
	if err != nil {
		return portError(o.Port, err)
	}
	defer listener.Close()

	folder, err := os.MkdirTemp("", "premiumhls-")
	if err != nil {
		return fmt.Errorf("making a folder for the synthesized stack: %w", err)
	}
	defer os.RemoveAll(folder)
	site := place.url
	terminal := &terminal{out: o.Out, command: o.Command, site: site, authority: place.authority}
	file, s, err := assembly.Prepare(ctx, folder, changes, terminal.step)
	if err != nil {
		return err
	}
	viewers := newViewers(s.Entitlements, videos)
	c, err := deploy(ctx, o, place, s, folder, file, terminal, viewers)
	if err != nil {
		return err
	}
	defer c.Close()
	if len(videos) > 0 {
		if err := sell(c, s.PremiumPath, videos); err != nil {
			return err
		}
	}
	if err := grantPaths(ctx, c, viewers); err != nil {
		return err
	}
	refused := &refusals{}
	end, err := announce(place, s, c, viewers, refused)
	if err != nil {
		return err
	}
	defer end()
	terminal.welcome(c, viewers, videos)
	if o.Content != "" && s.Ingest {
		films, err := newFilms(c, o.Content, site+"/", terminal)
		if err != nil {
			return err
		}
		ended := make(chan struct{})
		ctx, cancel := context.WithCancel(ctx)
		go func() {
			films.watch(ctx)
			close(ended)
		}()
		defer func() { cancel(); <-ended }()
	}
	return serve(ctx, listener, refused.record(site, c), place.tls)
}

func deploy(ctx context.Context, o Options, place place, s settings.Settings, folder, file string, terminal *terminal, viewers []viewer) (*cloud.Cloud, error) {
	root, err := assets.Root(".")
	if err != nil {
		return nil, err
	}
	t, err := cfn.Read(file)
	if err != nil {
		return nil, err
	}
	functions, log := io.Discard, slog.New(slog.NewTextHandler(terminal, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if o.Verbose {
		functions = terminal
		log = slog.New(slog.NewTextHandler(terminal, nil))
	}
	c, err := cloud.New(cloud.Options{
		Root:      root,
		Assembly:  folder,
		Stack:     s.StackName,
		Host:      place.host,
		TLS:       place.tls,
		Issuer:    place.transport,
		Public:    o.Host != "",
		NoCache:   o.NoCache,
		Viewers:   issuerViewers(viewers),
		Shop:      shop(viewers),
		Functions: functions,
		Requests:  terminal.request,
		Access:    terminal.access,
		Step:      terminal.step,
		SendCode:  terminal.code,
		Log:       log,
	})
	if err != nil {
		return nil, err
	}
	if err := newStripeSecret(c, s); err != nil {
		c.Close()
		return nil, err
	}
	if err := c.Deploy(ctx, t); err != nil {
		c.Close()
		return nil, err
	}
	if outputs, err := c.Outputs(); err == nil && outputs["DeployCheck"] != "" {
		fmt.Fprintln(terminal, outputs["DeployCheck"])
	}
	return c, nil
}

// A place is where the site is reached.
type place struct {
	listen    string      // the address that servers listen on; empty: all of this machine's
	host      string      // with the port
	url       string      // without a slash at its end
	tls       *tls.Config // nil without TLS
	transport http.RoundTripper
	authority string // file of the certificate authority
}

func newPlace(o Options) (place, error) {
	p := place{listen: "localhost", host: net.JoinHostPort("localhost", strconv.Itoa(o.Port))}
	if o.Host != "" {
		if !o.TLS {
			return p, errors.New("--host needs --tls: browsers send Secure cookies over plain HTTP to localhost only")
		}
		p.listen, p.host = "", net.JoinHostPort(o.Host, strconv.Itoa(o.Port))
	}
	p.url = "http://" + p.host
	if !o.TLS {
		return p, nil
	}
	p.url = "https://" + p.host
	hosts := []string{"localhost", "127.0.0.1"}
	if o.Host != "" && o.Host != "localhost" {
		if err := certificate.Check(o.Host); err != nil {
			return p, fmt.Errorf("--host: %w", err)
		}
		hosts = append([]string{o.Host}, hosts...)
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return p, fmt.Errorf("finding a folder for the certificate authority: %w", err)
	}
	authority, err := certificate.Open(filepath.Join(config, "premium-hls"))
	if err != nil {
		return p, err
	}
	p.authority, p.transport = authority.File, authority.Transport()
	p.tls, err = authority.Config(hosts...)
	return p, err
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler, config *tls.Config) error {
	server := &http.Server{Handler: handler, TLSConfig: config, ReadHeaderTimeout: 10 * time.Second}
	if config != nil {
		// A browser that does not trust the authority ends handshakes.
		server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	run := func() error { return server.Serve(listener) }
	if config != nil {
		run = func() error { return server.ServeTLS(listener, "", "") }
	}
	if err := run(); !errors.Is(err, http.ErrServerClosed) {
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
		return fmt.Errorf("port %d is in use by another program: end it, or choose another port with --port", port)
	}
	return fmt.Errorf("serving on port %d: %w", port, err)
}
