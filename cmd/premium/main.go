// Command premium runs Premium HLS on this machine, explains refused requests,
// checks a site from outside, and manages who may watch what. See premium -h.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// The exit codes, as grep and diff use them.
const (
	yes    = 0 // done, served or healthy
	no     = 1 // refused, unhealthy or no such grant
	failed = 2 // invalid usage, or the command could not do its work
)

const description = `Premium HLS serves paid HLS video: public trailers, and premium paths behind CloudFront signed cookies.

Flags take one dash or two. Exit codes: 0 yes (done, served, healthy), 1 no (refused, unhealthy, no such grant), 2 invalid usage or the command failed.`

// A cli is the command line.
type cli struct {
	Local   localCommand   `cmd:"" help:"Run the whole site on this machine. Needs no AWS account."`
	Explain explainCommand `cmd:"" help:"Explain why CloudFront refuses a request, and what to do."`
	Doctor  doctorCommand  `cmd:"" help:"Check a whole site from outside."`
	Grant   grantCommand   `cmd:"" help:"Let a viewer watch a path."`
	Revoke  revokeCommand  `cmd:"" help:"Take a grant back."`
	Grants  grantsCommand  `cmd:"" help:"List, import and export grants."`
	Viewers viewersCommand `cmd:"" help:"Export or forget a viewer."`
	Upload  uploadCommand  `cmd:"" help:"Upload films, and wait until they play."`
	Videos  videosCommand  `cmd:"" help:"List courses and lessons with their state."`
	Publish publishCommand `cmd:"" help:"Show a lesson."`
	Draft   draftCommand   `cmd:"" help:"Hide a lesson."`
	Free    freeCommand    `cmd:"" help:"Let everyone watch a lesson."`
	Premium premiumCommand `cmd:"" help:"Put a lesson behind signed cookies."`
	Retry   retryCommand   `cmd:"" help:"Encode a film again, or handle failed events again."`
	Rm      rmCommand      `cmd:"" help:"Remove a lesson."`
	Stripe  stripeCommand  `cmd:"" help:"List and replay Stripe events, and simulate them on premium local."`
	Cost    costCommand    `cmd:"" help:"Print what a month costs, by plan, beside hosted services."`
}

// A system is the environment of a command.
type system struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time
	getenv   func(string) string
}

// A negative is the result of a command whose answer is no. The command has
// printed why, unless the message is not empty.
type negative struct{ message string }

func (n negative) Error() string { return n.message }

// An exit is the panic with which kong's help flag ends the parser.
type exit int

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], system{os.Stdin, os.Stdout, os.Stderr, time.Now, os.Getenv})
	stop()
	os.Exit(code)
}

// run returns the exit code.
func run(ctx context.Context, args []string, s system) (code int) {
	defer func() {
		if r := recover(); r != nil {
			c, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(c)
		}
	}()
	var c cli
	parser, err := kong.New(&c,
		kong.Name("premium"),
		kong.Description(description),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		panic(err) // the struct tags of cli are invalid
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(twoDashes(args))
	if err != nil {
		help := "premium -h"
		var parse *kong.ParseError
		if errors.As(err, &parse) && parse.Context.Command() != "" {
			help = "premium " + typedName(parse.Context) + " -h"
		}
		fmt.Fprintf(s.err, "premium: %v\nFor usage run %s\n", err, help)
		return failed
	}
	err = k.Run()
	var answer negative
	switch {
	case err == nil:
		return yes
	case !errors.As(err, &answer):
		fmt.Fprintf(s.err, "premium %s: %v\n", typedName(k), err)
		return failed
	case answer.message != "":
		fmt.Fprintf(s.err, "premium %s: %s\n", typedName(k), answer.message)
	}
	return no
}

// typedName returns the name of a command as it is typed, without that of a
// default subcommand.
func typedName(k *kong.Context) string {
	node := k.Selected()
	name := node.Name
	for parent := node.Parent; parent != nil && parent.Type == kong.CommandNode; node, parent = parent, parent.Parent {
		if parent.DefaultCmd == node {
			name = parent.Name
		} else {
			name = parent.Name + " " + name
		}
	}
	return name
}

// longFlag is a flag with one dash and a name of more than one letter, which
// kong would read as a series of flags of one letter.
var longFlag = regexp.MustCompile(`^-[a-z][a-z-]+(=|$)`)

// twoDashes lets flags have one dash, as Go's own commands have.
func twoDashes(args []string) []string {
	var out []string
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		if longFlag.MatchString(arg) {
			arg = "-" + arg
		}
		out = append(out, arg)
	}
	return out
}
