package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/localrun"
	"premiumhls/internal/purchase"
	"premiumhls/internal/stripe"
)

// A standIn is the local run's site, which notes events with a valid signature.
func standIn(t *testing.T, sells bool) *[]stripe.Event {
	t.Helper()
	var events []stripe.Event
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/api/stripe" || r.Method != http.MethodPost {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		if err := stripe.Verify(r.Header.Get(stripe.SignatureHeader), body, []string{"whsec_local"}, time.Now()); err != nil {
			t.Error(err)
		}
		event, err := stripe.ParseEvent(body)
		if err != nil {
			t.Error(err)
		}
		events = append(events, event)
		io.WriteString(w, `{"result":"recorded","reason":"paid"}`)
	}))
	t.Cleanup(server.Close)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	run := localrun.Run{PID: os.Getpid(), Started: time.Now(), Site: server.URL + "/", Viewers: map[string]string{"ben": "subject-ben"}}
	if sells {
		run.Stripe = &localrun.Stripe{Secret: "whsec_local", PurchaseKey: base64.RawURLEncoding.EncodeToString(make([]byte, 32)), Live: true}
	}
	remove, err := localrun.Write(run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove() })
	return &events
}

func simulate(t *testing.T, args ...string) (code int, output string) {
	t.Helper()
	var out bytes.Buffer
	code = run(t.Context(), append([]string{"stripe", "simulate"}, args...), system{strings.NewReader(""), &out, &out, time.Now, func(string) string { return "" }})
	return code, out.String()
}

func TestSimulate(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want []string // types
	}{
		{"a checkout", []string{"checkout", "-email", "ada@example.com", "-product", "course-1"}, []string{stripe.CheckoutCompleted}},
		{"paid later", []string{"checkout", "-product", "course-1", "-status", "later", "-session", "cs_1", "-payment", "pi_1"}, []string{stripe.CheckoutAsyncSucceeded}},
		{"never paid", []string{"checkout", "-product", "course-1", "-status", "failed"}, []string{stripe.CheckoutAsyncFailed}},
		{"a subscription", []string{"checkout", "-product", "course-1", "-viewer", "ben", "-subscription"},
			[]string{stripe.SubscriptionCreated, stripe.InvoicePaid, stripe.InvoicePaymentPaid, stripe.CheckoutCompleted}},
		{"a refund", []string{"refund", "pi_1", "-amount", "100"}, []string{stripe.RefundCreated, stripe.ChargeRefunded}},
		{"a refund that failed", []string{"refund", "pi_1", "-failed", "-refund", "re_1"}, []string{stripe.RefundFailed}},
		{"a dispute", []string{"dispute", "pi_1"}, []string{stripe.DisputeCreated}},
		{"a dispute that was lost", []string{"dispute", "pi_1", "-status", "lost"}, []string{stripe.DisputeClosed}},
		{"a renewal", []string{"invoice", "sub_1"}, []string{stripe.SubscriptionUpdated, stripe.InvoicePaid, stripe.InvoicePaymentPaid}},
		{"a renewal that failed", []string{"invoice", "sub_1", "-failed"}, []string{stripe.InvoicePaymentFailed, stripe.SubscriptionUpdated}},
		{"paused", []string{"subscription", "sub_1", "-status", "paused"}, []string{stripe.SubscriptionPaused}},
		{"ended", []string{"subscription", "sub_1", "-status", "canceled"}, []string{stripe.SubscriptionDeleted}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events := standIn(t, true)
			code, output := simulate(t, tt.args...)
			var got []string
			for _, e := range *events {
				got = append(got, e.Type)
				if !e.Livemode || e.APIVersion != stripe.APIVersion || !slices.Contains(stripe.Types, e.Type) {
					t.Errorf("%+v", e)
				}
				if !strings.Contains(output, e.ID+" "+e.Type+" recorded: paid") {
					t.Errorf("%s is not in %s", e.ID, output)
				}
			}
			if code != yes || !slices.Equal(got, tt.want) {
				t.Errorf("%d, events %v, want %v\n%s", code, got, tt.want, output)
			}
		})
	}
}

// A viewer buys with a reference, and a product is a path or a payment link.
func TestSimulateCheckout(t *testing.T) {
	events := standIn(t, true)
	if code, output := simulate(t, "checkout", "--viewer", "ben", "--product", "plink_1"); code != yes {
		t.Fatal(output)
	}
	var session stripe.Session
	if err := json.Unmarshal((*events)[0].Data.Object, &session); err != nil {
		t.Fatal(err)
	}
	subject, err := purchase.Read(make([]byte, 32), session.ClientReferenceID, time.Now())
	if err != nil || subject != "subject-ben" || session.PaymentLink != "plink_1" || session.Metadata["path"] != "" || session.PaymentStatus != "paid" {
		t.Errorf("%q, %v, %+v", subject, err, session)
	}
}

func TestSimulateRefuses(t *testing.T) {
	for _, tt := range []struct {
		args  []string
		sells bool
		want  string
	}{
		{[]string{"checkout", "--product", "course-1"}, false, "does not sell"},
		{[]string{"checkout", "--email", "a@b.c"}, true, "--product"},
		{[]string{"checkout", "--product", "a", "--viewer", "ben", "--reference", "x"}, true, "not both"},
		{[]string{"refund", "sub_1"}, true, "must be the id of a payment"},
		{[]string{"refund", "pi_1", "--amount", "5000"}, true, "between 1 and 4900"},
		{[]string{"refund", "pi_1", "--failed"}, true, "--failed needs --refund"},
		{[]string{"dispute", "pi_1", "--status", "open"}, true, "must be one of"},
		{[]string{"invoice", "pi_1"}, true, "must be the id of a subscription"},
		{[]string{"subscription", "sub_1", "--days", "0"}, true, "between 1 and 3650"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			events := standIn(t, tt.sells)
			if code, output := simulate(t, tt.args...); code != failed || !strings.Contains(output, tt.want) || len(*events) > 0 {
				t.Errorf("%d %s, %d events, want %q", code, output, len(*events), tt.want)
			}
		})
	}
}
