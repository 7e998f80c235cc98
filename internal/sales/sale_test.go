package sales

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// now is in the middle of the periods below.
var now = time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)

func at(day int) int64 { return time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC).Unix() }

const grace = 3 * 24 * time.Hour

// A fact is what one event says.
type fact struct {
	sale  string
	facts Sale
}

func bought(holder string, paths ...string) fact {
	return fact{"pi_1", Sale{
		Checkout: &Checkout{ID: "cs_1", Paid: true, Holders: Set(holder), Paths: Set(paths...), Payment: "pi_1"},
		Payments: map[string]Payment{"pi_1": {Amounts: map[string]int64{"eur": 4900}}},
	}}
}

func unpaid(f fact) fact {
	checkout := *f.facts.Checkout
	checkout.Paid = false
	f.facts.Checkout = &checkout
	return f
}

func payment(id string, p Payment) fact {
	return fact{id, Sale{Payments: map[string]Payment{id: p}}}
}

func charged(id string, day int, refunded int64) fact {
	return payment(id, Payment{
		Amounts: map[string]int64{"eur": 4900}, Charge: &Charge{At: at(day), Refunded: refunded, Whole: refunded == 4900},
	})
}

func refunded(id, refund string, stage int, day int, amount int64) fact {
	r := Refund{Stage: stage, Amount: amount, Currency: "eur"}
	if stage == RefundFailed {
		r.At = at(day)
	}
	return payment(id, Payment{Refunds: map[string]Refund{refund: r}})
}

func disputed(id, dispute string, day int, closed, lost bool) fact {
	return payment(id, Payment{Disputes: map[string]Dispute{dispute: {Closed: closed, At: at(day), Lost: lost}}})
}

func subscribed(holder string, paths ...string) fact {
	return fact{"sub_1", Sale{Checkout: &Checkout{ID: "cs_2", Subscription: true, Paid: true, Holders: Set(holder), Paths: Set(paths...)}}}
}

func state(status string, kind, day, endDay int) fact {
	s := &Subscription{At: at(day), Kind: kind, Event: fmt.Sprintf("evt_%s%d", status, day), Status: status, End: at(endDay)}
	if status == "canceled" {
		s.EndedAt = at(day)
	}
	return fact{"sub_1", Sale{Subscription: s}}
}

func invoiced(id string, start, end int, paid bool) fact {
	return fact{id, Sale{Parent: "sub_1", Invoices: map[string]Invoice{id: {Start: at(start), End: at(end), Paid: paid}}}}
}

func pays(payment, invoice string) fact {
	return fact{payment, Sale{
		Parent:   invoice,
		Invoices: map[string]Invoice{invoice: {Payments: []string{payment}}},
		Payments: map[string]Payment{payment: {Amounts: map[string]int64{"eur": 4900}}},
	}}
}

// until writes when a grant ends as the tests below do.
func until(t time.Time) string {
	if t.IsZero() {
		return "for ever"
	}
	return t.Format("2006-01-02")
}

var stories = []struct {
	name  string
	facts []fact
	want  string
}{
	{"bought", []fact{bought("ada", "course-1")}, "ada course-1 for ever"},
	{"two paths", []fact{bought("ada", "course-2", "course-1")}, "ada course-1 for ever, ada course-2 for ever"},
	{"by email", []fact{bought("email:ada@example.com", "course-1")}, "email:ada@example.com course-1 for ever"},
	{"not paid yet", []fact{unpaid(bought("ada", "course-1"))}, ""},
	{"paid later", []fact{unpaid(bought("ada", "course-1")), bought("ada", "course-1")}, "ada course-1 for ever"},
	{"a viewer before an address", []fact{bought("email:ada@example.com", "course-1"), bought("ada", "course-1")}, "ada course-1 for ever"},
	{"nobody", []fact{charged("pi_1", 3, 4900)}, ""},

	{"partly refunded", []fact{bought("ada", "course-1"), refunded("pi_1", "re_1", RefundSucceeded, 3, 1000), charged("pi_1", 3, 1000)}, "ada course-1 for ever"},
	{"refunded, by the refund", []fact{bought("ada", "course-1"), refunded("pi_1", "re_1", RefundSucceeded, 3, 4900)}, ""},
	{"refunded, by the charge", []fact{bought("ada", "course-1"), charged("pi_1", 3, 4900)}, ""},
	{"refunded, pending", []fact{bought("ada", "course-1"), refunded("pi_1", "re_1", RefundPending, 3, 4900)}, ""},
	{"refunded in parts", []fact{bought("ada", "course-1"), refunded("pi_1", "re_1", RefundSucceeded, 3, 2000), refunded("pi_1", "re_2", RefundPending, 4, 2900)}, ""},
	{"refunded in another currency", []fact{bought("ada", "course-1"), payment("pi_1", Payment{Refunds: map[string]Refund{"re_1": {Amount: 9000, Currency: "usd"}}})}, "ada course-1 for ever"},
	{"the refund failed", []fact{bought("ada", "course-1"), refunded("pi_1", "re_1", RefundSucceeded, 3, 4900), charged("pi_1", 3, 4900), refunded("pi_1", "re_1", RefundFailed, 4, 4900)}, "ada course-1 for ever"},
	{"the refund failed, and a second did not", []fact{bought("ada", "course-1"), refunded("pi_1", "re_1", RefundFailed, 4, 4900), charged("pi_1", 5, 4900)}, ""},

	{"disputed", []fact{bought("ada", "course-1"), disputed("pi_1", "du_1", 3, false, false)}, ""},
	{"dispute won", []fact{bought("ada", "course-1"), disputed("pi_1", "du_1", 3, false, false), disputed("pi_1", "du_1", 5, true, false)}, "ada course-1 for ever"},
	{"dispute lost", []fact{bought("ada", "course-1"), disputed("pi_1", "du_1", 3, false, false), disputed("pi_1", "du_1", 5, true, true)}, ""},
	{"dispute won, another open", []fact{bought("ada", "course-1"), disputed("pi_1", "du_1", 5, true, false), disputed("pi_1", "du_2", 6, false, false)}, ""},
	{"dispute won and refunded", []fact{bought("ada", "course-1"), disputed("pi_1", "du_1", 5, true, false), charged("pi_1", 6, 4900)}, ""},

	{"subscribed", []fact{subscribed("ada", "course-1"), state("active", 0, 1, 30)}, "ada course-1 2026-12-03"},
	{"subscribed, the invoice first", []fact{subscribed("ada", "course-1"), invoiced("in_1", 1, 30, true)}, "ada course-1 2026-12-03"},
	{"subscribed, nothing else known", []fact{subscribed("ada", "course-1")}, ""},
	{"the subscription without its checkout", []fact{state("active", 0, 1, 30), invoiced("in_1", 1, 30, true)}, ""},
	{"incomplete", []fact{subscribed("ada", "course-1"), state("incomplete", 0, 1, 30), invoiced("in_1", 1, 30, false)}, ""},
	{"created and active in one second", []fact{subscribed("ada", "course-1"), state("incomplete", 0, 1, 30), state("active", 1, 1, 30)}, "ada course-1 2026-12-03"},
	{"renewed", []fact{subscribed("ada", "course-1"), state("active", 0, 1, 10), invoiced("in_1", 1, 10, true), state("active", 1, 10, 20), invoiced("in_2", 10, 20, true)}, "ada course-1 2026-11-23"},
	{"renewal not paid", []fact{subscribed("ada", "course-1"), state("active", 0, 1, 14), invoiced("in_1", 1, 14, true), state("active", 1, 14, 28), invoiced("in_2", 14, 28, false), state("past_due", 1, 15, 28)}, "ada course-1 2026-11-17"},
	{"paused", []fact{subscribed("ada", "course-1"), invoiced("in_1", 1, 30, true), state("paused", 1, 5, 30)}, ""},
	{"resumed", []fact{subscribed("ada", "course-1"), invoiced("in_1", 1, 30, true), state("paused", 1, 5, 30), state("active", 1, 6, 30)}, "ada course-1 2026-12-03"},
	{"ended at once", []fact{subscribed("ada", "course-1"), invoiced("in_1", 1, 30, true), state("active", 0, 1, 30), state("canceled", 2, 9, 30)}, ""},
	{"to end later", []fact{subscribed("ada", "course-1"), invoiced("in_1", 1, 30, true), state("active", 1, 9, 30), state("canceled", 2, 20, 30)}, "ada course-1 2026-11-20"},
	{"ended is the last state", []fact{subscribed("ada", "course-1"), state("canceled", 2, 9, 30), state("active", 1, 12, 30)}, ""},
	{"paths of the subscription", []fact{subscribed("ada"), {"sub_1", Sale{Subscription: &Subscription{At: at(2), Status: "active", End: at(30), Paths: []string{"course-3"}}, SubscriptionPaths: []string{"course-3"}}}}, "ada course-3 2026-12-03"},
	{"paths of the subscription changed", []fact{
		subscribed("ada"),
		{"sub_1", Sale{Subscription: &Subscription{At: at(2), Status: "active", End: at(30), Paths: []string{"course-3"}}, SubscriptionPaths: []string{"course-3"}}},
		{"sub_1", Sale{Subscription: &Subscription{At: at(3), Status: "active", End: at(30), Paths: []string{"course-4"}}, SubscriptionPaths: []string{"course-4"}}},
	}, "ada course-4 2026-12-03"},

	{"an invoice refunded", []fact{subscribed("ada", "course-1"), state("active", 0, 1, 30), invoiced("in_1", 1, 30, true), pays("pi_9", "in_1"), charged("pi_9", 3, 4900)}, ""},
	{"an invoice partly refunded", []fact{subscribed("ada", "course-1"), state("active", 0, 1, 30), invoiced("in_1", 1, 30, true), pays("pi_9", "in_1"), charged("pi_9", 3, 900)}, "ada course-1 2026-12-03"},
	{"an invoice refunded, the refund failed", []fact{subscribed("ada", "course-1"), state("active", 0, 1, 30), invoiced("in_1", 1, 30, true), pays("pi_9", "in_1"), charged("pi_9", 3, 4900), refunded("pi_9", "re_1", RefundFailed, 4, 4900)}, "ada course-1 2026-12-03"},
	{"the former invoice refunded", []fact{subscribed("ada", "course-1"), state("active", 1, 14, 28), invoiced("in_1", 1, 14, true), pays("pi_9", "in_1"), invoiced("in_2", 14, 28, true), charged("pi_9", 15, 4900)}, "ada course-1 2026-12-01"},
	{"the latest invoice disputed", []fact{subscribed("ada", "course-1"), state("active", 1, 13, 28), invoiced("in_1", 1, 13, true), invoiced("in_2", 13, 28, true), pays("pi_9", "in_2"), disputed("pi_9", "du_1", 14, false, false)}, "ada course-1 2026-11-16"},
	{"one of two payments of an invoice refunded", []fact{subscribed("ada", "course-1"), state("active", 0, 1, 30), invoiced("in_1", 1, 30, true), pays("pi_8", "in_1"), pays("pi_9", "in_1"), charged("pi_9", 3, 4900)}, "ada course-1 2026-12-03"},
	{"a single payment with an invoice", []fact{bought("ada", "course-1"), pays("pi_1", "in_5"), charged("pi_1", 3, 4900)}, ""},
	{"a single payment with an invoice, kept", []fact{bought("ada", "course-1"), pays("pi_1", "in_5")}, "ada course-1 for ever"},
}

func TestStories(t *testing.T) {
	for _, tt := range stories {
		t.Run(tt.name, func(t *testing.T) {
			world := newWorld()
			for _, f := range tt.facts {
				world.record(t, f)
			}
			if got := world.state(); got != tt.want {
				t.Errorf("grants %q, want %q\n%s", got, tt.want, world.dump())
			}
		})
	}
}

// Whatever the order of a purchase's events, and however often they come, the
// grants at the end are the same.
func TestOrderDoesNotMatter(t *testing.T) {
	for _, tt := range stories {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(100) {
				random := rand.New(rand.NewPCG(seed, 17))
				events := slices.Clone(tt.facts)
				for range random.IntN(4) {
					events = append(events, events[random.IntN(len(events))])
				}
				random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
				world := newWorld()
				for _, f := range events {
					world.record(t, f)
				}
				if got := world.state(); got != tt.want {
					t.Fatalf("seed %d: grants %q, want %q\n%s", seed, got, tt.want, world.dump())
				}
			}
		})
	}
}

// All events of a story come at once, each twice, and every call of the tables
// can be the one where an invocation waits while others run. Some invocations
// end in the middle, as Stripe then sees no response and sends the event again.
func TestConcurrentDeliveries(t *testing.T) {
	for _, tt := range stories {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(25) {
				world := newWorld()
				world.schedule(seed)
				var group sync.WaitGroup
				for _, f := range slices.Concat(tt.facts, tt.facts) {
					group.Go(func() {
						for world.book.recordOnce(f) != nil {
							// Stripe sends it again.
						}
					})
				}
				group.Wait()
				if got := world.state(); got != tt.want {
					t.Fatalf("seed %d: grants %q, want %q\n%s", seed, got, tt.want, world.dump())
				}
			}
		})
	}
}

// Join is what makes the rest true: random sets of facts.
func TestJoinIsASemilattice(t *testing.T) {
	var facts []Sale
	for _, story := range stories {
		for _, f := range story.facts {
			facts = append(facts, f.facts)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	some := func() Sale {
		var s Sale
		for range 1 + random.IntN(4) {
			s = Join(s, facts[random.IntN(len(facts))])
		}
		return s
	}
	for range 20000 {
		a, b, c := some(), some(), some()
		if !reflect.DeepEqual(Join(a, b), Join(b, a)) {
			t.Fatalf("not commutative:\n%s\n%s", asJSON(a), asJSON(b))
		}
		if !reflect.DeepEqual(Join(a, Join(b, c)), Join(Join(a, b), c)) {
			t.Fatalf("not associative:\n%s\n%s\n%s", asJSON(a), asJSON(b), asJSON(c))
		}
		if !reflect.DeepEqual(Join(a, a), a) {
			t.Fatalf("not idempotent:\n%s", asJSON(a))
		}
		var read Sale
		if err := json.Unmarshal([]byte(asJSON(a)), &read); err != nil || !reflect.DeepEqual(read, a) {
			t.Fatalf("stored and read, %v:\n%s\n%s", err, asJSON(a), asJSON(read))
		}
	}
}

// A viewer has claimed the sale of an address, and is a holder of it, too: what
// ends for the address does not end what is set for the viewer.
func TestEndsBeforeSets(t *testing.T) {
	var calls []string
	book := Book{Now: func() time.Time { return now }, Grants: grantsFunc(func(what, holder string) { calls = append(calls, what+" "+holder) })}
	sale := Sale{Checkout: &Checkout{ID: "cs_1", Paid: true, Holders: []string{"1abc", "email:ada@example.com", "zoe"}, Paths: []string{"course-1"}}}
	if err := book.apply(t.Context(), "cs_1", sale); err != nil {
		t.Fatal(err)
	}
	if last := slices.IndexFunc(calls, func(c string) bool { return strings.HasPrefix(c, "set ") }); last < 1 || strings.Contains(strings.Join(calls[last:], ","), "end ") {
		t.Errorf("%q", calls)
	}
}

type grantsFunc func(what, holder string)

func (f grantsFunc) SetSale(_ context.Context, holder, _, _ string, _ time.Time) error {
	f("set", holder)
	return nil
}

func (f grantsFunc) EndSale(_ context.Context, holder, _, _ string) error {
	f("end", holder)
	return nil
}

// A world is a table of sales and one of grants, in memory.
type world struct {
	mu     sync.Mutex
	items  map[string]string // JSON, as it is stored
	ver    map[string]int64
	grants map[[3]string]time.Time // holder, path, sale
	pause  func() error            // before and after every call
	book   *testBook
}

type testBook struct{ Book }

func (b *testBook) recordOnce(f fact) error {
	_, _, err := b.Record(context.Background(), f.sale, f.facts)
	return err
}

func newWorld() *world {
	w := &world{items: map[string]string{}, ver: map[string]int64{}, grants: map[[3]string]time.Time{}, pause: func() error { return nil }}
	w.book = &testBook{Book{Items: w, Grants: w, Grace: grace, Now: func() time.Time { return now }}}
	return w
}

var errCrash = errors.New("the invocation ended here")

// schedule lets invocations run in turns that a seed decides, and ends some.
func (w *world) schedule(seed uint64) {
	random := rand.New(rand.NewPCG(seed, 4))
	var mu sync.Mutex
	crashes := 0
	w.pause = func() error {
		mu.Lock()
		yields, crash := random.IntN(6), random.IntN(40) == 0 && crashes < 20
		if crash {
			crashes++
		}
		mu.Unlock()
		for range yields {
			runtime.Gosched()
		}
		if crash {
			return errCrash
		}
		return nil
	}
}

func (w *world) record(t *testing.T, f fact) {
	t.Helper()
	if err := w.book.recordOnce(f); err != nil {
		t.Fatal(err)
	}
}

func (w *world) Get(_ context.Context, id string) (Sale, int64, error) {
	if err := w.pause(); err != nil {
		return Sale{}, 0, err
	}
	w.mu.Lock()
	text, version := w.items[id], w.ver[id]
	w.mu.Unlock()
	var s Sale
	if version > 0 {
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return Sale{}, 0, err
		}
	}
	return s, version, w.pause()
}

func (w *world) Put(_ context.Context, id string, s Sale, version int64) error {
	if err := w.pause(); err != nil {
		return err
	}
	w.mu.Lock()
	if w.ver[id] != version {
		w.mu.Unlock()
		return ErrConflict
	}
	w.items[id] = asJSON(s)
	w.ver[id]++
	w.mu.Unlock()
	return w.pause()
}

func (w *world) SetSale(_ context.Context, holder, path, sale string, until time.Time) error {
	if err := w.pause(); err != nil {
		return err
	}
	w.mu.Lock()
	w.grants[[3]string{holder, path, sale}] = until
	w.mu.Unlock()
	return w.pause()
}

func (w *world) EndSale(_ context.Context, holder, path, sale string) error {
	if err := w.pause(); err != nil {
		return err
	}
	w.mu.Lock()
	delete(w.grants, [3]string{holder, path, sale})
	w.mu.Unlock()
	return w.pause()
}

// state writes the grants.
func (w *world) state() string {
	var list []string
	for key, end := range w.grants {
		list = append(list, key[0]+" "+key[1]+" "+until(end))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func (w *world) dump() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(w.items)) {
		fmt.Fprintf(&b, "%s %d %s\n", id, w.ver[id], w.items[id])
	}
	return b.String()
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
