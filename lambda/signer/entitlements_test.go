package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/lambda/internal/entitlement"
	"premiumhls/signedcookie"
)

// listed is a Decider that lists what it is, and decides with it.
type listed []entitlement.Grant

func (l listed) Decide(_ context.Context, _ entitlement.Viewer, path string) (entitlement.Grant, error) {
	return l[0], nil
}

func (l listed) List(context.Context, entitlement.Viewer) ([]entitlement.Grant, error) { return l, nil }

func listEvent() events.APIGatewayV2HTTPRequest {
	e := event("GET", "")
	e.RawPath = "/api/entitlements"
	return e
}

func TestListEntitlements(t *testing.T) {
	grant := func(path string, ends time.Duration) entitlement.Grant {
		return entitlement.Grant{Path: path, Expires: now.Add(ends)}
	}
	second := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for _, tt := range []struct {
		name    string
		decider entitlement.Decider
		want    string
	}{
		{"authenticated", entitlement.Authenticated{}, `{"all":true}`},
		{"all with an end", listed{grant("", time.Hour)}, fmt.Sprintf(`{"all":true,"expires":%d}`, second(time.Hour))},
		{"all, and a path", listed{{Path: "a"}, {}}, `{"all":true}`},
		{"nothing", listed{}, `{"all":false,"paths":[]}`},
		{"paths, in order", listed{{Path: "b"}, grant("a", time.Hour)},
			fmt.Sprintf(`{"all":false,"paths":[{"path":"a","expires":%d},{"path":"b"}]}`, second(time.Hour))},
		{"a path twice", listed{grant("a", time.Hour), grant("a", 2*time.Hour), grant("a", time.Minute)},
			fmt.Sprintf(`{"all":false,"paths":[{"path":"a","expires":%d}]}`, second(2*time.Hour))},
		{"a path twice, once without an end", listed{grant("a", time.Hour), {Path: "a"}, grant("a", time.Minute)}, `{"all":false,"paths":[{"path":"a"}]}`},
		{"ended", listed{grant("a", -time.Hour), grant("", 0), grant("b", 400*time.Millisecond)}, `{"all":false,"paths":[]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, log := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), tt.decider)
			got := serve(t, h, listEvent())
			if got.StatusCode != 200 || got.Body != tt.want || len(got.Cookies) != 0 {
				t.Errorf("%d %s %q, want %s", got.StatusCode, got.Body, got.Cookies, tt.want)
			}
			if got.Headers["cache-control"] != "no-store" || got.Headers["content-type"] != "application/json" {
				t.Errorf("headers %v", got.Headers)
			}
			if line := lastLog(t, log); line["decision"] != "listed" || line["viewer"] != "c01b2d549040118b" {
				t.Errorf("logged %v", line)
			}
		})
	}
}

func TestListEntitlementsRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		event  func(*events.APIGatewayV2HTTPRequest)
		err    error
		status int
		code   string
	}{
		{"it cannot be told", func(*events.APIGatewayV2HTTPRequest) {}, errors.New("the table is away"), 503, "entitlements_unavailable"},
		{"no origin secret", func(e *events.APIGatewayV2HTTPRequest) { delete(e.Headers, originSecretHeader) }, nil, 403, "not_through_distribution"},
		{"nobody", func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.Authorizer = nil }, nil, 401, "unauthenticated"},
		{"POST", func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "POST" }, nil, 405, "method_not_allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, log := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), grants{err: tt.err})
			e := listEvent()
			tt.event(&e)
			got := serve(t, h, e)
			if got.StatusCode != tt.status || got.Body != `{"code":"`+tt.code+`","requestId":"request-1"}` {
				t.Errorf("%d %s", got.StatusCode, got.Body)
			}
			if tt.err != nil && (got.Headers["retry-after"] == "" || !strings.Contains(fmt.Sprint(lastLog(t, log)["cause"]), tt.err.Error())) {
				t.Errorf("headers %v, logged %s", got.Headers, log)
			}
			if got.StatusCode == 405 && got.Headers["allow"] != "GET" {
				t.Errorf("headers %v", got.Headers)
			}
		})
	}
}

// A decider that answers with a grant of something else opens nothing.
func TestGrantOfSomethingElse(t *testing.T) {
	for _, path := range []string{"course-10", "course", "course-1/a", "Course-1", "*"} {
		h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), listed{{Path: path}})
		for _, body := range []string{`{"path":"course-1"}`, "{}"} {
			if got := serve(t, h, event("POST", body)); got.StatusCode != 500 || len(got.Cookies) != 0 {
				t.Errorf("a grant of %s answers %s with %d %s", path, body, got.StatusCode, got.Body)
			}
		}
	}
}

// A shop is a table and a function with the same grants.
type shop []shopGrant

type shopGrant struct {
	path  string
	until int64 // 0: none
}

// Call answers BatchGetItem as DynamoDB does.
func (s shop) Call(_ context.Context, _ string, input, output any) error {
	raw, err := json.Marshal(input)
	if err != nil {
		return err
	}
	var asked struct {
		RequestItems map[string]struct {
			Keys []struct{ Path, Viewer struct{ S string } }
		}
	}
	if err := json.Unmarshal(raw, &asked); err != nil {
		return err
	}
	items := []any{}
	for _, key := range asked.RequestItems["Grants"].Keys {
		for _, grant := range s {
			if grant.path == key.Path.S {
				item := map[string]any{"viewer": key.Viewer, "path": key.Path}
				if grant.until != 0 {
					item["until"] = map[string]string{"N": fmt.Sprint(grant.until)}
				}
				items = append(items, item)
				break // a key is there once
			}
		}
	}
	raw, err = json.Marshal(map[string]any{"Responses": map[string]any{"Grants": items}})
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, output)
}

// Invoke answers as a seller's function may: with everything there is.
func (s shop) Invoke(context.Context, string, []byte) ([]byte, error) {
	paths := []map[string]any{}
	for _, grant := range s {
		entry := map[string]any{"path": grant.path}
		if grant.until != 0 {
			entry["expires"] = grant.until
		}
		paths = append(paths, entry)
	}
	return json.Marshal(map[string]any{"paths": paths})
}

// claim writes the paths as an issuer may, in the form in which none can be
// mistaken for several.
func (s shop) claim() string {
	paths := []string{}
	for _, grant := range s {
		paths = append(paths, grant.path)
	}
	raw, err := json.Marshal(paths)
	if err != nil {
		panic(err) // texts are JSON
	}
	return string(raw)
}

// FuzzEntitled: whatever the grants and whatever is asked for, what is signed
// is inside a grant, and does not last longer than it.
//
// Each line of grants is a path and, after a space, how many seconds it is
// left for. What is asked for is the body.
func FuzzEntitled(f *testing.F) {
	for _, grants := range []string{
		"", "*", "* 60", "course-1", "course-1 60\ncourse-1/a 7200", "a\nb\nc 1", "a -5\n* 90", "a/b\na/b/c 4000", "..", "course-*", "course-1/", " 5",
		"a 0", "A", "[*]", "\"*\"", "a\x00*", "course-1/../*", "?", "a 253402300799", "a 99999999999999",
	} {
		for _, body := range []string{"", `{"path":"course-1"}`, `{"path":"course-1/a"}`, `{"path":"a/b/c/d"}`, `{"path":"course-10"}`, `{"path":"*"}`} {
			f.Add(grants, body)
		}
	}
	quiet := slog.New(slog.DiscardHandler)
	config := entitlement.Config{
		Getenv: func(string) string { return "eu-central-1" },
		Logger: quiet,
		Now:    func() time.Time { return now },
	}
	byClaim, err := entitlement.New(`{"claim":"custom:courses","paths":true}`, config)
	if err != nil {
		f.Fatal(err)
	}
	public := keys()[signedcookie.ECDSAP256].public
	h, log := newTestHandler(f, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), byClaim)
	f.Fuzz(func(t *testing.T, text, body string) {
		var grants shop
		for line := range strings.Lines(text) {
			path, left, ends := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			grant := shopGrant{path: path}
			if ends {
				var seconds int64
				fmt.Sscan(left, &seconds)
				grant.until = now.Unix() + seconds
			}
			grants = append(grants, grant)
		}
		for name, decider := range map[string]entitlement.Decider{
			"claim":    byClaim,
			"table":    entitlement.NewTable(grants, "Grants", config),
			"function": entitlement.NewFunction(grants, "arn:aws:lambda:eu-west-1:111122223333:function:shop", config),
		} {
			h.entitlements = decider
			log.Reset()
			e := event("POST", body)
			e.RequestContext.Authorizer.JWT.Claims["custom:courses"] = grants.claim()
			got := serve(t, h, e)
			if got.StatusCode != 200 {
				if len(got.Cookies) != 0 || bytes.Contains([]byte(got.Body), []byte("Signature")) {
					t.Fatalf("%s: a refusal with cookies: %s", name, got.Body)
				}
				continue
			}
			policy := policyOf(t, got, public, signedcookie.SHA1)
			inside := false
			for _, grant := range grants {
				// In the policy's own terms: the resource is what it is of the
				// grant's, and * has no other meaning than everything.
				root := "https://" + host + "/premium/"
				if grant.path != "*" {
					if grant.path == "" || strings.ContainsAny(grant.path, "*?%\\") {
						continue
					}
					root += grant.path + "/"
				}
				lasts := grant.until == 0 || name == "claim" || policy.Expires.Unix() <= grant.until
				inside = inside || lasts && strings.HasPrefix(policy.Resource, root)
			}
			if !inside {
				t.Fatalf("%s: grants %q, asked %q: signed %s until %v", name, text, body, policy.Resource, policy.Expires)
			}
		}
	})
}
