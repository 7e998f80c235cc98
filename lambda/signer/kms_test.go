package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/signersettings"
	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
	"premiumhls/local/kms"
	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

// A cloud is a parameter store and a key service with one RSA key, over HTTP.
type cloud struct {
	parameters *ssm.Store
	kms        *kms.Service
	arn        string
	public     crypto.PublicKey // of the key in KMS
	variables  map[string]string
}

func (c cloud) getenv(name string) string { return c.variables[name] }

// setenv gives the process the environment of a function with these settings.
func (c cloud) setenv(t *testing.T, changes ...string) {
	t.Helper()
	for name, value := range c.variables {
		t.Setenv(name, value)
	}
	t.Setenv(signersettings.Variable, document(changes...))
}

func newCloud(t *testing.T) cloud {
	t.Helper()
	c := cloud{parameters: ssm.New(), kms: kms.New()}
	c.arn = c.kms.CreateKey()
	ssmServer, kmsServer := httptest.NewServer(c.parameters), httptest.NewServer(c.kms)
	t.Cleanup(ssmServer.Close)
	t.Cleanup(kmsServer.Close)
	c.variables = map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key",
		"AWS_ENDPOINT_URL_SSM": ssmServer.URL, "AWS_ENDPOINT_URL_KMS": kmsServer.URL,
	}
	client, err := awsjson.New(awsjson.KMS, "", c.getenv)
	if err != nil {
		t.Fatal(err)
	}
	var output struct{ PublicKey []byte }
	if err := client.Call(t.Context(), "GetPublicKey", map[string]string{"KeyId": c.arn}, &output); err != nil {
		t.Fatal(err)
	}
	if c.public, err = x509.ParsePKIXPublicKey(output.PublicKey); err != nil {
		t.Fatal(err)
	}
	c.put(t, "/PremiumHls/origin-secret", secret)
	return c
}

func (c cloud) put(t *testing.T, name, value string) {
	t.Helper()
	if err := c.parameters.Put(name, "SecureString", value); err != nil {
		t.Fatal(err)
	}
}

// settings writes the parameter that names the keys.
func (c cloud) settings(t *testing.T, keys ...string) {
	t.Helper()
	c.put(t, "/PremiumHls/signer", `{"host":"`+host+`","keys":[`+strings.Join(keys, ",")+`]}`)
}

func (c cloud) keyInKMS(trustedSince string) string {
	return fmt.Sprintf(`{"name":"inkms","custody":"kms","type":"RSA_2048","hash":"SHA256","id":"KKMS","kmsKey":%q,"trustedSince":%q}`, c.arn, trustedSince)
}

// newHandler returns a handler as start makes it, but for its clock and log.
func (c cloud) newHandler(t *testing.T, changes ...string) (*handler, *bytes.Buffer) {
	t.Helper()
	h, log := newTestHandler(t, nil, entitlement.Authenticated{}, changes...)
	client, err := awsjson.New(awsjson.SSM, "", c.getenv)
	if err != nil {
		t.Fatal(err)
	}
	h.ring = keyring.New(
		keyring.NewParameterStore(client, h.settings.ParameterPrefix, h.settings.SigningKeys),
		keyring.Config{KMS: newKMS(c.getenv), Logger: slog.New(slog.DiscardHandler)},
	)
	return h, log
}

// hurried is a request with little time left, so that what fails does so soon.
func hurried(t *testing.T, h *handler, body string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 1400*time.Millisecond)
	defer cancel()
	response, err := h.handle(ctx, event("POST", body))
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestKeyInKMS(t *testing.T) {
	throttled := kms.Fault{Code: "ThrottlingException", Message: "Rate exceeded"}
	always := func(fault kms.Fault) func(int) kms.Fault { return func(int) kms.Fault { return fault } }
	for _, tt := range []struct {
		name  string
		fault func(call int) kms.Fault
		state kms.State
		cause string // of a 503; empty: cookies
		least int    // calls of Sign
		most  int
	}{
		{name: "signs", least: 1, most: 1},
		{name: "throttled once", fault: func(call int) kms.Fault {
			if call == 1 {
				return throttled
			}
			return kms.Fault{}
		}, least: 2, most: 2},
		{name: "throttled", fault: always(throttled), cause: "Rate exceeded", least: 2, most: 100},
		{name: "broken", fault: always(kms.Fault{Code: "KMSInternalException", Status: 500}), cause: "KMSInternalException", least: 2, most: 100},
		{name: "cut", fault: always(kms.Fault{Cut: true}), cause: "EOF", least: 2, most: 200},
		{name: "truncated", fault: always(kms.Fault{Truncate: true}), cause: "EOF", least: 2, most: 100},
		{name: "hanging", fault: always(kms.Fault{Delay: time.Hour}), cause: "deadline exceeded", least: 1, most: 1},
		{name: "access denied", fault: always(kms.Fault{Code: "AccessDeniedException"}), cause: "AccessDeniedException", least: 1, most: 1},
		{name: "disabled", state: kms.Disabled, cause: "DisabledException", least: 1, most: 1},
		{name: "to be deleted", state: kms.PendingDeletion, cause: "KMSInvalidStateException", least: 1, most: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			c := newCloud(t)
			c.settings(t, c.keyInKMS("2026-11-23T10:00:00Z"))
			if tt.state != "" {
				c.kms.SetState(c.arn, tt.state)
			}
			if tt.fault != nil {
				c.kms.SetFault(func(string) kms.Fault { return tt.fault(c.kms.Calls("Sign")) })
			}
			h, log := c.newHandler(t, "signingKeys=[]")
			if n := c.kms.Calls("Sign"); n != 0 {
				t.Errorf("%d calls before there is something to sign", n)
			}
			got := hurried(t, h, "")
			if n := c.kms.Calls("Sign"); n < tt.least || n > tt.most {
				t.Errorf("%d calls of Sign, want %d to %d", n, tt.least, tt.most)
			}
			if tt.cause == "" {
				if got.StatusCode != 200 {
					t.Fatalf("%d %s: %s", got.StatusCode, got.Body, log)
				}
				if resource := policyOf(t, got, c.public, signedcookie.SHA256).Resource; resource != "https://"+host+"/premium/*" {
					t.Errorf("signed %s", resource)
				}
				return
			}
			for range 2 { // the failure, and the pause after it
				retry, err := strconv.Atoi(got.Headers["retry-after"])
				if err != nil || retry < 1 || retry > 10 {
					t.Errorf("Retry-After %q", got.Headers["retry-after"])
				}
				if got.StatusCode != 503 || got.Body != `{"code":"keys_unavailable","requestId":"request-1"}` || len(got.Cookies) != 0 {
					t.Errorf("%d %s %q", got.StatusCode, got.Body, got.Cookies)
				}
				if cause, _ := lastLog(t, log)["cause"].(string); !strings.Contains(cause, tt.cause) {
					t.Errorf("logged cause %q, want %q in it", cause, tt.cause)
				}
				got = hurried(t, h, `{"path":"another"}`)
			}
		})
	}
}

// What was signed before an outage is given on, as long as it lasts; and each
// viewer gets what they asked for.
func TestKeptSignaturesOutliveAnOutageOfKMS(t *testing.T) {
	c := newCloud(t)
	c.settings(t, c.keyInKMS("2026-11-23T10:00:00Z"))
	h, log := c.newHandler(t, "signingKeys=[]", "bindViewerAddress=true")
	before := serve(t, h, event("POST", `{"path":"course-1"}`)) // they end at 13:05
	if before.StatusCode != 200 {
		t.Fatalf("%d %s: %s", before.StatusCode, before.Body, log)
	}
	c.kms.SetFault(func(string) kms.Fault { return kms.Fault{Code: "AccessDeniedException"} })
	for _, tt := range []struct {
		name    string
		path    string
		address string
		clock   string
		left    string // of the cached cookies; empty: 503
		renew   string
	}{
		{"in the same step", "course-1", "192.0.2.7", "12:04:59", "3601", "2220"},
		{"in the next step", "course-1", "192.0.2.7", "12:05:01", "3599", "2219"},
		{"half of its life later", "course-1", "192.0.2.7", "12:30:00", "2100", "1295"},
		{"more than a step before its end", "course-1", "192.0.2.7", "12:59:59", "301", "185"},
		{"a step before its end", "course-1", "192.0.2.7", "13:00:00", "", ""},
		{"after its end", "course-1", "192.0.2.7", "13:05:00", "", ""},
		{"another path", "course-2", "192.0.2.7", "12:05:01", "", ""},
		{"everything", "", "192.0.2.7", "12:05:01", "", ""},
		{"another address", "course-1", "192.0.2.8", "12:05:01", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock, err := time.Parse(time.DateTime, "2026-11-24 "+tt.clock)
			if err != nil {
				t.Fatal(err)
			}
			h.now = func() time.Time { return clock }
			e := event("POST", `{"path":"`+tt.path+`"}`)
			e.Headers[viewerAddressHeader] = tt.address
			got := serve(t, h, e)
			if tt.left == "" {
				if got.StatusCode != 503 || len(got.Cookies) != 0 {
					t.Errorf("%d %s %q, want 503", got.StatusCode, got.Body, got.Cookies)
				}
				return
			}
			if got.StatusCode != 200 || lasting(got) != lasting(before) {
				t.Errorf("%d %q, want the kept cookies", got.StatusCode, got.Cookies)
			}
			if !strings.HasSuffix(got.Body, `,"expiresIn":`+tt.left+`,"renewAfter":`+tt.renew+"}") || !strings.Contains(got.Body, `"expires":1795525500,`) {
				t.Errorf("body %s, want %s seconds left", got.Body, tt.left)
			}
			if policy := policyOf(t, got, c.public, signedcookie.SHA256); !policy.Expires.After(clock) {
				t.Errorf("at %v given cookies that ended at %v", clock, policy.Expires)
			}
		})
	}
	if !strings.Contains(log.String(), "returning cached cookies") {
		t.Error("the log says nothing of it")
	}
}

// Viewers of the same thing share a signature: KMS is asked once a step.
func TestKMSIsAskedOnceAStep(t *testing.T) {
	c := newCloud(t)
	c.settings(t, c.keyInKMS("2026-11-23T10:00:00Z"))
	h, _ := c.newHandler(t, "signingKeys=[]")
	for minute := range 10 {
		h.now = func() time.Time { return now.Add(time.Duration(minute) * time.Minute) }
		for range 5 {
			if got := serve(t, h, event("POST", `{"path":"course-1"}`)); got.StatusCode != 200 {
				t.Fatalf("%d %s", got.StatusCode, got.Body)
			}
		}
	}
	if n := c.kms.Calls("Sign"); n != 2 {
		t.Errorf("%d calls of Sign in two steps, want 2", n)
	}
}

// A move from one custody to another is a rotation: the old key signs until
// the new one has been trusted for the waiting time.
func TestRotationBetweenCustodies(t *testing.T) {
	c := newCloud(t)
	rsa, ecdsa := keys()[signedcookie.RSA2048], keys()[signedcookie.ECDSAP256]
	c.put(t, "/PremiumHls/signing-keys/instore", rsa.pem)
	c.put(t, "/my/own.key", ecdsa.pem)
	inStore := func(trustedSince string) string {
		return `{"name":"instore","custody":"ssm","type":"RSA_2048","hash":"SHA256","id":"KSSM","trustedSince":"` + trustedSince + `"}`
	}
	external := func(trustedSince string) string {
		fingerprint, err := signedcookie.Fingerprint(ecdsa.public)
		if err != nil {
			t.Fatal(err)
		}
		return `{"name":"mine","custody":"external","type":"ECDSA_P256","hash":"SHA1","id":"KEXT","fingerprint":"` + fingerprint + `","trustedSince":"` + trustedSince + `"}`
	}
	const old, changed = "2026-01-01T00:00:00Z", "2026-11-24T11:55:00Z" // a wait of ten minutes ends at 12:05
	for _, tt := range []struct {
		name          string
		inSSM         string
		keys          []string
		before, after string // the ids that sign
		calls         int    // of Sign, in all
	}{
		{"Parameter Store to KMS", "instore", []string{inStore(old), c.keyInKMS(changed)}, "KSSM", "KKMS", 1},
		{"KMS to Parameter Store", "instore", []string{c.keyInKMS(old), inStore(changed)}, "KKMS", "KSSM", 1},
		{"Parameter Store to a key of one's own", "instore,mine=/my/own.key", []string{inStore(old), external(changed)}, "KSSM", "KEXT", 0},
		{"a key of one's own to KMS", "mine=/my/own.key", []string{external(old), c.keyInKMS(changed)}, "KEXT", "KKMS", 1},
		{"a key of one's own that nobody has put there yet", "instore,mine=/my/other.key", []string{inStore(old), external(changed)}, "KSSM", "KSSM", 0},
		{"a key of one's own whose parameter holds another", "instore,mine=/my/rsa.key", []string{inStore(old), external(changed)}, "KSSM", "KSSM", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.put(t, "/my/rsa.key", rsa.pem)
			c.settings(t, tt.keys...)
			names, err := json.Marshal(signingKeys(tt.inSSM))
			if err != nil {
				t.Fatal(err)
			}
			h, _ := c.newHandler(t, "signingKeys="+string(names), "keyWaitMinutes=10")
			calls := c.kms.Calls("Sign")
			for _, at := range []struct{ clock, id string }{{"12:04:59", tt.before}, {"12:05:00", tt.after}} {
				clock, err := time.Parse(time.DateTime, "2026-11-24 "+at.clock)
				if err != nil {
					t.Fatal(err)
				}
				h.now = func() time.Time { return clock }
				got := serve(t, h, event("POST", ""))
				if id := cookieValue(t, got, signedcookie.KeyPairIDCookie); id != at.id {
					t.Errorf("at %s %s signs, want %s", at.clock, id, at.id)
				}
				switch at.id {
				case "KKMS":
					policyOf(t, got, c.public, signedcookie.SHA256)
				case "KSSM":
					policyOf(t, got, rsa.public, signedcookie.SHA256)
				case "KEXT":
					policyOf(t, got, ecdsa.public, signedcookie.SHA1)
				}
			}
			if n := c.kms.Calls("Sign") - calls; n != tt.calls {
				t.Errorf("%d calls of Sign, want %d", n, tt.calls)
			}
		})
	}
}

// Kept cookies are given for a grant that ends between two steps, and never
// where they would outlive it.
func TestKeptSignaturesDoNotOutliveTheGrant(t *testing.T) {
	c := newCloud(t)
	c.settings(t, c.keyInKMS("2026-11-23T10:00:00Z"))
	h, _ := c.newHandler(t, "signingKeys=[]")
	before := serve(t, h, event("POST", "")) // they end at 13:05
	c.kms.SetFault(func(string) kms.Fault { return kms.Fault{Code: "AccessDeniedException"} })
	h.now = func() time.Time { return now.Add(6 * time.Minute) }
	for until, status := range map[string]int{"13:07:30": 200, "13:05:01": 200, "13:04:59": 503, "12:30:00": 503} {
		t.Run(until, func(t *testing.T) {
			end, err := time.Parse(time.DateTime, "2026-11-24 "+until)
			if err != nil {
				t.Fatal(err)
			}
			h.entitlements = grants{until: end}
			got := serve(t, h, event("POST", ""))
			if got.StatusCode != status {
				t.Fatalf("%d %s, want %d", got.StatusCode, got.Body, status)
			}
			if status == 200 && lasting(got) != lasting(before) {
				t.Errorf("%q, want the kept cookies", got.Cookies)
			}
		})
	}
}

// The whole of it as Lambda starts it: settings from the environment, keys
// from both services, and a change found at the refresh that was asked for.
func TestStart(t *testing.T) {
	c := newCloud(t)
	c.settings(t, c.keyInKMS("2026-11-23T10:00:00Z"))
	c.setenv(t, "signingKeys=[]", "refreshSeconds=1", "minuteMillis=6000")
	h, err := start(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	got := serve(t, h, event("POST", ""))
	if got.StatusCode != 200 {
		t.Fatalf("%d %s", got.StatusCode, got.Body)
	}
	policyOf(t, got, c.public, signedcookie.SHA256)

	c.settings(t, strings.Replace(c.keyInKMS("2026-11-23T10:00:00Z"), "KKMS", "KNEW", 1))
	for giveUp := time.Now().Add(20 * time.Second); cookieValue(t, got, signedcookie.KeyPairIDCookie) != "KNEW"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(giveUp) {
			t.Fatal("the change is not found")
		}
		got = serve(t, h, event("POST", ""))
	}
}
