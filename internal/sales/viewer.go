package sales

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"premiumhls/internal/grantitem"
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
				if kept := readKept(item); names(string(kept.Payload), holders) {
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

// names reports whether an event has a sub or an address.
func names(payload string, holders []string) bool {
	payload = strings.ToLower(payload)
	return slices.ContainsFunc(holders, func(holder string) bool {
		if address, ok := grantitem.Address(holder); ok {
			holder = address
		}
		return strings.Contains(payload, strings.ToLower(holder))
	})
}

// ForgetHolders removes who bought from the sales of holders, and deletes kept
// events that name them. What was paid stays. It returns the number of records,
// and can be repeated.
func (t Table) ForgetHolders(ctx context.Context, holders, ids []string) (changed int, err error) {
	records, err := t.Find(ctx, holders, ids)
	if err != nil {
		return 0, err
	}
	for _, r := range records {
		if r.Event != "" {
			err = t.Forget(ctx, r.Event)
		} else {
			err = t.forgetHolders(ctx, r.Sale, holders)
		}
		if err != nil {
			return changed, err
		}
		changed++
	}
	return changed, nil
}

func (t Table) forgetHolders(ctx context.Context, id string, holders []string) error {
	for range maxRounds {
		sale, version, err := t.Get(ctx, id)
		if err != nil || sale.Checkout == nil {
			return err
		}
		checkout := *sale.Checkout
		checkout.Holders = slices.DeleteFunc(slices.Clone(checkout.Holders), func(h string) bool { return slices.Contains(holders, h) })
		sale.Checkout = &checkout
		if err = t.Put(ctx, id, sale, version); err != ErrConflict {
			return err
		}
	}
	return ErrConflict
}
