package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"premiumhls/internal/premiumpath"
)

// everything is the path that covers everything premium.
const everything = "*"

// A command is what the command line asks for.
type command struct {
	verb   string // grant, revoke or list
	table  string // empty: the one of stack
	stack  string
	viewer string // empty: everyone, with list
	path   string
	until  time.Time // zero: the grant does not end
}

// parse reads the command line. Its errors are sentences without their stop.
func parse(args []string, now time.Time) (command, error) {
	if len(args) == 0 {
		return command{}, errors.New("say what to do: grant, revoke or list")
	}
	c := command{verb: args[0]}
	flags := flag.NewFlagSet(c.verb, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&c.table, "table", "", "")
	flags.StringVar(&c.stack, "stack", "", "")
	var until string
	least, most := 2, 2
	switch c.verb {
	case "-h", "-help", "--help", "help":
		return command{}, flag.ErrHelp
	case "grant":
		flags.StringVar(&until, "until", "", "")
	case "revoke":
	case "list":
		least, most = 0, 1
	default:
		return command{}, fmt.Errorf("%q is not grant, revoke or list", c.verb)
	}
	if err := flags.Parse(args[1:]); err != nil {
		return command{}, err
	}
	for _, arg := range flags.Args() {
		if strings.HasPrefix(arg, "-") && len(arg) > 1 {
			return command{}, fmt.Errorf("%s comes after the viewer or the path: options come before them", arg)
		}
	}
	switch {
	case flags.NArg() < least:
		return command{}, fmt.Errorf("%s needs a viewer and a path", c.verb)
	case flags.NArg() > most && c.verb == "list":
		return command{}, errors.New("list takes one viewer, or none for everyone")
	case flags.NArg() > most:
		return command{}, fmt.Errorf("%s takes one viewer and one path; write everything as '*', in quotes", c.verb)
	case (c.table == "") == (c.stack == ""):
		return command{}, errors.New("say which table: either -table NAME or -stack NAME")
	}
	if flags.NArg() > 0 {
		c.viewer = flags.Arg(0)
		if err := checkViewer(c.viewer); err != nil {
			return command{}, err
		}
	}
	if flags.NArg() > 1 {
		c.path = flags.Arg(1)
		if err := checkPath(c.path); err != nil {
			return command{}, err
		}
	}
	var err error
	c.until, err = parseUntil(until, now)
	return c, err
}

// maxViewer is the longest partition key, in bytes (DynamoDB developer guide,
// "Quotas").
const maxViewer = 2048

func checkViewer(viewer string) error {
	switch {
	case viewer == "":
		return errors.New("the viewer is empty")
	case len(viewer) > maxViewer:
		return fmt.Errorf("the viewer is longer than %d bytes", maxViewer)
	case strings.ContainsFunc(viewer, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsGraphic(r) || unicode.IsSpace(r) }):
		return fmt.Errorf("the viewer %q has spaces or characters that cannot be seen", viewer)
	}
	return nil
}

// checkPath takes what the signer can grant, and nothing that it would pass
// over.
func checkPath(path string) error {
	if path == everything {
		return nil
	}
	if path == "" {
		return errors.New("the path is empty: write everything as '*', in quotes")
	}
	if _, err := premiumpath.Parse(path); err != nil {
		return fmt.Errorf("the path %q cannot be granted: it must be segments of A-Z a-z 0-9 - . _ ~ parted by single slashes, "+
			"without one at its beginning or end, in at most %d characters; or '*' for everything", path, premiumpath.MaxLength)
	}
	return nil
}

var daysForm = regexp.MustCompile(`^([0-9]{1,5})d$`)

// parseUntil reads when a grant ends; the zero time for the empty text.
func parseUntil(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	until, err := readUntil(text, now)
	if err != nil {
		return time.Time{}, err
	}
	if !until.After(now) {
		return time.Time{}, fmt.Errorf("-until %s is past", text)
	}
	if until.Year() > 9999 { // which the signer would refuse
		return time.Time{}, fmt.Errorf("-until %s is after the year 9999: leave it out for a grant that does not end", text)
	}
	return until.UTC().Truncate(time.Second), nil
}

func readUntil(text string, now time.Time) (time.Time, error) {
	if days := daysForm.FindStringSubmatch(text); days != nil {
		n, err := strconv.Atoi(days[1])
		if err != nil {
			return time.Time{}, err
		}
		return now.Add(time.Duration(n) * 24 * time.Hour), nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	if moment, err := time.Parse(time.RFC3339, text); err == nil {
		return moment, nil
	}
	return time.Time{}, fmt.Errorf("-until is %q: it must be a day (2027-01-31), a time (2027-01-31T12:00:00Z) or a while from now (30d, 12h)", text)
}
