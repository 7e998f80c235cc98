// Command capacity simulates the whole of Premium HLS with up to ten million
// viewers: what breaks first, which quota to raise, how many requests each
// service gets, and what it costs. It uses the product's own rules (see
// internal/issuance) and AWS's quotas and prices, and needs no AWS account.
//
// The simulation is a discrete-event one of every request to the API, with the
// signer's execution environments, their caches and their key reads. Requests
// for segments, which are regular, are counted by the second.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"premiumhls/stacks/assets"
)

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	c := defaults()
	flags := flag.NewFlagSet("capacity", flag.ContinueOnError)
	flags.SetOutput(stderr)
	names := flags.String("scenario", "premiere,day,rotation,emergency,outage,flood", "scenarios, separated by commas")
	scales := flags.String("viewers", "1000,10000,100000,1000000,10000000", "numbers of viewers, separated by commas")
	flags.Uint64Var(&c.Seed, "seed", c.Seed, "seed of the random numbers; the same seed gives the same tables")
	flags.Float64Var(&c.SegmentSeconds, "segment", c.SegmentSeconds, "seconds of a segment")
	flags.BoolVar(&c.SeparateAudio, "separate-audio", c.SeparateAudio, "audio is in segments of its own (CMAF)")
	flags.Float64Var(&c.LinkShare, "links", c.LinkShare, "share of the viewers who play with a link, from 0 to 1")
	flags.Float64Var(&c.BuyerShare, "buyers", c.BuyerShare, "share of the viewers who buy with Stripe as they arrive, from 0 to 1")
	flags.Float64Var(&c.Mbps, "mbps", c.Mbps, "average bit rate of a viewer, in Mbit/s")
	flags.BoolVar(&c.EmailGrants, "email-grants", c.EmailGrants, "grants are made to email addresses (emailGrants)")
	docs := flags.Bool("docs", false, "write the tables to docs/scale.md")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if !(c.LinkShare >= 0 && c.LinkShare <= 1) {
		return fmt.Errorf("-links %v: must be between 0 and 1", c.LinkShare)
	}
	if !(c.BuyerShare >= 0 && c.BuyerShare <= 1) {
		return fmt.Errorf("-buyers %v: must be between 0 and 1", c.BuyerShare)
	}
	if c.SegmentSeconds < 1 || !(c.Mbps > 0) {
		return fmt.Errorf("-segment %v -mbps %v: a segment must have at least 1 second, and the bit rate must be greater than zero", c.SegmentSeconds, c.Mbps)
	}
	var list []Scenario
	for name := range strings.SplitSeq(*names, ",") {
		i := slices.IndexFunc(scenarios(), func(s Scenario) bool { return s.Name == name })
		if i < 0 {
			return fmt.Errorf("-scenario: unknown scenario %q", name)
		}
		list = append(list, scenarios()[i])
	}
	var viewers []int
	for text := range strings.SplitSeq(*scales, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 20_000_000 {
			return fmt.Errorf("-viewers: invalid value %q: must be between 1 and 20000000", text)
		}
		viewers = append(viewers, n)
	}

	var text strings.Builder
	report(&text, c, list, viewers, func(what string) { fmt.Fprintln(stderr, what) })
	fmt.Fprintf(&text, "### Quotas\n\nHow many viewers each quota holds, from %d simulated viewers with default settings. `day` is for the viewers of a day.\n\n", quotaViewers)
	quotaTable(c, list, quotaViewers).print(&text)
	if *docs {
		return writeDoc(text.String())
	}
	_, err := io.WriteString(stdout, text.String())
	return err
}

// quotaViewers is the scale of the estimates in the table of quotas.
const quotaViewers = 100_000

const (
	begin = "<!-- go run ./bench/capacity -docs -->\n"
	end   = "<!-- end -->\n"
)

// writeDoc replaces the tables in docs/scale.md.
func writeDoc(tables string) error {
	root, err := assets.Root(".")
	if err != nil {
		return err
	}
	file := filepath.Join(root, "docs", "scale.md")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return fmt.Errorf("%s: no lines %s and %s", file, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(file, []byte(before+begin+tables+end+after), 0o644)
}
