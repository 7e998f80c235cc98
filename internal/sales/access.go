package sales

import (
	"slices"
	"time"
)

// An Access is whether a sale opens its paths, until when and why.
type Access struct {
	Open  bool
	Until time.Time // zero: no expiry
	Why   Reason
}

// A Reason is why a sale is open or not.
type Reason string

// The reasons of an [Access].
const (
	Paid      Reason = "paid"
	Unpaid    Reason = "unpaid"
	Refunded  Reason = "refunded"
	Disputed  Reason = "disputed"
	Lost      Reason = "dispute lost"
	Paused    Reason = "paused"
	Ended     Reason = "ended"
	NoPayment Reason = "no paid period"
)

// Access decides what the facts open: a single payment for ever, a subscription
// for its paid periods and a grace period.
func (s Sale) Access(grace time.Duration) Access {
	switch {
	case s.Checkout == nil:
		return Access{Why: NoPayment}
	case s.Checkout.Subscription:
		return s.subscribed(grace)
	case !s.Checkout.Paid:
		return Access{Why: Unpaid}
	}
	if why := s.Payments[s.Checkout.Payment].taken(); why != "" {
		return Access{Why: why}
	}
	return Access{Open: true, Why: Paid}
}

// subscribed decides about a subscription. What it opens ends with the last
// period that is paid: by an invoice, or, while the subscription is active or in
// a trial, the current period.
func (s Sale) subscribed(grace time.Duration) Access {
	var end int64
	var void []Invoice
	why := NoPayment
	for _, invoice := range s.Invoices {
		if !invoice.Paid {
			continue
		}
		if reason := s.takenBack(invoice); reason != "" {
			void = append(void, invoice)
			why = max(why, reason) // any, but always the same
			continue
		}
		end = max(end, invoice.End)
	}
	var status string
	if s.Subscription != nil {
		status = s.Subscription.Status
	}
	switch status {
	case "paused":
		return Access{Why: Paused}
	case "incomplete_expired":
		return Access{Why: Ended}
	case "active", "trialing", "canceled":
		// The end of a period whose invoice was given back is not paid.
		current := s.Subscription.End
		if !slices.ContainsFunc(void, func(i Invoice) bool { return i.Start < current && current <= i.End }) {
			end = max(end, current)
		}
	}
	if end == 0 {
		return Access{Why: why}
	}
	until := time.Unix(end, 0).Add(grace)
	if status == "canceled" {
		if ended := time.Unix(s.Subscription.EndedAt, 0); ended.Before(until) {
			until = ended
		}
		return Access{Open: true, Until: until.UTC(), Why: Ended}
	}
	return Access{Open: true, Until: until.UTC(), Why: Paid}
}

// takenBack says why an invoice no longer pays its period, or nothing: one of
// its payments is disputed, or all of them were refunded.
func (s Sale) takenBack(invoice Invoice) Reason {
	refunded := 0
	for _, id := range invoice.Payments {
		switch why := s.Payments[id].taken(); why {
		case "":
		case Refunded:
			refunded++
		default:
			return why
		}
	}
	if refunded > 0 && refunded == len(invoice.Payments) {
		return Refunded
	}
	return ""
}

// taken says why a payment is not the seller's any more, or nothing.
func (p Payment) taken() Reason {
	open := false
	for _, dispute := range p.Disputes {
		if dispute.Closed && dispute.Lost {
			return Lost
		}
		open = open || !dispute.Closed
	}
	switch {
	case p.refunded():
		return Refunded
	case open:
		return Disputed
	}
	return ""
}

// refunded reports whether the whole payment was given back. The refunds say
// so if they add up to the amount, and the charge does if no refund failed since.
func (p Payment) refunded() bool {
	sums := map[string]int64{}
	var failed int64
	for _, refund := range p.Refunds {
		if refund.Stage == RefundFailed {
			failed = max(failed, refund.At)
		} else {
			sums[refund.Currency] += refund.Amount
		}
	}
	for currency, sum := range sums {
		if amount := p.Amounts[currency]; amount > 0 && sum >= amount {
			return true
		}
	}
	return p.Charge != nil && p.Charge.Whole && p.Charge.At > failed
}

// PartlyRefunded reports whether a part of a payment of the sale was given back,
// and not all of it: that changes nothing.
func (s Sale) PartlyRefunded() bool {
	for _, payment := range s.Payments {
		if payment.refunded() {
			continue
		}
		if payment.Charge != nil && payment.Charge.Refunded > 0 && len(payment.Refunds) == 0 {
			return true
		}
		for _, refund := range payment.Refunds {
			if refund.Stage != RefundFailed {
				return true
			}
		}
	}
	return false
}
