package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"premiumhls/internal/cloudfront"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
	edge "premiumhls/local/cloudfront"
	"premiumhls/signedcookie"
	"premiumhls/test/fault"
)

type hourKey struct {
	private                     crypto.Signer
	pem, publicPEM, fingerprint string
}

var hourKeys = sync.OnceValue(func() map[string]hourKey {
	all := make(map[string]hourKey)
	for _, name := range []string{"a", "b", "foreign"} {
		private, err := signedcookie.GenerateKey(signedcookie.RSA2048)
		if err != nil {
			panic(err)
		}
		pem, err := signedcookie.MarshalPrivateKey(private)
		if err != nil {
			panic(err)
		}
		publicPEM, err := signedcookie.MarshalPublicKey(private.Public())
		if err != nil {
			panic(err)
		}
		fingerprint, err := signedcookie.Fingerprint(private.Public())
		if err != nil {
			panic(err)
		}
		all[name] = hourKey{private, string(pem), string(publicPEM), fingerprint}
	}
	return all
})

// hourParameters are what Parameter Store has of keys, oldest first.
func hourParameters(custody string, names ...string) keyring.Parameters {
	p := keyring.Parameters{OriginSecret: secret, PrivateKeys: make(map[string]string)}
	var entries []string
	for _, name := range names {
		entries = append(entries, fmt.Sprintf(`{"name":%q,"id":%q,"custody":%q,"kmsKey":"arn:aws:kms:us-east-1:111122223333:key/%s","type":"RSA_2048","hash":"SHA256","fingerprint":%q,"trustedSince":"1999-01-01T00:00:00Z"}`,
			name, "K"+strings.ToUpper(name), custody, name, hourKeys()[name].fingerprint))
		p.PrivateKeys[name] = hourKeys()[name].pem
	}
	p.Settings = fmt.Sprintf(`{"host":%q,"keys":[%s]}`, host, strings.Join(entries, ","))
	return p
}

// An hourSite is a signer as it is deployed, what it asks, and the edge that
// judges what it signs, in a bubble where an hour passes in no time.
type hourSite struct {
	handler *handler
	edge    *edge.Edge
	fetch   atomic.Pointer[func(context.Context) (keyring.Parameters, error)]
	down    atomic.Bool  // KMS, the table and the function
	ahead   atomic.Int64 // the wall clock, which goes on while a container is frozen
}

var errDown = errors.New("it is down")

func newHourSite(t *testing.T, what string) *hourSite {
	t.Helper()
	s := &hourSite{}
	custody := "ssm"
	if what == "KMS" {
		custody = "kms"
	}
	s.reads(func(context.Context) (keyring.Parameters, error) { return hourParameters(custody, "a"), nil })
	s.trust(t, "a", "b")
	config := entitlement.Config{Logger: slog.New(slog.DiscardHandler), Now: s.now}
	var decider entitlement.Decider = entitlement.Authenticated{}
	switch what {
	case "DynamoDB":
		decider = entitlement.NewTable(s, "Grants", config)
	case "the entitlement function":
		decider = entitlement.NewFunction(s, "shop", config)
	}
	h, _ := newTestHandler(t, nil, decider, `signingKeys=[{"name":"a"},{"name":"b"}]`)
	h.ring = keyring.New(s, keyring.Config{RefreshEvery: h.settings.Refresh(), KMS: s, Now: s.now, Logger: slog.New(slog.DiscardHandler)})
	h.logger, h.now = slog.New(slog.DiscardHandler), s.now
	s.handler = h
	return s
}

// now is the wall clock, without the monotonic one: that stands still while the
// container is frozen.
func (s *hourSite) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())).Round(0) }

func (s *hourSite) reads(fetch func(context.Context) (keyring.Parameters, error)) {
	s.fetch.Store(&fetch)
}

// trust has the edge know these keys alone.
func (s *hourSite) trust(t *testing.T, names ...string) {
	t.Helper()
	keys := make(map[string]cloudfront.PublicKey)
	for _, name := range names {
		id := "K" + strings.ToUpper(name)
		key, err := cloudfront.ParsePublicKey(id, []byte(hourKeys()[name].publicPEM))
		if err != nil {
			t.Fatal(err)
		}
		keys[id] = key
	}
	s.edge = edge.New(cloudfront.Distribution{Domain: host, Enabled: true, Behaviors: []cloudfront.Behavior{{
		PathPattern: "*", AllowedMethods: []string{"GET"}, ViewerProtocolPolicy: "https-only", Signed: true, PublicKeys: keys,
	}}}, edge.Options{Scheme: "https", Now: s.now, Origins: func(string) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	}})
}

// Fetch makes the site a [keyring.Source].
func (s *hourSite) Fetch(ctx context.Context) (keyring.Parameters, error) {
	return (*s.fetch.Load())(ctx)
}

// SignDigest and PublicKey make it a [keyring.DigestSigner].
func (s *hourSite) SignDigest(_ context.Context, _ string, _ signedcookie.KeyType, digest []byte) ([]byte, error) {
	if s.down.Load() {
		return nil, errDown
	}
	return hourKeys()["a"].private.Sign(rand.Reader, digest, crypto.SHA256)
}

func (s *hourSite) PublicKey(context.Context, string) (crypto.PublicKey, error) {
	if s.down.Load() {
		return nil, errDown
	}
	return hourKeys()["a"].private.Public(), nil
}

// Call and Invoke make it a table and a function that let everyone watch.
func (s *hourSite) Call(_ context.Context, _ string, _, output any) error {
	if s.down.Load() {
		return errDown
	}
	return json.Unmarshal([]byte(`{"Responses":{"Grants":[{"viewer":{"S":"ada"},"path":{"S":"*"}}]}}`), output)
}

func (s *hourSite) Invoke(context.Context, string, []byte) ([]byte, error) {
	if s.down.Load() {
		return nil, errDown
	}
	return []byte(`{"all":true}`), nil
}

// ask asks for cookies as API Gateway does, with the time limit of the function.
// It returns what the viewer gets, the key that signed it, and after which time
// to ask again.
func (s *hourSite) ask(t *testing.T) (got, key string, retry time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	e := event("POST", `{"path":"course-1"}`)
	e.RequestContext.TimeEpoch = s.now().UnixMilli()
	response, err := s.handler.handle(ctx, e)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("no answer in time: %v, %v", err, ctx.Err())
	}
	if response.StatusCode == http.StatusOK {
		if err := fault.Opens(s.edge, host, "course-1", response.Cookies); err != nil {
			t.Error(err)
		}
		return "cookies", cookieValue(t, response, signedcookie.KeyPairIDCookie), 0
	}
	var body struct{ Code string }
	if err := json.Unmarshal([]byte(response.Body), &body); err != nil {
		t.Error(err)
	}
	seconds, err := strconv.Atoi(response.Headers["retry-after"])
	if response.StatusCode != http.StatusServiceUnavailable || err != nil || len(response.Cookies) != 0 {
		t.Errorf("%d %s %s", response.StatusCode, response.Headers, response.Body)
	}
	return fmt.Sprintf("503 `%s`", body.Code), "", time.Duration(seconds) * time.Second
}

// Whatever lasts for an hour, the viewers of a warm container get what the
// table says, one each second, and afterwards all is well again.
func TestAnHour(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	hourKeys() // outside of the bubbles
	table, err := fault.ReadTable("../../test/fault/README.md", "For an hour")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	each := func(what, name string, run func(*testing.T, *hourSite) (during, after string)) {
		row := fault.Name(what, name)
		names = append(names, row)
		t.Run(row, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				during, after := run(t, newHourSite(t, what))
				if err := table.Compare(row, 0, during, after); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Minute) // whatever is under way ends
			})
		})
	}

	foreign := hourParameters("ssm", "a", "b")
	for name := range foreign.PrivateKeys {
		foreign.PrivateKeys[name] = hourKeys()["foreign"].pem
	}
	for name, fetch := range map[string]func(context.Context) (keyring.Parameters, error){
		"refuses":                                func(context.Context) (keyring.Parameters, error) { return keyring.Parameters{}, errDown },
		"has a foreign key in the place of each": func(context.Context) (keyring.Parameters, error) { return foreign, nil },
		"does not respond": func(ctx context.Context) (keyring.Parameters, error) {
			<-ctx.Done()
			return keyring.Parameters{}, ctx.Err()
		},
	} {
		each("Parameter Store", name, func(t *testing.T, s *hourSite) (string, string) {
			s.ask(t)
			s.reads(fetch)
			during := s.hour(t)
			s.reads(func(context.Context) (keyring.Parameters, error) { return hourParameters("ssm", "a", "b"), nil })
			for seconds := 0; seconds < 120; seconds++ {
				if _, key, _ := s.ask(t); key == "KB" {
					return during, "a key that came meanwhile signs within two minutes"
				}
				time.Sleep(time.Second)
			}
			return during, "a key that came meanwhile does not sign"
		})
	}
	for _, what := range []string{"KMS", "DynamoDB", "the entitlement function"} {
		each(what, "refuses", func(t *testing.T, s *hourSite) (string, string) {
			s.ask(t)
			s.down.Store(true)
			during := s.hour(t)
			_, _, retry := s.ask(t)
			s.down.Store(false)
			time.Sleep(retry)
			after, _, _ := s.ask(t)
			return during, after + " on retry"
		})
	}

	// In each case of a container that was frozen, its old key is gone when it
	// thaws: what that signed would be refused.
	each("a warm container", "is frozen", func(t *testing.T, s *hourSite) (string, string) {
		s.ask(t)
		return s.thaw(t)
	})
	each("a warm container", "is frozen during a read", func(t *testing.T, s *hourSite) (string, string) {
		s.ask(t)
		time.Sleep(5 * time.Minute)
		s.reads(func(ctx context.Context) (keyring.Parameters, error) {
			<-ctx.Done()
			return keyring.Parameters{}, ctx.Err()
		})
		s.ask(t)
		return s.thaw(t)
	})
	each("a container that has served nobody", "is frozen during a read", func(t *testing.T, s *hourSite) (string, string) {
		s.reads(func(ctx context.Context) (keyring.Parameters, error) {
			<-ctx.Done()
			return keyring.Parameters{}, ctx.Err()
		})
		s.handler.ring.Start()
		return s.thaw(t)
	})
	if err := table.Match(names); err != nil {
		t.Error(err)
	}
}

// hour tells what viewers get in an hour of which each second has one.
func (s *hourSite) hour(t *testing.T) string {
	t.Helper()
	var told []string
	last, since := "", 0
	tell := func(second int) {
		if last != "" {
			told = append(told, fmt.Sprintf("%s for %d minutes", last, (second-since+30)/60))
		}
	}
	began := time.Now()
	for second := range 3600 {
		got, _, _ := s.ask(t)
		if t.Failed() {
			t.FailNow() // more of the same tells no more
		}
		if got != last {
			tell(second)
			last, since = got, second
		}
		time.Sleep(time.Until(began.Add(time.Duration(second+1) * time.Second)))
	}
	tell(3600)
	return strings.Join(told, ", then ")
}

// thaw freezes the container for an hour, in which the key changes, and tells
// what its first viewer gets, and the ones after.
func (s *hourSite) thaw(t *testing.T) (during, after string) {
	t.Helper()
	synctest.Wait() // what is under way is so
	s.ahead.Add(int64(time.Hour))
	s.reads(func(context.Context) (keyring.Parameters, error) { return hourParameters("ssm", "b"), nil })
	s.trust(t, "b")
	during, _, _ = s.ask(t)
	after, _, _ = s.ask(t)
	return during, after
}
