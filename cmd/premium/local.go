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
	Content string   `placeholder:"DIR" help:"Serve the HLS of this folder as premium content, in place of the sample."`
	Port    int      `default:"8080" help:"Port to serve on (${default})."`
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
