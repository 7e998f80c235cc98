package purchase

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

var (
	now         = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	purchaseKey = bytes.Repeat([]byte{7}, 32)
)

func made(t *testing.T, subject string, at time.Time) string {
	t.Helper()
	text, expires, err := New(purchaseKey, subject, at)
	if err != nil || !expires.Equal(at.Add(Lifetime)) {
		t.Fatal(expires, err)
	}
	return text
}

func TestNew(t *testing.T) {
	for _, subject := range []string{"", "a b", "email:ada@example.com", "sale:pi_1", strings.Repeat("a", MaxSubject+1)} {
		if text, _, err := New(purchaseKey, subject, now); err == nil {
			t.Errorf("%q: %s", subject, text)
		}
	}
}

func TestReference(t *testing.T) {
	good := made(t, "auth0|ada", now)
	if len(made(t, strings.Repeat("a", MaxSubject), now)) > MaxLength {
		t.Error("the longest is too long")
	}
	if strings.Trim(good, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("%s has other characters than Stripe accepts", good)
	}
	for name, tt := range map[string]struct {
		text  string
		key   []byte
		began time.Time
		want  error
	}{
		"good":                     {good, purchaseKey, now, nil},
		"in its last second":       {good, purchaseKey, now.Add(Lifetime), nil},
		"expired":                  {good, purchaseKey, now.Add(Lifetime + time.Second), ErrExpired},
		"made with another key":    {good, bytes.Repeat([]byte{8}, 32), now, ErrForged},
		"another viewer":           {good[:31] + encoding.EncodeToString([]byte("auth0|eve")), purchaseKey, now, ErrForged},
		"another expiry":           {"1ffffffff" + good[9:], purchaseKey, now, ErrForged},
		"another version":          {"2" + good[1:], purchaseKey, now, ErrForged},
		"without a viewer":         {good[:31], purchaseKey, now, ErrForged},
		"cut":                      {good[:20], purchaseKey, now, ErrForged},
		"longer":                   {good + "AA", purchaseKey, now, ErrForged},
		"another spelling of bits": {good[:30] + string(good[30]+1) + good[31:], purchaseKey, now, ErrForged},
		"empty":                    {"", purchaseKey, now, ErrNone},
	} {
		if subject, err := Read(tt.key, tt.text, tt.began); !errors.Is(err, tt.want) || err == nil && subject != "auth0|ada" {
			t.Errorf("%s: %q, %v, want %v", name, subject, err, tt.want)
		}
	}
}
