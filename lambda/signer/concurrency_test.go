package main

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
	"premiumhls/signedcookie"
)

// Many viewers at once, of few and of many things: each gets what they asked
// for, and memory stays bounded.
func TestConcurrentRequests(t *testing.T) {
	h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), entitlement.Authenticated{})
	h.logger = slog.New(slog.DiscardHandler)
	var group sync.WaitGroup
	for viewer := range 8 {
		group.Go(func() {
			for i := range 400 {
				course := fmt.Sprintf("course-%d", i*(viewer%2+1)%300)
				got := serve(t, h, event("POST", `{"path":"`+course+`"}`))
				if !strings.Contains(got.Body, `"path":"/premium/`+course+`/"`) {
					t.Errorf("asked for %s, got %s", course, got.Body)
				}
			}
		})
	}
	group.Wait()
}

// A new key signs when it has been trusted for the waiting time, without a
// new read of the parameters.
func TestKeyChange(t *testing.T) {
	old, changed := keys()[signedcookie.RSA2048], keys()[signedcookie.ECDSAP256]
	store := source{parameters: keyring.Parameters{
		Settings: `{"host":"d111.cloudfront.net","keys":[
			{"name":"old","id":"KOLD","hash":"SHA256","trustedSince":"2026-01-01T00:00:00Z"},
			{"name":"new","id":"KNEW","hash":"SHA1","trustedSince":"2026-11-24T11:55:00Z"}]}`,
		OriginSecret: secret,
		PrivateKeys:  map[string]string{"old": old.pem, "new": changed.pem},
	}}
	h, log := newTestHandler(t, store, entitlement.Authenticated{}, `signingKeys=[{"name":"old"},{"name":"new"}]`, "keyWaitMinutes=10")
	for _, tt := range []struct {
		clock string
		key   string
		id    string
		hash  string
	}{
		{"11:50:00", "old", "KOLD", "SHA256"}, // the clock was put back: not yet trusted
		{"11:55:00", "old", "KOLD", "SHA256"},
		{"12:04:59", "old", "KOLD", "SHA256"},
		{"12:05:00", "new", "KNEW", ""},
		{"12:05:01", "new", "KNEW", ""},
		{"12:04:59", "old", "KOLD", "SHA256"},
	} {
		clock, err := time.Parse(time.DateTime, "2026-11-24 "+tt.clock)
		if err != nil {
			t.Fatal(err)
		}
		h.now = func() time.Time { return clock }
		got := serve(t, h, event("POST", ""))
		if id := cookieValue(t, got, signedcookie.KeyPairIDCookie); id != tt.id {
			t.Errorf("at %s signed with %s, want %s", tt.clock, id, tt.id)
		}
		if hash := cookieValue(t, got, signedcookie.HashAlgorithmCookie); hash != tt.hash {
			t.Errorf("at %s hash %q, want %q", tt.clock, hash, tt.hash)
		}
		if key := lastLog(t, log)["key"]; key != tt.key {
			t.Errorf("at %s logged key %v, want %s", tt.clock, key, tt.key)
		}
	}
}
