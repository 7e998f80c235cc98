package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"premiumhls/internal/grants"
	"premiumhls/internal/localrun"
)

const grantHelp = `Without --stack and --table, it uses the table of premium local, where VIEWER may also be the name of a viewer, such as ben.

VIEWER is the sub claim of the viewer's token; in a Cognito user pool that is the user's ID, not the email address. PATH is a path below the premium path, such as course-1 or course-1/lesson-2, or '*' for all premium content, in quotes.

Region and credentials are found as the AWS CLI finds them (AWS_REGION, AWS_PROFILE and so on).`

// grantsTimeout bounds a command. Listing a large table takes the longest.
const grantsTimeout = 5 * time.Minute

// tableFlags name a table of grants.
type tableFlags struct {
	Stack string `placeholder:"NAME" help:"The CloudFormation stack that has the table."`
	Table string `placeholder:"NAME" help:"The DynamoDB table."`
	localFlag
}

// A localFlag chooses a local run.
type localFlag struct {
	LocalRun string `name:"run" placeholder:"PORT" help:"The port of premium local, if it runs more than once."`
}

// grantArguments are a viewer and a path.
type grantArguments struct {
	Viewer string `arg:"" help:"The viewer: the sub claim of the token."`
	Path   string `arg:"" help:"The premium path, or '*'."`
}

// check checks both.
func (a grantArguments) check() error {
	if err := grants.CheckViewer(a.Viewer); err != nil {
		return err
	}
	return grants.CheckPath(a.Path)
}

type grantCommand struct {
	tableFlags
	grantArguments
	Until string `placeholder:"WHEN" help:"When the grant expires: a day (2027-01-31, to its end in UTC), a time (2027-01-31T12:00:00Z), or a duration from now (30d, 12h). Without it the grant does not expire."`
}

func (grantCommand) Help() string {
	return `Lets a viewer watch a path and everything below it, from now on. It replaces the expiry of an existing grant; what sales granted stays. Needs dynamodb:UpdateItem and, if a sale granted the path too, GetItem, and with --stack cloudformation:DescribeStacks.

` + grantHelp
}

func (c grantCommand) Run(ctx context.Context, s system) error {
	until, err := grants.ParseUntil(c.Until, s.now())
	if err = errors.Join(c.check(), err); err != nil {
		return err
	}
	return c.use(ctx, func(ctx context.Context, t table) error {
		if err := t.Grant(ctx, t.run.Subject(c.Viewer), c.Path, until); err != nil {
			return err
		}
		expiry := ""
		if !until.IsZero() {
			expiry = " until " + until.Format(time.RFC3339)
		}
		fmt.Fprintf(s.out, "Granted %s to %s%s.\n", content(c.Path), c.Viewer, expiry)
		return nil
	})
}

type revokeCommand struct {
	tableFlags
	grantArguments
}

func (revokeCommand) Help() string {
	return `Removes one grant. Another grant that covers the path stays, and cookies that were issued work until they expire. Exit code 1: there was no such grant. Needs dynamodb:GetItem, DeleteItem and, if sales granted the path too, UpdateItem, and with --stack cloudformation:DescribeStacks.

` + grantHelp
}

func (c revokeCommand) Run(ctx context.Context, s system) error {
	if err := c.check(); err != nil {
		return err
	}
	return c.use(ctx, func(ctx context.Context, t table) error {
		revoked, err := t.Revoke(ctx, t.run.Subject(c.Viewer), c.Path)
		switch {
		case err != nil:
			return err
		case !revoked.Existed && revoked.Sales > 0:
			return negative{fmt.Sprintf("%s has %s by a sale only: refund it, or end the subscription, where it was sold", c.Viewer, content(c.Path))}
		case !revoked.Existed:
			return negative{fmt.Sprintf("%s has no grant of %s in table %s", c.Viewer, content(c.Path), t.Name)}
		case revoked.Sales > 0:
			fmt.Fprintf(s.out, "Revoked what was granted of %s to %s. A sale still grants it: refund it, or end the subscription, where it was sold.\n", content(c.Path), c.Viewer)
			return nil
		}
		fmt.Fprintf(s.out, "Revoked %s from %s. Cookies already issued work until they expire.\n", content(c.Path), c.Viewer)
		return nil
	})
}

type grantsCommand struct {
	tableFlags
	Viewer string `arg:"" optional:"" help:"List the grants of this viewer only."`
}

func (grantsCommand) Help() string {
	return `Lists the grants of a viewer, or all. Needs dynamodb:Query and dynamodb:Scan, and with --stack cloudformation:DescribeStacks.

` + grantHelp
}

func (c grantsCommand) Run(ctx context.Context, s system) error {
	if c.Viewer != "" {
		if err := grants.CheckViewer(c.Viewer); err != nil {
			return err
		}
	}
	return c.use(ctx, func(ctx context.Context, t table) error {
		list, err := t.List(ctx, t.run.Subject(c.Viewer))
		if err != nil {
			return err
		}
		if len(list) == 0 {
			owner := ""
			if c.Viewer != "" {
				owner = " of " + c.Viewer
			}
			fmt.Fprintf(s.out, "No grants%s in table %s.\n", owner, t.Name)
			return nil
		}
		columns := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(columns, "VIEWER\tPATH\tEXPIRES")
		for _, g := range list {
			fmt.Fprintf(columns, "%s\t%s\t%s\n", quoted(t.run.Name(g.Viewer)), quoted(g.Path), g.State(s.now()))
		}
		return columns.Flush()
	})
}

// A table is the table of a stack or of the local run.
type table struct {
	grants.Table
	run localrun.Run // zero for a stack
}

// use finds the table and calls a function with it.
func (f tableFlags) use(ctx context.Context, do func(context.Context, table) error) error {
	ctx, cancel := context.WithTimeout(ctx, grantsTimeout)
	defer cancel()
	t, region, err := f.table(ctx)
	if err != nil {
		return err
	}
	err = do(ctx, t)
	var answer negative
	if errors.As(err, &answer) {
		return answer
	}
	return grants.Explain(err, "table "+t.Name, region)
}

func (f tableFlags) table(ctx context.Context) (t table, region string, err error) {
	switch {
	case f.Table != "" && f.Stack != "":
		return t, "", errors.New("set either --stack or --table, not both")
	case f.LocalRun != "" && (f.Table != "" || f.Stack != ""):
		return t, "", errors.New("--run: not allowed with --stack and --table")
	case f.Table == "" && f.Stack == "":
		return localTable(f.LocalRun)
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return t, "", fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if account.Region == "" {
		return t, "", errors.New("no AWS region: set AWS_REGION, or a profile that has one")
	}
	t.Name, t.Client = f.Table, dynamodb.NewFromConfig(account)
	if t.Name == "" {
		if t.Name, err = grants.TableOf(ctx, cloudformation.NewFromConfig(account), f.Stack); err != nil {
			return t, "", grants.Explain(err, "stack "+f.Stack, account.Region)
		}
	}
	return t, account.Region, nil
}

func localTable(port string) (t table, region string, err error) {
	t.run, err = localrun.Find(port)
	if errors.Is(err, localrun.ErrNone) {
		return t, "", errors.New("no table: set --stack or --table, or run premium local")
	}
	if err != nil {
		return t, "", err
	}
	endpoint := t.run.Endpoints["DYNAMODB"]
	if t.Name = t.run.Outputs[grants.TableOutput]; t.Name == "" || endpoint == "" {
		return t, "", &grants.NoTableError{Stack: t.run.Stack}
	}
	t.Client = dynamodb.New(dynamodb.Options{
		Region: t.run.Region, BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(t.run.AccessKeyID, t.run.SecretAccessKey, ""),
	})
	return t, t.run.Region, nil
}

func content(path string) string {
	if path == grants.Everything {
		return "all premium content"
	}
	return path
}

// quoted quotes text from the table that is empty, or that would confuse the
// reader or the terminal.
func quoted(text string) string {
	if q := strconv.QuoteToGraphic(text); text == "" || q != `"`+text+`"` {
		return q
	}
	return text
}
