package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The types of events that the project uses (Stripe API reference, "Types of
// events").
const (
	CheckoutCompleted      = "checkout.session.completed"
	CheckoutAsyncSucceeded = "checkout.session.async_payment_succeeded"
	CheckoutAsyncFailed    = "checkout.session.async_payment_failed"
	InvoicePaid            = "invoice.paid"
	InvoicePaymentFailed   = "invoice.payment_failed"
	InvoicePaymentPaid     = "invoice_payment.paid" // which payment paid which invoice
	SubscriptionCreated    = "customer.subscription.created"
	SubscriptionUpdated    = "customer.subscription.updated"
	SubscriptionDeleted    = "customer.subscription.deleted"
	SubscriptionPaused     = "customer.subscription.paused"
	SubscriptionResumed    = "customer.subscription.resumed"
	ChargeRefunded         = "charge.refunded"
	RefundCreated          = "refund.created"
	RefundUpdated          = "refund.updated"
	RefundFailed           = "refund.failed"
	DisputeCreated         = "charge.dispute.created"
	DisputeUpdated         = "charge.dispute.updated"
	DisputeClosed          = "charge.dispute.closed"
	DisputeWithdrawn       = "charge.dispute.funds_withdrawn"
	DisputeReinstated      = "charge.dispute.funds_reinstated"
)

// Types are the events that an endpoint should send, in the order in which the
// documentation lists them.
var Types = []string{
	CheckoutCompleted, CheckoutAsyncSucceeded, CheckoutAsyncFailed,
	InvoicePaid, InvoicePaymentFailed, InvoicePaymentPaid,
	SubscriptionCreated, SubscriptionUpdated, SubscriptionDeleted, SubscriptionPaused, SubscriptionResumed,
	ChargeRefunded, RefundCreated, RefundUpdated, RefundFailed,
	DisputeCreated, DisputeUpdated, DisputeClosed, DisputeWithdrawn, DisputeReinstated,
}

// An Event is the envelope of an event. Its times, like all of Stripe's, are in
// seconds since 1970.
type Event struct {
	ID         string `json:"id"`
	Object     string `json:"object"`
	APIVersion string `json:"api_version"`
	Created    int64  `json:"created"`
	Livemode   bool   `json:"livemode"`
	Type       string `json:"type"`
	Data       struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
}

// ParseEvent reads an event whose signature has been verified.
func ParseEvent(body []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, fmt.Errorf("reading the event: %w", err)
	}
	switch {
	case e.Object != "event":
		// Events of API v2 ("thin" events) have no data.
		return Event{}, fmt.Errorf("object: invalid value %q: must be event", e.Object)
	case !IsID(e.ID):
		return Event{}, errors.New("the event has no id")
	case e.Type == "" || len(e.Type) > 100:
		return Event{}, errors.New("the event has no type")
	case len(e.Data.Object) == 0:
		return Event{}, errors.New("the event has no object")
	}
	return e, nil
}

// IsID reports whether s has the form of an id of Stripe's, such as evt_1.
func IsID(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 255
}

// An ID is the id of another object. In an event it is a string, or the object
// itself where it was expanded.
type ID string

// UnmarshalJSON reads null, a string or an object with an id.
func (id *ID) UnmarshalJSON(data []byte) error {
	*id = ""
	if string(data) == "null" || string(data) == `""` {
		return nil
	}
	var text string
	if json.Unmarshal(data, &text) != nil {
		var object struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(data, &object); err != nil {
			return errors.New("not an id")
		}
		text = object.ID
	}
	if !IsID(text) {
		return errors.New("invalid id: must be 1 to 255 letters, digits and underscores")
	}
	*id = ID(text)
	return nil
}

// A Session is a Checkout Session.
type Session struct {
	ID                ID                `json:"id"`
	Mode              string            `json:"mode"`           // payment, subscription or setup
	PaymentStatus     string            `json:"payment_status"` // paid, unpaid or no_payment_required
	ClientReferenceID string            `json:"client_reference_id"`
	Created           int64             `json:"created"`
	PaymentIntent     ID                `json:"payment_intent"`
	Subscription      ID                `json:"subscription"`
	PaymentLink       ID                `json:"payment_link"`
	Metadata          map[string]string `json:"metadata"` // a copy of the payment link's
	AmountTotal       int64             `json:"amount_total"`
	Currency          string            `json:"currency"`
	CustomerDetails   struct {
		Email string `json:"email"` // as the buyer typed it: not verified
	} `json:"customer_details"`
}

// A Subscription has its periods on its items since 2025-03-31.basil.
type Subscription struct {
	ID       ID                `json:"id"`
	Status   string            `json:"status"`
	EndedAt  int64             `json:"ended_at"`
	Metadata map[string]string `json:"metadata"`
	Items    struct {
		Data []struct {
			CurrentPeriodStart int64 `json:"current_period_start"`
			CurrentPeriodEnd   int64 `json:"current_period_end"`
		} `json:"data"`
	} `json:"items"`
	OldPeriodEnd int64 `json:"current_period_end"`
}

// PeriodEnd is the end of the current period, the latest of its items'.
func (s Subscription) PeriodEnd() int64 {
	end := s.OldPeriodEnd
	for _, item := range s.Items.Data {
		end = max(end, item.CurrentPeriodEnd)
	}
	return end
}

// An Invoice names its subscription in its parent since 2025-03-31.basil.
type Invoice struct {
	ID     ID `json:"id"`
	Parent *struct {
		SubscriptionDetails *struct {
			Subscription ID `json:"subscription"`
		} `json:"subscription_details"`
	} `json:"parent"`
	Lines struct {
		Data []struct {
			Period Period `json:"period"`
			Parent *struct {
				SubscriptionItemDetails *struct {
					Subscription ID `json:"subscription"`
				} `json:"subscription_item_details"`
			} `json:"parent"`
			OldType string `json:"type"` // subscription or invoiceitem
		} `json:"data"`
	} `json:"lines"`
	OldSubscription ID `json:"subscription"`
}

// A Period is from Start to End.
type Period struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// SubscriptionID is the subscription that the invoice is for, or empty.
func (i Invoice) SubscriptionID() string {
	if i.Parent != nil && i.Parent.SubscriptionDetails != nil {
		return string(i.Parent.SubscriptionDetails.Subscription)
	}
	return string(i.OldSubscription)
}

// Period is from the first start to the last end of the lines for the
// subscription: all of them, if none says so.
func (i Invoice) Period() Period {
	var of, all Period
	for _, line := range i.Lines.Data {
		all = all.with(line.Period)
		if line.Parent != nil && line.Parent.SubscriptionItemDetails != nil || line.OldType == "subscription" {
			of = of.with(line.Period)
		}
	}
	if of == (Period{}) {
		return all
	}
	return of
}

func (p Period) with(other Period) Period {
	if p == (Period{}) {
		return other
	}
	return Period{min(p.Start, other.Start), max(p.End, other.End)}
}

// An InvoicePayment says which payment paid an invoice.
type InvoicePayment struct {
	ID         ID     `json:"id"`
	Invoice    ID     `json:"invoice"`
	AmountPaid int64  `json:"amount_paid"`
	Currency   string `json:"currency"`
	Payment    struct {
		PaymentIntent ID `json:"payment_intent"`
	} `json:"payment"`
}

// A Charge is a payment that succeeded.
type Charge struct {
	ID             ID     `json:"id"`
	PaymentIntent  ID     `json:"payment_intent"`
	Amount         int64  `json:"amount"`
	AmountCaptured int64  `json:"amount_captured"`
	AmountRefunded int64  `json:"amount_refunded"`
	Refunded       bool   `json:"refunded"` // wholly
	Currency       string `json:"currency"`
}

// A Refund gives a payment or a part of it back.
type Refund struct {
	ID            ID     `json:"id"`
	PaymentIntent ID     `json:"payment_intent"`
	Amount        int64  `json:"amount"`
	Currency      string `json:"currency"`
	Status        string `json:"status"` // pending, requires_action, succeeded, failed or canceled
}

// A Dispute is a bank's question about a payment.
type Dispute struct {
	ID            ID     `json:"id"`
	PaymentIntent ID     `json:"payment_intent"`
	Status        string `json:"status"`
}
