package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"premiumhls/internal/grantitem"
	"premiumhls/internal/grants"
	"premiumhls/internal/sales"
)

type viewersCommand struct {
	Export exportViewerCommand `cmd:"" help:"Print what the site has of a viewer, as JSON."`
	Forget forgetCommand       `cmd:"" help:"Remove a viewer: grants, sales and account."`
}

// viewerFlags name one viewer.
type viewerFlags struct {
	tableFlags
	Email  string `arg:"" optional:"" help:"The viewer's email address."`
	Viewer string `placeholder:"SUB" help:"The sub claim of the viewer's token."`
}

const viewerHelp = `The viewer is named by the email address, by the sub or by both. With the stack's own user pool one finds the other; the address must be in the case in which the viewer signed up, or in lower case. With another issuer, or with --table, an address names only grants that no viewer has claimed, so give the sub too.

` + grantHelp

// A profile is what a site has of a viewer.
type profile struct {
	Viewer  string         `json:"viewer,omitempty"` // the sub
	Email   string         `json:"email,omitempty"`
	Account *poolAccount   `json:"account,omitempty"`
	Grants  []profileGrant `json:"grants"`
	Claimed []string       `json:"claimed,omitempty"` // addresses whose grants the viewer has claimed
	Sales   []sales.Record `json:"sales,omitempty"`

	holders []string // partition keys
	sales   []string // ids
}

// A poolAccount is a user of the user pool.
type poolAccount struct {
	Username   string            `json:"username"`
	Status     string            `json:"status"`
	Enabled    bool              `json:"enabled"`
	Created    *time.Time        `json:"created,omitempty"`
	Attributes map[string]string `json:"attributes"`
}

type profileGrant struct {
	Holder  string           `json:"holder"` // the sub, or email:ADDRESS
	Path    string           `json:"path"`
	Expires *time.Time       `json:"expires,omitempty"`
	Granted bool             `json:"granted"` // a person granted it
	Sales   map[string]int64 `json:"sales,omitempty"`
	Invalid string           `json:"invalid,omitempty"`
}

// sold returns the stack's table of sales; ok is false if it has none.
func (t table) sold() (records sales.Table, ok bool) {
	records = sales.Table{Client: t.Client, Name: t.outputs[sales.TableOutput]}
	return records, records.Name != ""
}

// pool returns the stack's own user pool; an empty id if it has none.
func (t table) pool() (client *cognitoidentityprovider.Client, id string) {
	id = t.outputs["UserPool"]
	client = cognitoidentityprovider.NewFromConfig(t.account, func(o *cognitoidentityprovider.Options) {
		if endpoint := t.run.Endpoints["COGNITO_IDENTITY_PROVIDER"]; endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
	return client, id
}

// poolError explains an error of a call to the user pool.
func (t table) poolError(err error) error {
	_, id := t.pool()
	return sentence(grants.Explain(err, "user pool "+id, t.region).Error())
}

// find reads what there is of a viewer.
func (f viewerFlags) find(ctx context.Context, t table) (p profile, err error) {
	p.Viewer, p.Grants = f.Viewer, []profileGrant{}
	if f.Viewer != "" {
		p.Viewer = t.run.Subject(f.Viewer)
	}
	p.Email = strings.TrimSpace(f.Email)
	if p.Account, err = findAccount(ctx, t, p.Viewer, p.Email); err != nil {
		return p, err
	}
	if p.Account != nil {
		p.Viewer = p.Account.Attributes["sub"]
		// Anybody can sign up with another's address.
		if p.Email == "" && p.Account.Attributes["email_verified"] == "true" {
			p.Email = p.Account.Attributes["email"]
		}
	}
	if p.Viewer != "" {
		p.holders = append(p.holders, p.Viewer)
	}
	if holder, err := grantitem.Email(p.Email); err == nil {
		p.holders = append(p.holders, holder)
	}
	for _, holder := range p.holders {
		list, err := t.List(ctx, holder)
		if err != nil {
			return p, err
		}
		sales, claimed, err := t.Sales(ctx, holder, list)
		if err != nil {
			return p, err
		}
		p.sales = append(p.sales, sales...)
		for _, holder := range claimed {
			address, _ := grantitem.Address(holder)
			p.Claimed = append(p.Claimed, address)
		}
		for _, g := range list {
			p.Grants = append(p.Grants, profileOf(g))
		}
	}
	slices.Sort(p.sales)
	p.sales = slices.Compact(p.sales)
	if records, ok := t.sold(); ok {
		p.Sales, err = records.Find(ctx, p.holders, p.sales)
	}
	return p, err
}

func profileOf(g grants.Grant) profileGrant {
	p := profileGrant{Holder: g.Viewer, Path: g.Path, Granted: g.Parts.Manual != nil, Sales: g.Parts.Sales, Invalid: string(g.Fault)}
	if !g.Until.IsZero() {
		p.Expires = &g.Until
	}
	return p
}

// findAccount returns the user with a sub or, if it is empty, an address. There
// may be none.
func findAccount(ctx context.Context, t table, sub, email string) (*poolAccount, error) {
	client, pool := t.pool()
	if pool == "" {
		return nil, nil
	}
	filters := []string{`sub = ` + filterValue(sub)}
	if sub == "" {
		// Cognito compares the address as it is written.
		filters = []string{`email = ` + filterValue(email), `email = ` + filterValue(strings.ToLower(email))}
	}
	for _, filter := range slices.Compact(filters) {
		listed, err := client.ListUsers(ctx, &cognitoidentityprovider.ListUsersInput{UserPoolId: &pool, Filter: &filter})
		if err != nil {
			return nil, t.poolError(err)
		}
		if len(listed.Users) > 1 {
			return nil, sentence(fmt.Sprintf("%d accounts in the user pool have this address: give --viewer", len(listed.Users)))
		}
		for _, user := range listed.Users {
			a := &poolAccount{Username: aws.ToString(user.Username), Status: string(user.UserStatus), Enabled: user.Enabled, Created: user.UserCreateDate, Attributes: map[string]string{}}
			for _, attribute := range user.Attributes {
				a.Attributes[aws.ToString(attribute.Name)] = aws.ToString(attribute.Value)
			}
			return a, nil
		}
	}
	return nil, nil
}

// filterValue quotes a value of a filter (Amazon Cognito user pools API
// reference, "ListUsers").
func filterValue(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

func (f viewerFlags) check() error {
	if f.Email == "" && f.Viewer == "" {
		return errors.New("no viewer: give an email address, --viewer or both")
	}
	var err error
	if f.Email != "" {
		if _, err = grantitem.Email(f.Email); err != nil {
			err = fmt.Errorf("email: invalid value %q: %w", f.Email, err)
		}
	}
	if f.Viewer != "" {
		err = errors.Join(err, grantitem.CheckViewer(f.Viewer))
	}
	return err
}

type exportViewerCommand struct{ viewerFlags }

func (exportViewerCommand) Help() string {
	return `Prints what the site has of a viewer as JSON: the account in the stack's own user pool, grants, and sales. Logs are not in it: they have keyed digests. Exit code 1: there is nothing. Needs dynamodb:Query and dynamodb:Scan, cognito-idp:ListUsers, and with --stack cloudformation:DescribeStacks.

` + viewerHelp
}

func (c exportViewerCommand) Run(ctx context.Context, s system) error {
	if err := c.check(); err != nil {
		return err
	}
	return c.use(ctx, func(ctx context.Context, t table) error {
		p, err := c.find(ctx, t)
		if err != nil {
			return err
		}
		if p.none() {
			return negative{"there is nothing of this viewer" + t.elsewhere(p)}
		}
		return printJSON(s.out, p)
	})
}

func (p profile) none() bool {
	return p.Account == nil && len(p.Grants) == 0 && len(p.Claimed) == 0 && len(p.Sales) == 0
}

// elsewhere says what cannot be known of a viewer who is named by an address.
func (t table) elsewhere(p profile) string {
	if _, pool := t.pool(); pool == "" && p.Viewer == "" {
		return " under this address: grants that a viewer has claimed are under the sub, see --viewer"
	}
	return ""
}

type forgetCommand struct {
	viewerFlags
	Yes         bool `help:"Do not ask."`
	KeepAccount bool `name:"keep-account" help:"Do not delete the account in the user pool."`
}

func (forgetCommand) Help() string {
	return `Removes a viewer: all grants, the viewer's data in the table of sales, and the account in the stack's own user pool. It prints what it will remove and asks for confirmation. You can run it again. It does not cancel subscriptions: cancel them where they were sold, or the buyer keeps paying without access. Finally it prints where data about the viewer remains, and for how long.

Exit code 1: there is nothing, or the answer was no. Needs dynamodb:Query, Scan and DeleteItem, with Stripe also GetItem and PutItem on its table, cognito-idp:ListUsers and AdminDeleteUser, and with --stack cloudformation:DescribeStacks.

` + viewerHelp
}

func (c forgetCommand) Run(ctx context.Context, s system) error {
	if err := c.check(); err != nil {
		return err
	}
	return c.useLong(ctx, func(ctx context.Context, t table) error {
		p, err := c.find(ctx, t)
		if err != nil {
			return err
		}
		if p.none() {
			return negative{"there is nothing of this viewer" + t.elsewhere(p)}
		}
		c.describe(s, t, p)
		if !c.Yes {
			fmt.Fprint(s.out, "Type yes to remove this: ")
			line, _ := bufio.NewReader(s.in).ReadString('\n')
			if strings.TrimSpace(line) != "yes" {
				return negative{"nothing was removed"}
			}
		}
		return c.forget(ctx, s, t, p)
	})
}

func (c forgetCommand) describe(s system, t table, p profile) {
	for _, g := range p.Grants {
		fmt.Fprintf(s.out, "Grant of %s to %s\n", content(quoted(g.Path)), quoted(t.run.Name(g.Holder)))
	}
	for _, address := range p.Claimed {
		fmt.Fprintf(s.out, "The address %s, whose grants the viewer has claimed\n", quoted(address))
	}
	for _, r := range p.Sales {
		if r.Event != "" {
			fmt.Fprintf(s.out, "Kept event %s, which is not used yet\n", quoted(r.Event))
		} else {
			fmt.Fprintf(s.out, "The viewer in sale %s\n", quoted(r.Sale))
		}
	}
	if _, pool := t.pool(); pool != "" && p.Account == nil {
		fmt.Fprintln(s.out, "No account: none in the user pool has this sub or, letter for letter, this address")
	}
	if p.Account != nil && !c.KeepAccount {
		fmt.Fprintf(s.out, "Account %s (%s) in the user pool\n", quoted(p.Account.Username), quoted(p.Account.Attributes["email"]))
	}
}

// forget removes the account last: until then, the command can be repeated.
func (c forgetCommand) forget(ctx context.Context, s system, t table, p profile) error {
	// Sales first: they are found through the grants, and an event could grant
	// again until the viewer is removed from its sale.
	fromSales := ""
	if records, ok := t.sold(); ok {
		n, err := records.ForgetHolders(ctx, p.holders, p.sales)
		if err != nil {
			return err
		}
		fromSales = fmt.Sprintf(", the viewer in %d records of sales", n)
	}
	removed := 0
	for _, holder := range p.holders {
		n, err := t.Forget(ctx, holder)
		removed += n
		if err != nil {
			return err
		}
	}
	said := fmt.Sprintf("Removed %d grants", removed) + fromSales
	if p.Account != nil && !c.KeepAccount {
		client, pool := t.pool()
		_, err := client.AdminDeleteUser(ctx, &cognitoidentityprovider.AdminDeleteUserInput{UserPoolId: &pool, Username: &p.Account.Username})
		var gone *types.UserNotFoundException
		if err != nil && !errors.As(err, &gone) {
			return t.poolError(err)
		}
		said += ", and the account"
	}
	fmt.Fprintln(s.out, said+".")
	if elsewhere := t.elsewhere(p); elsewhere != "" {
		fmt.Fprintln(s.out, "This was what there is"+elsewhere+".")
	}
	if _, pool := t.pool(); pool == "" {
		fmt.Fprintln(s.out, "The account is at the issuer that viewers sign in at: delete it there.")
	}
	fmt.Fprint(s.out, leftAfter)
	return nil
}

// leftAfter says what keeps data of a viewer who was removed.
const leftAfter = `
What stays, and until when:
- A token of the viewer is valid for up to an hour; without grants the signer refuses it. Cookies and links that were issued work until they expire (cookieMinutes, linkMinutes).
- CloudWatch keeps the signer's log for logDays (30): digests of the sub and of the IP address, or both as they are with logViewers "plain". The stripe function's log has, as long, a digest of the sub or email address (none with "plain"), and Stripe's ids of the purchase. The API's log has none of these.
- With accessLogs, the bucket of access logs has IP addresses with what was requested, and no viewers, for 400 days.
- DynamoDB's backups for point-in-time recovery keep removed grants for 35 days.
- Where it was sold: delete the customer and end subscriptions there.
`
