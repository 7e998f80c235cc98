// Command explain says why CloudFront refuses a request, check by check, and
// what to do about it. Without a request it looks at a whole site from outside.
//
//	go run ./explain -stack PremiumHls -har refused.har
//	go run ./explain -template cdk.out -cookie 'CloudFront-Policy=…; …' https://d111111abcdef8.cloudfront.net/premium/a.ts
//	go run ./explain -stack PremiumHls
//
// It exits with 0 where the request is served, or the site is well; with 1
// where it is not; and with 2 where it could not find out, because a flag is
// wrong, a file cannot be read or AWS does not answer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"premiumhls/internal/explain/diagnosis"
	"premiumhls/internal/explain/doctor"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], system{os.Stdin, os.Stdout, os.Stderr, time.Now, os.Getenv}))
}

// A system is what a command has around it.
type system struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time
	getenv   func(string) string
}

const (
	served    = 0
	notServed = 1
	unknown   = 2
)

func run(ctx context.Context, args []string, s system) int {
	o, err := parseFlags(args, s)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(s.out, usage)
		return served
	}
	if err != nil {
		fmt.Fprintf(s.err, "%v\nRun go run ./explain -h for the flags.\n", err)
		return unknown
	}
	well, err := o.do(ctx, s)
	switch {
	case err != nil:
		fmt.Fprintln(s.err, err)
		return unknown
	case !well:
		return notServed
	}
	return served
}

// do explains requests, or a site where there are none.
func (o *options) do(ctx context.Context, s system) (well bool, err error) {
	t, err := o.target(ctx)
	if err != nil {
		return false, err
	}
	if o.examines() {
		site, origins := o.site, []string(o.origins)
		if site == "" {
			site, origins = t.Site, append(origins, listed(t)...)
		}
		results := doctor.Check(ctx, doctor.Options{Site: site, Token: o.token, Origins: origins})
		return doctor.Healthy(results), o.printResults(s.out, site, results)
	}
	requests, err := o.requests(s)
	if err != nil {
		return false, err
	}
	well = true
	var reports []diagnosis.Report
	for _, r := range requests {
		report := diagnosis.Explain(t, r)
		well = well && report.Served
		reports = append(reports, report)
	}
	return well, o.printReports(s.out, reports)
}
