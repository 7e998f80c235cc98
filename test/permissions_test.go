package test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"premiumhls/local/cloud"
	"premiumhls/local/iam"
	"premiumhls/test/sitetest"
)

// A recorder keeps what IAM decided, each call once.
type recorder struct {
	mu    sync.Mutex
	calls map[string]iam.Call
}

func (r *recorder) record(d iam.Decision) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = map[string]iam.Call{}
	}
	r.calls[fmt.Sprint(d.Call)] = d.Call
}

// stories use every permission of a stack: its viewers watch, its keys change,
// its table is read.
var stories = []struct {
	name    string
	changes map[string]any
	run     func(t *testing.T, s *site)
}{
	{"keys that change", nil, func(t *testing.T, s *site) {
		watchCourse(t, s)
		s.Get("/premium/course-1/none.ts", s.Cookies("ada", "course-1")...)
		s.Call("GET", "/api/entitlements", s.Token("ada"), "")
		s.Call("DELETE", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`)
		a := synthesize(t, map[string]any{"signingKeys": []any{"b"}, "endAllCookies": true})
		if err := s.Deploy(t.Context(), a.Template); err != nil {
			t.Fatal(err)
		}
		watchCourse(t, s)
		s.change(map[string]any{"signingKeys": []any{"b"}, "logViewers": "plain"}) // deletes the digests' key
		s.change(map[string]any{"signingKeys": []any{"b"}})
	}},
	{"keys in KMS, a table", map[string]any{
		"signingKeys":  []any{map[string]any{"name": "b", "custody": "kms"}},
		"entitlements": "table",
	}, func(t *testing.T, s *site) {
		if err := s.Grant(t.Context(), "subject-ada", "*"); err != nil {
			t.Fatal(err)
		}
		watchCourse(t, s)
		s.Call("GET", "/api/entitlements", s.Token("ada"), "")
		s.Call("DELETE", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`)
	}},
	{"grants by email", emailGrants, func(t *testing.T, s *site) {
		entitle(t, s, "grant", "-email", "ada@example.com", "*")
		watchCourse(t, s)
		s.Call("GET", "/api/entitlements", s.Token("ada"), "")
		s.Call("DELETE", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`)
	}},
	{"sales with Stripe", sitetest.SalesSettings(nil), sell},
	{"links", map[string]any{"links": true}, func(t *testing.T, s *site) {
		watchCourse(t, s)
		s.Put(whole())
		follow(t, s, s.Link("ada", `{"path":"course-1/whole"}`))
		address := s.Link("ada", `{"path":"course-1/sample"}`)
		if r := s.Get(strings.Replace(address, "lesson.", "none.", 1)); r.StatusCode != 404 {
			t.Fatalf("%d %s", r.StatusCode, r.Bytes)
		}
		s.Call("GET", "/api/entitlements", s.Token("ada"), "")
		s.Call("DELETE", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`)
	}},
	{"a function, tracing", map[string]any{"entitlements": map[string]any{"function": shop}, "tracing": true}, func(t *testing.T, s *site) {
		watchCourse(t, s)
		s.Call("GET", "/api/entitlements", s.Token("ada"), "")
		s.Call("DELETE", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`)
	}},
}

func watchCourse(t *testing.T, s *site) {
	t.Helper()
	if r := s.Get("/premium/course-1/sample/master.m3u8", s.Cookies("ada", "course-1")...); r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, r.Bytes)
	}
}

// Every statement of a template is needed by a call that a story makes, and no
// call needs more than the statements.
func TestEveryPermissionIsUsed(t *testing.T) {
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			var recorded recorder
			s := newSite(t, story.changes, func(o *cloud.Options) {
				fail := sitetest.Denials(t)
				o.Access = func(d iam.Decision) { fail(d); recorded.record(d) }
				o.Shop = func(context.Context, string, []byte) ([]byte, error) { return []byte(`{"all":true}`), nil }
			})
			updates(t, s, story.changes)
			story.run(t, s)
			encode(t, s)

			policies := s.IAM().Policies()
			var calls []iam.Call // a rotation changes policies: those that the last ones allow
			for _, call := range recorded.calls {
				if policies.Judge(call).Allowed {
					calls = append(calls, call)
				}
			}
			if len(calls) < 20 {
				t.Fatalf("%d calls were recorded", len(calls))
			}
			for i, statement := range policies {
				less := without(policies, statement)
				if i == 0 {
					t.Logf("%d calls, %d statements", len(calls), len(policies))
				}
				needs := func(call iam.Call) bool { return !less.Judge(call).Allowed }
				if statement.Deny {
					if !forbids(s, policies, less) {
						t.Errorf("no insecure call needs %s to be denied", statement)
					}
				} else if !slices.ContainsFunc(calls, needs) {
					t.Errorf("no recorded call needs %s: %v on %v", statement, statement.Actions, statement.Resources)
				}
			}
			unusedActions(t, policies, calls)
		})
	}
}

// without removes a statement and those that say the same: the API has a
// permission for each method of a path.
func without(policies iam.Policies, statement iam.Statement) iam.Policies {
	same := func(s iam.Statement) bool {
		s.Source = statement.Source
		return reflect.DeepEqual(s, statement)
	}
	return slices.DeleteFunc(slices.Clone(policies), same)
}

// updates makes an update that the deploy check looks at, and one that the
// keymaker refuses: both ask whether the stack is rolling back.
func updates(t *testing.T, s *site, changes map[string]any) {
	t.Helper()
	if err := s.Deploy(t.Context(), impatient(t, s.Assembly, func(map[string]any) {})); err != nil {
		t.Fatal(err)
	}
	changes = maps.Clone(changes)
	if changes == nil {
		changes = map[string]any{}
	}
	changes["signingKeys"] = []any{"other"}
	if err := s.Deploy(t.Context(), synthesize(t, changes).Template); err == nil {
		t.Fatal("a deploy that drops the key in use succeeded")
	}
}

// unusedActions fails for each action of the project's own roles that no call
// needs. The CDK's roles have wildcards, and MediaConvert aborts an upload
// only when a job fails.
func unusedActions(t *testing.T, policies iam.Policies, calls []iam.Call) {
	for i, statement := range policies {
		if statement.Role == "" || strings.Contains(statement.Role, "CustomCDK") || strings.Contains(statement.Role, "MediaConvert") {
			continue
		}
		for j, action := range statement.Actions {
			less := slices.Clone(policies)
			less[i].Actions = slices.Delete(slices.Clone(statement.Actions), j, j+1)
			if action == "ssm:DeleteParameter" && !slices.ContainsFunc(calls, func(c iam.Call) bool { return c.Action == action }) {
				continue // where no key is removed
			}
			if !slices.ContainsFunc(calls, func(c iam.Call) bool { return !less.Judge(c).Allowed }) {
				t.Errorf("no recorded call needs %s of %s", action, statement)
			}
		}
	}
}

// encode writes a video as MediaConvert does, with the role that the stack
// makes for it.
func encode(t *testing.T, s *site) {
	t.Helper()
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := s.Bucket()
	if err != nil {
		t.Fatal(err)
	}
	assume := func(service, account string) (iam.Caller, error) {
		_, caller, err := s.IAM().Assume(service, outputs["MediaConvertRole"], "job", map[string]string{"aws:SourceAccount": account})
		return caller, err
	}
	caller, err := assume("mediaconvert.amazonaws.com", "111122223333")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"/premium/course-9/master.m3u8", "/public/trailers/course-9/master.m3u8"} {
		s.IAM().Judge(iam.Call{Caller: caller, Action: "s3:PutObject", Resource: bucket.ARN() + key, Context: iam.Secure(nil)})
	}
	// These are not recorded: they must be denied.
	for _, call := range []iam.Call{
		{Caller: caller, Action: "s3:PutObject", Resource: bucket.ARN() + "/public/index.html"},
		{Caller: caller, Action: "s3:GetObject", Resource: bucket.ARN() + "/premium/course-9/master.m3u8"},
		{Caller: caller, Action: "s3:DeleteObject", Resource: bucket.ARN() + "/premium/course-9/master.m3u8"},
		{Caller: iam.Caller{Service: "mediaconvert.amazonaws.com"}, Action: "sts:AssumeRole", Resource: caller.RoleARN, Context: map[string]string{"aws:SourceAccount": "444455556666"}},
		{Caller: iam.Caller{Service: "lambda.amazonaws.com"}, Action: "sts:AssumeRole", Resource: caller.RoleARN, Context: map[string]string{"aws:SourceAccount": "111122223333"}},
	} {
		if s.IAM().Policies().Judge(call).Allowed {
			t.Errorf("%s may %s on %s", call.Caller.ARN(), call.Action, call.Resource)
		}
	}
}

// forbids reports whether an insecure request of CloudFront is denied with all
// policies and not with less.
func forbids(s *site, policies, less iam.Policies) bool {
	distribution := ""
	for _, statement := range policies {
		for _, c := range statement.Conditions {
			if strings.Contains(c.Values[0], ":distribution/") {
				distribution = c.Values[0]
			}
		}
	}
	bucket, err := s.Bucket()
	if err != nil {
		return false
	}
	for _, context := range []map[string]string{
		{"aws:SecureTransport": "false", "aws:SourceArn": distribution},
		{"aws:SecureTransport": "true", "s3:TlsVersion": "1.1", "aws:SourceArn": distribution},
	} {
		call := iam.Call{Caller: iam.Caller{Service: "cloudfront.amazonaws.com"}, Action: "s3:GetObject", Resource: bucket.ARN() + "/premium/a", Context: context}
		if !policies.Judge(call).Allowed && less.Judge(call).Allowed {
			return true
		}
	}
	return false
}

// A function whose role lacks a permission gets AWS's refusal, and the decision
// names role, action and resource.
func TestMissingPermission(t *testing.T) {
	var recorded recorder
	var mu sync.Mutex
	var denied []iam.Decision
	s := newSite(t, nil, func(o *cloud.Options) {
		o.Access = func(d iam.Decision) {
			recorded.record(d)
			if !d.Allowed {
				mu.Lock()
				denied = append(denied, d)
				mu.Unlock()
			}
		}
	})
	for _, remove := range []struct {
		name, holder string
		action       string
		path         string
		status       int
	}{
		{"CloudFront reads the bucket", "VideosPolicy", "s3:GetObject", "/index.html", 403},
		{"the signer reads its parameters", "SignerRoleDefaultPolicy", "ssm:GetParameters", "/api/cookies", 503},
	} {
		t.Run(remove.name, func(t *testing.T) {
			for _, statement := range s.IAM().Policies() {
				if strings.HasPrefix(statement.Source, remove.holder) {
					s.IAM().Remove(statement.Source)
				}
			}
			s.Restart()
			r := s.Get(remove.path)
			if strings.HasPrefix(remove.path, "/api") {
				r = s.Call("POST", remove.path, s.Token("ada"), `{"path":"course-1"}`)
			}
			if r.StatusCode != remove.status {
				t.Errorf("%d %s, want %d", r.StatusCode, r.Bytes, remove.status)
			}
			mu.Lock()
			defer mu.Unlock()
			if !slices.ContainsFunc(denied, func(d iam.Decision) bool {
				return d.Action == remove.action && strings.Contains(d.Error(), "is not authorized to perform: "+remove.action+" on resource: arn:aws:")
			}) {
				t.Errorf("denied: %v", denied)
			}
		})
	}
}
