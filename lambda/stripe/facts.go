package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"premiumhls/internal/grantitem"
	"premiumhls/internal/purchase"
	"premiumhls/internal/sales"
	"premiumhls/internal/stripe"
	"premiumhls/internal/stripesettings"
)

// A statement is what an event says.
type statement struct {
	sale    string // the id of the object that the facts are stored with
	facts   sales.Sale
	object  any    // what was read of the event's object
	ignored string // why the event says nothing; empty: it says facts
	problem string // why the event cannot be used, in a sentence
	note    string // what the log says about the buyer
}

// errShape reports an object of another form than expected.
var errShape = errors.New("unexpected object format")

// A reader reads events.
type reader struct {
	settings stripesettings.Document
	key      []byte // of references
}

// read returns what an event says. The error is about its form.
func (r reader) read(e stripe.Event) (statement, error) {
	switch e.Type {
	case stripe.CheckoutCompleted, stripe.CheckoutAsyncSucceeded, stripe.CheckoutAsyncFailed:
		return parse(e, r.session)
	case stripe.SubscriptionCreated, stripe.SubscriptionUpdated, stripe.SubscriptionDeleted, stripe.SubscriptionPaused, stripe.SubscriptionResumed:
		return parse(e, subscription)
	case stripe.InvoicePaid, stripe.InvoicePaymentFailed:
		return parse(e, invoice)
	case stripe.InvoicePaymentPaid:
		return parse(e, invoicePayment)
	case stripe.ChargeRefunded:
		return parse(e, charge)
	case stripe.RefundCreated, stripe.RefundUpdated, stripe.RefundFailed:
		return parse(e, refund)
	case stripe.DisputeCreated, stripe.DisputeUpdated, stripe.DisputeClosed, stripe.DisputeWithdrawn, stripe.DisputeReinstated:
		return parse(e, dispute)
	}
	return statement{ignored: "events of this type are not used"}, nil
}

// parse reads the object of an event.
func parse[T any](e stripe.Event, read func(stripe.Event, T) statement) (statement, error) {
	var object T
	if err := json.Unmarshal(e.Data.Object, &object); err != nil {
		return statement{}, fmt.Errorf("%w: %w", errShape, err)
	}
	s := read(e, object)
	s.object = object
	if s.ignored == "" && s.sale == "" {
		return statement{}, fmt.Errorf("%w: it has no id", errShape)
	}
	return s, nil
}

func (r reader) session(e stripe.Event, o stripe.Session) statement {
	if o.Mode != "payment" && o.Mode != "subscription" {
		return statement{ignored: "nothing is sold in mode " + o.Mode}
	}
	checkout := &sales.Checkout{
		ID:           string(o.ID),
		Subscription: o.Mode == "subscription",
		Paid:         e.Type != stripe.CheckoutAsyncFailed && (o.PaymentStatus == "paid" || o.PaymentStatus == "no_payment_required"),
	}
	s := statement{sale: string(o.ID), facts: sales.Sale{Checkout: checkout}}
	switch {
	case checkout.Subscription:
		s.sale = string(o.Subscription)
	case o.PaymentIntent != "":
		s.sale = string(o.PaymentIntent)
		checkout.Payment = s.sale
		s.facts.Payments = amount(s.sale, o.Currency, o.AmountTotal)
	}

	paths, problem := r.paths(o)
	if problem == "" && len(paths) == 0 {
		return statement{ignored: "the product opens nothing"}
	}
	s.problem = problem
	checkout.Paths = sales.Set(paths...)
	began := o.Created
	if began == 0 {
		began = e.Created
	}
	holder, err := purchase.Read(r.key, o.ClientReferenceID, time.Unix(began, 0))
	if err != nil {
		s.note = err.Error()
		holder, err = grantitem.Email(o.CustomerDetails.Email)
	}
	if err != nil {
		s.problem = strings.TrimSpace(s.problem + " The checkout has neither a valid reference nor an email address.")
		return s
	}
	checkout.Holders = []string{holder}
	return s
}

// paths are what a checkout is about, none if it opens nothing. The problem is a
// sentence.
func (r reader) paths(o stripe.Session) (paths []string, problem string) {
	text, ok := o.Metadata["path"]
	if !ok {
		text, ok = r.settings.Products[string(o.PaymentLink)]
	}
	switch {
	case !ok && o.PaymentLink == "":
		return nil, "The checkout has no metadata path."
	case !ok:
		return nil, fmt.Sprintf("Payment link %s has no metadata path and is not among the products of the setting stripe.", o.PaymentLink)
	}
	paths, err := stripesettings.ParsePaths(text)
	if err != nil {
		return nil, fmt.Sprintf("The product's %v.", err)
	}
	return paths, ""
}

func subscription(e stripe.Event, o stripe.Subscription) statement {
	state := &sales.Subscription{At: e.Created, Kind: 1, Event: e.ID, Status: o.Status, End: o.PeriodEnd()}
	switch e.Type {
	case stripe.SubscriptionCreated:
		state.Kind = 0
	case stripe.SubscriptionDeleted:
		state.Kind, state.Status = 2, "canceled"
	}
	if state.Status == "canceled" {
		if state.EndedAt = o.EndedAt; state.EndedAt == 0 {
			state.EndedAt = e.Created
		}
	}
	s := statement{sale: string(o.ID), facts: sales.Sale{Subscription: state}}
	if text, ok := o.Metadata["path"]; ok {
		// The checkout's own paths come first, so that an invalid text here
		// changes nothing.
		if paths, err := stripesettings.ParsePaths(text); err == nil && len(paths) > 0 {
			state.Paths = sales.Set(paths...)
			s.facts.SubscriptionPaths = state.Paths
		}
	}
	return s
}

func invoice(e stripe.Event, o stripe.Invoice) statement {
	subscription := o.SubscriptionID()
	if subscription == "" {
		return statement{ignored: "the invoice is for no subscription"}
	}
	period := o.Period()
	return statement{sale: string(o.ID), facts: sales.Sale{
		Parent:   subscription,
		Invoices: map[string]sales.Invoice{string(o.ID): {Start: period.Start, End: period.End, Paid: e.Type == stripe.InvoicePaid}},
	}}
}

func invoicePayment(_ stripe.Event, o stripe.InvoicePayment) statement {
	payment := string(o.Payment.PaymentIntent)
	if payment == "" || o.Invoice == "" {
		return noPayment
	}
	return statement{sale: payment, facts: sales.Sale{
		Parent:   string(o.Invoice),
		Invoices: map[string]sales.Invoice{string(o.Invoice): {Payments: []string{payment}}},
		Payments: amount(payment, o.Currency, o.AmountPaid),
	}}
}

// noPayment is said by objects of payments that Checkout does not make.
var noPayment = statement{ignored: "the object has no payment intent"}

// amount is the fact of how much was paid.
func amount(payment, currency string, of int64) map[string]sales.Payment {
	if currency == "" || of <= 0 {
		return map[string]sales.Payment{payment: {}}
	}
	return map[string]sales.Payment{payment: {Amounts: map[string]int64{currency: of}}}
}

// about is a statement about a payment.
func about(id stripe.ID, p sales.Payment) statement {
	if id == "" {
		return noPayment
	}
	return statement{sale: string(id), facts: sales.Sale{Payments: map[string]sales.Payment{string(id): p}}}
}

func charge(e stripe.Event, o stripe.Charge) statement {
	captured := o.AmountCaptured
	if captured == 0 {
		captured = o.Amount
	}
	p := sales.Payment{Charge: &sales.Charge{At: e.Created, Refunded: o.AmountRefunded, Whole: o.Refunded}}
	if o.Currency != "" && captured > 0 {
		p.Amounts = map[string]int64{o.Currency: captured}
	}
	return about(o.PaymentIntent, p)
}

func refund(e stripe.Event, o stripe.Refund) statement {
	r := sales.Refund{Amount: o.Amount, Currency: o.Currency}
	switch {
	case o.Status == "failed" || o.Status == "canceled" || e.Type == stripe.RefundFailed:
		r.Stage, r.At = sales.RefundFailed, e.Created
	case o.Status == "succeeded":
		r.Stage = sales.RefundSucceeded
	}
	return about(o.PaymentIntent, sales.Payment{Refunds: map[string]sales.Refund{string(o.ID): r}})
}

// Statuses of disputes that are closed (Stripe API reference, "The Dispute
// object"). An inquiry that becomes a dispute is still open.
var closedDisputes = map[string]bool{"won": true, "lost": true, "warning_closed": true, "prevented": true}

func dispute(e stripe.Event, o stripe.Dispute) statement {
	d := sales.Dispute{At: e.Created, Closed: closedDisputes[o.Status], Lost: o.Status == "lost"}
	return about(o.PaymentIntent, sales.Payment{Disputes: map[string]sales.Dispute{string(o.ID): d}})
}
