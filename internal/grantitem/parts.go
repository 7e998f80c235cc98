package grantitem

import "maps"

// Attributes of an item beside its keys and [Until].
const (
	// Sales maps the ids of sales to their expiry in seconds since 1970, 0: none.
	Sales = "sales"
	// Granted is the expiry of the manual part of an item that has sales too; 0:
	// none. In the pointer of an address, it is the expiry of the claimed part.
	Granted = "granted"
	// Holder, of a pointer, is the viewer who holds the sale now, or who claimed
	// what was granted to an address.
	Holder = "holder"
)

// NoExpiry is the expiry of a part that does not expire.
const NoExpiry int64 = 0

// MaxSales is the largest number of sales of one path to one viewer. A
// transaction, which moves an item and writes a pointer for each sale and for the
// manual part, has at most 100 actions (DynamoDB developer guide, "Quotas").
const MaxSales = 90

// Parts are what an item consists of: what a person granted and what sales did.
// Each expires by itself; the item grants the path until the last one does.
type Parts struct {
	// Manual is the expiry of the manual part in seconds since 1970, or
	// [NoExpiry]; nil if there is none.
	Manual *int64
	// Sales are the expiries of sales by id.
	Sales map[string]int64
}

// Empty reports whether there is no part: such an item is deleted.
func (p Parts) Empty() bool { return p.Manual == nil && len(p.Sales) == 0 }

// Until returns the latest expiry of the parts, or [NoExpiry].
func (p Parts) Until() int64 {
	var latest int64
	if p.Manual != nil {
		if *p.Manual == NoExpiry {
			return NoExpiry
		}
		latest = *p.Manual
	}
	for _, until := range p.Sales {
		if until == NoExpiry {
			return NoExpiry
		}
		latest = max(latest, until)
	}
	return latest
}

// WithSale returns the parts with a sale.
func (p Parts) WithSale(id string, until int64) Parts {
	sales := map[string]int64{id: until}
	for other, expiry := range p.Sales {
		if other != id {
			sales[other] = expiry
		}
	}
	return Parts{Manual: p.Manual, Sales: sales}
}

// WithoutSale returns the parts without a sale.
func (p Parts) WithoutSale(id string) Parts {
	sales := maps.Clone(p.Sales)
	delete(sales, id)
	return Parts{Manual: p.Manual, Sales: sales}
}

// Merge returns all parts of two items of one path. Where both have a part, the
// later expiry counts.
func (p Parts) Merge(q Parts) Parts {
	merged := Parts{Manual: p.Manual, Sales: maps.Clone(p.Sales)}
	if q.Manual != nil {
		until := *q.Manual
		if p.Manual != nil {
			until = later(until, *p.Manual)
		}
		merged.Manual = &until
	}
	for id, until := range q.Sales {
		if known, ok := merged.Sales[id]; ok {
			until = later(until, known)
		}
		merged = merged.WithSale(id, until)
	}
	return merged
}

// later returns the later of two expiries.
func later(a, b int64) int64 {
	if a == NoExpiry || b == NoExpiry {
		return NoExpiry
	}
	return max(a, b)
}
