// Package grants reads and writes the DynamoDB table that says which viewer may
// watch which path, as the commands `premium grant`, `revoke` and `grants` do.
// The signer reads the same table.
package grants

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/internal/grantitem"
)

// TableOutput is the stack's output with the name of its table.
const TableOutput = "EntitlementsTable"

// EmailOutput is the output of a stack that claims grants to addresses.
const EmailOutput = "EmailGrants"

// Outputs returns a stack's outputs.
func Outputs(ctx context.Context, client *cloudformation.Client, stack string) (map[string]string, error) {
	described, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return nil, err
	}
	outputs := map[string]string{}
	for _, s := range described.Stacks {
		for _, output := range s.Outputs {
			outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
		}
	}
	return outputs, nil
}

// A Table is the table of grants. Writing to it keeps attributes that it does
// not know.
type Table struct {
	Client *dynamodb.Client
	Name   string
}

func key(viewer, path string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"viewer": &types.AttributeValueMemberS{Value: viewer},
		"path":   &types.AttributeValueMemberS{Value: path},
	}
}

// Grant writes a grant, or replaces the expiry of the manual part of an existing
// one. With the zero time it does not expire. What sales granted stays.
func (t Table) Grant(ctx context.Context, viewer, path string, until time.Time) error {
	expiry := epoch(until)
	var e expression
	update := set(&e, attributesOf(grantitem.Parts{Manual: &expiry}))
	_, err := t.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &t.Name,
		Key:                       key(viewer, path),
		UpdateExpression:          &update,
		ConditionExpression:       aws.String("attribute_not_exists(" + e.Name(grantitem.Sales) + ")"),
		ExpressionAttributeNames:  e.Names,
		ExpressionAttributeValues: e.Values,
	})
	if !conflicts(err) {
		return err
	}
	return t.change(ctx, func(ctx context.Context) ([]types.TransactWriteItem, error) {
		i, err := t.get(ctx, viewer, path)
		if err != nil {
			return nil, err
		}
		sales, err := i.sales()
		if err != nil {
			return nil, err
		}
		return []types.TransactWriteItem{t.write(i, grantitem.Parts{Manual: &expiry, Sales: sales})}, nil
	})
}

// Revoked is what [Table.Revoke] did.
type Revoked struct {
	Existed bool // there was a manual part
	Sales   int  // which still grant the path
}

// Revoke removes the manual part of a grant. What sales granted stays.
func (t Table) Revoke(ctx context.Context, viewer, path string) (revoked Revoked, err error) {
	err = t.change(ctx, func(ctx context.Context) ([]types.TransactWriteItem, error) {
		i, err := t.get(ctx, viewer, path)
		if err != nil {
			return nil, err
		}
		parts, err := i.parts()
		invalid := err != nil // which a person wants to be rid of too
		exists := parts.Manual != nil || invalid
		// If the response to an earlier attempt was lost, the part is gone by now.
		revoked = Revoked{Existed: revoked.Existed || exists, Sales: len(parts.Sales)}
		if !exists {
			return nil, nil
		}
		return []types.TransactWriteItem{t.write(i, grantitem.Parts{Sales: parts.Sales})}, nil
	})
	return revoked, err
}

// List returns the grants of a viewer, or all grants if viewer is empty, sorted
// by viewer and path.
func (t Table) List(ctx context.Context, viewer string) ([]Grant, error) {
	read := t.scan
	if viewer != "" {
		read = func(ctx context.Context) ([]Grant, error) { return t.query(ctx, viewer) }
	}
	items, err := read(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(items, func(a, b Grant) int {
		return cmp.Or(strings.Compare(a.Viewer, b.Viewer), strings.Compare(a.Path, b.Path))
	})
	return items, nil
}

func (t Table) scan(ctx context.Context) (grants []Grant, err error) {
	pages := dynamodb.NewScanPaginator(t.Client, &dynamodb.ScanInput{
		TableName:      &t.Name,
		ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		grants = append(grants, readGrants(page.Items)...)
	}
	return grants, nil
}

func (t Table) query(ctx context.Context, viewer string) (grants []Grant, err error) {
	pages := dynamodb.NewQueryPaginator(t.Client, &dynamodb.QueryInput{
		TableName:                 &t.Name,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("#v = :v"),
		ExpressionAttributeNames:  map[string]string{"#v": "viewer"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":v": &types.AttributeValueMemberS{Value: viewer}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		grants = append(grants, readGrants(page.Items)...)
	}
	return grants, nil
}

// A Fault says why the signer does not accept an item of the table.
type Fault string

// The faults of an item. An item may also have [unknownExpiry].
const (
	InvalidPath     Fault = "grants nothing: invalid path"
	UntilNotNumber  Fault = "invalid: until is not a number"
	UntilNotSeconds Fault = "invalid: until is not in seconds"
)

func unknownExpiry(attribute string) Fault {
	return Fault("grants nothing: unknown attribute " + strings.Trim(strconv.QuoteToGraphic(attribute), `"`))
}

// A Grant is an item of the table, valid or not.
type Grant struct {
	Viewer, Path string
	Until        time.Time // zero: does not expire
	Fault        Fault     // empty: valid
	// Parts are what the grant consists of, unless it has a fault.
	Parts grantitem.Parts
}

// readGrants returns the grants among items. The others are pointers of sales.
func readGrants(items []map[string]types.AttributeValue) []Grant {
	grants := make([]Grant, 0, len(items))
	for _, item := range items {
		if grant := readGrant(item); !grantitem.IsSale(grant.Viewer) {
			grants = append(grants, grant)
		}
	}
	return grants
}

// readGrant checks an item in the order in which the signer does.
func readGrant(attributes map[string]types.AttributeValue) Grant {
	g := Grant{Viewer: text(attributes["viewer"]), Path: text(attributes["path"])}
	if CheckPath(g.Path) != nil {
		g.Fault = InvalidPath
		return g
	}
	if name, ok := grantitem.UnknownExpiry(maps.Keys(attributes)); ok {
		g.Fault = unknownExpiry(name)
		return g
	}
	until, expires := attributes[grantitem.Until]
	if !expires {
		return g.withParts(attributes)
	}
	number, ok := until.(*types.AttributeValueMemberN)
	if !ok {
		g.Fault = UntilNotNumber
		return g
	}
	seconds, err := strconv.ParseFloat(number.Value, 64)
	if err != nil || !(seconds >= 0 && seconds <= maxUntil) {
		g.Fault = UntilNotSeconds
		return g
	}
	g.Until = time.Unix(int64(seconds), 0).UTC()
	return g.withParts(attributes)
}

// withParts adds the parts. The signer does not read them.
func (g Grant) withParts(attributes map[string]types.AttributeValue) Grant {
	var err error
	if g.Parts, err = (item{g.Viewer, g.Path, attributes}).parts(); err != nil {
		g.Fault = Fault("invalid: " + strings.Trim(strconv.QuoteToGraphic(err.Error()), `"`))
	}
	return g
}

// text returns a string attribute; of another type it is empty.
func text(value types.AttributeValue) string {
	if s, ok := value.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// maxUntil is the latest expiry that the signer accepts, in seconds since 1970:
// the year 9999.
const maxUntil = 253402300799

// State describes the expiry of a grant for a list.
func (g Grant) State(now time.Time) string {
	switch {
	case g.Fault != "":
		return string(g.Fault)
	case g.Until.IsZero():
		return "never"
	case !g.Until.After(now):
		return g.Until.Format(time.RFC3339) + " (expired)"
	}
	return g.Until.Format(time.RFC3339)
}
