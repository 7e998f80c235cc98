package sales

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"premiumhls/internal/grantitem"
	"premiumhls/internal/purchase"
)

// A Record is what the table has of a viewer: a sale, or a kept event.
type Record struct {
	Sale  string          `json:"sale,omitempty"`
	Event string          `json:"event,omitempty"`
	Facts json.RawMessage `json:"facts"`
}

// Find returns the records of holders (a sub, or the partition key of an address)
// and the sales with some ids. It reads the whole table, a page at a time.
func (t Table) Find(ctx context.Context, holders, ids []string) (records []Record, err error) {
	pages := dynamodb.NewScanPaginator(t.Client, &dynamodb.ScanInput{TableName: &t.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			id := textOf(item[PartitionKey])
			if id == keptPartition {
				if kept := readKept(item); names(kept.Payload, holders) {
					records = append(records, Record{Event: kept.ID, Facts: json.RawMessage(kept.Payload)})
				}
				continue
			}
			facts := textOf(item["facts"])
			var sale Sale
			if err := json.Unmarshal([]byte(facts), &sale); err != nil {
				continue // not ours
			}
			if slices.Contains(ids, id) || sale.Checkout != nil && slices.ContainsFunc(sale.Checkout.Holders, func(h string) bool { return slices.Contains(holders, h) }) {
				records = append(records, Record{Sale: id, Facts: json.RawMessage(facts)})
			}
		}
	}
	return records, nil
}

// names reports whether an event names one of the holders: a string in it is the
// address, or its reference has the sub. The reference's signature is not checked.
func names(payload []byte, holders []string) bool {
	var event any
	if json.Unmarshal(payload, &event) != nil {
		return false // and not ours
	}
	var find func(name string, value any) bool
	find = func(name string, value any) bool {
		switch v := value.(type) {
		case map[string]any:
			for name, value := range v {
				if find(name, value) {
					return true
				}
			}
		case []any:
			return slices.ContainsFunc(v, func(value any) bool { return find("", value) })
		case string:
			if name == "client_reference_id" {
				return slices.Contains(holders, purchase.Subject(v))
			}
			holder, err := grantitem.Email(v)
			return err == nil && slices.Contains(holders, holder)
		}
		return false
	}
	return find("", event)
}

// ForgetHolders removes who bought from the sales of holders, and deletes kept
// events that name them. The holders have claimed the sales with the given ids:
// from these it removes every address, because the claims came from addresses.
// Amounts stay. It returns the number of records, and can be repeated.
func (t Table) ForgetHolders(ctx context.Context, holders, ids []string) (changed int, err error) {
	records, err := t.Find(ctx, holders, ids)
	if err != nil {
		return 0, err
	}
	for _, r := range records {
		if r.Event != "" {
			err = t.Forget(ctx, r.Event)
		} else {
			claimed := slices.Contains(ids, r.Sale)
			err = t.forgetHolders(ctx, r.Sale, func(h string) bool { return slices.Contains(holders, h) || claimed && isEmail(h) })
		}
		if err != nil {
			return changed, err
		}
		changed++
	}
	return changed, nil
}

func (t Table) forgetHolders(ctx context.Context, id string, gone func(holder string) bool) error {
	for range maxRounds {
		sale, version, err := t.Get(ctx, id)
		if err != nil || sale.Checkout == nil {
			return err
		}
		checkout := *sale.Checkout
		checkout.Holders = slices.DeleteFunc(slices.Clone(checkout.Holders), gone)
		sale.Checkout = &checkout
		if err = t.Put(ctx, id, sale, version); err != ErrConflict {
			return err
		}
	}
	return ErrConflict
}
