package test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"premiumhls/local/cloud"
	"premiumhls/test/sitetest"
)

const shop = "arn:aws:lambda:us-east-1:111122223333:function:shop"

// What viewers can watch with each rule, through the edge: ada is in the group and
// has both courses, ben has course-1.
func TestEntitlements(t *testing.T) {
	answer := func(_ context.Context, arn string, payload []byte) ([]byte, error) {
		var question struct{ Viewer, Path string }
		if err := json.Unmarshal(payload, &question); err != nil || arn != shop {
			return nil, errors.New("this is not for the shop")
		}
		if question.Viewer == "subject-ada" {
			return []byte(`{"all":true}`), nil
		}
		return []byte(`{"paths":[{"path":"course-1"}]}`), nil
	}
	tests := []struct {
		name     string
		rule     any
		everyone bool // may watch everything
		group    bool // ben may watch nothing
	}{
		{"authenticated", "authenticated", true, false},
		{"a group", map[string]any{"claim": "cognito:groups", "value": "premium"}, false, true},
		{"a list of paths", map[string]any{"claim": "custom:courses", "paths": true}, false, false},
		{"a table", "table", false, false},
		{"a function", map[string]any{"function": shop}, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, map[string]any{"entitlements": test.rule, "userPoolAttributes": []any{"courses"}}, func(o *cloud.Options) { o.Shop = answer })
			if test.rule == "table" {
				entitle(t, s, "grant", "subject-ada", "*")
				entitle(t, s, "grant", "subject-ben", "course-1")
			}
			expect := func(viewer, path string, entitled bool) {
				t.Helper()
				r := s.Call("POST", "/api/cookies", s.Token(viewer), `{"path":"`+path+`"}`)
				switch {
				case entitled && r.StatusCode != 200:
					t.Errorf("%s is refused %q: %d %s", viewer, path, r.StatusCode, r.Bytes)
				case !entitled && (r.StatusCode != 403 || r.Code() != "not_entitled" || len(r.Cookies()) > 0):
					t.Errorf("%s asks for %q and gets %d %s", viewer, path, r.StatusCode, r.Bytes)
				}
			}
			for _, path := range []string{"course-1", "course-1/lesson-2", "course-2"} {
				expect("ada", path, true)
			}
			expect("ben", "course-1", !test.group)
			expect("ben", "course-1/lesson-2", !test.group)
			expect("ben", "course-2", test.everyone)
			expect("ben", "course-10", test.everyone)
			expect("ben", "", test.everyone)

			var list struct {
				All   bool
				Paths []struct{ Path string }
			}
			r := s.Call("GET", "/api/entitlements", s.Token("ben"), "")
			r.JSON(t, &list)
			if r.StatusCode != 200 || list.All != test.everyone || (len(list.Paths) == 1) != (!test.everyone && !test.group) {
				t.Errorf("ben got %d %s", r.StatusCode, r.Bytes)
			}
		})
	}
}

// Cookies end with the grant, a revoked grant gives no more, and a table that
// cannot be reached gives none.
func TestGrantsEnd(t *testing.T) {
	s := newSite(t, map[string]any{"entitlements": "table"})
	end := time.Now().Add(10 * time.Minute).UTC().Truncate(time.Second)
	entitle(t, s, "grant", "-until", end.Format(time.RFC3339), "subject-ben", "course-1")
	var body struct{ Expires int64 }
	s.Call("POST", "/api/cookies", s.Token("ben"), `{"path":"course-1"}`).JSON(t, &body)
	if body.Expires != end.Unix() {
		t.Errorf("cookies of a grant until %v last until %v", end, time.Unix(body.Expires, 0).UTC())
	}
	if list := entitle(t, s, "grants", "subject-ben"); !strings.Contains(list, "course-1") {
		t.Errorf("the list is %s", list)
	}
	entitle(t, s, "revoke", "subject-ben", "course-1")
	if r := s.Call("POST", "/api/cookies", s.Token("ben"), `{"path":"course-1"}`); r.Code() != "not_entitled" {
		t.Errorf("a revoked grant: %d %s", r.StatusCode, r.Bytes)
	}
}

func TestShopThatFails(t *testing.T) {
	answers := map[string]string{"unknown member": `{"yes":1}`, "no JSON": `yes`, "invalid path": `{"paths":[{"path":"../*"}]}`, "nothing": ``}
	var answer string
	var failure error
	s := newSite(t, map[string]any{"entitlements": map[string]any{"function": shop}}, func(o *cloud.Options) {
		o.Shop = func(context.Context, string, []byte) ([]byte, error) { return []byte(answer), failure }
	})
	ask := func(name string) {
		r := s.Call("POST", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`)
		if r.StatusCode != 503 || r.Code() != "entitlements_unavailable" || r.Header.Get("Retry-After") == "" || len(r.Cookies()) > 0 {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.Bytes)
		}
	}
	for name, text := range answers {
		answer = text
		ask(name)
	}
	failure = errors.New("out of order")
	ask("a failure")
}

// entitle runs the command that owners use.
func entitle(t *testing.T, s *site, verb string, arguments ...string) string {
	t.Helper()
	endpoint, table := s.Table()
	command := exec.Command(sitetest.Premium(t), append([]string{verb, "-table", table}, arguments...)...)
	command.Env = append(os.Environ(), "AWS_ENDPOINT_URL_DYNAMODB="+endpoint, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("premium %s: %v\n%s", verb, err, output)
	}
	return string(output)
}
