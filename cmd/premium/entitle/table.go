package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// tableOutput is the stack's output that names its table.
const tableOutput = "EntitlementsTable"

// tableOf returns the name of a stack's table.
func tableOf(ctx context.Context, client *cloudformation.Client, stack string) (string, error) {
	described, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return "", err
	}
	for _, s := range described.Stacks {
		for _, output := range s.Outputs {
			if aws.ToString(output.OutputKey) == tableOutput && aws.ToString(output.OutputValue) != "" {
				return *output.OutputValue, nil
			}
		}
	}
	return "", &sentence{fmt.Sprintf(`stack %s has no table of entitlements: deploy it with "entitlements": "table" in cdk.json`, stack)}
}

// A table is the table of grants. Attributes that it does not name are left
// as they are.
type table struct {
	client *dynamodb.Client
	name   string
}

// attributes stand for names that are words of DynamoDB's own.
var attributes = map[string]string{"#v": "viewer", "#p": "path", "#u": "until"}

func key(viewer, path string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"viewer": &types.AttributeValueMemberS{Value: viewer},
		"path":   &types.AttributeValueMemberS{Value: path},
	}
}

// grant writes a grant, whether or not it is there.
func (t table) grant(ctx context.Context, viewer, path string, until time.Time) error {
	input := &dynamodb.UpdateItemInput{
		TableName:                &t.name,
		Key:                      key(viewer, path),
		UpdateExpression:         aws.String("REMOVE #u"),
		ExpressionAttributeNames: map[string]string{"#u": "until"},
	}
	if !until.IsZero() {
		input.UpdateExpression = aws.String("SET #u = :u")
		input.ExpressionAttributeValues = map[string]types.AttributeValue{
			":u": &types.AttributeValueMemberN{Value: strconv.FormatInt(until.Unix(), 10)},
		}
	}
	_, err := t.client.UpdateItem(ctx, input)
	return err
}

// revoke removes a grant and reports whether there was one.
func (t table) revoke(ctx context.Context, viewer, path string) (bool, error) {
	output, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:    &t.name,
		Key:          key(viewer, path),
		ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		return false, err
	}
	return len(output.Attributes) > 0, nil
}

// list reads the grants of a viewer, or of everyone.
func (t table) list(ctx context.Context, viewer string) ([]grant, error) {
	var grants []grant
	if viewer == "" {
		pages := dynamodb.NewScanPaginator(t.client, &dynamodb.ScanInput{
			TableName:                &t.name,
			ConsistentRead:           aws.Bool(true),
			ProjectionExpression:     aws.String("#v, #p, #u"),
			ExpressionAttributeNames: attributes,
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
	pages := dynamodb.NewQueryPaginator(t.client, &dynamodb.QueryInput{
		TableName:                 &t.name,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("#v = :v"),
		ProjectionExpression:      aws.String("#v, #p, #u"),
		ExpressionAttributeNames:  attributes,
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

// A grant is an item of the table, right or wrong.
type grant struct {
	viewer, path string
	until        time.Time
	wrong        string // why the signer passes over it, or does not answer for it
}

func readGrants(items []map[string]types.AttributeValue) []grant {
	grants := make([]grant, len(items))
	for i, item := range items {
		grants[i] = readGrant(item)
	}
	return grants
}

func readGrant(item map[string]types.AttributeValue) grant {
	var g grant
	if viewer, ok := item["viewer"].(*types.AttributeValueMemberS); ok {
		g.viewer = viewer.Value
	}
	if path, ok := item["path"].(*types.AttributeValueMemberS); ok {
		g.path = path.Value
	}
	if checkPath(g.path) != nil {
		g.wrong = "grants nothing: not a path"
	}
	until, ends := item["until"]
	if !ends {
		return g
	}
	number, ok := until.(*types.AttributeValueMemberN)
	if !ok {
		g.wrong = "wrong: until is not a number"
		return g
	}
	seconds, err := strconv.ParseFloat(number.Value, 64)
	if err != nil || !(seconds >= 0 && seconds <= maxUntil) {
		g.wrong = "wrong: until is not in seconds"
		return g
	}
	g.until = time.Unix(int64(seconds), 0).UTC()
	return g
}

// maxUntil is the last end that the signer takes, in seconds since 1970: the
// year 9999.
const maxUntil = 253402300799

// state is what a list says of the end of a grant.
func (g grant) state(now time.Time) string {
	switch {
	case g.wrong != "":
		return g.wrong
	case g.until.IsZero():
		return "no end"
	case !g.until.After(now):
		return g.until.Format(time.RFC3339) + " (ended)"
	}
	return g.until.Format(time.RFC3339)
}
