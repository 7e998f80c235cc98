package stripe

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"
)

// A Simulator makes events as Stripe sends them: the objects are those of the
// API reference in version [APIVersion], shortened by what says nothing about a
// purchase.
type Simulator struct {
	Live bool
	Now  func() time.Time
}

// A Purchase is what a simulated checkout is about.
type Purchase struct {
	Session       string // the id of the session; others follow from it
	PaymentIntent string // empty: a subscription, or nothing to pay
	Subscription  string
	PaymentLink   string
	Path          string // of the payment link's metadata
	Reference     string // client_reference_id
	Email         string
	Amount        int64 // in cents
	Currency      string
	Created       time.Time
}

// NewID returns an id with a prefix such as evt.
func NewID(prefix string) string { return prefix + "_sim" + strings.ToLower(rand.Text()[:16]) }

// Event returns an event about an object.
func (s Simulator) Event(kind string, object map[string]any) []byte {
	object["livemode"] = s.Live
	text, err := json.Marshal(map[string]any{
		"id": NewID("evt"), "object": "event", "api_version": APIVersion, "created": s.Now().Unix(),
		"data": map[string]any{"object": object}, "livemode": s.Live, "pending_webhooks": 1,
		"request": map[string]any{"id": nil, "idempotency_key": nil}, "type": kind,
	})
	if err != nil {
		panic(err) // strings, numbers and maps have JSON
	}
	return text
}

// Checkout is a Checkout Session that ended with a payment status.
func (s Simulator) Checkout(kind string, p Purchase, paymentStatus string) []byte {
	mode := "payment"
	if p.Subscription != "" {
		mode = "subscription"
	}
	return s.Event(kind, map[string]any{
		"id": p.Session, "object": "checkout.session", "mode": mode, "status": "complete", "payment_status": paymentStatus,
		"amount_subtotal": p.Amount, "amount_total": p.Amount, "currency": p.Currency,
		"client_reference_id": orNull(p.Reference), "customer": orNull(""), "customer_email": nil,
		"customer_details": map[string]any{"email": orNull(p.Email), "name": "Ada Lovelace", "phone": nil,
			"address": map[string]any{"city": nil, "country": "DE", "line1": nil, "line2": nil, "postal_code": "10115", "state": nil}},
		"payment_intent": orNull(p.PaymentIntent), "subscription": orNull(p.Subscription), "payment_link": orNull(p.PaymentLink),
		"metadata": metadata(p.Path), "created": p.Created.Unix(), "success_url": "https://example.com/",
	})
}

// Charge is a charge of which a part or all was refunded.
func (s Simulator) Charge(payment string, amount, refunded int64, currency string) []byte {
	return s.Event(ChargeRefunded, map[string]any{
		"id": "ch" + strings.TrimPrefix(payment, "pi"), "object": "charge", "amount": amount, "amount_captured": amount,
		"amount_refunded": refunded, "refunded": refunded >= amount, "currency": currency, "payment_intent": payment,
		"status": "succeeded", "paid": true, "disputed": false, "metadata": map[string]any{},
	})
}

// Refund is a refund with a status.
func (s Simulator) Refund(kind, id, payment, status string, amount int64, currency string) []byte {
	return s.Event(kind, map[string]any{
		"id": id, "object": "refund", "amount": amount, "currency": currency, "payment_intent": payment,
		"charge": "ch" + strings.TrimPrefix(payment, "pi"), "reason": "requested_by_customer", "status": status, "metadata": map[string]any{},
	})
}

// Dispute is a dispute with a status.
func (s Simulator) Dispute(kind, id, payment, status string, amount int64, currency string) []byte {
	return s.Event(kind, map[string]any{
		"id": id, "object": "dispute", "amount": amount, "currency": currency, "payment_intent": payment,
		"charge": "ch" + strings.TrimPrefix(payment, "pi"), "reason": "fraudulent", "status": status, "metadata": map[string]any{},
	})
}

// Subscription is a subscription with a status and its current period.
func (s Simulator) Subscription(kind, id, status, path string, period Period, endedAt int64) []byte {
	var ended any
	if endedAt != 0 {
		ended = endedAt
	}
	return s.Event(kind, map[string]any{
		"id": id, "object": "subscription", "status": status, "cancel_at_period_end": false, "ended_at": ended, "canceled_at": ended,
		"collection_method": "charge_automatically", "customer": "cus_sim", "metadata": metadata(path),
		"items": map[string]any{"object": "list", "has_more": false, "data": []any{map[string]any{
			"id": "si" + strings.TrimPrefix(id, "sub"), "object": "subscription_item", "quantity": 1,
			"current_period_start": period.Start, "current_period_end": period.End,
		}}},
	})
}

// Invoice is an invoice of a subscription.
func (s Simulator) Invoice(kind, id, subscription string, period Period, amount int64, currency string) []byte {
	details := map[string]any{"subscription": subscription, "metadata": map[string]any{}}
	return s.Event(kind, map[string]any{
		"id": id, "object": "invoice", "amount_due": amount, "amount_paid": amount, "currency": currency, "customer": "cus_sim",
		"billing_reason": "subscription_cycle", "status": "paid",
		"parent": map[string]any{"type": "subscription_details", "quote_details": nil, "subscription_details": details},
		"lines": map[string]any{"object": "list", "has_more": false, "data": []any{map[string]any{
			"id": "il" + strings.TrimPrefix(id, "in"), "object": "line_item", "amount": amount, "currency": currency,
			"period": period,
			"parent": map[string]any{"type": "subscription_item_details", "invoice_item_details": nil, "subscription_item_details": map[string]any{
				"subscription": subscription, "subscription_item": "si" + strings.TrimPrefix(subscription, "sub"), "proration": false,
			}},
		}}},
	})
}

// InvoicePayment says which payment paid an invoice.
func (s Simulator) InvoicePayment(invoice, payment string, amount int64, currency string) []byte {
	return s.Event(InvoicePaymentPaid, map[string]any{
		"id": "inpay" + strings.TrimPrefix(payment, "pi"), "object": "invoice_payment", "amount_paid": amount, "amount_requested": amount,
		"currency": currency, "invoice": invoice, "is_default": true, "status": "paid",
		"payment": map[string]any{"type": "payment_intent", "payment_intent": payment},
	})
}

func metadata(path string) map[string]any {
	if path == "" {
		return map[string]any{}
	}
	return map[string]any{"path": path}
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
