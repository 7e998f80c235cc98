// Package sales decides what a purchase opens, from facts that come in any
// order, late and more than once.
//
// A [Sale] is a set of facts. [Join] is the union of two sets: whatever the
// order, the repetitions and the groups in which facts are joined, the set at
// the end is the same. What a sale opens is computed from its set alone, so it
// is the same too. A [Book] stores sales and keeps the grants as they say.
package sales

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// A Sale is what is known of one purchase. Each fact is stored with the object
// of Stripe's that it is about, whose id is the sale's:
//
//	sub_…  a subscription, with its checkout, invoices and payments
//	pi_…   a payment, with its refunds and disputes, and its checkout if it was a single one
//	cs_…   a checkout for which nothing had to be paid
//	in_…   an invoice, with its payments
//
// Times are in seconds since 1970.
type Sale struct {
	// Parent is the sale that has all facts of this one too: the invoice of a
	// payment, or the subscription of an invoice. Empty: none is known.
	Parent       string             `json:"parent,omitempty"`
	Checkout     *Checkout          `json:"checkout,omitempty"`
	Subscription *Subscription      `json:"subscription,omitempty"`
	Invoices     map[string]Invoice `json:"invoices,omitempty"`
	Payments     map[string]Payment `json:"payments,omitempty"`
	// SubscriptionPaths are the paths that the subscription ever named.
	SubscriptionPaths []string `json:"subscriptionPaths,omitempty"`
}

// A Checkout is the purchase itself: who bought what.
type Checkout struct {
	ID           string   `json:"id"`
	Subscription bool     `json:"subscription,omitempty"`
	Paid         bool     `json:"paid,omitempty"` // or nothing had to be paid
	Holders      []string `json:"holders,omitempty"`
	Paths        []string `json:"paths,omitempty"`
	// Payment is the id of its payment; empty with a subscription.
	Payment string `json:"payment,omitempty"`
}

// A Subscription is the latest known state of one.
type Subscription struct {
	At      int64    `json:"at"`              // of the event
	Kind    int      `json:"kind"`            // of the event: one of its second's others follow a smaller one
	Event   string   `json:"event"`           // its id
	Status  string   `json:"status"`          // as Stripe names it
	End     int64    `json:"end,omitempty"`   // of the current period
	EndedAt int64    `json:"ended,omitempty"` // when it ended
	Paths   []string `json:"paths,omitempty"`
}

// An Invoice pays a period of a subscription.
type Invoice struct {
	Start    int64    `json:"start,omitempty"`
	End      int64    `json:"end,omitempty"`
	Paid     bool     `json:"paid,omitempty"`
	Payments []string `json:"payments,omitempty"` // that paid it
}

// A Payment is a PaymentIntent with what happened to it after it succeeded.
type Payment struct {
	Amounts  map[string]int64   `json:"amounts,omitempty"` // in the smallest unit, by currency
	Charge   *Charge            `json:"charge,omitempty"`
	Refunds  map[string]Refund  `json:"refunds,omitempty"`
	Disputes map[string]Dispute `json:"disputes,omitempty"`
}

// A Charge says how much of a payment was given back when an event was made.
type Charge struct {
	At       int64 `json:"at"`
	Refunded int64 `json:"refunded,omitempty"` // amount
	Whole    bool  `json:"whole,omitempty"`
}

// A Refund is the latest known state of one.
type Refund struct {
	Stage    int    `json:"stage"`
	At       int64  `json:"at,omitempty"` // of the event, of a refund that failed
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// The stages of a refund. It never goes back to an earlier one.
const (
	RefundPending   = 0
	RefundSucceeded = 1
	RefundFailed    = 2 // or canceled: the money is the seller's again
)

// A Dispute is the latest known state of one.
type Dispute struct {
	Closed bool  `json:"closed,omitempty"`
	At     int64 `json:"at"`
	Lost   bool  `json:"lost,omitempty"`
}

// Join returns the union of the facts of two sales. It is commutative,
// associative and idempotent.
func Join(a, b Sale) Sale {
	return Sale{
		Parent:            max(a.Parent, b.Parent), // an object has one parent for ever
		Checkout:          joinPointers(a.Checkout, b.Checkout, joinCheckouts),
		Subscription:      joinPointers(a.Subscription, b.Subscription, latest(compareSubscriptions)),
		Invoices:          joinMaps(a.Invoices, b.Invoices, joinInvoices),
		Payments:          joinMaps(a.Payments, b.Payments, joinPayments),
		SubscriptionPaths: union(a.SubscriptionPaths, b.SubscriptionPaths),
	}
}

func joinCheckouts(a, b Checkout) Checkout {
	return Checkout{
		ID:           max(a.ID, b.ID),
		Subscription: a.Subscription || b.Subscription,
		Paid:         a.Paid || b.Paid,
		Holders:      union(a.Holders, b.Holders),
		Paths:        union(a.Paths, b.Paths),
		Payment:      max(a.Payment, b.Payment),
	}
}

func joinInvoices(a, b Invoice) Invoice {
	start := max(a.Start, b.Start)
	if a.Start != 0 && b.Start != 0 {
		start = min(a.Start, b.Start)
	}
	return Invoice{Start: start, End: max(a.End, b.End), Paid: a.Paid || b.Paid, Payments: union(a.Payments, b.Payments)}
}

func joinPayments(a, b Payment) Payment {
	return Payment{
		Amounts:  joinMaps(a.Amounts, b.Amounts, func(a, b int64) int64 { return max(a, b) }),
		Charge:   joinPointers(a.Charge, b.Charge, latest(compareCharges)),
		Refunds:  joinMaps(a.Refunds, b.Refunds, latest(compareRefunds)),
		Disputes: joinMaps(a.Disputes, b.Disputes, latest(compareDisputes)),
	}
}

// compareSubscriptions orders the states of a subscription. Events of one
// second have no order of their own: a state that ends the subscription is the
// last, and otherwise the stricter one counts, because a paid invoice is a fact
// of its own.
func compareSubscriptions(a, b Subscription) int {
	return cmp.Or(
		compareBools(ended(a.Status), ended(b.Status)),
		cmp.Compare(a.At, b.At),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.End, b.End),
		cmp.Compare(slices.Index(strictness, a.Status), slices.Index(strictness, b.Status)),
		cmp.Compare(a.Event, b.Event),
		// What follows differs in events of one id only if Stripe or the
		// settings changed it meanwhile.
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(a.EndedAt, b.EndedAt),
		slices.Compare(a.Paths, b.Paths),
	)
}

// ended reports whether no other status follows.
func ended(status string) bool { return status == "canceled" || status == "incomplete_expired" }

// strictness lists the statuses by how much they open. Only a new subscription
// is incomplete, so that any other status is a later one.
var strictness = []string{"incomplete", "trialing", "active", "past_due", "unpaid", "paused", "incomplete_expired", "canceled"}

func compareCharges(a, b Charge) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Refunded, b.Refunded), compareBools(a.Whole, b.Whole))
}

func compareRefunds(a, b Refund) int {
	return cmp.Or(cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.At, b.At), cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Currency, b.Currency))
}

func compareDisputes(a, b Dispute) int {
	return cmp.Or(compareBools(a.Closed, b.Closed), cmp.Compare(a.At, b.At), compareBools(a.Lost, b.Lost))
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// latest joins two states by taking the later one.
func latest[T any](compare func(a, b T) int) func(a, b T) T {
	return func(a, b T) T {
		if compare(a, b) >= 0 {
			return a
		}
		return b
	}
}

func joinPointers[T any](a, b *T, join func(a, b T) T) *T {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	joined := join(*a, *b)
	return &joined
}

func joinMaps[T any](a, b map[string]T, join func(a, b T) T) map[string]T {
	switch {
	case len(a)+len(b) == 0:
		return nil
	case len(a) == 0:
		return b
	}
	joined := maps.Clone(a)
	for key, value := range b {
		if other, ok := joined[key]; ok {
			value = join(other, value)
		}
		joined[key] = value
	}
	return joined
}

// union returns the elements of two lists, sorted.
func union(a, b []string) []string {
	if len(a)+len(b) == 0 {
		return nil
	}
	return Set(slices.Concat(a, b)...)
}

// Set returns the elements sorted and without repetitions, as the lists of a
// sale are.
func Set(elements ...string) []string {
	set := slices.Clone(elements)
	slices.Sort(set)
	return slices.Compact(set)
}

// A Grant is what a sale opens, or no longer opens, to a holder.
type Grant struct {
	Holder string // a viewer, or email: and an address
	Path   string
	Open   bool
	Until  time.Time // zero: no expiry
}

// Grants returns a grant for each holder and path that the sale ever named,
// for a grace period after the end of paid periods. Those that it no longer
// opens are among them, so that they can be ended. Without a checkout there are
// none.
func (s Sale) Grants(grace time.Duration) []Grant {
	if s.Checkout == nil {
		return nil
	}
	access := s.Access(grace)
	holder, paths := s.Holder(), s.Paths()
	var grants []Grant
	for _, h := range s.Checkout.Holders {
		for _, path := range union(s.Checkout.Paths, s.SubscriptionPaths) {
			g := Grant{Holder: h, Path: path, Open: access.Open && h == holder && slices.Contains(paths, path)}
			if g.Open {
				g.Until = access.Until
			}
			grants = append(grants, g)
		}
	}
	return grants
}

// Holder is who the sale is for: a viewer before an address. There is more than
// one only if an event came again after the secret of references had changed.
func (s Sale) Holder() string {
	if s.Checkout == nil {
		return ""
	}
	best := ""
	for _, h := range s.Checkout.Holders {
		if best == "" || isEmail(best) && !isEmail(h) {
			best = h
		}
	}
	return best
}

// Paths are what the sale is about: the paths of its checkout, or else those
// that the subscription names now.
func (s Sale) Paths() []string {
	switch {
	case s.Checkout != nil && len(s.Checkout.Paths) > 0:
		return s.Checkout.Paths
	case s.Subscription != nil:
		return s.Subscription.Paths
	}
	return nil
}
