package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"premiumhls/internal/cfn"
	"premiumhls/internal/rotation"
	"premiumhls/local/cloud"
	"premiumhls/local/ssm"
	"premiumhls/stacks"
)

// keyList synthesizes the stack with some signing keys, and with times that a
// test can wait for.
func keyList(t *testing.T, wait, live string, keys ...any) *cfn.Template {
	t.Helper()
	return keyListOf(t, map[string]any{}, wait, live, keys...)
}

// keyListOf is keyList with other settings too.
func keyListOf(t *testing.T, changes map[string]any, wait, live string, keys ...any) *cfn.Template {
	t.Helper()
	changes["signingKeys"], changes["viewerRequestsPerMinute"] = keys, 0.0
	raw, err := os.ReadFile(synthesize(t, changes).File)
	if err != nil {
		t.Fatal(err)
	}
	short := strings.NewReplacer(
		`\"cookieMinutes\":60`, `\"cookieMinutes\":3`,
		`\"cookieStepMinutes\":5`, `\"cookieStepMinutes\":1`,
		`\"keyWaitMinutes\":10`, `\"keyWaitMinutes\":1`,
		`\"minuteMillis\":60000`, `\"minuteMillis\":1000`,
		`\"refreshSeconds\":300`, `\"refreshSeconds\":30`,
		`"Wait": "10m0s"`, `"Wait": "`+wait+`"`,
		`"Lifetime": "1h15m0s"`, `"Lifetime": "`+live+`"`,
	).Replace(string(raw))
	for _, change := range []string{`"Wait": "` + wait, `"Lifetime": "` + live, `\"minuteMillis\":1000`, `\"refreshSeconds\":30`} {
		if !strings.Contains(short, change) {
			t.Fatalf("the template does not have %s", change)
		}
	}
	parsed, err := cfn.Parse([]byte(short))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// While one key takes another's place nobody who watches is refused, although
// the edges learn of the new key late; and somebody is when the signer turns
// to the new key before they did.
func TestRotation(t *testing.T) {
	t.Run("with the waiting time", func(t *testing.T) {
		refusals, keys := rotate(t, true, "12s", 2*time.Second)
		if refusals != 0 {
			t.Errorf("%d refusals", refusals)
		}
		if keys < 2 {
			t.Error("the signer never turned to the new key")
		}
	})
	t.Run("without it", func(t *testing.T) {
		if refusals, _ := rotate(t, false, "1s", 12*time.Second); refusals == 0 {
			t.Error("nobody is refused: the test shows nothing")
		}
	})
}

// rotate takes the stack from [a] to [a b] to [b] while viewers watch, and
// returns how many requests were refused and how many keys signed. Without the
// deploy check nothing but the wait stands between a new key and viewers.
func rotate(t *testing.T, check bool, wait string, propagation time.Duration) (refusals, keys int64) {
	const live = "5s"
	s := prepareSite(t, map[string]any{"signingKeys": []any{"a"}}, func(o *cloud.Options) {
		o.Propagation = propagation
		o.Requests = nil
	})
	deploy := func(names ...any) {
		t.Helper()
		if err := s.Deploy(t.Context(), keyListOf(t, map[string]any{"deployCheck": check}, wait, live, names...)); err != nil {
			t.Fatal(err)
		}
	}
	deploy("a")

	var refused atomic.Int64
	var seen sync.Map // the ids of keys that signed
	stop := make(chan struct{})
	var watching sync.WaitGroup
	for range 4 {
		watching.Go(func() {
			var cookies []*http.Cookie
			var renew time.Time
			for {
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
				}
				if time.Now().After(renew) {
					r := s.Call("POST", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`)
					if r.StatusCode == 200 {
						var body map[string]any
						json.Unmarshal(r.Bytes, &body)
						seen.Store(body["CloudFront-Key-Pair-Id"], true)
						cookies = slices.DeleteFunc(r.Cookies(), func(c *http.Cookie) bool { return c.MaxAge < 0 })
						renew = time.Now().Add(time.Second)
					} else {
						t.Logf("the signer answers %d %s", r.StatusCode, r.Bytes)
					}
				}
				if r := s.Get("/premium/course-1/sample/360p/index.m3u8", cookies...); r.StatusCode != 200 {
					refused.Add(1)
					t.Logf("refused: %s %s", r.Code(), r.Bytes)
				}
			}
		})
	}

	deploy("a", "b")
	waiting, err := time.ParseDuration(wait)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(waiting + 8*time.Second) // until the cookies of a have ended
	deploy("b")
	time.Sleep(propagation + 2*time.Second)
	close(stop)
	watching.Wait()
	seen.Range(func(any, any) bool { keys++; return true })
	return refused.Load(), keys
}

// What changes in which order, as CloudFormation and CloudFront accept it.
func TestRotationOrder(t *testing.T) {
	s := prepareSite(t, map[string]any{"signingKeys": []any{"a"}})
	deploy := func(names ...any) []string {
		t.Helper()
		before := len(s.Events())
		if err := s.Deploy(t.Context(), keyList(t, "1ms", "2ms", names...)); err != nil {
			t.Fatal(err)
		}
		var events []string
		for _, e := range s.Events()[before:] {
			events = append(events, e.String())
		}
		return events
	}
	inOrder := func(events []string, wanted ...string) {
		t.Helper()
		at := -1
		for _, want := range wanted {
			i := slices.IndexFunc(events, func(e string) bool { return strings.HasPrefix(e, want) })
			if i <= at {
				t.Fatalf("%s is not in its place in\n%s", want, strings.Join(events, "\n"))
			}
			at = i
		}
	}
	deploy("a")
	inOrder(deploy("a", "b"), "CREATE SigningKeysPairssmb", "CREATE SigningKeysPublicb", "UPDATE KeyGroup", "CREATE SigningKeysTrustb", "UPDATE SignerParameter")
	time.Sleep(2 * time.Second) // times are whole seconds
	events := deploy("b")
	inOrder(events, "UPDATE SigningKeysChange", "UPDATE KeyGroup", "DELETE SigningKeysPublica", "DELETE SigningKeysPairssma")
	if slices.ContainsFunc(events, func(e string) bool { return strings.Contains(e, "SigningKeysPublicb") }) {
		t.Errorf("the new public key is touched:\n%s", strings.Join(events, "\n"))
	}
	if names := s.Parameters.Names(); slices.Contains(names, "/PremiumHls/signing-keys/a") || !slices.Contains(names, "/PremiumHls/signing-keys/b") {
		t.Errorf("the parameters are %v", names)
	}
}

// A list that would refuse viewers stops the deploy, and nothing has changed.
func TestRotationThatWouldRefuseViewers(t *testing.T) {
	s := prepareSite(t, map[string]any{"signingKeys": []any{"a"}})
	if err := s.Deploy(t.Context(), synthesize(t, map[string]any{"signingKeys": []any{"a"}}).Template); err != nil {
		t.Fatal(err)
	}
	cookies := s.Cookies("ada", "course-1")
	err := s.Deploy(t.Context(), synthesize(t, map[string]any{"signingKeys": []any{"b"}}).Template)
	if err == nil || !strings.Contains(err.Error(), rotation.CodeKeySigns+":") {
		t.Errorf("the deploy says %v", err)
	}
	if r := s.Get("/premium/course-1/sample/master.m3u8", cookies...); r.StatusCode != 200 {
		t.Errorf("viewers are refused all the same: %d", r.StatusCode)
	}

	// A leaked key goes at once.
	if err := s.Deploy(t.Context(), synthesize(t, map[string]any{"signingKeys": []any{"b"}, "endAllCookies": true}).Template); err != nil {
		t.Fatal(err)
	}
	if r := s.Get("/premium/course-1/sample/master.m3u8", cookies...); r.Code() != "InvalidKey" {
		t.Errorf("cookies of a leaked key: %d %s", r.StatusCode, r.Code())
	}
	if r := s.Get("/premium/course-1/sample/master.m3u8", s.Cookies("ada", "course-1")...); r.StatusCode != 200 {
		t.Errorf("new cookies: %d", r.StatusCode)
	}
}

// With credentials to look at what is deployed, the list is refused before
// anything is deployed.
func TestRotationIsRefusedAtSynthesis(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	store := ssm.New()
	server := httptest.NewServer(store)
	defer server.Close()
	deployed := fmt.Sprintf(`{"host":"h","keys":[{"name":"a","custody":"ssm","type":"RSA_2048","trustedSince":%q}]}`, time.Now().Add(-time.Hour).Format(time.RFC3339))
	if err := store.Put("/PremiumHls/signer", ssm.String, deployed); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"CDK_DEFAULT_ACCOUNT": "111122223333", "CDK_DEFAULT_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL_SSM": server.URL,
	} {
		t.Setenv(name, value)
	}
	_, err := stacks.Synthesize(t.Context(), t.TempDir(), map[string]any{"signingKeys": []any{"b"}})
	var refusal *rotation.Refusal
	if !errors.As(err, &refusal) || refusal.Code != rotation.CodeKeySigns {
		t.Errorf("synthesis says %v", err)
	}
	if _, err := stacks.Synthesize(t.Context(), t.TempDir(), map[string]any{"signingKeys": []any{"a", "b"}}); err != nil {
		t.Errorf("adding a key: %v", err)
	}
}

// A key in KMS plays like any other, and so does a move to it.
func TestRotationIntoKMS(t *testing.T) {
	s := prepareSite(t, map[string]any{"signingKeys": []any{"a"}})
	kms := map[string]any{"name": "b", "custody": "kms"}
	for _, keys := range [][]any{{"a"}, {"a", kms}, {kms}} {
		if err := s.Deploy(t.Context(), keyList(t, "1ms", "2ms", keys...)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		s.Restart()
		watch(s, "/premium/course-1/sample/master.m3u8", "premium/course-1/sample", s.Cookies("ada", "course-1"))
	}
	if s.KMS.Calls("Sign") == 0 {
		t.Error("KMS signed nothing")
	}
	if names := s.Parameters.Names(); slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "signing-keys") }) {
		t.Errorf("there are private keys left: %v", names)
	}
}

// A key that viewers are refused with signs for none of them, however short the
// wait is: the deploy check fails, and meanwhile the former key signs.
func TestKeyThatFailsTheDeployCheckSignsForNobody(t *testing.T) {
	s := prepareSite(t, map[string]any{"signingKeys": []any{"a"}}, func(o *cloud.Options) { o.Requests = nil })
	if err := s.Deploy(t.Context(), keyList(t, "1ms", "5s", "a")); err != nil {
		t.Fatal(err)
	}
	broken := keyList(t, "1ms", "5s", "a", "b")
	for _, resource := range broken.Resources {
		switch resource.Type {
		case "AWS::CloudFront::KeyGroup":
			config := resource.Properties["KeyGroupConfig"].(map[string]any)
			config["Items"] = config["Items"].([]any)[:1]
		case "Custom::DeployCheck":
			resource.Properties["Patience"] = "6s"
		}
	}
	var requests, refused atomic.Int64
	stop := make(chan struct{})
	var watching sync.WaitGroup
	for range 4 {
		watching.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
				}
				requests.Add(1)
				cookies := s.Call("POST", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`).Cookies()
				if r := s.Get("/premium/course-1/sample/360p/index.m3u8", cookies...); r.StatusCode != 200 {
					refused.Add(1)
				}
			}
		})
	}
	err := s.Deploy(t.Context(), broken)
	time.Sleep(2 * time.Second) // signers read what they sign with every half second
	close(stop)
	watching.Wait()
	if err == nil || !strings.Contains(err.Error(), `Deploy check "serve" of key b failed`) {
		t.Fatalf("the deploy says %v", err)
	}
	if refused.Load() > 0 || requests.Load() < 20 {
		t.Errorf("%d of %d requests were refused", refused.Load(), requests.Load())
	}
}

// A leaked key stays out, although the deploy check of the deploy that revokes
// it fails for another reason, and although later deploys name it again.
func TestLeakedKeyStaysRevoked(t *testing.T) {
	s := prepareSite(t, map[string]any{"signingKeys": []any{"a"}})
	if err := s.Deploy(t.Context(), synthesize(t, map[string]any{"signingKeys": []any{"a"}}).Template); err != nil {
		t.Fatal(err)
	}
	leaked := s.Cookies("ada", "course-1")
	emergency := synthesize(t, map[string]any{"signingKeys": []any{"b"}, "endAllCookies": true})
	template := impatient(t, emergency, func(resources map[string]any) {
		_, origin := premiumBehavior(t, resources)
		origin["OriginPath"] = "/public" // the check finds no probe
	})
	if err := s.Deploy(t.Context(), template); err != nil {
		t.Fatalf("the deploy was rolled back: %v", err)
	}
	if outputs, err := s.Outputs(); err != nil || !strings.HasPrefix(outputs["DeployCheck"], "FAILED") {
		t.Errorf("the deploy check says %q, %v", outputs["DeployCheck"], err)
	}
	if r := s.Get("/premium/course-1/sample/master.m3u8", leaked...); r.Code() != "InvalidKey" {
		t.Errorf("cookies of the leaked key: %d %s", r.StatusCode, r.Code())
	}
	// The next deploy is checked again, and what it is rolled back to does not
	// trust the key either.
	err := s.Deploy(t.Context(), impatient(t, synthesize(t, map[string]any{"signingKeys": []any{"b"}}), func(resources map[string]any) {
		behavior, _ := premiumBehavior(t, resources)
		delete(behavior, "TrustedKeyGroups")
	}))
	if err == nil {
		t.Error("the deploy check passed")
	}
	if r := s.Get("/premium/course-1/sample/master.m3u8", leaked...); r.Code() != "InvalidKey" {
		t.Errorf("cookies of the leaked key after a rollback: %d %s", r.StatusCode, r.Code())
	}
	err = s.Deploy(t.Context(), synthesize(t, map[string]any{"signingKeys": []any{"b", "a"}}).Template)
	if err == nil || !strings.Contains(err.Error(), rotation.CodeKeyRevoked+":") {
		t.Errorf("a deploy that trusts the leaked key says %v", err)
	}
}
