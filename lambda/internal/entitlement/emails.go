package entitlement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"premiumhls/internal/grantitem"
	"premiumhls/lambda/internal/awsjson"
)

// claimAttempts bounds how often a grant is moved again because another request
// was faster.
const claimAttempts = 6

// WithEmails makes the table move the grants of an address to the first viewer
// who asks with that address, verified, in the token. From then on they are the
// viewer's, whatever address the viewer has later. Grants that are made to the
// address afterwards move in the same way.
//
// It needs dynamodb:PutItem and, for the items of addresses, dynamodb:DeleteItem,
// both in transactions only.
func (t *Table) WithEmails() { t.emails = true }

// address returns the partition key of the grants of a viewer's address; empty
// if the token has none that the issuer verified. An HTTP API writes the boolean
// true as the string "true"; any other value is not a verified address.
func (t *Table) address(viewer Viewer) string {
	if !t.emails || viewer.Claims["email_verified"] != "true" {
		return ""
	}
	address, err := grantitem.Email(viewer.Claims["email"])
	if err != nil {
		return ""
	}
	return address
}

// claim moves all grants of an address to a subject, first those that the caller
// found. It can be interrupted anywhere, and run at the same time elsewhere: each
// grant moves in one transaction, which succeeds once.
func (t *Table) claim(ctx context.Context, subject, address string, found []Grant) error {
	var paths []string
	for _, grant := range found {
		if grant.Path == "" {
			grant.Path = everything
		}
		paths = append(paths, grant.Path)
	}
	for page, err := range t.pages(ctx, address) {
		if err != nil {
			return err
		}
		for _, item := range page {
			_, err := item.grant(address)
			if err == nil {
				_, err = item.parts()
			}
			if err != nil {
				t.logger.WarnContext(ctx, "grant of an address is not claimed", "table", t.name, "cause", err.Error())
				continue
			}
			if path := *item["path"].S; !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	moved := 0
	for _, path := range paths {
		done, err := t.move(ctx, subject, address, path)
		if err != nil {
			return err
		}
		if done {
			moved++
		}
	}
	if moved > 0 {
		t.logger.InfoContext(ctx, "grants of an address claimed", "table", t.name, "grants", moved)
	}
	return nil
}

// move moves one grant of an address to a subject, and reports whether it did:
// another request can be faster.
func (t *Table) move(ctx context.Context, subject, address, path string) (moved bool, err error) {
	for failed := range claimAttempts {
		if failed > 0 && !tableBackoff.Wait(ctx, failed) {
			break
		}
		items, err := t.read(ctx, keyOf(address, path), keyOf(subject, path))
		if err != nil {
			return false, err
		}
		from, to := items[0], items[1]
		if from == nil {
			return false, nil
		}
		actions, err := t.moving(from, to, subject)
		if err != nil {
			// A person has to repair it; until then it grants nothing.
			t.logger.WarnContext(ctx, "grant of an address is not claimed", "table", t.name, "cause", err.Error())
			return false, nil
		}
		_, err = call[struct{}](ctx, t, "TransactWriteItems", transaction{actions})
		if refused, ok := errors.AsType[*awsjson.Error](err); !ok || refused.Code != "TransactionCanceledException" {
			return err == nil, err
		}
	}
	return false, errors.New("the grant changed each time it was being claimed")
}

// moving returns the actions that move a grant: the subject gets all parts of
// both items, the address's item is deleted, and each sale in it gets a pointer to
// its holder. The manual part gets a pointer too, so that a repeated import does
// not grant it to the address again.
func (t *Table) moving(from, to rawItem, subject string) ([]action, error) {
	oldFrom, err := from.item()
	if err != nil {
		return nil, err
	}
	oldTo, err := to.item()
	if err != nil {
		return nil, err
	}
	parts, err := oldFrom.parts()
	if err != nil {
		return nil, err
	}
	sales, manual := slices.Sorted(maps.Keys(parts.Sales)), parts.Manual
	if to != nil {
		own, err := oldTo.parts()
		if err != nil {
			return nil, err
		}
		parts = own.Merge(parts)
	}
	if len(parts.Sales) > grantitem.MaxSales {
		return nil, fmt.Errorf("the grant of %s would have %d sales: must have at most %d", *oldFrom["path"].S, len(parts.Sales), grantitem.MaxSales)
	}
	path := oldFrom["path"]
	merged := rawItem{}
	maps.Copy(merged, from) // attributes of others, of which the viewer's own win
	maps.Copy(merged, to)
	for name, value := range attributesOf(parts) {
		delete(merged, name)
		if value != nil {
			merged[name] = mustMarshal(value)
		}
	}
	merged["viewer"] = mustMarshal(value{S: &subject})
	actions := []action{
		{Put: t.write(oldTo, merged, nil)},
		{Delete: t.write(oldFrom, nil, item{"viewer": oldFrom["viewer"], "path": path})},
	}
	pointer := func(id string) rawItem {
		key := grantitem.Sale(id)
		return rawItem{"viewer": mustMarshal(value{S: &key}), "path": mustMarshal(path), grantitem.Holder: mustMarshal(value{S: &subject})}
	}
	for _, sale := range sales {
		actions = append(actions, action{Put: &write{TableName: t.name, Item: pointer(sale)}})
	}
	if manual != nil {
		claimed := pointer(*oldFrom["viewer"].S)
		claimed[grantitem.Granted] = mustMarshal(number(*manual))
		actions = append(actions, action{Put: &write{TableName: t.name, Item: claimed}})
	}
	return actions, nil
}

// write returns a write that fails if the item is not as it was read.
func (t *Table) write(old item, put rawItem, remove item) *write {
	var e grantitem.Expression[value]
	var sales map[string]value
	if attribute, ok := old[grantitem.Sales]; ok {
		sales = attribute.M
	}
	condition := e.Unchanged(old, sales, func(n int64) value { return *number(n) })
	return &write{
		TableName: t.name, Item: put, Key: remove, ConditionExpression: condition,
		ExpressionAttributeNames: e.Names, ExpressionAttributeValues: e.Values,
	}
}

// parts reads what an item consists of.
func (i item) parts() (parts grantitem.Parts, err error) {
	sales, sold := i[grantitem.Sales]
	if sold && sales.M == nil {
		return parts, errors.New("sales of a grant are not a map of numbers")
	}
	for id, until := range sales.M {
		end, err := until.expiry()
		if err != nil {
			return parts, fmt.Errorf("expiry of a sale %w", err)
		}
		parts = parts.WithSale(id, end.Unix())
	}
	name := grantitem.Until
	if len(parts.Sales) > 0 {
		name = grantitem.Granted
	}
	manual, ok := i[name]
	if !ok && len(parts.Sales) > 0 {
		return parts, nil
	}
	seconds := grantitem.NoExpiry
	if ok {
		end, err := manual.expiry()
		if err != nil {
			return parts, fmt.Errorf("%s of a grant %w", name, err)
		}
		seconds = end.Unix()
		if name == grantitem.Until {
			seconds = max(seconds, 1) // expired in 1970; not NoExpiry
		}
	}
	parts.Manual = &seconds
	return parts, nil
}

// attributesOf returns the attributes of parts. Those that are nil are not in an
// item.
func attributesOf(parts grantitem.Parts) map[string]*value {
	attributes := map[string]*value{grantitem.Until: nil, grantitem.Granted: nil, grantitem.Sales: nil}
	if until := parts.Until(); until != grantitem.NoExpiry {
		attributes[grantitem.Until] = number(until)
	}
	if len(parts.Sales) > 0 {
		sales := make(map[string]value, len(parts.Sales))
		for id, until := range parts.Sales {
			sales[id] = *number(until)
		}
		attributes[grantitem.Sales] = &value{M: sales}
		if parts.Manual != nil {
			attributes[grantitem.Granted] = number(*parts.Manual)
		}
	}
	return attributes
}

func number(n int64) *value {
	text := strconv.FormatInt(n, 10)
	return &value{N: &text}
}

// read reads the items of keys, all of them or an error; nil for one that does
// not exist.
func (t *Table) read(ctx context.Context, keys ...item) ([]rawItem, error) {
	items := make([]rawItem, len(keys))
	wanted := keysAndAttributes{Keys: keys, ConsistentRead: true}
	for failed := range tableBackoff.Attempts {
		if failed > 0 && !tableBackoff.Wait(ctx, failed) {
			break
		}
		got, err := call[batchGotRaw](ctx, t, "BatchGetItem", batchGet{RequestItems: map[string]keysAndAttributes{t.name: wanted}})
		if err != nil {
			return nil, err
		}
		for _, raw := range got.Responses[t.name] {
			read, err := raw.item()
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(keys, read.has)
			if i < 0 || items[i] != nil {
				return nil, errors.New("item was not requested, or returned twice")
			}
			items[i] = raw
		}
		if wanted.Keys = got.UnprocessedKeys[t.name].Keys; len(wanted.Keys) == 0 {
			return items, nil
		}
	}
	return nil, fmt.Errorf("%d items were not processed", len(wanted.Keys))
}

// has reports whether an item has a key.
func (i item) has(key item) bool {
	same := func(a, b value) bool { return a.S != nil && b.S != nil && *a.S == *b.S }
	return same(i["viewer"], key["viewer"]) && same(i["path"], key["path"])
}

type batchGotRaw struct {
	Responses       map[string][]rawItem
	UnprocessedKeys map[string]struct{ Keys []item }
}

// A rawItem is an item with attributes of any type.
type rawItem map[string]json.RawMessage

// item returns the attributes that this package reads.
func (r rawItem) item() (item, error) {
	i := make(item, len(r))
	for name, raw := range r {
		var v value
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, fmt.Errorf("reading an item: %w", err)
		}
		i[name] = v
	}
	return i, nil
}

// mustMarshal encodes strings and numbers, which cannot fail.
func mustMarshal(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

type transaction struct{ TransactItems []action }

type action struct {
	Put    *write `json:",omitempty"`
	Delete *write `json:",omitempty"`
}

type write struct {
	TableName                 string
	Item                      rawItem           `json:",omitempty"`
	Key                       item              `json:",omitempty"`
	ConditionExpression       string            `json:",omitempty"`
	ExpressionAttributeNames  map[string]string `json:",omitempty"`
	ExpressionAttributeValues map[string]value  `json:",omitempty"`
}
