package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"premiumhls/local"
)

// A localCommand runs the site on this machine.
type localCommand struct {
	Content string   `placeholder:"DIR" help:"Serve the HLS of this folder as premium content, in place of the sample. Films in it and in its subfolders, which are courses, are encoded with ffmpeg."`
	Port    int      `default:"8080" help:"Port to serve on (${default})."`
	TLS     bool     `name:"tls" help:"Serve HTTPS and HTTP/2, with a certificate authority of this machine. Safari needs it: it drops Secure cookies over plain HTTP."`
	Host    string   `placeholder:"NAME_OR_IP" help:"Name or private address under which phones and other devices reach this machine. Needs --tls."`
	NoCache bool     `help:"Neither cache nor compress at the edge, as if CloudFront asked the origin each time."`
	Setting []string `short:"c" sep:"none" placeholder:"NAME=VALUE" help:"Override a setting of cdk.json (repeatable)."`
	Verbose bool     `short:"v" help:"Print the log of the Lambda functions too."`
}

func (localCommand) Help() string {
	return `Synthesizes the stack, deploys the template to stand-ins of the AWS services, and serves the distribution on http://localhost. Run it in a checkout of the project. It needs Go, and Node 20 or newer, which brings npm. Ctrl-C ends it.

    premium local --content ~/my-videos -c cookieMinutes=10`
}

func (c localCommand) Run(ctx context.Context, s system) error {
	return local.Run(ctx, local.Options{
		Content:  c.Content,
		Port:     c.Port,
		TLS:      c.TLS,
		Host:     c.Host,
		NoCache:  c.NoCache,
		Verbose:  c.Verbose,
		Settings: c.Setting,
		Out:      s.out,
		Command:  commandName(),
	})
}

// commandName is how the user runs this command.
func commandName() string {
	if strings.Contains(os.Args[0], "go-build") { // the folder of go run
		return "go run ./cmd/premium"
	}
	return filepath.Base(os.Args[0])
}
