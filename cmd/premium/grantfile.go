package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"premiumhls/internal/grantitem"
	"premiumhls/internal/grants"
)

const (
	// importWorkers write at once. Each waits for DynamoDB most of the time.
	importWorkers = 32
	// importAttempts of a call: a table that scales up throttles for minutes.
	importAttempts   = 12
	importMaxBackoff = 20 * time.Second
)

type importCommand struct {
	tableFlags
	File   string `arg:"" help:"The file."`
	DryRun bool   `name:"dry-run" help:"Print what would change, and write nothing."`
	Rate   int    `default:"500" placeholder:"N" help:"Maximum writes per second (${default})."`
}

func (importCommand) Help() string {
	return `Grants what the lines of a file say. The file has comma-separated values (RFC 4180), or semicolons or tabs, in UTF-8. Its first line names the columns, in any order: path; email, viewer or both, of which each line has one; and until: a day (2027-01-31, to its end in UTC) or a time (2027-01-31T12:00:00Z), empty for a grant that does not expire. Other columns are ignored.

If any line has a mistake, all mistakes are printed and nothing is written. Otherwise lines are written that differ from the table. An import that was interrupted can be repeated, and a repeated one writes only what was revoked or changed since. Lines whose grant a viewer has claimed are skipped, unless until has changed. What sales granted stays, and so do grants that are not in the file. If the file has a viewer and a path twice, the last line counts.

Exit code 1: lines were not imported. Needs dynamodb:BatchGetItem, GetItem and UpdateItem, and with --stack cloudformation:DescribeStacks.

` + grantHelp
}

func (c importCommand) Run(ctx context.Context, s system) error {
	if c.Rate < 1 || c.Rate > 100_000 {
		return fmt.Errorf("--rate: invalid value %d: must be between 1 and 100000", c.Rate)
	}
	file, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("reading %s: %w", c.File, errors.Unwrap(err))
	}
	defer file.Close()
	rows, addresses, err := checkFile(file, c.File, s)
	if err != nil || rows == 0 {
		return err
	}
	return c.useLong(ctx, func(ctx context.Context, t table) error {
		if addresses {
			if err := t.claims(c.File + " has addresses"); err != nil {
				return err
			}
		}
		// The same retries, more of them, and as fast as the table allows.
		t.Client = dynamodb.New(t.Client.Options(), func(o *dynamodb.Options) {
			o.Retryer = retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
				o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) {
					o.MaxAttempts, o.MaxBackoff, o.RateLimiter = importAttempts, importMaxBackoff, ratelimit.None
				})
			})
		})
		return c.write(ctx, s, t, file, rows)
	})
}

// checkFile reads a file to its end and prints every mistake. It returns how many
// rows there are and whether any is for an address.
func checkFile(file io.Reader, name string, s system) (rows int, addresses bool, err error) {
	reader, err := grants.NewReader(file)
	if err != nil {
		return 0, false, fmt.Errorf("%s: %w", name, err)
	}
	mistakes := 0
	for {
		row, err := reader.Next()
		var mistake *grants.RowError
		switch {
		case errors.Is(err, io.EOF):
			if mistakes > 0 {
				return 0, false, negative{fmt.Sprintf("%s: %d of %d lines have mistakes: nothing was changed", name, mistakes, rows+mistakes)}
			}
			if len(reader.Ignored) > 0 {
				fmt.Fprintf(s.out, "Ignored columns: %s\n", printable(strings.Join(reader.Ignored, ", ")))
			}
			if rows == 0 {
				fmt.Fprintf(s.out, "%s has no grants.\n", name)
			}
			return rows, addresses, nil
		case errors.As(err, &mistake):
			mistakes++
			fmt.Fprintf(s.err, "%s: %v\n", name, err)
		case err != nil:
			return 0, false, fmt.Errorf("%s: %w", name, err)
		default:
			rows++
			_, isAddress := grantitem.Address(row.Holder)
			addresses = addresses || isAddress
		}
	}
}

func (c importCommand) write(ctx context.Context, s system, t table, file io.ReadSeeker, rows int) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return sentence(fmt.Sprintf("reading %s again: %v", c.File, err))
	}
	reader, err := grants.NewReader(file)
	if err != nil {
		return sentence(fmt.Sprintf("%s changed while it was read: %v", c.File, err))
	}
	display := newDisplay(s.out)
	bar := display.bar(c.File, int64(rows), countOfCount)
	expired := 0
	run := grants.Import{Table: t.Table, DryRun: c.DryRun, Workers: importWorkers, Rate: c.Rate, Report: func(change grants.Change, err error) {
		bar.add(1)
		if err != nil {
			display.line("%s: %v", c.File, err)
			return
		}
		if !change.Until.IsZero() && !change.Until.After(s.now()) {
			expired++
		}
		if c.DryRun && !change.Same {
			display.line("%s", describeChange(t, change))
		}
	}}
	counts, err := run.Run(ctx, func() (grants.Row, error) {
		row, err := reader.Next()
		var mistake *grants.RowError
		if errors.As(err, &mistake) {
			return row, sentence(fmt.Sprintf("%s changed while it was read: %v", c.File, err))
		}
		if _, isAddress := grantitem.Address(row.Holder); err == nil && !isAddress {
			row.Holder = t.run.Subject(row.Holder)
		}
		return row, err
	})
	bar.remove()
	display.wait()
	if err != nil {
		explained := grants.Explain(err, "table "+t.Name, t.region)
		var said sentence
		switch {
		case ctx.Err() != nil:
			explained = errors.New("interrupted")
		case errors.As(err, &said):
			explained = said
		}
		return sentence(fmt.Sprintf("%v. %d of %d rows are done: repeat the command to import the rest", explained, counts.Rows(), rows))
	}
	done := "Imported"
	if c.DryRun {
		done = "Dry run of"
	}
	fmt.Fprintf(s.out, "%s %d rows: %d new, %d changed, %d as they were.\n", done, rows, counts.New, counts.Changed, counts.Same)
	if expired > 0 {
		fmt.Fprintf(s.out, "%d of them have expired and grant nothing.\n", expired)
	}
	if counts.Failed > 0 {
		return negative{fmt.Sprintf("%d rows were not imported", counts.Failed)}
	}
	return nil
}

// describeChange is a line of a dry run.
func describeChange(t table, c grants.Change) string {
	who := quoted(t.run.Name(c.Holder))
	if address, ok := grantitem.Address(c.Holder); ok {
		who = quoted(address)
	}
	if c.New {
		return fmt.Sprintf("+ %s %s, expires: %s", who, quoted(c.Path), moment(c.Until))
	}
	return fmt.Sprintf("~ %s %s, expires: %s, was: %s", who, quoted(c.Path), moment(c.Until), moment(c.Before))
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

type exportCommand struct {
	tableFlags
	File string `arg:"" optional:"" help:"The file, which must not exist. Without it, standard output."`
}

func (exportCommand) Help() string {
	return `Writes a file that premium grants import reads, with what people granted. What sales granted is not in it. Values that a spreadsheet would take for a formula begin with an apostrophe, which the import removes. Needs dynamodb:Scan, and with --stack cloudformation:DescribeStacks.

` + grantHelp
}

func (c exportCommand) Run(ctx context.Context, s system) error {
	out := s.out
	if c.File != "" {
		// It has the addresses of viewers.
		file, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("writing %s: %w", c.File, errors.Unwrap(err))
		}
		defer file.Close()
		out = file
	}
	return c.useLong(ctx, func(ctx context.Context, t table) error {
		buffered := bufio.NewWriter(out)
		writer, err := grants.NewWriter(buffered)
		if err != nil {
			return sentence(fmt.Sprintf("writing: %v", err))
		}
		written, left := 0, 0
		err = t.Each(ctx, func(g grants.Grant) error {
			ok, err := writer.Write(g)
			switch {
			case err != nil:
				return sentence(fmt.Sprintf("writing: %v", err))
			case ok:
				written++
			default:
				left++
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := errors.Join(writer.Flush(), buffered.Flush()); err != nil {
			return sentence(fmt.Sprintf("writing: %v", err))
		}
		others := ""
		if left > 0 {
			others = fmt.Sprintf(" %d others are of sales only, or grant nothing.", left)
		}
		fmt.Fprintf(s.err, "Exported %d grants.%s\n", written, others)
		return nil
	})
}
