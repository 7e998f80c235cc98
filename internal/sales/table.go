package sales

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The keys of the table of sales, both strings.
const (
	PartitionKey = "sale"
	SortKey      = "item"
)

// Outputs of a stack that sells.
const (
	TableOutput    = "SalesTable"
	FunctionOutput = "Stripe"
)

// What the keys are: a sale is the item "facts" of its id, and a kept event is
// an item of the partition "kept".
const (
	factsItem     = "facts"
	keptPartition = "kept"
)

// A Table is the table of sales. An item of DynamoDB has 400 KB at most, which
// is enough for a subscription's invoices of forty years, weekly ones included.
type Table struct {
	Client *dynamodb.Client
	Name   string
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func key(partition, sort string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{PartitionKey: text(partition), SortKey: text(sort)}
}

// Get implements [Items].
func (t Table) Get(ctx context.Context, id string) (Sale, int64, error) {
	out, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.Name, Key: key(id, factsItem), ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item == nil {
		return Sale{}, 0, err
	}
	var sale Sale
	if err := json.Unmarshal([]byte(textOf(out.Item["facts"])), &sale); err != nil {
		return Sale{}, 0, fmt.Errorf("reading the facts: %w", err)
	}
	version := numberOf(out.Item["version"])
	if version == 0 {
		return Sale{}, 0, errors.New("the item has no version")
	}
	return sale, version, nil
}

// Put implements [Items].
func (t Table) Put(ctx context.Context, id string, sale Sale, version int64) error {
	facts, err := json.Marshal(sale)
	if err != nil {
		return err
	}
	item := key(id, factsItem)
	item["facts"], item["version"] = text(string(facts)), number(version+1)
	input := &dynamodb.PutItemInput{
		TableName: &t.Name, Item: item,
		ConditionExpression:      aws.String("attribute_not_exists(#s)"),
		ExpressionAttributeNames: map[string]string{"#s": PartitionKey},
	}
	if version > 0 {
		input.ConditionExpression = aws.String("#v = :v")
		input.ExpressionAttributeNames = map[string]string{"#v": "version"}
		input.ExpressionAttributeValues = map[string]types.AttributeValue{":v": number(version)}
	}
	_, err = t.Client.PutItem(ctx, input)
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return ErrConflict
	}
	return err
}

// A Kept event could not be used. It waits for a person who fixes the cause.
type Kept struct {
	ID       string
	Type     string
	Created  time.Time // by Stripe
	Received time.Time
	Reason   string // a sentence
	// Payload is the event with the fields that the project uses, or the whole event
	// if it could not be parsed.
	Payload []byte
}

// Keep stores an event, or replaces the one of its id.
func (t Table) Keep(ctx context.Context, k Kept) error {
	item := key(keptPartition, k.ID)
	item["type"], item["reason"], item["payload"] = text(k.Type), text(k.Reason), text(string(k.Payload))
	item["created"], item["received"] = number(k.Created.Unix()), number(k.Received.Unix())
	_, err := t.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.Name, Item: item})
	return err
}

// Forget deletes a kept event.
func (t Table) Forget(ctx context.Context, id string) error {
	_, err := t.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &t.Name, Key: key(keptPartition, id)})
	return err
}

// Kept returns a kept event, and whether there is one of the id.
func (t Table) Kept(ctx context.Context, id string) (Kept, bool, error) {
	out, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.Name, Key: key(keptPartition, id), ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item == nil {
		return Kept{}, false, err
	}
	return readKept(out.Item), true, nil
}

// ListKept returns all kept events, by their ids.
func (t Table) ListKept(ctx context.Context) (list []Kept, err error) {
	pages := dynamodb.NewQueryPaginator(t.Client, &dynamodb.QueryInput{
		TableName: &t.Name, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("#s = :s"),
		ExpressionAttributeNames:  map[string]string{"#s": PartitionKey},
		ExpressionAttributeValues: map[string]types.AttributeValue{":s": text(keptPartition)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			list = append(list, readKept(item))
		}
	}
	return list, nil
}

func readKept(item map[string]types.AttributeValue) Kept {
	return Kept{
		ID: textOf(item[SortKey]), Type: textOf(item["type"]), Reason: textOf(item["reason"]), Payload: []byte(textOf(item["payload"])),
		Created: time.Unix(numberOf(item["created"]), 0).UTC(), Received: time.Unix(numberOf(item["received"]), 0).UTC(),
	}
}

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func numberOf(v types.AttributeValue) int64 {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		i, _ := strconv.ParseInt(n.Value, 10, 64) // zero: not one of ours
		return i
	}
	return 0
}
