package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// run does what the command asks for, and says what it did.
func (c command) run(ctx context.Context, out io.Writer) error {
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("the AWS configuration cannot be read: %w", err)
	}
	if account.Region == "" {
		return errNoRegion
	}
	if c.table == "" {
		if c.table, err = tableOf(ctx, cloudformation.NewFromConfig(account), c.stack); err != nil {
			return explain(err, "stack "+c.stack, account.Region)
		}
	}
	t := table{client: dynamodb.NewFromConfig(account), name: c.table}
	switch c.verb {
	case "grant":
		err = c.grant(ctx, t, out)
	case "revoke":
		err = c.revoke(ctx, t, out)
	case "list":
		err = c.list(ctx, t, out)
	}
	return explain(err, "table "+c.table, account.Region)
}

func (c command) grant(ctx context.Context, t table, out io.Writer) error {
	if err := t.grant(ctx, c.viewer, c.path, c.until); err != nil {
		return err
	}
	end := "without an end"
	if !c.until.IsZero() {
		end = "until " + c.until.Format(time.RFC3339)
	}
	fmt.Fprintf(out, "%s may watch %s %s.\n", c.viewer, named(c.path), end)
	return nil
}

func (c command) revoke(ctx context.Context, t table, out io.Writer) error {
	was, err := t.revoke(ctx, c.viewer, c.path)
	if err != nil {
		return err
	}
	if !was {
		return &sentence{fmt.Sprintf("%s has no grant of %s in table %s", c.viewer, named(c.path), t.name)}
	}
	fmt.Fprintf(out, "%s has no grant of %s any more. Cookies that were given out last until they end.\n", c.viewer, named(c.path))
	return nil
}

func (c command) list(ctx context.Context, t table, out io.Writer) error {
	grants, err := t.list(ctx, c.viewer)
	if err != nil {
		return err
	}
	if len(grants) == 0 {
		if c.viewer == "" {
			fmt.Fprintf(out, "Table %s has no grants.\n", t.name)
		} else {
			fmt.Fprintf(out, "%s has no grants in table %s.\n", c.viewer, t.name)
		}
		return nil
	}
	slices.SortFunc(grants, func(a, b grant) int {
		return cmp.Or(strings.Compare(a.viewer, b.viewer), strings.Compare(a.path, b.path))
	})
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "VIEWER\tPATH\tUNTIL")
	for _, g := range grants {
		fmt.Fprintf(columns, "%s\t%s\t%s\n", shown(g.viewer), shown(g.path), g.state(time.Now()))
	}
	return columns.Flush()
}

func named(path string) string {
	if path == everything {
		return "everything"
	}
	return path
}

// shown writes what someone else put into the table so that it cannot be
// mistaken, or meddle with a terminal.
func shown(text string) string {
	if quoted := strconv.QuoteToGraphic(text); text == "" || quoted != `"`+text+`"` {
		return quoted
	}
	return text
}
