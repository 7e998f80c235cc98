package test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"premiumhls/internal/grantitem"
	"premiumhls/internal/grants"
	"premiumhls/internal/stripe"
	"premiumhls/local/cloud"
	"premiumhls/local/ssm"
	"premiumhls/test/sitetest"
)

// What ends when a right is taken away: the cells of the tables in
// docs/security.md, "How long access lasts". C, L and S there are these.
const (
	cookieLifetime = 60 * time.Minute
	linkLifetime   = 240 * time.Minute
	expiryStep     = 5 * time.Minute
	tokenLifetime  = time.Hour
)

const protected = "/premium/course-1/sample/360p/segment-00.ts"

// held is what a viewer got while entitled.
type held struct {
	cookies             []*http.Cookie
	link                string // the query
	cookiesEnd, linkEnd time.Time
}

// hold asks for cookies and for a link.
func (s *site) hold(token string) (h held) {
	s.T.Helper()
	var body struct {
		Expires int64
		URL     string
	}
	r := s.Call("POST", "/api/cookies", token, `{"path":"course-1"}`)
	if r.JSON(s.T, &body); r.StatusCode != http.StatusOK {
		s.T.Fatalf("no cookies: %d %s", r.StatusCode, r.Bytes)
	}
	h.cookies, h.cookiesEnd = r.Cookies(), time.Unix(body.Expires, 0)
	r = s.Call("POST", "/api/links", token, `{"path":"course-1/sample"}`)
	if r.JSON(s.T, &body); r.StatusCode != http.StatusOK {
		s.T.Fatalf("no link: %d %s", r.StatusCode, r.Bytes)
	}
	_, h.link, _ = strings.Cut(body.URL, "?")
	h.linkEnd = time.Unix(body.Expires, 0)
	return h
}

// issues asks for cookies and for a link, and returns the refusal of both.
func (s *site) issues(token string) string {
	s.T.Helper()
	var got []string
	for path, body := range map[string]string{"/api/cookies": `{"path":"course-1"}`, "/api/links": `{"path":"course-1/sample"}`} {
		r := s.Call("POST", path, token, body)
		code := r.Code()
		switch r.StatusCode {
		case http.StatusOK:
			code = "issued"
		case http.StatusUnauthorized:
			code = "unauthorized"
		}
		if got = append(got, code); code != got[0] {
			s.T.Errorf("cookies and link: %v", got)
		}
	}
	return got[0]
}

// lasts fails unless what is held opens until its end and not after it, and the
// end is at most so far away.
func (h held) lasts(s *site, cookies, link time.Duration) {
	s.T.Helper()
	now := time.Now()
	for _, c := range []struct {
		what string
		get  func() sitetest.Reply
		end  time.Time
		most time.Duration
	}{
		{"cookies", func() sitetest.Reply { return s.Get(protected, h.cookies...) }, h.cookiesEnd, cookies},
		{"a link", func() sitetest.Reply { return s.Get(protected + "?" + h.link) }, h.linkEnd, link},
	} {
		if c.end.After(now.Add(c.most)) {
			s.T.Errorf("%s last until %v, at most %v was meant", c.what, c.end, now.Add(c.most))
		}
		for _, moment := range []struct {
			at     time.Time
			status int
		}{{now, 200}, {c.end.Add(-5 * time.Second), 200}, {c.end.Add(time.Second), 403}} {
			s.Clock.Forward(moment.at.Sub(s.Clock.Now()))
			if r := c.get(); r.StatusCode != moment.status {
				s.T.Errorf("%s at %v, which end at %v: %d, want %d", c.what, moment.at, c.end, r.StatusCode, moment.status)
			}
		}
		s.Clock.Forward(time.Until(s.Clock.Now()) * -1)
	}
}

// full fails unless what is held lasts as long as the settings say.
func (h held) full(s *site) {
	s.T.Helper()
	h.lasts(s, cookieLifetime+expiryStep, linkLifetime+expiryStep)
}

// tokenOf signs a viewer in whom nobody knows yet.
func (s *site) tokenOf(sub string, more map[string]any) string {
	s.T.Helper()
	token, err := s.Issuer().Mint("ben", func(claims map[string]any) {
		claims["sub"] = sub
		delete(claims, "custom:courses")
		for name, value := range more {
			claims[name] = value
		}
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return token
}

// endsSoon fails unless a token lasts an hour at most, and one that has expired
// opens nothing.
func (s *site) endsSoon(token string) {
	s.T.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		s.T.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		s.T.Fatal(err)
	}
	expires := time.Unix(int64(claims["exp"].(float64)), 0)
	if left := time.Until(expires); left > tokenLifetime {
		s.T.Errorf("the token lasts %v", left)
	}
	claims["exp"] = time.Now().Add(-time.Minute).Unix()
	if got := s.issues(s.tokenOf(claims["sub"].(string), claims)); got != "unauthorized" {
		s.T.Errorf("the token after its end: %s", got)
	}
}

func (s *site) grants() grants.Table {
	endpoint, table := s.Table()
	return grants.Table{Name: table, Client: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})}
}

func TestRightsInATable(t *testing.T) {
	var mail mailbox
	s := prepareSite(t, sitetest.SalesSettings(map[string]any{"links": true}), mail.option)
	if err := s.Parameters.Put("/shop/stripe", ssm.SecureString, sitetest.StripeSecret); err != nil {
		t.Fatal(err)
	}
	if err := s.Deploy(t.Context(), s.Assembly.Template); err != nil {
		t.Fatal(err)
	}
	table := s.grants()
	grant := func(t *testing.T, holder string, until time.Time) {
		t.Helper()
		if err := table.Grant(t.Context(), holder, "course-1", until); err != nil {
			t.Fatal(err)
		}
	}
	send := func(t *testing.T, event []byte) {
		t.Helper()
		if got := s.send(event, sitetest.StripeSecret); got != "200 recorded" {
			t.Fatal(got)
		}
	}
	// buys sends a purchase of the viewer who holds a token.
	buys := func(t *testing.T, token, id, subscription string) {
		t.Helper()
		var begun struct{ Reference string }
		s.Call("POST", "/api/purchases", token, "{}").JSON(t, &begun)
		send(t, completed(stripe.Purchase{
			Session: "cs_" + id, PaymentIntent: "pi_" + id, Subscription: subscription, Path: "course-1",
			Reference: begun.Reference, Email: "x@example.com", Amount: 4900, Currency: "eur", Created: time.Now(),
		}))
	}

	// What is taken away: the viewer is refused at once, and what they hold lasts
	// until it ends.
	for _, c := range []struct {
		name       string
		give, take func(t *testing.T, sub, token string)
	}{
		{"revoked", func(t *testing.T, sub, _ string) { grant(t, sub, time.Time{}) }, func(t *testing.T, sub, _ string) {
			if _, err := table.Revoke(t.Context(), sub, "course-1"); err != nil {
				t.Fatal(err)
			}
		}},
		{"refunded", func(t *testing.T, _, token string) { buys(t, token, "refunded", "") }, func(t *testing.T, _, _ string) {
			send(t, stripeNow.Charge("pi_refunded", 4900, 4900, "eur"))
		}},
		{"disputed", func(t *testing.T, _, token string) { buys(t, token, "disputed", "") }, func(t *testing.T, _, _ string) {
			send(t, stripeNow.Dispute(stripe.DisputeCreated, "du_1", "pi_disputed", "needs_response", 4900, "eur"))
		}},
		{"a subscription ended at once", func(t *testing.T, _, token string) {
			month := stripe.Period{Start: time.Now().Unix(), End: time.Now().AddDate(0, 1, 0).Unix()}
			send(t, stripeNow.Invoice(stripe.InvoicePaid, "in_1", "sub_1", month, 4900, "eur"))
			buys(t, token, "subscribed", "sub_1")
		}, func(t *testing.T, _, _ string) {
			month := stripe.Period{Start: time.Now().Unix(), End: time.Now().AddDate(0, 1, 0).Unix()}
			send(t, stripeNow.Subscription(stripe.SubscriptionDeleted, "sub_1", "canceled", "", month, time.Now().Unix()-1))
		}},
		{"forgotten", func(t *testing.T, sub, _ string) { grant(t, sub, time.Time{}) }, func(t *testing.T, sub, _ string) {
			if _, err := table.Forget(t.Context(), sub); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.with(t)
			sub := "subject-" + strings.ReplaceAll(c.name, " ", "-")
			token := s.tokenOf(sub, nil)
			c.give(t, sub, token)
			h := s.hold(token)
			c.take(t, sub, token)
			if got := s.issues(token); got != "not_entitled" {
				t.Errorf("afterwards: %s", got)
			}
			h.full(s)
		})
	}

	// What has an end: cookies and links end at that second.
	end := time.Now().Add(10 * time.Minute).Truncate(time.Second)
	for _, c := range []struct {
		name string
		give func(t *testing.T, sub, token string)
	}{
		{"a grant with an end", func(t *testing.T, sub, _ string) { grant(t, sub, end) }},
		{"a subscription that is not renewed", func(t *testing.T, _, token string) {
			paid := end.Add(-3 * 24 * time.Hour) // graceDays
			send(t, stripeNow.Invoice(stripe.InvoicePaid, "in_2", "sub_2", stripe.Period{Start: paid.AddDate(0, -1, 0).Unix(), End: paid.Unix()}, 4900, "eur"))
			buys(t, token, "unrenewed", "sub_2")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.with(t)
			sub := "subject-" + strings.ReplaceAll(c.name, " ", "-")
			token := s.tokenOf(sub, nil)
			c.give(t, sub, token)
			h := s.hold(token)
			if !h.cookiesEnd.Equal(end) || !h.linkEnd.Equal(end) {
				t.Errorf("cookies end at %v and a link at %v, want %v", h.cookiesEnd, h.linkEnd, end)
			}
			h.full(s)
		})
	}

	t.Run("an address that is revoked before it is claimed", func(t *testing.T) {
		s := s.with(t)
		holder, err := grantitem.Email("dee@example.com")
		if err != nil {
			t.Fatal(err)
		}
		grant(t, holder, time.Time{})
		if _, err := table.Revoke(t.Context(), holder, "course-1"); err != nil {
			t.Fatal(err)
		}
		if got := s.issues(s.tokenOf("subject-dee", map[string]any{"email": "dee@example.com", "email_verified": true})); got != "not_entitled" {
			t.Error(got)
		}
	})

	t.Run("deleted in the pool", func(t *testing.T) {
		s := s.with(t)
		viewer := mail.session(s, "eve@example.com")
		holder, err := grantitem.Email("eve@example.com")
		if err != nil {
			t.Fatal(err)
		}
		grant(t, holder, time.Time{})
		h := s.hold(viewer.ID)
		if got := viewer.renew(s); got != http.StatusOK {
			t.Fatalf("before: %d", got)
		}
		if got := s.deleteAccount("eve@example.com"); got != 1 {
			t.Fatalf("%d accounts were deleted", got)
		}
		if got := viewer.renew(s); got != http.StatusBadRequest {
			t.Errorf("another token after that: %d", got)
		}
		if got := s.issues(viewer.ID); got != "issued" { // until the token ends
			t.Errorf("the token of before: %s", got)
		}
		s.endsSoon(viewer.ID)
		h.full(s)
		// Without the grants as well, the token opens nothing.
		if _, err := table.Forget(t.Context(), subjectOf(t, viewer.ID)); err != nil {
			t.Fatal(err)
		}
		if got := s.issues(viewer.ID); got != "not_entitled" {
			t.Errorf("without grants: %s", got)
		}
	})

	t.Run("signed out on the page", func(t *testing.T) {
		s := s.with(t)
		token := s.tokenOf("subject-out", nil)
		grant(t, "subject-out", time.Time{})
		h := s.hold(token)
		r := s.Call("DELETE", "/api/cookies", token, `{"path":"course-1"}`)
		cleared := 0
		for _, c := range r.Cookies() {
			if c.MaxAge < 0 {
				cleared++
			}
		}
		if r.StatusCode >= 300 || cleared < 3 {
			t.Errorf("%d, and %d cookies are cleared", r.StatusCode, cleared)
		}
		h.full(s) // copies
	})
}

func TestRightsInAClaim(t *testing.T) {
	s := newSite(t, map[string]any{"entitlements": map[string]any{"claim": "custom:courses", "paths": true}, "userPoolAttributes": []any{"courses"}, "links": true})
	old := s.tokenOf("subject-ada", map[string]any{"custom:courses": "course-1"})
	h := s.hold(old)
	if got := s.issues(s.tokenOf("subject-ada", nil)); got != "not_entitled" {
		t.Errorf("a token without the claim: %s", got)
	}
	if got := s.issues(old); got != "issued" {
		t.Errorf("the token of before: %s", got)
	}
	s.endsSoon(old)
	h.full(s)
}

func TestRightsOfAFunction(t *testing.T) {
	var answer atomic.Pointer[string]
	s := newSite(t, map[string]any{"entitlements": map[string]any{"function": shop}, "links": true}, func(o *cloud.Options) {
		o.Shop = func(context.Context, string, []byte) ([]byte, error) { return []byte(*answer.Load()), nil }
	})
	token := s.tokenOf("subject-ada", nil)

	answer.Store(aws.String(`{"paths":[{"path":"course-1"}]}`))
	h := s.hold(token)
	answer.Store(aws.String(`{"paths":[]}`))
	if got := s.issues(token); got != "not_entitled" {
		t.Errorf("after the function said no: %s", got)
	}
	h.full(s)

	end := time.Now().Add(10 * time.Minute).Truncate(time.Second)
	answer.Store(aws.String(fmt.Sprintf(`{"paths":[{"path":"course-1","expires":%d}]}`, end.Unix())))
	h = s.hold(token)
	if !h.cookiesEnd.Equal(end) || !h.linkEnd.Equal(end) {
		t.Errorf("cookies end at %v and a link at %v, want %v", h.cookiesEnd, h.linkEnd, end)
	}
	h.full(s)
}

func TestRightsOfEveryone(t *testing.T) {
	var mail mailbox
	settings := map[string]any{
		"entitlements": "authenticated", "links": true, "selfSignUp": true, "openSignUp": true,
		"sesIdentityArn": emailGrants["sesIdentityArn"], "emailFrom": emailGrants["emailFrom"],
	}
	s := newSite(t, settings, mail.option)
	viewer := mail.session(s, "eve@example.com")
	h := s.hold(viewer.ID)
	if got := s.deleteAccount("eve@example.com"); got != 1 {
		t.Fatalf("%d accounts were deleted", got)
	}
	if got := viewer.renew(s); got != http.StatusBadRequest {
		t.Errorf("another token after that: %d", got)
	}
	if got := s.issues(viewer.ID); got != "issued" { // until the token ends
		t.Errorf("the token of before: %s", got)
	}
	s.endsSoon(viewer.ID)
	h.full(s)

	// The signing key goes: everything ends, for everybody.
	settings["signingKeys"], settings["endAllCookies"] = []any{"b"}, true
	s.change(settings)
	for what, r := range map[string]sitetest.Reply{"cookies": s.Get(protected, h.cookies...), "a link": s.Get(protected + "?" + h.link)} {
		if r.StatusCode != http.StatusForbidden {
			t.Errorf("%s after the key is gone: %d", what, r.StatusCode)
		}
	}
}

// with is the site for a test within a test.
func (s *site) with(t testing.TB) *site {
	within := *s
	within.T = t
	return &within
}

func subjectOf(t *testing.T, token string) string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Sub string }
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.Sub
}
