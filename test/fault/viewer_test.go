package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/issuance"
	"premiumhls/signedcookie"
	"premiumhls/test/fault"
)

// An answer is what a viewer gets who asks for cookies.
type answer struct {
	status     int
	code       string        // of a refusal
	retryAfter time.Duration // of a 503
	keyID      string        // that signed
	expires    int64         // when the cookies end, in seconds since 1970, by this machine's clock
}

func (a answer) String() string {
	if a.status == http.StatusOK {
		return "cookies"
	}
	return fmt.Sprintf("%d `%s`", a.status, a.code)
}

// longestRetry is the largest Retry-After that a viewer can get.
var longestRetry = issuance.RetryAfter(issuance.LongestPauseWithoutKeys, 1)

// ask asks for the cookies of a path. Whatever is wrong with the services, the
// answer is cookies that the edge takes, or a 503 that says when to ask again.
// It comes within the function's time limit: the runtime ends a function that
// takes longer.
func (c *container) ask(t testing.TB, path string) answer {
	t.Helper()
	var event events.APIGatewayV2HTTPRequest
	event.Version = "2.0"
	event.RawPath = "/api/cookies"
	event.Headers = map[string]string{"x-origin-secret": secret, "x-viewer-address": "192.0.2.7"}
	event.RequestContext.RequestID = "request-1"
	event.RequestContext.TimeEpoch = c.now().UnixMilli()
	event.RequestContext.HTTP.Method = http.MethodPost
	event.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": "ada"}},
	}
	event.Body = fmt.Sprintf(`{"path":%q}`, path)
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.signer.Invoke(context.Background(), payload)
	if err != nil {
		c.failed = true
		t.Errorf("no answer: %v", err)
		return answer{}
	}
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(raw, &response); err != nil {
		t.Errorf("answered %s: %v", raw, err)
		return answer{}
	}
	a, err := c.judge(path, response)
	if err != nil {
		c.failed = true
		t.Errorf("answered %d: %v", response.StatusCode, err)
	}
	return a
}

// judge is the check that every answer of every test goes through.
func (s *site) judge(path string, response events.APIGatewayV2HTTPResponse) (answer, error) {
	a := answer{status: response.StatusCode}
	var body struct {
		Code      string
		KeyPairID string `json:"CloudFront-Key-Pair-Id"`
		Expires   int64
	}
	if err := json.Unmarshal([]byte(response.Body), &body); err != nil {
		return a, fmt.Errorf("its body: %w", err)
	}
	a.code, a.keyID, a.expires = body.Code, body.KeyPairID, body.Expires
	switch a.status {
	case http.StatusOK:
		if err := fault.Opens(s.edge, host, path, response.Cookies); err != nil {
			return a, err
		}
		a.expires -= int64(time.Duration(s.ahead.Load()) / time.Second)
		// Cookies that last longer are as wrong as ones that do not open.
		if left := time.Until(time.Unix(a.expires, 0)); left > s.longest {
			return a, fmt.Errorf("the cookies last %v", left)
		}
	case http.StatusServiceUnavailable:
		seconds, err := strconv.Atoi(response.Headers["retry-after"])
		a.retryAfter = time.Duration(seconds) * time.Second
		if err != nil || a.retryAfter < time.Second || a.retryAfter > longestRetry {
			return a, fmt.Errorf("Retry-After is %q", response.Headers["retry-after"])
		}
		if a.code == "" || len(response.Cookies) > 0 {
			return a, fmt.Errorf("a 503 without code, or with %d cookies", len(response.Cookies))
		}
	default:
		return a, errors.New("neither cookies nor a 503")
	}
	return a, nil
}

// The check of all tests lets through what opens a video, and nothing else.
func TestJudge(t *testing.T) {
	s := newSite(t, parameterStore)
	now := time.Now()
	// made returns the answer of a signer whose key, end and so on are these.
	made := func(id, key, resource string, end time.Time) events.APIGatewayV2HTTPResponse {
		private, err := signedcookie.ParsePrivateKey([]byte(pairs()[key].private))
		if err != nil {
			t.Fatal(err)
		}
		policy, err := signedcookie.Policy{Resource: resource, Expires: end}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		signature, err := signedcookie.Sign(private, signedcookie.SHA256, policy)
		if err != nil {
			t.Fatal(err)
		}
		const attributes = "; Path=/premium/course-1/; Secure; HttpOnly; SameSite=Lax"
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: fmt.Sprintf(`{"expires":%d}`, end.Unix()), Cookies: []string{
			"CloudFront-Policy=" + signedcookie.Encode(policy) + attributes,
			"CloudFront-Signature=" + signedcookie.Encode(signature) + attributes,
			"CloudFront-Key-Pair-Id=" + id + attributes,
			"CloudFront-Hash-Algorithm=SHA256" + attributes,
		}}
	}
	refusal := func(status int, code, retryAfter string) events.APIGatewayV2HTTPResponse {
		return events.APIGatewayV2HTTPResponse{StatusCode: status, Body: fmt.Sprintf(`{"code":%q}`, code), Headers: map[string]string{"retry-after": retryAfter}}
	}
	const course = "https://" + host + "/premium/course-1/*"
	elsewhere := made("KA", "a", course, now.Add(life))
	for i := range elsewhere.Cookies {
		elsewhere.Cookies[i] = strings.Replace(elsewhere.Cookies[i], "course-1", "course-2", 1)
	}
	both := refusal(503, "keys_unavailable", "1")
	both.Cookies = made("KA", "a", course, now.Add(life)).Cookies
	for _, tt := range []struct {
		name     string
		response events.APIGatewayV2HTTPResponse
		err      string // empty: it is as it must be
	}{
		{"cookies", made("KA", "a", course, now.Add(life)), ""},
		{"cookies of a foreign key", made("KA", "foreign", course, now.Add(life)), "refuses"},
		{"cookies of an unknown key", made("KFOREIGN", "foreign", course, now.Add(life)), "refuses"},
		{"cookies for another path", made("KA", "a", "https://"+host+"/premium/course-2/*", now.Add(life)), "refuses"},
		{"cookies that have ended", made("KA", "a", course, now.Add(-time.Second)), "refuses"},
		{"cookies that last too long", made("KA", "a", course, now.Add(2*life)), "last"},
		{"cookies that are not sent", elsewhere, "refuses"},
		{"no cookies", events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: `{}`}, "refuses"},
		{"a refusal", refusal(503, "keys_unavailable", "1"), ""},
		{"a refusal with cookies", both, "cookies"},
		{"a refusal without a time", refusal(503, "keys_unavailable", ""), "Retry-After"},
		{"a refusal for ever", refusal(503, "keys_unavailable", strconv.Itoa(math.MaxInt32)), "Retry-After"},
		{"a refusal without a code", refusal(503, "", "1"), "code"},
		{"another error", refusal(500, "internal", "1"), "neither"},
		{"another refusal", refusal(403, "not_entitled", ""), "neither"},
		{"no JSON", events.APIGatewayV2HTTPResponse{StatusCode: 503, Body: "<html>"}, "body"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.judge("course-1", tt.response)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}
