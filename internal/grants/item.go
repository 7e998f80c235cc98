package grants

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/internal/grantitem"
)

// An item is one item of the table as it was read; nil attributes: it does not
// exist.
type item struct {
	viewer, path string
	attributes   map[string]types.AttributeValue
}

// parts returns the parts of an item. With an error they have only sales.
func (i item) parts() (parts grantitem.Parts, err error) {
	if i.attributes == nil {
		return parts, nil
	}
	if parts.Sales, err = i.sales(); err != nil {
		return parts, err
	}
	if name, ok := grantitem.UnknownExpiry(maps.Keys(i.attributes)); ok {
		return parts, i.invalid(name, "must not exist: the signer ignores a grant with it")
	}
	name := grantitem.Until
	if len(parts.Sales) > 0 {
		name = grantitem.Granted
	}
	value, ok := i.attributes[name]
	switch {
	case !ok && len(parts.Sales) > 0:
		return parts, nil
	case !ok:
		until := grantitem.NoExpiry
		parts.Manual = &until
		return parts, nil
	}
	until, err := seconds(value)
	if err != nil {
		return parts, i.invalid(name, err.Error())
	}
	if name == grantitem.Until {
		until = max(until, 1) // expired in 1970; not NoExpiry
	}
	parts.Manual = &until
	return parts, nil
}

// sales returns the sales of an item. An attribute of that name which is nothing
// of ours is an error.
func (i item) sales() (map[string]int64, error) {
	value, ok := i.attributes[grantitem.Sales]
	if !ok {
		return nil, nil
	}
	ids, ok := value.(*types.AttributeValueMemberM)
	if !ok {
		return nil, i.invalid(grantitem.Sales, "must be a map")
	}
	sales := make(map[string]int64, len(ids.Value))
	for id, value := range ids.Value {
		until, err := seconds(value)
		if err != nil {
			return nil, i.invalid(grantitem.Sales, "sale "+id+": "+err.Error())
		}
		sales[id] = until
	}
	return sales, nil
}

func (i item) invalid(attribute, why string) error {
	return &InvalidError{Path: i.path, Attribute: attribute, Why: why}
}

// An InvalidError reports an invalid attribute of an item, which somebody else
// wrote. The item cannot be changed until the attribute is corrected or removed.
type InvalidError struct{ Path, Attribute, Why string }

func (e *InvalidError) Error() string {
	return fmt.Sprintf("attribute %s of the grant of %s %s", e.Attribute, e.Path, e.Why)
}

// seconds reads an expiry.
func seconds(value types.AttributeValue) (int64, error) {
	number, ok := value.(*types.AttributeValueMemberN)
	if !ok {
		return 0, errors.New("must be a number")
	}
	f, err := strconv.ParseFloat(number.Value, 64)
	if err != nil || !(f >= 0 && f <= maxUntil) {
		return 0, errors.New("must be in seconds since 1970")
	}
	return int64(f), nil
}

func number(seconds int64) *types.AttributeValueMemberN {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(seconds, 10)}
}

// attributesOf returns the attributes of parts. Those that are nil are not in an
// item.
func attributesOf(parts grantitem.Parts) map[string]types.AttributeValue {
	attributes := map[string]types.AttributeValue{grantitem.Until: nil, grantitem.Granted: nil, grantitem.Sales: nil}
	if until := parts.Until(); until != grantitem.NoExpiry {
		attributes[grantitem.Until] = number(until)
	}
	if len(parts.Sales) > 0 {
		sales := make(map[string]types.AttributeValue, len(parts.Sales))
		for id, until := range parts.Sales {
			sales[id] = number(until)
		}
		attributes[grantitem.Sales] = &types.AttributeValueMemberM{Value: sales}
		if parts.Manual != nil {
			attributes[grantitem.Granted] = number(*parts.Manual)
		}
	}
	return attributes
}

// An expression is a condition or an update.
type expression = grantitem.Expression[types.AttributeValue]

// unchanged is the condition that an item is as it was read.
func unchanged(e *expression, i item) string {
	var sales map[string]types.AttributeValue
	if ids, ok := i.attributes[grantitem.Sales].(*types.AttributeValueMemberM); ok {
		if sales = ids.Value; sales == nil {
			sales = map[string]types.AttributeValue{}
		}
	}
	return e.Unchanged(i.attributes, sales, func(n int64) types.AttributeValue { return number(n) })
}

// set is the update that writes attributes and removes those that are nil.
func set(e *expression, attributes map[string]types.AttributeValue) string {
	var set, remove []string
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if value := attributes[name]; value != nil {
			set = append(set, e.Name(name)+" = "+e.Value(value))
		} else {
			remove = append(remove, e.Name(name))
		}
	}
	var update []string
	if len(set) > 0 {
		update = append(update, "SET "+strings.Join(set, ", "))
	}
	if len(remove) > 0 {
		update = append(update, "REMOVE "+strings.Join(remove, ", "))
	}
	return strings.Join(update, " ")
}

// write returns the action that changes an item to have other parts, if it is as
// it was read.
func (t Table) write(i item, parts grantitem.Parts) types.TransactWriteItem {
	var e expression
	condition := unchanged(&e, i)
	if parts.Empty() {
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &t.Name, Key: key(i.viewer, i.path),
			ConditionExpression:       &condition,
			ExpressionAttributeNames:  e.Names,
			ExpressionAttributeValues: e.Values,
		}}
	}
	update := set(&e, attributesOf(parts))
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &t.Name, Key: key(i.viewer, i.path),
		UpdateExpression:          &update,
		ConditionExpression:       &condition,
		ExpressionAttributeNames:  e.Names,
		ExpressionAttributeValues: e.Values,
	}}
}
