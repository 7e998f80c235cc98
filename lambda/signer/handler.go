package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/cache"
	"premiumhls/internal/issuance"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
)

// entitlementRetry is the default Retry-After.
const entitlementRetry = 2 * time.Second

// handler serves requests. It is safe for concurrent use.
type handler struct {
	settings     settings
	ring         *keyring.Ring
	entitlements entitlement.Decider
	cookieSets   *cache.Cache[cookiesFor, *cookieSet]
	limiter      *limiter
	logger       *slog.Logger
	now          func() time.Time // by the container's own clock
	random       func() float64   // from 0 to 1
	clock        clock
}

func newHandler(settings settings, ring *keyring.Ring, entitlements entitlement.Decider, logger *slog.Logger) *handler {
	return &handler{
		settings:     settings,
		ring:         ring,
		entitlements: entitlements,
		cookieSets:   cache.New[cookiesFor, *cookieSet](issuance.CachedSets),
		limiter:      newLimiter(settings.ViewerRequestsPerMinute),
		logger:       logger,
		now:          time.Now,
		random:       rand.Float64,
	}
}

// handle serves one event. It never returns an error: API Gateway would then send
// a response of its own.
func (h *handler) handle(ctx context.Context, event events.APIGatewayV2HTTPRequest) (response events.APIGatewayV2HTTPResponse, _ error) {
	began := h.now()
	r := &request{event: &event}
	if skew, off := h.clock.hear(began, event.RequestContext.TimeEpoch); off {
		h.logger.WarnContext(ctx, "clock skew: using API Gateway's time", "skew_s", int64(skew.Seconds()))
	}
	decision, err := "", error(nil)
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
		if err != nil {
			refused := h.asRefusal(err)
			decision, response = refused.code, refused.response(event.RequestContext.RequestID)
		}
		h.log(ctx, r, outcome{response.StatusCode, decision, err, began, h.now().Sub(began)})
	}()
	response, decision, err = h.serve(ctx, r)
	return response, nil
}

// serve checks that a request came through the distribution and from a viewer who
// has signed in, and calls its route.
func (h *handler) serve(ctx context.Context, r *request) (response events.APIGatewayV2HTTPResponse, decision string, err error) {
	if r.snapshot, err = h.ring.Snapshot(ctx); err != nil {
		return response, "", err
	}
	if !r.snapshot.OriginSecretIs(r.event.Headers[originSecretHeader]) {
		return response, "", &notThroughDistribution
	}
	r.edgeRequest = r.event.Headers[edgeRequestHeader]
	r.address = r.forwardedAddress()
	if err := r.authenticate(); err != nil {
		return response, "", err
	}
	if wait := h.limiter.wait(ctx, r.viewer.Subject, h.now()); wait > 0 {
		return response, "", tooManyRequests.after(h.retryAfter(wait))
	}
	route, err := h.findRoute(r.event.RequestContext.HTTP.Method, r.event.RawPath)
	if err != nil {
		return response, "", err
	}
	response, err = route.serve(h, ctx, r)
	return response, route.decision, err
}

// issue serves POST /api/cookies.
func (h *handler) issue(ctx context.Context, r *request) (response events.APIGatewayV2HTTPResponse, err error) {
	if err := r.readPath(); err != nil {
		return response, err
	}
	set, err := h.open(ctx, r, h.settings.lifetime)
	if err != nil {
		return response, err
	}
	left := set.end - h.time().Unix()
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"content-type": "application/json", "cache-control": "no-store"},
		Cookies:    set.setCookies(left),
		Body:       set.complete(left, issuance.RenewAfter(left, h.random())),
	}, nil
}

// open decides whether the viewer may open the path of the request, and signs
// for it. What is signed lasts for lifetime at least, unless the grant ends
// earlier. Cookies and links of one path and end share a signature.
func (h *handler) open(ctx context.Context, r *request, lifetime time.Duration) (*cookieSet, error) {
	grant, err := h.entitlements.Decide(ctx, r.viewer, r.path.String())
	if errors.Is(err, entitlement.ErrNotEntitled) {
		return nil, &notEntitled
	} else if err != nil {
		return nil, entitlementsUnavailable.because(err).after(h.retryAfter(entitlementRetry))
	}
	if !grant.Covers(r.path.String()) { // the path is what gets signed
		return nil, fmt.Errorf("grant of %[2]q does not cover %[1]q", r.path, grant.Path)
	}
	now := h.time()
	want := cookiesFor{host: r.snapshot.Host, path: r.path, end: issuance.PolicyEnd(now, lifetime, h.settings.step, grant.Expires)}
	if !time.Unix(want.end, 0).After(now) {
		return nil, notEntitled.because(errors.New("the grant has expired"))
	}
	if h.settings.BindViewerAddress {
		if want.address, err = r.viewerAddress(); err != nil {
			return nil, err
		}
	}
	want.key = r.snapshot.SigningKey(now, h.settings.keyWait)
	r.key = want.key
	set, err := h.cookieSet(ctx, want)
	if err != nil {
		return nil, err
	}
	r.expires = set.end
	return set, nil
}

// retryAfter returns when a viewer should repeat a request, so that those who
// were refused together do not return together.
func (h *handler) retryAfter(least time.Duration) time.Duration {
	return issuance.RetryAfter(least, h.random())
}

// time returns the current time for policies and grants.
func (h *handler) time() time.Time { return h.clock.correct(h.now()) }

// clear serves DELETE /api/cookies. It needs no entitlement: viewers who lost
// access can still clear cookies.
func (h *handler) clear(_ context.Context, r *request) (response events.APIGatewayV2HTTPResponse, err error) {
	if err := r.readPath(); err != nil {
		return response, err
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusNoContent,
		Headers:    map[string]string{"cache-control": "no-store"},
		Cookies:    h.clearedCookies(r.path),
	}, nil
}

// asRefusal returns the refusal for an error: an internal error if it is not
// another.
func (h *handler) asRefusal(err error) *refusal {
	var refused *refusal
	var unavailable *keyring.UnavailableError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &unavailable):
		return keysUnavailable.because(err).after(h.retryAfter(unavailable.RetryAfter))
	}
	return internal.because(err)
}
