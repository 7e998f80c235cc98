package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"premiumhls/internal/grantitem"
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

// grantArguments are a viewer or an address, and a path.
type grantArguments struct {
	Email  string `placeholder:"ADDRESS" help:"An email address in place of VIEWER: the first viewer who signs in with this verified address gets the grant. Needs emailGrants."`
	Viewer string `arg:"" optional:"" help:"The viewer: the sub claim of the token. Not with --email."`
	Path   string `arg:"" optional:"" help:"The premium path, or '*'."`
}

// A recipient is who a grant is for.
type recipient struct {
	viewer string // as the person wrote it
	holder string // the partition key, if it is an address
}

// read returns what the arguments mean.
func (a grantArguments) read() (to recipient, path string, err error) {
	if a.Email == "" {
		to.viewer = a.Viewer
		return to, a.Path, errors.Join(grantitem.CheckViewer(a.Viewer), grants.CheckPath(a.Path))
	}
	if a.Path != "" {
		return to, "", errors.New("--email: not allowed with VIEWER: must be followed by one PATH")
	}
	to, err = recipientOf(a.Email, "")
	return to, a.Viewer, errors.Join(err, grants.CheckPath(a.Viewer))
}

// recipientOf returns the recipient for an address or, if it is empty, a viewer.
func recipientOf(email, viewer string) (to recipient, err error) {
	if email == "" {
		return recipient{viewer: viewer}, grantitem.CheckViewer(viewer)
	}
	holder, err := grantitem.Email(email)
	if err != nil {
		return to, fmt.Errorf("--email: invalid value %q: %w", email, err)
	}
	address, _ := grantitem.Address(holder)
	return recipient{viewer: address, holder: holder}, nil
}

// in returns the recipient's partition key in a table.
func (r recipient) in(t table) string {
	if r.holder != "" {
		return r.holder
	}
	return t.run.Subject(r.viewer)
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
	to, path, err := c.read()
	until, untilErr := grants.ParseUntil(c.Until, s.now())
	if err = errors.Join(err, untilErr); err != nil {
		return err
	}
	return c.use(ctx, func(ctx context.Context, t table) error {
		if to.holder != "" {
			if err := t.claims("--email"); err != nil {
				return err
			}
		}
		if err := t.Grant(ctx, to.in(t), path, until); err != nil {
			return err
		}
		expiry, claimed := "", ""
		if !until.IsZero() {
			expiry = " until " + until.Format(time.RFC3339)
		}
		if to.holder != "" {
			claimed = " It becomes the grant of the first viewer who signs in with this address, verified."
		}
		fmt.Fprintf(s.out, "Granted %s to %s%s.%s\n", content(path), to.viewer, expiry, claimed)
		return nil
	})
}

type revokeCommand struct {
	tableFlags
	grantArguments
}

func (revokeCommand) Help() string {
	return `Removes one grant. What a sale granted and another grant that covers the path stay, and cookies and links that were issued work until they expire. A grant to an address that a viewer has claimed is the viewer's: revoke it from the viewer. Exit code 1: there was no such grant. Needs dynamodb:GetItem, DeleteItem and, if sales granted the path too, UpdateItem, and with --stack cloudformation:DescribeStacks.

` + grantHelp
}

func (c revokeCommand) Run(ctx context.Context, s system) error {
	from, path, err := c.read()
	if err != nil {
		return err
	}
	return c.use(ctx, func(ctx context.Context, t table) error {
		revoked, err := t.Revoke(ctx, from.in(t), path)
		switch {
		case err != nil:
			return err
		case !revoked.Existed && revoked.Sales > 0:
			return negative{fmt.Sprintf("%s has %s by a sale only: refund it, or end the subscription, where it was sold", from.viewer, content(path))}
		case !revoked.Existed && from.holder != "":
			return negative{fmt.Sprintf("%s has no grant of %s in table %s: if a viewer has claimed it, revoke it from the viewer", from.viewer, content(path), t.Name)}
		case !revoked.Existed:
			return negative{fmt.Sprintf("%s has no grant of %s in table %s", from.viewer, content(path), t.Name)}
		case revoked.Sales > 0:
			fmt.Fprintf(s.out, "Revoked what was granted of %s to %s. A sale still grants it: refund it, or end the subscription, where it was sold.\n", content(path), from.viewer)
		case from.holder != "": // nobody has cookies yet
			fmt.Fprintf(s.out, "Revoked %s from %s.\n", content(path), from.viewer)
		default:
			fmt.Fprintf(s.out, "Revoked %s from %s. Cookies already issued work until they expire.\n", content(path), from.viewer)
		}
		return nil
	})
}

type grantsCommand struct {
	List   listCommand   `cmd:"" default:"withargs" help:"List the grants of a viewer, or all."`
	Import importCommand `cmd:"" help:"Grant what a file says."`
	Export exportCommand `cmd:"" help:"Write grants into a file."`
}

type listCommand struct {
	tableFlags
	Email  string `placeholder:"ADDRESS" help:"List the grants of this address that no viewer has claimed."`
	Viewer string `arg:"" optional:"" help:"List the grants of this viewer only."`
}

func (listCommand) Help() string {
	return `Lists the grants of a viewer or an address, or all. Grants to an address that no viewer has claimed are those of email:ADDRESS. Needs dynamodb:Query and dynamodb:Scan, and with --stack cloudformation:DescribeStacks.

` + grantHelp
}

func (c listCommand) Run(ctx context.Context, s system) error {
	var of recipient
	if c.Email != "" && c.Viewer != "" {
		return errors.New("--email: not allowed with VIEWER")
	}
	if c.Email != "" || c.Viewer != "" {
		var err error
		if of, err = recipientOf(c.Email, c.Viewer); err != nil {
			return err
		}
	}
	return c.use(ctx, func(ctx context.Context, t table) error {
		list, err := t.List(ctx, of.in(t))
		if err != nil {
			return err
		}
		if len(list) == 0 {
			owner := ""
			if of.viewer != "" {
				owner = " of " + of.viewer
			}
			fmt.Fprintf(s.out, "No grants%s in table %s.\n", owner, t.Name)
			return nil
		}
		return printGrants(s, t, list)
	})
}

func printGrants(s system, t table, list []grants.Grant) error {
	sold := slices.ContainsFunc(list, func(g grants.Grant) bool { return len(g.Parts.Sales) > 0 })
	columns := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	head := "VIEWER\tPATH\tEXPIRES"
	if sold {
		head += "\tSALES"
	}
	fmt.Fprintln(columns, head)
	for _, g := range list {
		line := quoted(t.run.Name(g.Viewer)) + "\t" + quoted(g.Path) + "\t" + g.State(s.now())
		if sold {
			var sales []string
			for _, id := range slices.Sorted(maps.Keys(g.Parts.Sales)) {
				sales = append(sales, quoted(id))
			}
			line += "\t" + strings.Join(sales, " ")
		}
		fmt.Fprintln(columns, line)
	}
	return columns.Flush()
}

// A table is the table of a stack or of the local run.
type table struct {
	grants.Table
	run     localrun.Run // zero for a stack
	region  string
	stack   string            // empty with --table
	outputs map[string]string // of the stack; nil with --table
	account aws.Config
}

// claims returns an error if it is known that the stack does not claim grants to
// addresses, which what asks for.
func (t table) claims(what string) error {
	if t.outputs != nil && t.outputs[grants.EmailOutput] == "" {
		return sentence(fmt.Sprintf(`%s: stack %s does not claim grants to addresses: deploy it with "emailGrants": true in cdk.json`, what, t.stack))
	}
	return nil
}

// use finds the table and calls a function with it.
func (f tableFlags) use(ctx context.Context, do func(context.Context, table) error) error {
	ctx, cancel := context.WithTimeout(ctx, grantsTimeout)
	defer cancel()
	return f.useLong(ctx, do)
}

// useLong is use for a command without a time limit.
func (f tableFlags) useLong(ctx context.Context, do func(context.Context, table) error) error {
	t, err := f.table(ctx)
	if err != nil {
		return err
	}
	err = do(ctx, t)
	var answer negative
	var said sentence
	if errors.As(err, &answer) {
		return answer
	}
	if errors.As(err, &said) {
		return said
	}
	return grants.Explain(err, "table "+t.Name, t.region)
}

// A sentence is an error that says all that a person needs.
type sentence string

func (s sentence) Error() string { return string(s) }

func (f tableFlags) table(ctx context.Context) (t table, err error) {
	switch {
	case f.Table != "" && f.Stack != "":
		return t, errors.New("set either --stack or --table, not both")
	case f.LocalRun != "" && (f.Table != "" || f.Stack != ""):
		return t, errors.New("--run: not allowed with --stack and --table")
	case f.Table == "" && f.Stack == "":
		return localTable(f.LocalRun)
	}
	if t.account, err = config.LoadDefaultConfig(ctx); err != nil {
		return t, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	t.region, t.stack = t.account.Region, f.Stack
	if t.region == "" {
		return t, errors.New("no AWS region: set AWS_REGION, or a profile that has one")
	}
	t.Name, t.Client = f.Table, dynamodb.NewFromConfig(t.account)
	if t.Name == "" {
		if t.outputs, err = grants.Outputs(ctx, cloudformation.NewFromConfig(t.account), f.Stack); err != nil {
			return t, grants.Explain(err, "stack "+f.Stack, t.region)
		}
		if t.Name = t.outputs[grants.TableOutput]; t.Name == "" {
			return t, &grants.NoTableError{Stack: f.Stack}
		}
	}
	return t, nil
}

func localTable(port string) (t table, err error) {
	t.run, err = localrun.Find(port)
	if errors.Is(err, localrun.ErrNone) {
		return t, errors.New("no table: set --stack or --table, or run premium local")
	}
	if err != nil {
		return t, err
	}
	t.region, t.stack, t.outputs = t.run.Region, t.run.Stack, t.run.Outputs
	t.account = aws.Config{
		Region:      t.region,
		Credentials: credentials.NewStaticCredentialsProvider(t.run.AccessKeyID, t.run.SecretAccessKey, ""),
	}
	endpoint := t.run.Endpoints["DYNAMODB"]
	if t.Name = t.outputs[grants.TableOutput]; t.Name == "" || endpoint == "" {
		return t, &grants.NoTableError{Stack: t.run.Stack}
	}
	t.Client = dynamodb.NewFromConfig(t.account, func(o *dynamodb.Options) { o.BaseEndpoint = &endpoint })
	return t, nil
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
