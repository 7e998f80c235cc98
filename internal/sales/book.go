package sales

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"premiumhls/internal/grantitem"
)

// isEmail reports whether a holder is whoever has verified an address.
func isEmail(holder string) bool {
	_, ok := grantitem.Address(holder)
	return ok
}

// ErrConflict reports that another invocation wrote a sale meanwhile.
var ErrConflict = errors.New("another invocation wrote the sale meanwhile")

// Items stores sales.
type Items interface {
	// Get returns a sale and its version, zero if there is none. It must return
	// what the last Put wrote.
	Get(ctx context.Context, id string) (sale Sale, version int64, err error)
	// Put writes a sale that was read at a version. The error is ErrConflict if
	// it has another version by now.
	Put(ctx context.Context, id string, sale Sale, version int64) error
}

// Grants are the grants that viewers have. A grant of a sale is a part of what
// a holder has for a path: other parts stay. Setting one again and ending one
// that is not there change nothing.
type Grants interface {
	// SetSale grants until a time; the zero time means that it does not expire.
	SetSale(ctx context.Context, holder, path, sale string, until time.Time) error
	EndSale(ctx context.Context, holder, path, sale string) error
}

// A Book keeps sales, and the grants as the sales say.
type Book struct {
	Items  Items
	Grants Grants
	Grace  time.Duration // after the end of a paid period
	Now    func() time.Time
}

// maxRounds bounds how often an invocation repeats what others interrupt. Of
// those that conflict one always succeeds.
const maxRounds = 50

// Record adds facts to a sale, carries them to the sales that contain it, and
// brings the grants into line. It returns the last of those sales with its id.
//
// It can be repeated, also after an error in the middle, and run at the same
// time for facts of one sale: whoever changes the facts settles the grants
// afterwards, and settles them again if the facts changed meanwhile. The last
// one to settle has therefore seen every fact.
func (b *Book) Record(ctx context.Context, id string, facts Sale) (string, Sale, error) {
	for range 4 { // a payment, its invoice, its subscription
		sale, err := b.join(ctx, id, facts)
		if err != nil {
			return id, Sale{}, err
		}
		// A single payment can have an invoice too, which no subscription has.
		if sale.Parent == "" || sale.Checkout != nil {
			return id, sale, b.settle(ctx, id)
		}
		// The facts that were there before came when the parent was unknown.
		id, facts = sale.Parent, sale
		facts.Parent = ""
	}
	return id, Sale{}, fmt.Errorf("sale %s: its parents form a circle", id)
}

// join writes the union of a sale's facts and others.
func (b *Book) join(ctx context.Context, id string, facts Sale) (Sale, error) {
	for range maxRounds {
		sale, version, err := b.Items.Get(ctx, id)
		if err != nil {
			return Sale{}, fmt.Errorf("reading sale %s: %w", id, err)
		}
		joined := Join(sale, facts)
		if version != 0 && reflect.DeepEqual(joined, sale) {
			return sale, nil
		}
		switch err := b.Items.Put(ctx, id, joined, version); {
		case err == nil:
			return joined, nil
		case !errors.Is(err, ErrConflict):
			return Sale{}, fmt.Errorf("writing sale %s: %w", id, err)
		}
	}
	return Sale{}, fmt.Errorf("writing sale %s: %w", id, ErrConflict)
}

// settle brings the grants of a sale into line with its facts.
func (b *Book) settle(ctx context.Context, id string) error {
	sale, version, err := b.Items.Get(ctx, id)
	for range maxRounds {
		if err != nil {
			return fmt.Errorf("reading sale %s: %w", id, err)
		}
		if err := b.apply(ctx, id, sale); err != nil {
			return err
		}
		before := version
		if sale, version, err = b.Items.Get(ctx, id); err == nil && version == before {
			return nil
		}
	}
	return fmt.Errorf("granting what sale %s says: %w", id, ErrConflict)
}

// apply ends grants before it sets others. After a viewer has claimed the sale of
// an address, ending the address's grant ends the viewer's.
func (b *Book) apply(ctx context.Context, id string, sale Sale) error {
	now := b.Now()
	open := func(g Grant) bool { return g.Open && (g.Until.IsZero() || g.Until.After(now)) }
	list := sale.Grants(b.Grace)
	slices.SortStableFunc(list, func(a, b Grant) int { return compareBools(open(a), open(b)) })
	for _, g := range list {
		var err error
		if open(g) {
			err = b.Grants.SetSale(ctx, g.Holder, g.Path, id, g.Until)
		} else {
			err = b.Grants.EndSale(ctx, g.Holder, g.Path, id)
		}
		if err != nil {
			return fmt.Errorf("granting what sale %s says: %w", id, err)
		}
	}
	return nil
}
