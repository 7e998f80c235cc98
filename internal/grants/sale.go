package grants

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/internal/grantitem"
)

const (
	// changeAttempts bounds how often a change is made again because another
	// writer was faster. Few writers meet at one item.
	changeAttempts = 10
	// changePause is the longest pause before the second attempt; it doubles.
	changePause = 20 * time.Millisecond
)

// A TooManySalesError reports a grant that has [grantitem.MaxSales] sales
// already.
type TooManySalesError struct{ Holder, Path string }

func (e *TooManySalesError) Error() string {
	return fmt.Sprintf("grant of %s to %s: has %d sales already, the most that one grant can have", e.Path, e.Holder, grantitem.MaxSales)
}

// SetSale makes a sale grant a path, or changes its expiry; with the zero time it
// does not expire. Other sales and what a person granted stay. It can be
// repeated.
//
// The holder is a sub, or the partition key of an address ([grantitem.Email]).
// If a viewer has claimed the sale, it changes the viewer's grant in place of the
// address's.
//
// It needs dynamodb:GetItem, UpdateItem and, for addresses, ConditionCheckItem.
func (t Table) SetSale(ctx context.Context, holder, path, sale string, until time.Time) error {
	if err := checkSale(holder, path, sale, until); err != nil {
		return err
	}
	return t.changeSale(ctx, holder, path, sale, func(i item) (grantitem.Parts, error) {
		parts, err := i.parts()
		if err != nil {
			return parts, err // whose manual part would be lost
		}
		if parts = parts.WithSale(sale, epoch(until)); len(parts.Sales) > grantitem.MaxSales {
			return parts, &TooManySalesError{i.viewer, i.path}
		}
		return parts, nil
	})
}

// EndSale removes a sale from a grant, and the grant with its last part. It can
// be repeated, and a sale that never was is no error. [Table.SetSale] says what a
// holder is.
//
// It needs dynamodb:GetItem, UpdateItem, DeleteItem and, for addresses,
// ConditionCheckItem.
func (t Table) EndSale(ctx context.Context, holder, path, sale string) error {
	if err := checkSale(holder, path, sale, time.Time{}); err != nil {
		return err
	}
	return t.changeSale(ctx, holder, path, sale, func(i item) (grantitem.Parts, error) {
		parts, err := i.parts()
		if err != nil { // an invalid manual part grants nothing, and goes too
			parts.Manual = nil
		}
		return parts.WithoutSale(sale), nil
	})
}

func checkSale(holder, path, sale string, until time.Time) error {
	if _, isAddress := grantitem.Address(holder); holder == "" || grantitem.Reserved(holder) && !isAddress {
		return fmt.Errorf("holder: invalid value %q: must be a sub or an address", holder)
	}
	if err := CheckPath(path); err != nil {
		return err
	}
	// Both are in a key: see grantitem.MaxKey.
	if sale == "" || len(grantitem.Sale(sale)) > grantitem.MaxKey {
		return fmt.Errorf("sale: invalid value %q: must be the id of a sale", sale)
	}
	if !until.IsZero() && until.Unix() <= 0 {
		return fmt.Errorf("until: invalid value %s: must be after 1970", until.Format(time.RFC3339))
	}
	return nil
}

// changeSale changes the parts of the item that holds a sale.
func (t Table) changeSale(ctx context.Context, holder, path, sale string, change func(item) (grantitem.Parts, error)) error {
	_, isAddress := grantitem.Address(holder)
	return t.change(ctx, func(ctx context.Context) ([]types.TransactWriteItem, error) {
		// First the item, then the pointer: a claim removes the one and makes the
		// other at once, so that a sale which is in neither is nowhere.
		i, err := t.get(ctx, holder, path)
		if err != nil {
			return nil, err
		}
		claimed := false
		if isAddress {
			pointer, err := t.get(ctx, grantitem.Sale(sale), path)
			if err != nil {
				return nil, err
			}
			if claimed = pointer.attributes != nil; claimed {
				viewer := text(pointer.attributes[grantitem.Holder])
				if viewer == "" || grantitem.Reserved(viewer) {
					return nil, pointer.invalid(grantitem.Holder, "must be the sub of a viewer")
				}
				if i, err = t.get(ctx, viewer, path); err != nil {
					return nil, err
				}
			}
		}
		parts, err := change(i)
		if err != nil {
			return nil, err
		}
		sales, _ := i.sales() // an error: change returned it, or there is none
		before, was := sales[sale]
		after, is := parts.Sales[sale]
		if was == is && before == after {
			return nil, nil
		}
		actions := []types.TransactWriteItem{t.write(i, parts)}
		if isAddress && !claimed {
			actions = append(actions, t.unclaimed(sale, path))
		}
		return actions, nil
	})
}

// unclaimed is the condition that no viewer has claimed a sale.
func (t Table) unclaimed(sale, path string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &t.Name, Key: key(grantitem.Sale(sale), path),
		ConditionExpression:      aws.String("attribute_not_exists(#v)"),
		ExpressionAttributeNames: map[string]string{"#v": "viewer"},
	}}
}

// change performs the actions that prepare returns, together; none: it is done.
// If another writer was faster, it prepares and performs them again.
func (t Table) change(ctx context.Context, prepare func(context.Context) ([]types.TransactWriteItem, error)) error {
	var err error
	for attempt := range changeAttempts {
		if attempt > 0 {
			if err := pause(ctx, rand.N(changePause<<min(attempt-1, 6))); err != nil {
				return err
			}
		}
		var actions []types.TransactWriteItem
		if actions, err = prepare(ctx); err != nil || len(actions) == 0 {
			return err
		}
		if err = t.perform(ctx, actions); !conflicts(err) {
			return err
		}
	}
	return fmt.Errorf("the item changed %d times while it was being written: %w", changeAttempts, err)
}

// perform performs one action by itself, and several in a transaction.
func (t Table) perform(ctx context.Context, actions []types.TransactWriteItem) error {
	var err error
	switch update, remove := actions[0].Update, actions[0].Delete; {
	case len(actions) > 1:
		_, err = t.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	case update != nil:
		_, err = t.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: update.TableName, Key: update.Key, UpdateExpression: update.UpdateExpression,
			ConditionExpression:       update.ConditionExpression,
			ExpressionAttributeNames:  update.ExpressionAttributeNames,
			ExpressionAttributeValues: update.ExpressionAttributeValues,
		})
	default:
		_, err = t.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: remove.TableName, Key: remove.Key,
			ConditionExpression:       remove.ConditionExpression,
			ExpressionAttributeNames:  remove.ExpressionAttributeNames,
			ExpressionAttributeValues: remove.ExpressionAttributeValues,
		})
	}
	return err
}

// conflicts reports whether a write failed because another one was faster.
func conflicts(err error) bool {
	var failed *types.ConditionalCheckFailedException
	var conflict *types.TransactionConflictException
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &failed) || errors.As(err, &conflict) {
		return true
	}
	if !errors.As(err, &cancelled) {
		return false
	}
	for _, reason := range cancelled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "None", "ConditionalCheckFailed", "TransactionConflict":
		default:
			return false
		}
	}
	return true
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// get reads an item.
func (t Table) get(ctx context.Context, viewer, path string) (item, error) {
	got, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.Name, Key: key(viewer, path), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return item{}, err
	}
	i := item{viewer: viewer, path: path}
	if len(got.Item) > 0 {
		i.attributes = got.Item
	}
	return i, nil
}

// epoch returns a time in seconds since 1970; the zero time is [grantitem.NoExpiry].
func epoch(t time.Time) int64 {
	if t.IsZero() {
		return grantitem.NoExpiry
	}
	return t.Unix()
}
