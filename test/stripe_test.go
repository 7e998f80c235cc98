package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"premiumhls/internal/stripe"
	"premiumhls/local/iam"
	"premiumhls/local/ssm"
	"premiumhls/test/sitetest"
)

var stripeNow = stripe.Simulator{Now: time.Now}

// send sends an event through the edge, as Stripe does.
func (s *site) send(event []byte, secret string) string {
	s.T.Helper()
	r := s.Do("POST", "/api/stripe", http.Header{"Stripe-Signature": {stripe.Sign(secret, event, time.Now())}, "Content-Type": {"application/json; charset=utf-8"}}, string(event))
	var answer struct{ Result, Code string }
	if err := json.Unmarshal(r.Bytes, &answer); err != nil {
		s.T.Fatalf("%d %s", r.StatusCode, r.Bytes)
	}
	return fmt.Sprintf("%d %s%s", r.StatusCode, answer.Result, answer.Code)
}

// opens asks for cookies with a token.
func (s *site) opens(token, path string) string {
	s.T.Helper()
	r := s.Call("POST", "/api/cookies", token, `{"path":"`+path+`"}`)
	if r.StatusCode == http.StatusOK {
		return "issued"
	}
	return r.Code()
}

// verified is a token of a viewer who has verified an address.
func (s *site) verified(viewer, address string) string {
	s.T.Helper()
	token, err := s.Issuer().Mint(viewer, func(claims map[string]any) { claims["email"], claims["email_verified"] = address, true })
	if err != nil {
		s.T.Fatal(err)
	}
	return token
}

func completed(p stripe.Purchase) []byte {
	return stripeNow.Checkout(stripe.CheckoutCompleted, p, "paid")
}

// sell uses what the stripe function may do: it grants to an address and to
// whoever claimed it, takes grants back, and uses a kept event again.
func sell(t *testing.T, s *site) {
	if err := s.Parameters.Put("/shop/stripe", ssm.SecureString, sitetest.StripeSecret); err != nil {
		t.Fatal(err)
	}
	expect := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Fatalf("%s: %s, want %s", what, got, want)
		}
	}
	if r := s.Call("POST", "/api/purchases", s.Token("ada"), "{}"); r.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", r.StatusCode, r.Bytes)
	}
	p := stripe.Purchase{Session: "cs_1", PaymentIntent: "pi_1", Path: "course-1", Email: "ada@example.com", Amount: 4900, Currency: "eur", Created: time.Now()}
	expect("bought", s.send(completed(p), sitetest.StripeSecret), "200 recorded")
	expect("disputed before the claim", s.send(stripeNow.Dispute(stripe.DisputeCreated, "du_1", "pi_1", "needs_response", 4900, "eur"), sitetest.StripeSecret), "200 recorded")
	expect("won", s.send(stripeNow.Dispute(stripe.DisputeClosed, "du_1", "pi_1", "won", 4900, "eur"), sitetest.StripeSecret), "200 recorded")
	expect("claimed", s.opens(s.verified("ada", "ada@example.com"), "course-1"), "issued")
	watchCourse(t, s)
	s.Call("GET", "/api/entitlements", s.Token("ada"), "")
	s.Call("DELETE", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`)
	expect("refunded", s.send(stripeNow.Charge("pi_1", 4900, 4900, "eur"), sitetest.StripeSecret), "200 recorded")
	expect("refunded, cookies", s.opens(s.Token("ada"), "course-1"), "not_entitled")

	p = stripe.Purchase{Session: "cs_2", Subscription: "sub_2", Email: "ada@example.com", Created: time.Now()}
	event := completed(p)
	expect("unknown product", s.send(event, sitetest.StripeSecret), "200 kept")
	month := stripe.Period{Start: time.Now().Unix(), End: time.Now().AddDate(0, 1, 0).Unix()}
	expect("the subscription names the path", s.send(stripeNow.Subscription(stripe.SubscriptionUpdated, "sub_2", "active", "course-1", month, 0), sitetest.StripeSecret), "200 recorded")
	var kept stripe.Event
	if err := json.Unmarshal(event, &kept); err != nil {
		t.Fatal(err)
	}
	expect("replayed", s.replay(kept.ID), "recorded")
	expect("replayed again", s.replay(kept.ID), "unknown")
}

// replay invokes the function as premium stripe replay does.
func (s *site) replay(event string) string {
	s.T.Helper()
	outputs, err := s.Outputs()
	if err != nil {
		s.T.Fatal(err)
	}
	client := lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoints()["LAMBDA"]),
		Credentials: credentials.NewStaticCredentialsProvider(iam.Owner.AccessKeyID, iam.Owner.SecretAccessKey, ""),
	})
	out, err := client.Invoke(s.T.Context(), &lambda.InvokeInput{FunctionName: aws.String(outputs["Stripe"]), Payload: []byte(`{"replay":"` + event + `"}`)})
	if err != nil {
		s.T.Fatal(err)
	}
	var reply struct{ Result string }
	if err := json.Unmarshal(out.Payload, &reply); err != nil || out.FunctionError != nil {
		s.T.Fatalf("%s, %v", out.Payload, err)
	}
	return reply.Result
}

// A viewer buys, watches, gets the money back and watches no longer; another
// buys without an account and gets the course with a verified address.
func TestPurchase(t *testing.T) {
	s := &site{sitetest.NewShop(t)}
	expect := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Fatalf("%s: %s, want %s", what, got, want)
		}
	}
	p := stripe.Purchase{Session: "cs_1", PaymentIntent: "pi_1", PaymentLink: "plink_1", Path: "course-1", Email: "somebody@example.com", Amount: 4900, Currency: "eur", Created: time.Now()}

	expect("before", s.opens(s.Token("ada"), "course-1"), "not_entitled")
	var begun struct {
		Reference string
		Expires   int64
	}
	s.Call("POST", "/api/purchases", s.Token("ada"), `{"path":"course-1"}`).JSON(t, &begun)
	if begun.Reference == "" || len(begun.Reference) > 200 || begun.Expires < time.Now().Add(23*time.Hour).Unix() {
		t.Fatalf("%+v", begun)
	}
	p.Reference = begun.Reference
	expect("forged", s.send(completed(p), "whsec_forged_secret"), "400 invalid_signature")
	expect("forged, cookies", s.opens(s.Token("ada"), "course-1"), "not_entitled")
	expect("bought", s.send(completed(p), sitetest.StripeSecret), "200 recorded")
	expect("bought, cookies", s.opens(s.Token("ada"), "course-1"), "issued")
	expect("another viewer", s.opens(s.Token("ben"), "course-1"), "not_entitled")
	expect("another course", s.opens(s.Token("ada"), "course-2"), "not_entitled")
	expect("whose address was typed", s.opens(s.verified("ben", "somebody@example.com"), "course-1"), "not_entitled")

	expect("partly refunded", s.send(stripeNow.Charge("pi_1", 4900, 1000, "eur"), sitetest.StripeSecret), "200 recorded")
	expect("partly refunded, cookies", s.opens(s.Token("ada"), "course-1"), "issued")
	expect("disputed", s.send(stripeNow.Dispute(stripe.DisputeCreated, "du_1", "pi_1", "needs_response", 4900, "eur"), sitetest.StripeSecret), "200 recorded")
	expect("disputed, cookies", s.opens(s.Token("ada"), "course-1"), "not_entitled")
	expect("won", s.send(stripeNow.Dispute(stripe.DisputeClosed, "du_1", "pi_1", "won", 4900, "eur"), sitetest.StripeSecret), "200 recorded")
	expect("won, cookies", s.opens(s.Token("ada"), "course-1"), "issued")
	expect("refunded", s.send(stripeNow.Charge("pi_1", 4900, 4900, "eur"), sitetest.StripeSecret), "200 recorded")
	expect("refunded, cookies", s.opens(s.Token("ada"), "course-1"), "not_entitled")

	// By e-mail: whoever verifies the address first gets the course, and a refund
	// finds them.
	p = stripe.Purchase{Session: "cs_2", PaymentIntent: "pi_2", PaymentLink: "plink_1", Path: "course-2", Email: " Buyer@Example.com ", Amount: 4900, Currency: "eur", Created: time.Now()}
	expect("bought by email", s.send(completed(p), sitetest.StripeSecret), "200 recorded")
	expect("not verified", s.opens(s.Token("ben"), "course-2"), "not_entitled")
	expect("verified", s.opens(s.verified("ben", "buyer@example.com"), "course-2"), "issued")
	expect("and later without", s.opens(s.Token("ben"), "course-2"), "issued")
	expect("sent again", s.send(completed(p), sitetest.StripeSecret), "200 recorded")
	expect("whoever verifies it later", s.opens(s.verified("ada", "buyer@example.com"), "course-2"), "not_entitled")
	expect("refunded by email", s.send(stripeNow.Refund(stripe.RefundCreated, "re_2", "pi_2", "succeeded", 4900, "eur"), sitetest.StripeSecret), "200 recorded")
	expect("refunded by email, cookies", s.opens(s.Token("ben"), "course-2"), "not_entitled")

	// A subscription that is paid opens, and one that ended does not.
	p = stripe.Purchase{Session: "cs_3", Subscription: "sub_3", PaymentLink: "plink_1", Path: "*", Email: "ben@example.com", Amount: 900, Currency: "eur", Created: time.Now()}
	month := stripe.Period{Start: time.Now().Unix(), End: time.Now().AddDate(0, 1, 0).Unix()}
	expect("invoice", s.send(stripeNow.Invoice(stripe.InvoicePaid, "in_3", "sub_3", month, 900, "eur"), sitetest.StripeSecret), "200 recorded")
	expect("subscribed", s.send(completed(p), sitetest.StripeSecret), "200 recorded")
	expect("subscribed, cookies", s.opens(s.verified("ben", "ben@example.com"), "course-2"), "issued")
	expect("ended", s.send(stripeNow.Subscription(stripe.SubscriptionDeleted, "sub_3", "canceled", "", month, time.Now().Unix()-1), sitetest.StripeSecret), "200 recorded")
	expect("ended, cookies", s.opens(s.Token("ben"), "course-2"), "not_entitled")

	// What cannot be used is kept.
	p = stripe.Purchase{Session: "cs_4", PaymentIntent: "pi_4", PaymentLink: "plink_9", Email: "ben@example.com", Amount: 4900, Currency: "eur", Created: time.Now()}
	expect("unknown product", s.send(completed(p), sitetest.StripeSecret), "200 kept")
	expect("the other mode", s.send(stripe.Simulator{Live: true, Now: time.Now}.Checkout(stripe.CheckoutCompleted, p, "paid"), sitetest.StripeSecret), "400 wrong_mode")

	// Neither route opens otherwise.
	if r := s.Do("POST", "/api/purchases", nil, ""); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("a purchase without a token: %d", r.StatusCode)
	}
	if r := s.Do("GET", "/api/stripe", nil, ""); r.StatusCode != http.StatusNotFound {
		t.Errorf("GET /api/stripe: %d %s", r.StatusCode, r.Bytes)
	}
}

// Deliveries of one purchase at once, with the real tables: at the end the grants
// are as the events say.
func TestConcurrentEvents(t *testing.T) {
	s := &site{sitetest.NewShop(t)}
	p := stripe.Purchase{Session: "cs_1", PaymentIntent: "pi_1", Path: "course-1", Email: "ada@example.com", Amount: 4900, Currency: "eur", Created: time.Now()}
	events := [][]byte{
		completed(p), completed(p),
		stripeNow.Refund(stripe.RefundCreated, "re_1", "pi_1", "pending", 4900, "eur"),
		stripeNow.Refund(stripe.RefundUpdated, "re_1", "pi_1", "succeeded", 4900, "eur"),
		stripeNow.Dispute(stripe.DisputeCreated, "du_1", "pi_1", "needs_response", 4900, "eur"),
		stripeNow.Dispute(stripe.DisputeClosed, "du_1", "pi_1", "won", 4900, "eur"),
		stripeNow.Refund(stripe.RefundFailed, "re_1", "pi_1", "failed", 4900, "eur"),
	}
	var group sync.WaitGroup
	for _, event := range append(events, events...) {
		group.Go(func() {
			// Stripe sends an event again until it is stored.
			for range 20 {
				if s.send(event, sitetest.StripeSecret) == "200 recorded" {
					return
				}
			}
			t.Error("an event was never stored")
		})
	}
	group.Wait()
	if got := s.opens(s.verified("ada", "ada@example.com"), "course-1"); got != "issued" {
		t.Errorf("the refund failed and the dispute was won: %s", got)
	}
}

// The route of Stripe has a throttle of its own: who floods it gets 429, and
// viewers do not.
func TestStripeThrottle(t *testing.T) {
	s := &site{sitetest.NewShop(t)}
	throttled := 0
	for range 160 {
		if r := s.Do("POST", "/api/stripe", nil, "{}"); r.StatusCode == http.StatusTooManyRequests {
			throttled++
		}
	}
	if throttled == 0 {
		t.Error("160 requests at once were all let through")
	}
	if got := s.opens(s.Token("ada"), "course-1"); got != "not_entitled" {
		t.Errorf("a viewer: %s", got)
	}
}

// Turned off, the table of sales stays; turned on again with its name, refunds
// of old sales still find them.
func TestSalesAreUsedAgain(t *testing.T) {
	s := &site{sitetest.NewShop(t)}
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	table, grantsTable := outputs["SalesTable"], outputs["EntitlementsTable"]
	p := stripe.Purchase{Session: "cs_1", PaymentIntent: "pi_1", Path: "course-1", Email: "ada@example.com", Amount: 4900, Currency: "eur", Created: time.Now()}
	if got := s.send(completed(p), sitetest.StripeSecret); got != "200 recorded" {
		t.Fatal(got)
	}
	off := sitetest.SalesSettings(nil)
	delete(off, "stripe")
	s.change(off)
	if r := s.Do("POST", "/api/stripe", nil, "{}"); r.StatusCode != http.StatusNotFound {
		t.Errorf("off: %d %s", r.StatusCode, r.Bytes)
	}
	if r := s.Call("POST", "/api/purchases", s.Token("ada"), "{}"); r.StatusCode != http.StatusNotFound {
		t.Errorf("off: %d %s", r.StatusCode, r.Bytes)
	}
	if got := s.opens(s.verified("ada", "ada@example.com"), "course-1"); got != "issued" {
		t.Errorf("off, a grant: %s", got)
	}
	s.change(sitetest.SalesSettings(map[string]any{"salesTable": table}))
	for id, r := range s.Assembly.Resources("AWS::DynamoDB::Table") {
		if strings.HasPrefix(id, "Sales") {
			t.Errorf("the stack makes a new table %s: %v", id, r.Properties)
		}
	}
	if outputs, err = s.Outputs(); err != nil || outputs["SalesTable"] != table || outputs["EntitlementsTable"] != grantsTable {
		t.Errorf("outputs %v, %v", outputs, err)
	}
	if got := s.send(stripeNow.Charge("pi_1", 4900, 4900, "eur"), sitetest.StripeSecret); got != "200 recorded" {
		t.Error(got)
	}
	if got := s.opens(s.Token("ada"), "course-1"); got != "not_entitled" {
		t.Errorf("refunded: %s", got)
	}
}
