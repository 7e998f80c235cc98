package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/grantitem"
	"premiumhls/internal/grants"
	"premiumhls/internal/logfield"
	"premiumhls/internal/metric"
	"premiumhls/internal/premiumpath"
	"premiumhls/internal/purchase"
	"premiumhls/internal/sales"
	"premiumhls/internal/strictjson"
	"premiumhls/internal/stripe"
	"premiumhls/internal/stripesettings"
)

// The largest bodies in bytes. An event has a few kilobytes, and lists in it
// ten entries at most.
const (
	maxEvent    = 256 << 10
	maxPurchase = 4 << 10
)

// originSecretHeader is set by the distribution, which replaces what a sender
// writes.
const originSecretHeader = "x-origin-secret"

// minEpochMillis is the smallest number that counts as API Gateway's time of a
// request, in milliseconds since 1970.
const minEpochMillis = 1_000_000_000_000

// A keeper keeps events that cannot be used.
type keeper interface {
	Keep(ctx context.Context, k sales.Kept) error
	Kept(ctx context.Context, id string) (sales.Kept, bool, error)
	Forget(ctx context.Context, id string) error
}

// handler serves requests. It is safe for concurrent use.
type handler struct {
	settings stripesettings.Document
	secrets  *secretCache
	book     sales.Book
	kept     keeper
	metrics  metric.Recorder
	logger   *slog.Logger
	now      func() time.Time
}

// An invocation is a request that API Gateway forwards, or the owner's command
// to use a kept event.
type invocation struct {
	events.APIGatewayV2HTTPRequest
	Replay string `json:"replay"` // the event's id
}

// A Reply is the response to a command.
type reply struct {
	Result string `json:"result"` // recorded, ignored, kept or unknown
	Reason string `json:"reason,omitempty"`
}

// invoke handles one invocation.
func (h *handler) invoke(ctx context.Context, in invocation) (any, error) {
	// API Gateway decides on the members of its events, which are never empty.
	if in.Replay != "" && reflect.ValueOf(in.APIGatewayV2HTTPRequest).IsZero() {
		return h.replay(ctx, in.Replay)
	}
	return h.handle(ctx, in.APIGatewayV2HTTPRequest), nil
}

// A line is what the log says about a request.
type line struct {
	decision string
	status   int
	event    stripe.Event
	sale     string
	paths    []string
	holder   string // a viewer or an address: never logged as it is
	note     string
	cause    error
	metric   string
	secrets  *secrets
}

// handle serves a request. It has no error: API Gateway would send a response
// of its own.
func (h *handler) handle(ctx context.Context, e events.APIGatewayV2HTTPRequest) (response events.APIGatewayV2HTTPResponse) {
	began := h.now()
	l := line{}
	defer func() {
		if v := recover(); v != nil {
			l.cause = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			response = h.refuse(&l, internal, e.RequestContext.RequestID)
		}
		l.status = response.StatusCode
		h.log(ctx, e.RequestContext.RequestID, l, began)
	}()
	body, refused := h.serve(ctx, e, &l)
	if refused != nil {
		return h.refuse(&l, *refused, e.RequestContext.RequestID)
	}
	return answer(http.StatusOK, body)
}

// serve checks that a request came through the distribution, and calls its
// route.
func (h *handler) serve(ctx context.Context, e events.APIGatewayV2HTTPRequest, l *line) (any, *refusal) {
	var err error
	if l.secrets, err = h.secrets.get(ctx); err != nil {
		return nil, secretsUnavailable.because(err)
	}
	if !l.secrets.originIs(e.Headers[originSecretHeader]) {
		return nil, &notThroughDistribution
	}
	switch method, path := e.RequestContext.HTTP.Method, e.RawPath; {
	case path != "/api/stripe" && path != "/api/purchases":
		return nil, &notFound
	case method != http.MethodPost:
		return nil, &methodNotAllowed
	case path == "/api/stripe":
		return h.receive(ctx, e, l)
	}
	return h.purchase(e, l)
}

// body returns the body of a request as it was sent.
func body(e events.APIGatewayV2HTTPRequest, limit int) ([]byte, *refusal) {
	text := e.Body
	if e.IsBase64Encoded {
		if len(text) > base64.StdEncoding.EncodedLen(limit) {
			return nil, &bodyTooLarge
		}
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, invalidJSON.because(errors.New("invalid base64"))
		}
		text = string(decoded)
	}
	if len(text) > limit {
		return nil, &bodyTooLarge
	}
	return []byte(text), nil
}

// receive serves POST /api/stripe: it stores what an event says and brings the
// grants into line before it responds, so that Stripe sends again whatever was
// not stored.
func (h *handler) receive(ctx context.Context, e events.APIGatewayV2HTTPRequest, l *line) (any, *refusal) {
	raw, refused := body(e, maxEvent)
	if refused != nil {
		return nil, refused
	}
	now := h.now()
	if e.RequestContext.TimeEpoch >= minEpochMillis {
		now = time.UnixMilli(e.RequestContext.TimeEpoch) // which no wrong clock here can change
	}
	if err := h.verify(ctx, e.Headers["stripe-signature"], raw, now, l); err != nil {
		return nil, invalidSignature.because(err)
	}
	event, err := stripe.ParseEvent(raw)
	if err != nil {
		return nil, invalidEvent.because(err)
	}
	l.event = event
	if err := h.checkMode(event); err != nil {
		return nil, wrongMode.because(err)
	}
	result, err := h.use(ctx, event, raw, l)
	if err != nil {
		return nil, salesUnavailable.because(err)
	}
	return result, nil
}

// checkMode keeps test events from live sites, and the reverse.
func (h *handler) checkMode(e stripe.Event) error {
	if e.Livemode != (h.settings.Mode == stripesettings.Live) {
		return fmt.Errorf("livemode is %t, and the setting mode is %s", e.Livemode, h.settings.Mode)
	}
	return nil
}

// verify checks the signature, with secrets that are read again if it is made
// with none that is known: the owner may have rolled them.
func (h *handler) verify(ctx context.Context, header string, raw []byte, now time.Time, l *line) error {
	err := stripe.Verify(header, raw, l.secrets.stripe, now)
	if !errors.Is(err, stripe.ErrNoMatch) {
		return err
	}
	newer := h.secrets.newer(ctx, l.secrets)
	if newer == l.secrets {
		return err
	}
	l.secrets = newer
	return stripe.Verify(header, raw, newer.stripe, now)
}

// use records what an event says, and keeps the event if it cannot be used.
func (h *handler) use(ctx context.Context, e stripe.Event, raw []byte, l *line) (reply, error) {
	said, err := reader{h.settings, l.secrets.purchases}.read(e)
	if err != nil {
		return h.keep(ctx, e, raw, "The event's "+e.Type+" could not be read: "+err.Error()+".", l)
	}
	if said.ignored != "" {
		l.decision, l.note = "ignored", said.ignored
		return reply{Result: l.decision, Reason: said.ignored}, nil
	}
	l.note = said.note
	id, sale, err := h.book.Record(ctx, said.sale, said.facts)
	l.sale = id
	if problem := ungrantable(err); problem != "" {
		return h.keepReduced(ctx, e, said, problem, l)
	}
	if err != nil {
		return reply{}, err
	}
	l.paths, l.holder = sale.Paths(), sale.Holder()
	// A checkout without paths of its own can have those of its subscription.
	if said.problem != "" && (len(l.paths) == 0 || l.holder == "") {
		return h.keepReduced(ctx, e, said, said.problem, l)
	}
	l.decision, l.metric = "recorded", metric.StripeRecorded
	access := sale.Access(h.book.Grace)
	if l.note == "" && sale.PartlyRefunded() && access.Open {
		l.note = "partly refunded: nothing changes"
	}
	return reply{Result: l.decision, Reason: string(access.Why)}, nil
}

// ungrantable is a sentence about a grant that no repetition changes; empty for
// other errors.
func ungrantable(err error) string {
	var invalid *grants.InvalidError
	var full *grants.TooManySalesError
	switch {
	case errors.As(err, &invalid):
		return "The purchase is recorded, and cannot be granted: " + invalid.Error() + "."
	case errors.As(err, &full):
		return fmt.Sprintf("The purchase is recorded, and cannot be granted: the buyer's grant of %s has %d sales already.", full.Path, grantitem.MaxSales)
	}
	return ""
}

// keepReduced keeps an event with the members that the function reads.
func (h *handler) keepReduced(ctx context.Context, e stripe.Event, said statement, reason string, l *line) (reply, error) {
	reduced, err := reduce(e, said.object)
	if err != nil {
		return reply{}, err
	}
	return h.keep(ctx, e, reduced, reason, l)
}

func (h *handler) keep(ctx context.Context, e stripe.Event, payload []byte, reason string, l *line) (reply, error) {
	err := h.kept.Keep(ctx, sales.Kept{
		ID: e.ID, Type: e.Type, Created: time.Unix(e.Created, 0), Received: h.now(), Reason: reason, Payload: payload,
	})
	if err != nil {
		return reply{}, fmt.Errorf("keeping the event: %w", err)
	}
	l.decision, l.metric, l.cause = "kept", metric.StripeKept, errors.New(reason)
	return reply{Result: l.decision, Reason: reason}, nil
}

// reduce returns an event with the members that the function reads, without the
// buyer's name, address and whatever else Stripe sends.
func reduce(e stripe.Event, object any) ([]byte, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	e.Data.Object = text
	return json.Marshal(e)
}

// replay uses a kept event again.
func (h *handler) replay(ctx context.Context, id string) (reply, error) {
	began := h.now()
	l := line{}
	result, err := h.useKept(ctx, id, &l)
	if err != nil {
		l.decision, l.cause, l.metric = "failed", err, metric.StripeFailed
	}
	h.log(ctx, "", l, began)
	return result, err
}

func (h *handler) useKept(ctx context.Context, id string, l *line) (reply, error) {
	kept, ok, err := h.kept.Kept(ctx, id)
	if err != nil {
		return reply{}, fmt.Errorf("reading the kept event %s: %w", id, err)
	}
	if !ok {
		l.decision = "unknown"
		return reply{Result: l.decision, Reason: "no event of this id is kept"}, nil
	}
	if l.secrets, err = h.secrets.get(ctx); err != nil {
		return reply{}, err
	}
	if l.event, err = stripe.ParseEvent(kept.Payload); err != nil {
		return reply{}, err
	}
	if l.cause = h.checkMode(l.event); l.cause != nil {
		l.decision = "kept"
		return reply{Result: l.decision, Reason: "It is of another mode: " + l.cause.Error() + "."}, nil
	}
	result, err := h.use(ctx, l.event, kept.Payload, l)
	if err != nil || result.Result == "kept" {
		return result, err
	}
	return result, h.kept.Forget(ctx, id)
}

// purchase serves POST /api/purchases.
func (h *handler) purchase(e events.APIGatewayV2HTTPRequest, l *line) (any, *refusal) {
	authorizer := e.RequestContext.Authorizer
	if authorizer == nil || authorizer.JWT == nil {
		return nil, unauthenticated.because(errors.New("the event has no claims"))
	}
	l.holder = authorizer.JWT.Claims["sub"]
	// As in the signer: an access token goes to other services too.
	if use := authorizer.JWT.Claims["token_use"]; l.holder == "" || use != "" && use != "id" {
		return nil, unauthenticated.because(errors.New("the token has no sub, or is not an ID token"))
	}
	raw, refused := body(e, maxPurchase)
	if refused != nil {
		return nil, refused
	}
	path, refused := purchasePath(raw)
	if refused != nil {
		return nil, refused
	}
	if path != "" {
		l.paths = []string{path}
	}
	reference, expires, err := purchase.New(l.secrets.purchases, l.holder, h.now())
	if err != nil {
		return nil, subjectTooLong.because(err)
	}
	l.decision, l.metric = "purchase", metric.Purchases
	return struct {
		Reference string `json:"reference"`
		Expires   int64  `json:"expires"`
	}{reference, expires.Unix()}, nil
}

// purchasePath returns the path in a JSON object that has no other member.
func purchasePath(raw []byte) (string, *refusal) {
	if len(raw) == 0 {
		return "", nil
	}
	members, err := strictjson.Object(raw)
	if err != nil {
		return "", invalidJSON.because(err)
	}
	if err := strictjson.Only(members, "path"); err != nil {
		return "", unknownField.because(err)
	}
	var text string
	if member, ok := members["path"]; ok {
		if err := json.Unmarshal(member, &text); err != nil {
			return "", &invalidPath
		}
	}
	if _, err := premiumpath.Parse(text); err != nil {
		return "", &invalidPath
	}
	return text, nil
}

// log writes the line of a request, with its metric. It has no signature,
// secret or address, and of a viewer a digest only.
func (h *handler) log(ctx context.Context, requestID string, l line, began time.Time) {
	level := slog.LevelInfo
	switch {
	case l.status >= http.StatusInternalServerError || l.decision == "failed":
		level = slog.LevelError
	case l.decision == "kept":
		level = slog.LevelWarn
	}
	var attrs []slog.Attr
	add := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	add(logfield.RequestID, requestID)
	add(logfield.Decision, l.decision)
	if l.status != 0 {
		attrs = append(attrs, slog.Int(logfield.Status, l.status))
	}
	add("event", l.event.ID)
	add("type", l.event.Type)
	add("sale", l.sale)
	if len(l.paths) > 0 {
		attrs = append(attrs, slog.Any("paths", l.paths))
	}
	if l.secrets != nil {
		add(logfield.Viewer, digest(l.secrets.viewers, l.holder))
	}
	add("note", l.note)
	took := h.now().Sub(began)
	attrs = append(attrs, slog.Float64(logfield.Duration, float64(took.Microseconds())/1000))
	if l.cause != nil {
		add(logfield.Cause, l.cause.Error())
	}
	if l.metric != "" {
		attrs = append(attrs, h.metrics.Attrs(began, "", metric.Value{Metric: l.metric, Of: 1})...)
	}
	h.logger.LogAttrs(ctx, level, "stripe", attrs...)
}

// digest returns what stands for a viewer or an address in the log: for a viewer
// the same as in the signer's.
func digest(key []byte, text string) string {
	if text == "" || len(key) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
