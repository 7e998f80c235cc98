package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/grants"
	"premiumhls/internal/metric"
	"premiumhls/internal/purchase"
	"premiumhls/internal/sales"
	"premiumhls/internal/stripe"
	"premiumhls/internal/stripesettings"
)

const (
	originSecret  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	signingSecret = "whsec_0123456789"
	rolledSecret  = "whsec_9876543210"
	address       = "ada@example.com"
	holderOfEmail = "email:" + address
)

var (
	now         = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	purchaseKey = bytes.Repeat([]byte{7}, 32)
	viewersKey  = "viewers-key"
)

// A site is a handler with tables in memory.
type site struct {
	*handler
	mu         sync.Mutex
	parameters map[string]string
	reads      int
	ssmErr     error
	items      map[string]sales.Sale
	versions   map[string]int64
	kept       map[string]sales.Kept
	grants     map[string]time.Time // "holder path sale"
	tableErr   error
	grantErr   error
	log        bytes.Buffer
	clock      time.Time
}

func newSite(t testing.TB, changes ...func(*stripesettings.Document)) *site {
	t.Helper()
	d := stripesettings.Document{
		Choices:         stripesettings.Choices{SecretParameter: "/shop/stripe", Mode: stripesettings.Test, Products: map[string]string{"plink_2": "course-2 course-3", "plink_mug": "-"}},
		ParameterPrefix: "/PremiumHls", GrantsTable: "Grants", SalesTable: "Sales", HashViewers: true, MetricsStack: "PremiumHls",
	}
	for _, change := range changes {
		change(&d)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if d, err = stripesettings.Parse(string(text)); err != nil {
		t.Fatal(err)
	}
	s := &site{
		parameters: map[string]string{
			"/shop/stripe":                signingSecret,
			"/PremiumHls/origin-secret":   `{"stack":"s","secrets":[{"generation":1,"value":"` + originSecret + `"}]}`,
			"/PremiumHls/purchase-key":    base64.RawURLEncoding.EncodeToString(purchaseKey),
			"/PremiumHls/viewer-hash-key": viewersKey,
		},
		items: map[string]sales.Sale{}, versions: map[string]int64{}, kept: map[string]sales.Kept{}, grants: map[string]time.Time{}, clock: now,
	}
	clock := func() time.Time { return s.clock }
	s.handler = &handler{
		settings: d,
		secrets:  newSecretCache(s, d, clock),
		book:     sales.Book{Items: s, Grants: s, Grace: time.Duration(d.Grace()) * 24 * time.Hour, Now: clock},
		kept:     s,
		metrics:  metric.New(d.MetricsStack),
		logger:   slog.New(slog.NewJSONHandler(&s.log, nil)),
		now:      clock,
	}
	return s
}

func (s *site) Call(_ context.Context, operation string, input, output any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.ssmErr != nil {
		return s.ssmErr
	}
	var in struct{ Names []string }
	raw, err := json.Marshal(input)
	if err != nil || operation != "GetParameters" || json.Unmarshal(raw, &in) != nil {
		return fmt.Errorf("%s %s", operation, raw)
	}
	var found []map[string]string
	for _, name := range in.Names {
		if value, ok := s.parameters[name]; ok {
			found = append(found, map[string]string{"Name": name, "Value": value})
		}
	}
	raw, err = json.Marshal(map[string]any{"Parameters": found})
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, output)
}

func (s *site) Get(_ context.Context, id string) (sales.Sale, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[id], s.versions[id], s.tableErr
}

func (s *site) Put(_ context.Context, id string, sale sales.Sale, version int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.versions[id] != version {
		return sales.ErrConflict
	}
	s.items[id] = sale
	s.versions[id]++
	return nil
}

func (s *site) SetSale(_ context.Context, holder, path, sale string, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grantErr != nil {
		return s.grantErr
	}
	s.grants[holder+" "+path+" "+sale] = until
	return nil
}

func (s *site) EndSale(_ context.Context, holder, path, sale string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.grants, holder+" "+path+" "+sale)
	return nil
}

func (s *site) Keep(_ context.Context, k sales.Kept) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[k.ID] = k
	return s.tableErr
}

func (s *site) Kept(_ context.Context, id string) (sales.Kept, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kept[id]
	return k, ok, nil
}

func (s *site) Forget(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, id)
	return nil
}

// granted writes the grants.
func (s *site) granted() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for key, until := range s.grants {
		if !until.IsZero() {
			key += " until " + until.UTC().Format("2006-01-02")
		}
		list = append(list, key)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// request is an event of Stripe's as API Gateway hands it on.
func request(body []byte, signature string) events.APIGatewayV2HTTPRequest {
	var e events.APIGatewayV2HTTPRequest
	e.Version, e.RawPath, e.Body = "2.0", "/api/stripe", string(body)
	e.Headers = map[string]string{originSecretHeader: originSecret, "stripe-signature": signature}
	e.RequestContext.HTTP.Method = "POST"
	e.RequestContext.RequestID = "request-1"
	return e
}

// send sends an event and returns what came of it: a result or a code.
func (s *site) send(t testing.TB, body []byte) string {
	t.Helper()
	return outcome(t, s.handle(t.Context(), request(body, stripe.Sign(signingSecret, body, s.clock))))
}

func outcome(t testing.TB, response events.APIGatewayV2HTTPResponse) string {
	t.Helper()
	var members struct{ Result, Code, Reason string }
	if err := json.Unmarshal([]byte(response.Body), &members); err != nil {
		t.Fatalf("%q: %v", response.Body, err)
	}
	if members.Code != "" {
		return fmt.Sprintf("%d %s", response.StatusCode, members.Code)
	}
	return fmt.Sprintf("%d %s", response.StatusCode, members.Result)
}

var simulator = stripe.Simulator{Now: func() time.Time { return now }}

// purchase is a single payment for course-1 by e-mail, changed.
func purchased(changes ...func(*stripe.Purchase)) stripe.Purchase {
	p := stripe.Purchase{
		Session: "cs_1", PaymentIntent: "pi_1", PaymentLink: "plink_1", Path: "course-1", Email: " Ada@Example.com", Amount: 4900, Currency: "eur", Created: now,
	}
	for _, change := range changes {
		change(&p)
	}
	return p
}

func with(path, link string) func(*stripe.Purchase) {
	return func(p *stripe.Purchase) { p.Path, p.PaymentLink = path, link }
}

func reference(t testing.TB, subject string, made time.Time) string {
	t.Helper()
	text, _, err := purchase.New(purchaseKey, subject, made)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func referring(reference string) func(*stripe.Purchase) {
	return func(p *stripe.Purchase) { p.Reference = reference }
}

func day(n int) int64 { return now.AddDate(0, 0, n).Unix() }

func TestEvents(t *testing.T) {
	completed := func(p stripe.Purchase) []byte { return simulator.Checkout(stripe.CheckoutCompleted, p, "paid") }
	subscribing := func(p *stripe.Purchase) { p.Subscription, p.PaymentIntent = "sub_1", "" }
	subscription := func(kind, status string, from, to int, ended int64) []byte {
		return simulator.Subscription(kind, "sub_1", status, "", stripe.Period{Start: day(from), End: day(to)}, ended)
	}
	invoice := func(kind string) []byte {
		return simulator.Invoice(kind, "in_1", "sub_1", stripe.Period{Start: day(-1), End: day(29)}, 900, "eur")
	}
	const bought = holderOfEmail + " course-1 pi_1"
	for _, tt := range []struct {
		name   string
		events [][]byte
		last   string // outcome
		want   string // grants
	}{
		{"by email", [][]byte{completed(purchased())}, "200 recorded", bought},
		{"by reference", [][]byte{completed(purchased(referring(reference(t, "auth0|ada", now.Add(-time.Hour)))))}, "200 recorded", "auth0|ada course-1 pi_1"},
		{"forged reference", [][]byte{completed(purchased(referring("ada")))}, "200 recorded", bought},
		{"foreign reference", [][]byte{completed(purchased(referring("cart_4711-b")))}, "200 recorded", bought},
		{"expired reference", [][]byte{completed(purchased(referring(reference(t, "ada", now.Add(-25*time.Hour)))))}, "200 recorded", bought},
		{"reference that expired after the checkout began", [][]byte{completed(purchased(referring(reference(t, "ada", now.Add(-25*time.Hour))), func(p *stripe.Purchase) { p.Created = now.Add(-2 * time.Hour) }))}, "200 recorded", "ada course-1 pi_1"},
		{"two paths", [][]byte{completed(purchased(with("course-1 course-9/lesson-1", "plink_1")))}, "200 recorded", bought + ", " + holderOfEmail + " course-9/lesson-1 pi_1"},
		{"everything", [][]byte{completed(purchased(with("*", "plink_1")))}, "200 recorded", holderOfEmail + " * pi_1"},
		{"by the setting products", [][]byte{completed(purchased(with("", "plink_2")))}, "200 recorded", holderOfEmail + " course-2 pi_1, " + holderOfEmail + " course-3 pi_1"},
		{"metadata before the setting", [][]byte{completed(purchased(with("course-1", "plink_2")))}, "200 recorded", bought},
		{"a product that opens nothing", [][]byte{completed(purchased(with("", "plink_mug")))}, "200 ignored", ""},
		{"unknown product", [][]byte{completed(purchased(with("", "plink_9")))}, "200 kept", ""},
		{"invalid path", [][]byte{completed(purchased(with("course-*", "plink_1")))}, "200 kept", ""},
		{"one of two paths invalid", [][]byte{completed(purchased(with("course-1 ../x", "plink_1")))}, "200 kept", ""},
		{"neither reference nor email", [][]byte{completed(purchased(func(p *stripe.Purchase) { p.Email = "" }))}, "200 kept", ""},
		{"email that is none", [][]byte{completed(purchased(func(p *stripe.Purchase) { p.Email = "ada" }))}, "200 kept", ""},
		{"nothing to pay", [][]byte{simulator.Checkout(stripe.CheckoutCompleted, purchased(func(p *stripe.Purchase) { p.PaymentIntent, p.Amount = "", 0 }), "no_payment_required")}, "200 recorded", holderOfEmail + " course-1 cs_1"},
		{"not paid yet", [][]byte{simulator.Checkout(stripe.CheckoutCompleted, purchased(), "unpaid")}, "200 recorded", ""},
		{"paid later", [][]byte{simulator.Checkout(stripe.CheckoutCompleted, purchased(), "unpaid"), simulator.Checkout(stripe.CheckoutAsyncSucceeded, purchased(), "paid")}, "200 recorded", bought},
		{"never paid", [][]byte{simulator.Checkout(stripe.CheckoutCompleted, purchased(), "unpaid"), simulator.Checkout(stripe.CheckoutAsyncFailed, purchased(), "unpaid")}, "200 recorded", ""},
		{"setup", [][]byte{bytes.Replace(completed(purchased()), []byte(`"mode":"payment"`), []byte(`"mode":"setup"`), 1)}, "200 ignored", ""},

		{"wholly refunded", [][]byte{completed(purchased()), simulator.Charge("pi_1", 4900, 4900, "eur")}, "200 recorded", ""},
		{"partly refunded", [][]byte{completed(purchased()), simulator.Charge("pi_1", 4900, 100, "eur"), simulator.Refund(stripe.RefundCreated, "re_1", "pi_1", "succeeded", 100, "eur")}, "200 recorded", bought},
		{"refunded before the checkout was known", [][]byte{simulator.Refund(stripe.RefundCreated, "re_1", "pi_1", "pending", 4900, "eur"), completed(purchased())}, "200 recorded", ""},
		{"the refund failed", [][]byte{completed(purchased()), simulator.Refund(stripe.RefundCreated, "re_1", "pi_1", "succeeded", 4900, "eur"), simulator.Refund(stripe.RefundFailed, "re_1", "pi_1", "failed", 4900, "eur")}, "200 recorded", bought},
		{"the refund was canceled", [][]byte{completed(purchased()), simulator.Refund(stripe.RefundCreated, "re_1", "pi_1", "requires_action", 4900, "eur"), simulator.Refund(stripe.RefundUpdated, "re_1", "pi_1", "canceled", 4900, "eur")}, "200 recorded", bought},
		{"a refund of another payment", [][]byte{completed(purchased()), simulator.Refund(stripe.RefundCreated, "re_1", "pi_2", "succeeded", 4900, "eur")}, "200 recorded", bought},
		{"disputed", [][]byte{completed(purchased()), simulator.Dispute(stripe.DisputeCreated, "du_1", "pi_1", "needs_response", 4900, "eur")}, "200 recorded", ""},
		{"dispute won", [][]byte{completed(purchased()), simulator.Dispute(stripe.DisputeCreated, "du_1", "pi_1", "needs_response", 4900, "eur"), simulator.Dispute(stripe.DisputeWithdrawn, "du_1", "pi_1", "needs_response", 4900, "eur"), simulator.Dispute(stripe.DisputeReinstated, "du_1", "pi_1", "won", 4900, "eur"), simulator.Dispute(stripe.DisputeClosed, "du_1", "pi_1", "won", 4900, "eur")}, "200 recorded", bought},
		{"dispute lost, the closing first", [][]byte{completed(purchased()), simulator.Dispute(stripe.DisputeClosed, "du_1", "pi_1", "lost", 4900, "eur"), simulator.Dispute(stripe.DisputeCreated, "du_1", "pi_1", "needs_response", 4900, "eur")}, "200 recorded", ""},
		{"inquiry closed", [][]byte{completed(purchased()), simulator.Dispute(stripe.DisputeCreated, "du_1", "pi_1", "warning_needs_response", 4900, "eur"), simulator.Dispute(stripe.DisputeClosed, "du_1", "pi_1", "warning_closed", 4900, "eur")}, "200 recorded", bought},
		{"a charge without a payment intent", [][]byte{bytes.Replace(simulator.Charge("pi_1", 1, 1, "eur"), []byte(`"payment_intent":"pi_1"`), []byte(`"payment_intent":null`), 1)}, "200 ignored", ""},

		{"subscribed", [][]byte{completed(purchased(subscribing)), subscription(stripe.SubscriptionCreated, "active", -1, 29, 0), invoice(stripe.InvoicePaid), simulator.InvoicePayment("in_1", "pi_5", 900, "eur")}, "200 recorded", holderOfEmail + " course-1 sub_1 until 2026-12-26"},
		{"subscribed, in another order", [][]byte{simulator.InvoicePayment("in_1", "pi_5", 900, "eur"), invoice(stripe.InvoicePaid), completed(purchased(subscribing))}, "200 recorded", holderOfEmail + " course-1 sub_1 until 2026-12-26"},
		{"in a trial", [][]byte{simulator.Checkout(stripe.CheckoutCompleted, purchased(subscribing), "no_payment_required"), subscription(stripe.SubscriptionCreated, "trialing", 0, 14, 0)}, "200 recorded", holderOfEmail + " course-1 sub_1 until 2026-12-11"},
		{"payment of the first invoice failed", [][]byte{simulator.Checkout(stripe.CheckoutCompleted, purchased(subscribing), "unpaid"), subscription(stripe.SubscriptionCreated, "incomplete", 0, 30, 0), invoice(stripe.InvoicePaymentFailed)}, "200 recorded", ""},
		{"paused", [][]byte{completed(purchased(subscribing)), subscription(stripe.SubscriptionPaused, "paused", -1, 29, 0)}, "200 recorded", ""},
		{"deleted", [][]byte{completed(purchased(subscribing)), invoice(stripe.InvoicePaid), subscription(stripe.SubscriptionDeleted, "canceled", -1, 29, day(-1))}, "200 recorded", ""},
		{"its invoice refunded", [][]byte{completed(purchased(subscribing)), subscription(stripe.SubscriptionCreated, "active", -1, 29, 0), invoice(stripe.InvoicePaid), simulator.Charge("pi_5", 900, 900, "eur"), simulator.InvoicePayment("in_1", "pi_5", 900, "eur")}, "200 recorded", ""},
		{"unknown product, path of the subscription", [][]byte{
			simulator.Subscription(stripe.SubscriptionCreated, "sub_1", "active", "course-7", stripe.Period{Start: day(-1), End: day(29)}, 0),
			completed(purchased(subscribing, with("", "plink_9"))),
		}, "200 recorded", holderOfEmail + " course-7 sub_1 until 2026-12-26"},
		{"before 2025-03-31.basil", [][]byte{
			completed(purchased(subscribing)),
			simulator.Event(stripe.SubscriptionCreated, map[string]any{"id": "sub_1", "status": "active", "current_period_end": day(29)}),
		}, "200 recorded", holderOfEmail + " course-1 sub_1 until 2026-12-26"},
		{"an invoice of before 2025-03-31.basil", [][]byte{
			completed(purchased(subscribing)),
			simulator.Event(stripe.InvoicePaid, map[string]any{"id": "in_1", "subscription": "sub_1", "lines": map[string]any{"data": []any{
				map[string]any{"type": "subscription", "period": map[string]any{"start": day(-1), "end": day(29)}},
				map[string]any{"type": "invoiceitem", "period": map[string]any{"start": day(-1), "end": day(60)}},
			}}}),
		}, "200 recorded", holderOfEmail + " course-1 sub_1 until 2026-12-26"},
		{"an invoice for no subscription", [][]byte{simulator.Event(stripe.InvoicePaid, map[string]any{"id": "in_9", "parent": nil, "lines": map[string]any{"data": []any{}}})}, "200 ignored", ""},

		{"an event of another type", [][]byte{simulator.Event("customer.created", map[string]any{"id": "cus_1"})}, "200 ignored", ""},
		{"another shape", [][]byte{simulator.Event(stripe.CheckoutCompleted, map[string]any{"id": "cs_1", "mode": "payment", "metadata": []any{}})}, "200 kept", ""},
		{"an object without an id", [][]byte{simulator.Event(stripe.SubscriptionUpdated, map[string]any{"status": "active"})}, "200 kept", ""},
		{"the other mode", [][]byte{stripe.Simulator{Live: true, Now: simulator.Now}.Checkout(stripe.CheckoutCompleted, purchased(), "paid")}, "400 wrong_mode", ""},
		{"not an event", [][]byte{[]byte(`{"object":"v2.core.event","id":"evt_1","type":"v1.charge.refunded"}`)}, "400 invalid_event", ""},
		{"not JSON", [][]byte{[]byte(`{`)}, "400 invalid_event", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			last := ""
			for _, body := range tt.events {
				last = s.send(t, body)
			}
			if got := s.granted(); last != tt.last || got != tt.want {
				t.Errorf("%s, grants %q, want %s, %q\n%s", last, got, tt.last, tt.want, s.log.String())
			}
			if strings.HasSuffix(tt.last, "kept") != (len(s.kept) == 1) {
				t.Errorf("kept %v", slices.Collect(maps.Keys(s.kept)))
			}
			// In every order, some events twice: the same grants.
			for seed := range uint64(50) {
				random := rand.New(rand.NewPCG(seed, 7))
				events := append(slices.Clone(tt.events), tt.events[random.IntN(len(tt.events))])
				random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
				other := newSite(t)
				for _, body := range events {
					other.send(t, body)
				}
				if got := other.granted(); got != tt.want {
					t.Fatalf("order %d: grants %q, want %q", seed, got, tt.want)
				}
			}
			// Everything again, in reverse order: nothing changes.
			for _, body := range slices.Backward(tt.events) {
				s.send(t, body)
			}
			if got := s.granted(); got != tt.want {
				t.Errorf("again: grants %q, want %q", got, tt.want)
			}
			for _, hidden := range []string{address, "Ada@", "auth0|ada", "Lovelace", signingSecret, "v1="} {
				if strings.Contains(s.log.String(), hidden) {
					t.Errorf("the log holds %q:\n%s", hidden, s.log.String())
				}
			}
		})
	}
}

func TestSignatures(t *testing.T) {
	body := simulator.Checkout(stripe.CheckoutCompleted, purchased(), "paid")
	good := stripe.Sign(signingSecret, body, now)
	for _, tt := range []struct {
		name    string
		body    []byte
		header  string
		base64  bool
		change  func(*events.APIGatewayV2HTTPRequest)
		want    string
		changes func(*site)
	}{
		{name: "good", body: body, header: good, want: "200 recorded"},
		{name: "base64", body: body, header: good, base64: true, want: "200 recorded"},
		{name: "forged", body: body, header: stripe.Sign("whsec_forged_secret", body, now), want: "400 invalid_signature"},
		{name: "missing", body: body, header: "", want: "400 invalid_signature"},
		{name: "of another body", body: bytes.Replace(body, []byte("course-1"), []byte("course-2"), 1), header: good, want: "400 invalid_signature"},
		{name: "stale", body: body, header: stripe.Sign(signingSecret, body, now.Add(-301*time.Second)), want: "400 invalid_signature"},
		{name: "from the future", body: body, header: stripe.Sign(signingSecret, body, now.Add(301*time.Second)), want: "400 invalid_signature"},
		{name: "a wrong clock here", body: body, header: stripe.Sign(signingSecret, body, now.Add(-time.Hour)), want: "200 recorded",
			change: func(e *events.APIGatewayV2HTTPRequest) {
				e.RequestContext.TimeEpoch = now.Add(-time.Hour).UnixMilli()
			}},
		{name: "rolled", body: body, header: stripe.Sign(rolledSecret, body, now), want: "200 recorded",
			changes: func(s *site) { s.parameters["/shop/stripe"] = signingSecret + "\n" + rolledSecret + "\n" }},
		{name: "too large", body: bytes.Repeat([]byte{' '}, maxEvent+1), header: good, want: "400 body_too_large"},
		{name: "too large in base64", body: bytes.Repeat([]byte{' '}, maxEvent+1), header: good, base64: true, want: "400 body_too_large"},
		{name: "not base64", header: good, want: "400 invalid_json", change: func(e *events.APIGatewayV2HTTPRequest) {
			e.IsBase64Encoded, e.Body = true, "***"
		}},
		{name: "not through the distribution", body: body, header: good, want: "403 not_through_distribution",
			change: func(e *events.APIGatewayV2HTTPRequest) { delete(e.Headers, originSecretHeader) }},
		{name: "another method", body: body, header: good, want: "405 method_not_allowed",
			change: func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "GET" }},
		{name: "another path", body: body, header: good, want: "404 not_found",
			change: func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/api/stripe/" }},
		{name: "no secrets", body: body, header: good, want: "503 secrets_unavailable", changes: func(s *site) { s.ssmErr = errors.New("throttled") }},
		{name: "no signing secret", body: body, header: good, want: "503 secrets_unavailable", changes: func(s *site) { delete(s.parameters, "/shop/stripe") }},
		{name: "an API key in its place", body: body, header: good, want: "503 secrets_unavailable", changes: func(s *site) { s.parameters["/shop/stripe"] = "sk_live_0123456789" }},
		{name: "tables out of order", body: body, header: good, want: "503 sales_unavailable", changes: func(s *site) { s.tableErr = errors.New("down") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			if tt.changes != nil {
				tt.changes(s)
			}
			e := request(tt.body, tt.header)
			if tt.base64 {
				e.IsBase64Encoded, e.Body = true, base64.StdEncoding.EncodeToString(tt.body)
			}
			if tt.change != nil {
				tt.change(&e)
			}
			if got := outcome(t, s.handle(t.Context(), e)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if recorded := s.granted() != ""; recorded != strings.HasSuffix(tt.want, "recorded") {
				t.Errorf("grants %q", s.granted())
			}
			if strings.Contains(s.log.String(), "sk_live") || strings.Contains(s.log.String(), signingSecret) || strings.Contains(s.log.String(), rolledSecret) {
				t.Errorf("the log holds a secret: %s", s.log.String())
			}
		})
	}
}

// A rolled secret is found without waiting for the cache to expire, and
// signatures that match none cause few reads.
func TestSecretsAreReadAgain(t *testing.T) {
	s := newSite(t)
	body := simulator.Checkout(stripe.CheckoutCompleted, purchased(), "paid")
	if got := s.send(t, body); got != "200 recorded" || s.reads != 1 {
		t.Fatalf("%s after %d reads", got, s.reads)
	}
	rolled := func() string {
		return outcome(t, s.handle(t.Context(), request(body, stripe.Sign(rolledSecret, body, s.clock))))
	}
	for range 100 {
		if got := rolled(); got != "400 invalid_signature" {
			t.Fatal(got)
		}
	}
	if s.reads != 1 {
		t.Errorf("%d reads within %v of the last", s.reads, secretPause)
	}
	s.parameters["/shop/stripe"] = rolledSecret
	s.clock = s.clock.Add(secretPause)
	if got := rolled(); got != "200 recorded" || s.reads != 2 {
		t.Errorf("%s after %d reads", got, s.reads)
	}
	if got := s.send(t, body); got != "400 invalid_signature" {
		t.Errorf("the former secret: %s", got)
	}
	// While they cannot be read, the cached ones stay valid.
	s.ssmErr = errors.New("down")
	s.clock = s.clock.Add(time.Hour)
	if got := rolled(); got != "200 recorded" {
		t.Errorf("Parameter Store is down: %s", got)
	}
}

// A kept event is used again once the cause is mended, and holds no more of the
// buyer than is needed for that.
func TestReplay(t *testing.T) {
	s := newSite(t)
	if got := s.send(t, simulator.Checkout(stripe.CheckoutCompleted, purchased(with("", "plink_9")), "paid")); got != "200 kept" {
		t.Fatal(got)
	}
	var kept sales.Kept
	for _, kept = range s.kept {
	}
	for _, hidden := range []string{"Lovelace", "10115", "success_url"} {
		if strings.Contains(string(kept.Payload), hidden) {
			t.Errorf("the kept event holds %q: %s", hidden, kept.Payload)
		}
	}
	if want := "Payment link plink_9 has no metadata path and is not among the products of the setting stripe."; kept.Reason != want {
		t.Errorf("reason %q, want %q", kept.Reason, want)
	}
	replay := func(id string) string {
		t.Helper()
		got, err := s.invoke(t.Context(), invocation{Replay: id})
		if err != nil {
			t.Fatal(err)
		}
		return got.(reply).Result
	}
	if got := replay(kept.ID); got != "kept" || len(s.kept) != 1 {
		t.Errorf("before: %s, %d kept", got, len(s.kept))
	}
	s.settings.Products["plink_9"] = "course-9"
	if got, want := replay(kept.ID), holderOfEmail+" course-9 pi_1"; got != "recorded" || len(s.kept) != 0 || s.granted() != want {
		t.Errorf("%s, %d kept, grants %q, want %q", got, len(s.kept), s.granted(), want)
	}
	if got := replay(kept.ID); got != "unknown" {
		t.Errorf("again: %s", got)
	}
	// A request cannot be a command.
	e := request([]byte("{}"), "")
	if got, err := s.invoke(t.Context(), invocation{APIGatewayV2HTTPRequest: e, Replay: kept.ID}); err != nil || outcome(t, got.(events.APIGatewayV2HTTPResponse)) != "400 invalid_signature" {
		t.Errorf("%v, %v", got, err)
	}
}

// Test and live mode do not mix, when the setting changes while an event is kept
// either.
func TestReplayOfAnotherMode(t *testing.T) {
	s := newSite(t)
	if got := s.send(t, simulator.Checkout(stripe.CheckoutCompleted, purchased(with("", "plink_9")), "paid")); got != "200 kept" {
		t.Fatal(got)
	}
	s.settings.Mode, s.settings.Products["plink_9"] = stripesettings.Live, "course-9"
	for id := range maps.Clone(s.kept) {
		got, err := s.invoke(t.Context(), invocation{Replay: id})
		if r, _ := got.(reply); err != nil || r.Result != "kept" || !strings.Contains(r.Reason, "another mode") {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if len(s.kept) != 1 || s.granted() != "" {
		t.Errorf("%d kept, grants %q", len(s.kept), s.granted())
	}
}

// A purchase that meets a grant which nobody here wrote is kept until somebody
// has mended that.
func TestUngrantable(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		reason string
	}{
		"an attribute of another's": {&grants.InvalidError{Path: "course-1", Attribute: "ttl", Why: "must not exist: the signer ignores a grant with it"}, "attribute ttl of the grant of course-1 must not exist"},
		"too many sales":            {&grants.TooManySalesError{Holder: "ada", Path: "course-1"}, "has 90 sales already"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.grantErr = tt.err
			if got := s.send(t, simulator.Checkout(stripe.CheckoutCompleted, purchased(), "paid")); got != "200 kept" || len(s.kept) != 1 {
				t.Fatalf("%s, %d kept", got, len(s.kept))
			}
			for id, k := range maps.Clone(s.kept) {
				if !strings.Contains(k.Reason, tt.reason) || strings.Contains(string(k.Payload), "Lovelace") {
					t.Errorf("%s: %s", k.Reason, k.Payload)
				}
				s.grantErr = nil
				if got, err := s.invoke(t.Context(), invocation{Replay: id}); err != nil || got.(reply).Result != "recorded" {
					t.Errorf("%+v, %v", got, err)
				}
			}
			if want := holderOfEmail + " course-1 pi_1"; s.granted() != want || len(s.kept) != 0 {
				t.Errorf("%d kept, grants %q", len(s.kept), s.granted())
			}
		})
	}
}

func TestPurchases(t *testing.T) {
	for _, tt := range []struct {
		name, body, want string
		claims           map[string]string
	}{
		{"a path", `{"path":"course-1"}`, "200 ", map[string]string{"sub": "ada"}},
		{"no body", "", "200 ", map[string]string{"sub": "ada", "token_use": "id"}},
		{"an invalid path", `{"path":"course-*"}`, "400 invalid_path", map[string]string{"sub": "ada"}},
		{"a path that is no string", `{"path":1}`, "400 invalid_path", map[string]string{"sub": "ada"}},
		{"another member", `{"viewer":"eve"}`, "400 unknown_field", map[string]string{"sub": "ada"}},
		{"not JSON", `{`, "400 invalid_json", map[string]string{"sub": "ada"}},
		{"too large", strings.Repeat(" ", maxPurchase+1), "400 body_too_large", map[string]string{"sub": "ada"}},
		{"an access token", "", "401 unauthenticated", map[string]string{"sub": "ada", "token_use": "access"}},
		{"no sub", "", "401 unauthenticated", map[string]string{}},
		{"no claims", "", "401 unauthenticated", nil},
		{"a sub that is too long", "", "400 viewer_not_supported", map[string]string{"sub": strings.Repeat("a", purchase.MaxSubject+1)}},
		{"a sub like an address", "", "400 viewer_not_supported", map[string]string{"sub": "email:ada@example.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			e := request([]byte(tt.body), "")
			e.RawPath = "/api/purchases"
			if tt.claims != nil {
				e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
					JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: tt.claims},
				}
			}
			response := s.handle(t.Context(), e)
			if got := outcome(t, response); got != tt.want {
				t.Fatalf("%s, want %s", got, tt.want)
			}
			if response.StatusCode != 200 {
				return
			}
			var got struct {
				Reference string
				Expires   int64
			}
			if err := json.Unmarshal([]byte(response.Body), &got); err != nil {
				t.Fatal(err)
			}
			if subject, err := purchase.Read(purchaseKey, got.Reference, now); err != nil || subject != "ada" || got.Expires != now.Add(purchase.Lifetime).Unix() {
				t.Errorf("%+v: %q, %v", got, subject, err)
			}
		})
	}
}
