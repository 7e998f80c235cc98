package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"premiumhls/internal/grants"
	"premiumhls/internal/localrun"
	"premiumhls/internal/purchase"
	"premiumhls/internal/sales"
	"premiumhls/internal/stripe"
)

// A stripeCommand is premium stripe.
type stripeCommand struct {
	Events   stripeEventsCommand   `cmd:"" help:"List payment events that could not be used."`
	Replay   stripeReplayCommand   `cmd:"" help:"Use kept events again."`
	Simulate stripeSimulateCommand `cmd:"" help:"Send events to the site of premium local, as Stripe does."`
}

// errNoStripe is the error of a stack without the setting.
var errNoStripe = errors.New(`the stack has no table of sales: set "stripe" in cdk.json and deploy (docs/sales.md)`)

const salesHelp = `Without --stack, it works with the site of premium local. Region and credentials are found as the AWS CLI finds them (AWS_REGION, AWS_PROFILE and so on).`

// stripeTimeout bounds a command.
const stripeTimeout = 2 * time.Minute

// salesFlags name a site that sells.
type salesFlags struct {
	Stack string `placeholder:"NAME" help:"The deployed CloudFormation stack."`
	localFlag
}

// A shop is the part of a site that sells.
type shop struct {
	sales    sales.Table
	lambda   *lambda.Client
	function string
}

func (f salesFlags) shop(ctx context.Context) (*shop, error) {
	var outputs map[string]string
	var s shop
	switch {
	case f.Stack != "" && f.LocalRun != "":
		return nil, errors.New("set either --stack or --run, not both")
	case f.Stack == "":
		run, err := localrun.Find(f.LocalRun)
		if err != nil {
			return nil, err
		}
		outputs = run.Outputs
		owner := credentials.NewStaticCredentialsProvider(run.AccessKeyID, run.SecretAccessKey, "")
		s.sales.Client = dynamodb.New(dynamodb.Options{Region: run.Region, BaseEndpoint: aws.String(run.Endpoints["DYNAMODB"]), Credentials: owner})
		s.lambda = lambda.New(lambda.Options{Region: run.Region, BaseEndpoint: aws.String(run.Endpoints["LAMBDA"]), Credentials: owner})
	default:
		account, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the AWS configuration: %w", err)
		}
		if account.Region == "" {
			return nil, errors.New("no AWS region: set AWS_REGION, or a profile that has one")
		}
		described, err := cloudformation.NewFromConfig(account).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &f.Stack})
		if err != nil {
			return nil, grants.Explain(err, "stack "+f.Stack, account.Region)
		}
		outputs = map[string]string{}
		for _, stack := range described.Stacks {
			for _, output := range stack.Outputs {
				outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
			}
		}
		s.sales.Client, s.lambda = dynamodb.NewFromConfig(account), lambda.NewFromConfig(account)
	}
	s.sales.Name, s.function = outputs[sales.TableOutput], outputs[sales.FunctionOutput]
	if s.sales.Name == "" || s.function == "" {
		return nil, errNoStripe
	}
	return &s, nil
}

type stripeEventsCommand struct{ salesFlags }

func (stripeEventsCommand) Help() string {
	return `Lists the payment events that could not be used, and why. They stay until premium stripe replay uses them. Exit code 1: there are some. Needs dynamodb:Query on the table of sales, and with --stack cloudformation:DescribeStacks.

` + salesHelp
}

func (c stripeEventsCommand) Run(ctx context.Context, s system) error {
	ctx, cancel := context.WithTimeout(ctx, stripeTimeout)
	defer cancel()
	site, err := c.shop(ctx)
	if err != nil {
		return err
	}
	kept, err := site.sales.ListKept(ctx)
	if err != nil {
		return fmt.Errorf("reading table %s: %w", site.sales.Name, err)
	}
	if len(kept) == 0 {
		fmt.Fprintln(s.out, "Every payment event was used.")
		return nil
	}
	columns := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "EVENT\tTYPE\tMADE\tWHY IT WAS KEPT")
	for _, k := range kept {
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", quoted(k.ID), quoted(k.Type), k.Created.Format(time.RFC3339), strings.Trim(quoted(k.Reason), `"`))
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "\nMend the cause, then run: premium stripe replay")
	return negative{}
}

type stripeReplayCommand struct {
	salesFlags
	Events []string `arg:"" optional:"" name:"event" help:"Ids of kept events. Without any: all."`
}

func (stripeReplayCommand) Help() string {
	return `Processes stored events again after you fixed the cause, for example by a deploy with the payment link in the setting stripe. An event that succeeds is deleted. Changing a payment link's metadata does not change its past events: add the link to products in the setting. Exit code 1: some are still kept. Needs dynamodb:Query on the table of sales and lambda:InvokeFunction on the stripe function, and with --stack cloudformation:DescribeStacks.

` + salesHelp
}

func (c stripeReplayCommand) Run(ctx context.Context, s system) error {
	ctx, cancel := context.WithTimeout(ctx, stripeTimeout)
	defer cancel()
	site, err := c.shop(ctx)
	if err != nil {
		return err
	}
	events := c.Events
	if len(events) == 0 {
		kept, err := site.sales.ListKept(ctx)
		if err != nil {
			return fmt.Errorf("reading table %s: %w", site.sales.Name, err)
		}
		for _, k := range kept {
			events = append(events, k.ID)
		}
	}
	if len(events) == 0 {
		fmt.Fprintln(s.out, "No event is kept.")
		return nil
	}
	failed := 0
	for _, id := range events {
		result, reason, err := site.replay(ctx, id)
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("event %s: %w", id, err)
		}
		if err != nil { // one that always fails does not hold up the others
			result, reason = "failed", err.Error()
		}
		if reason != "" {
			result += ": " + reason
		}
		fmt.Fprintf(s.out, "%s %s\n", quoted(id), result)
		if !strings.HasPrefix(result, "recorded") && !strings.HasPrefix(result, "ignored") {
			failed++
		}
	}
	if failed > 0 {
		return negative{fmt.Sprintf("%d of %d events could not be used", failed, len(events))}
	}
	return nil
}

// replay invokes the function with a kept event.
func (s *shop) replay(ctx context.Context, event string) (result, reason string, err error) {
	payload, err := json.Marshal(map[string]string{"replay": event})
	if err != nil {
		return "", "", err
	}
	out, err := s.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &s.function, Payload: payload})
	if err != nil {
		return "", "", fmt.Errorf("invoking %s: %w", s.function, err)
	}
	var reply struct{ Result, Reason, ErrorMessage string }
	if err := json.Unmarshal(out.Payload, &reply); err != nil {
		return "", "", fmt.Errorf("function %s returned an invalid response: %w", s.function, err)
	}
	if out.FunctionError != nil {
		return "", "", fmt.Errorf("function %s failed: %s", s.function, reply.ErrorMessage)
	}
	return reply.Result, reply.Reason, nil
}

// A stripeSimulateCommand is premium stripe simulate.
type stripeSimulateCommand struct {
	Checkout     simulateCheckout     `cmd:"" help:"Somebody buys."`
	Refund       simulateRefund       `cmd:"" help:"A payment is refunded."`
	Dispute      simulateDispute      `cmd:"" help:"A payment is disputed."`
	Invoice      simulateInvoice      `cmd:"" help:"A subscription is renewed, or its payment fails."`
	Subscription simulateSubscription `cmd:"" help:"A subscription changes."`
}

const simulateHelp = `Events have the shape of API version ` + stripe.APIVersion + ` and are signed with the secret of the local run, which sends them through its edge. Only premium local accepts them: start it with the setting stripe.`

// A sender sends simulated events to a local run.
type sender struct {
	localFlag
}

// prices of what is simulated.
const (
	simulatedAmount   = 4900
	simulatedCurrency = "eur"
)

// start returns what sends events.
func (f sender) start(s system) (localrun.Run, stripe.Simulator, error) {
	run, err := localrun.Find(f.LocalRun)
	if err != nil {
		return run, stripe.Simulator{}, err
	}
	if run.Stripe == nil {
		return run, stripe.Simulator{}, errors.New(`the local run does not sell: start it with the setting stripe, as docs/sales.md shows`)
	}
	return run, stripe.Simulator{Live: run.Stripe.Live, Now: s.now}, nil
}

// send sends an event and prints what came of it.
func (f sender) send(ctx context.Context, s system, run localrun.Run, event []byte) error {
	var e stripe.Event
	if err := json.Unmarshal(event, &e); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stripeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, run.Site+"api/stripe", bytes.NewReader(event))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set(stripe.SignatureHeader, stripe.Sign(run.Stripe.Secret, event, s.now()))
	transport, err := run.Transport()
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return fmt.Errorf("sending %s: %w", e.Type, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil {
		return fmt.Errorf("sending %s: %w", e.Type, err)
	}
	var answer struct{ Result, Reason, Code string }
	if json.Unmarshal(body, &answer) != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("sending %s: status %d %s", e.Type, response.StatusCode, cmp.Or(answer.Code, string(body)))
	}
	if answer.Reason != "" {
		answer.Result += ": " + answer.Reason
	}
	fmt.Fprintf(s.out, "%s %s %s\n", e.ID, e.Type, answer.Result)
	return nil
}

type simulateCheckout struct {
	sender
	Product      string `required:"" placeholder:"PRODUCT" help:"What is bought: the path of the payment link's metadata, such as course-1, or the id of a payment link without it (plink_…)."`
	Email        string `placeholder:"ADDRESS" help:"The address that the buyer types."`
	Viewer       string `placeholder:"NAME" help:"The viewer who buys: a name of the local run such as ben, or a sub. A reference stands for them."`
	Reference    string `placeholder:"TEXT" help:"The client_reference_id, in place of --viewer."`
	Subscription bool   `help:"Buys a subscription of a month."`
	Status       string `default:"paid" enum:"paid,unpaid,no_payment_required,later,failed" help:"Payment status: paid, unpaid, no_payment_required; or, for the session and payment that were unpaid, later (it was paid) and failed (${default})."`
	Session      string `placeholder:"ID" help:"The session (default: a new one)."`
	Payment      string `placeholder:"ID" help:"The payment (default: a new one)."`
}

func (simulateCheckout) Help() string {
	return `Sends the events of a purchase, and prints the ids with which other events can follow.

    premium stripe simulate checkout --email ada@example.com --product course-1

` + simulateHelp
}

func (c simulateCheckout) Run(ctx context.Context, s system) error {
	if c.Viewer != "" && c.Reference != "" {
		return errors.New("set either --viewer or --reference, not both")
	}
	run, simulator, err := c.start(s)
	if err != nil {
		return err
	}
	p := stripe.Purchase{
		Session: cmp.Or(c.Session, stripe.NewID("cs")), Reference: c.Reference, Email: c.Email,
		Amount: simulatedAmount, Currency: simulatedCurrency, Created: s.now(), PaymentLink: stripe.NewID("plink"), Path: c.Product,
	}
	if strings.HasPrefix(c.Product, "plink_") {
		p.PaymentLink, p.Path = c.Product, ""
	}
	if c.Viewer != "" {
		key, err := base64.RawURLEncoding.DecodeString(run.Stripe.PurchaseKey)
		if err == nil {
			p.Reference, _, err = purchase.New(key, run.Subject(c.Viewer), s.now())
		}
		if err != nil {
			return fmt.Errorf("--viewer: %w", err)
		}
	}
	kind, status := stripe.CheckoutCompleted, c.Status
	switch c.Status {
	case "later":
		kind, status = stripe.CheckoutAsyncSucceeded, "paid"
	case "failed":
		kind, status = stripe.CheckoutAsyncFailed, "unpaid"
	}
	var events [][]byte
	if c.Subscription {
		p.Subscription = stripe.NewID("sub")
		invoice, payment := stripe.NewID("in"), cmp.Or(c.Payment, stripe.NewID("pi"))
		period := stripe.Period{Start: s.now().Unix(), End: s.now().AddDate(0, 1, 0).Unix()}
		events = append(events, simulator.Subscription(stripe.SubscriptionCreated, p.Subscription, "active", p.Path, period, 0))
		if status == "paid" {
			events = append(events,
				simulator.Invoice(stripe.InvoicePaid, invoice, p.Subscription, period, p.Amount, p.Currency),
				simulator.InvoicePayment(invoice, payment, p.Amount, p.Currency))
			fmt.Fprintf(s.out, "The first payment is %s.\n", payment)
		}
		fmt.Fprintf(s.out, "The subscription is %s.\n", p.Subscription)
	} else if status != "no_payment_required" {
		p.PaymentIntent = cmp.Or(c.Payment, stripe.NewID("pi"))
		fmt.Fprintf(s.out, "The payment is %s, of session %s.\n", p.PaymentIntent, p.Session)
	}
	for _, event := range append(events, simulator.Checkout(kind, p, status)) {
		if err := c.send(ctx, s, run, event); err != nil {
			return err
		}
	}
	return nil
}

type simulateRefund struct {
	sender
	Payment string `arg:"" help:"The payment (pi_…)."`
	Amount  int64  `default:"4900" help:"Amount in cents. The payment has 4900."`
	Failed  bool   `help:"The refund fails. Needs --refund."`
	Refund  string `placeholder:"ID" help:"The refund (default: a new one)."`
}

func (simulateRefund) Help() string {
	return "Sends the events of a refund.\n\n" + simulateHelp
}

func (c simulateRefund) Run(ctx context.Context, s system) error {
	run, simulator, err := c.start(s)
	if err != nil {
		return err
	}
	switch {
	case !strings.HasPrefix(c.Payment, "pi_") || !stripe.IsID(c.Payment):
		return fmt.Errorf("payment: invalid value %q: must be the id of a payment, which begins with pi_", c.Payment)
	case c.Amount < 1 || c.Amount > simulatedAmount:
		return fmt.Errorf("--amount: invalid value %d: must be between 1 and %d", c.Amount, simulatedAmount)
	case c.Failed && c.Refund == "":
		return errors.New("--failed needs --refund")
	}
	id := cmp.Or(c.Refund, stripe.NewID("re"))
	fmt.Fprintf(s.out, "The refund is %s.\n", id)
	events := [][]byte{
		simulator.Refund(stripe.RefundCreated, id, c.Payment, "succeeded", c.Amount, simulatedCurrency),
		simulator.Charge(c.Payment, simulatedAmount, c.Amount, simulatedCurrency),
	}
	if c.Failed {
		events = [][]byte{simulator.Refund(stripe.RefundFailed, id, c.Payment, "failed", c.Amount, simulatedCurrency)}
	}
	for _, event := range events {
		if err := c.send(ctx, s, run, event); err != nil {
			return err
		}
	}
	return nil
}

type simulateDispute struct {
	sender
	Payment string `arg:"" help:"The payment (pi_…)."`
	Status  string `default:"needs_response" enum:"needs_response,won,lost" help:"needs_response opens the dispute; won and lost close it (${default})."`
	Dispute string `placeholder:"ID" help:"The dispute (default: the one of the payment)."`
}

func (simulateDispute) Help() string { return "Sends the event of a dispute.\n\n" + simulateHelp }

func (c simulateDispute) Run(ctx context.Context, s system) error {
	run, simulator, err := c.start(s)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(c.Payment, "pi_") || !stripe.IsID(c.Payment) {
		return fmt.Errorf("payment: invalid value %q: must be the id of a payment, which begins with pi_", c.Payment)
	}
	kind := stripe.DisputeClosed
	if c.Status == "needs_response" {
		kind = stripe.DisputeCreated
	}
	id := cmp.Or(c.Dispute, "du"+strings.TrimPrefix(c.Payment, "pi"))
	return c.send(ctx, s, run, simulator.Dispute(kind, id, c.Payment, c.Status, simulatedAmount, simulatedCurrency))
}

type simulateInvoice struct {
	sender
	Subscription string `arg:"" help:"The subscription (sub_…)."`
	Days         int    `default:"30" help:"Days of the paid period, from now (${default})."`
	Failed       bool   `help:"The payment fails, and the subscription is past due."`
}

func (simulateInvoice) Help() string {
	return "Sends the events of a renewal.\n\n" + simulateHelp
}

func (c simulateInvoice) Run(ctx context.Context, s system) error {
	run, simulator, err := c.start(s)
	if err != nil {
		return err
	}
	if err := checkSubscription(c.Subscription, c.Days); err != nil {
		return err
	}
	period := stripe.Period{Start: s.now().Unix(), End: s.now().AddDate(0, 0, c.Days).Unix()}
	invoice, payment := stripe.NewID("in"), stripe.NewID("pi")
	events := [][]byte{
		simulator.Subscription(stripe.SubscriptionUpdated, c.Subscription, "active", "", period, 0),
		simulator.Invoice(stripe.InvoicePaid, invoice, c.Subscription, period, simulatedAmount, simulatedCurrency),
		simulator.InvoicePayment(invoice, payment, simulatedAmount, simulatedCurrency),
	}
	if c.Failed {
		events = [][]byte{
			simulator.Invoice(stripe.InvoicePaymentFailed, invoice, c.Subscription, period, simulatedAmount, simulatedCurrency),
			simulator.Subscription(stripe.SubscriptionUpdated, c.Subscription, "past_due", "", period, 0),
		}
	} else {
		fmt.Fprintf(s.out, "The payment is %s.\n", payment)
	}
	for _, event := range events {
		if err := c.send(ctx, s, run, event); err != nil {
			return err
		}
	}
	return nil
}

type simulateSubscription struct {
	sender
	Subscription string `arg:"" help:"The subscription (sub_…)."`
	Status       string `default:"active" enum:"active,past_due,unpaid,paused,canceled" help:"Its status: active, past_due, unpaid, paused or canceled (${default})."`
	Days         int    `default:"30" help:"Days of its current period, from now (${default})."`
}

func (simulateSubscription) Help() string {
	return "Sends the event of a subscription that changed. canceled ends it now.\n\n" + simulateHelp
}

func (c simulateSubscription) Run(ctx context.Context, s system) error {
	run, simulator, err := c.start(s)
	if err != nil {
		return err
	}
	if err := checkSubscription(c.Subscription, c.Days); err != nil {
		return err
	}
	kind, ended := stripe.SubscriptionUpdated, int64(0)
	switch c.Status {
	case "paused":
		kind = stripe.SubscriptionPaused
	case "canceled":
		kind, ended = stripe.SubscriptionDeleted, s.now().Unix()
	}
	period := stripe.Period{Start: s.now().Unix(), End: s.now().AddDate(0, 0, c.Days).Unix()}
	return c.send(ctx, s, run, simulator.Subscription(kind, c.Subscription, c.Status, "", period, ended))
}

func checkSubscription(id string, days int) error {
	switch {
	case !strings.HasPrefix(id, "sub_") || !stripe.IsID(id):
		return fmt.Errorf("subscription: invalid value %q: must be the id of a subscription, which begins with sub_", id)
	case days < 1 || days > 3650:
		return fmt.Errorf("--days: invalid value %d: must be between 1 and 3650", days)
	}
	return nil
}
