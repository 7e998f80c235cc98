package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"premiumhls/signedcookie"
)

// Cookies end when they should by API Gateway's clock, however far off the
// container's is, and no grant that has ended is signed.
func TestClockIsWrong(t *testing.T) {
	const keep = 65*time.Minute - 1500*time.Millisecond // the life, up to the next step
	for _, tt := range []struct {
		name  string
		skew  time.Duration // of the container's clock
		grant time.Duration // its end; zero: none
		left  time.Duration // of the cookies; zero: refused
		log   bool
	}{
		{name: "right", left: keep},
		{name: "as late as a slow start makes it", skew: time.Minute, left: keep},
		{name: "later than that", skew: time.Minute + time.Millisecond, left: keep, log: true},
		{name: "a day ahead", skew: 24 * time.Hour, left: keep, log: true},
		{name: "two hours behind", skew: -2 * time.Hour, left: keep, log: true},
		{name: "fifty years behind", skew: -50 * 365 * 24 * time.Hour, left: keep, log: true},
		{name: "a day ahead of a grant's end", skew: 24 * time.Hour, grant: 30 * time.Minute, left: 30 * time.Minute, log: true},
		{name: "a day behind a grant that has ended", skew: -24 * time.Hour, grant: -30 * time.Minute, log: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var until time.Time
			if tt.grant != 0 {
				until = now.Add(tt.grant)
			}
			h, log := newTestHandler(t, storeWith(signedcookie.RSA2048, signedcookie.SHA256), grants{until: until})
			h.now = func() time.Time { return now.Add(tt.skew) }
			e := event("POST", "")
			e.RequestContext.TimeEpoch = now.UnixMilli()
			got := serve(t, h, e)
			if tt.left == 0 {
				if got.StatusCode != 403 || len(got.Cookies) != 0 {
					t.Errorf("%d %s", got.StatusCode, got.Body)
				}
			} else if left := policyOf(t, got, keys()[signedcookie.RSA2048].public, signedcookie.SHA256).Expires.Sub(now); (left - tt.left).Abs() > time.Minute+time.Second {
				t.Errorf("the cookies last %v, want %v", left, tt.left)
			}
			if logged := strings.Contains(log.String(), "clock skew"); logged != tt.log {
				t.Errorf("logged: %v", logged)
			}
		})
	}
}

// A clock that is right again is used again; a number that is no time in
// milliseconds changes nothing.
func TestClock(t *testing.T) {
	var c clock
	for _, step := range []struct {
		name  string
		epoch int64
		want  time.Time
	}{
		{"not asked yet", 0, now},
		{"wrong", now.Add(time.Hour).UnixMilli(), now.Add(time.Hour)},
		{"no time", 0, now.Add(time.Hour)},
		{"seconds", now.Unix(), now.Add(time.Hour)},
		{"right", now.Add(-time.Second).UnixMilli(), now},
		{"seconds again", now.Add(time.Hour).Unix(), now},
	} {
		c.hear(now, step.epoch)
		if got := c.correct(now); got.Sub(step.want).Abs() > time.Millisecond {
			t.Errorf("%s: it is %v, want %v", step.name, got, step.want)
		}
	}
}

// What decides goes by the right time too: a grant that has ended by the
// container's clock alone is good.
func TestClockOfEntitlements(t *testing.T) {
	right := time.Now().Add(-24 * time.Hour)
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"all":true,"expires":%d}`, right.Add(time.Hour).Unix())
	}))
	defer shop.Close()
	c := newCloud(t)
	c.settings(t, c.keyInKMS("2026-01-01T00:00:00Z"))
	t.Setenv("AWS_ENDPOINT_URL_LAMBDA", shop.URL)
	c.setenv(t, "signingKeys=[]", `entitlements={"function":"arn:aws:lambda:us-east-1:111122223333:function:shop"}`)
	h, err := start(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e := event("POST", "")
	e.RequestContext.TimeEpoch = right.UnixMilli()
	if got := serve(t, h, e); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
}
