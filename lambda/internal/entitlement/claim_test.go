package entitlement

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

var clock = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// config returns what deciders are made with, and what they log.
func config() (Config, *bytes.Buffer) {
	log := new(bytes.Buffer)
	return Config{
		Getenv: func(name string) string {
			return map[string]string{"AWS_REGION": "eu-central-1"}[name]
		},
		Logger: slog.New(slog.NewJSONHandler(log, nil)),
		Now:    func() time.Time { return clock },
	}, log
}

func TestClaimWithValue(t *testing.T) {
	for _, tt := range []struct {
		name     string
		claim    string
		entitled bool
	}{
		{"the value", "premium", true},
		{"first of several, commas", "premium,basic", true},
		{"last of several, commas and spaces", "basic, premium", true},
		{"among several, spaces", "basic premium trial", true},
		{"JSON list", `["basic","premium"]`, true},
		{"JSON list with escapes", `["prem\u0069um"]`, true},
		{"JSON list over lines", "[\n  \"premium\"\n]", true},
		{"bracketed", "[basic premium]", true},
		{"bracketed, one", "[premium]", true},
		{"spaces around", "  premium ", true},

		{"empty", "", false},
		{"another value", "basic", false},
		{"other case", "Premium", false},
		{"a longer value", "premium-trial", false},
		{"a shorter value", "prem", false},
		{"a wildcard", "*", false},
		{"a wildcard at its end", "prem*", false},
		{"empty list", "[]", false},
		{"empty JSON list", `[""]`, false},
		{"a member with a comma in a bracketed list", "[not,premium]", false},
		{"a member with a space in a JSON list", `["not premium"]`, false},
		{"a JSON list that is no list of texts", `["not premium really", 1]`, false},
		{"a JSON list with null", `[null,"premium"]`, false},
		{"a list in a list", "[[a premium b]]", false},
		{"an object", `{"note":"a premium b"}`, false},
		{"an object in a list", `[{"note":"a premium b"}]`, false},
		{"a quoted text", `"a premium b"`, false},
		{"a list that does not close", "[a premium b", false},
		{"a list that does not open", "a premium b]", false},
		{"a line break", "a\r\n premium b", false},
		{"a NUL", "premium\x00", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := config()
			decider, err := New(`{"claim":"cognito:groups","value":"premium"}`, c)
			if err != nil {
				t.Fatal(err)
			}
			viewer := Viewer{Subject: "ada", Claims: map[string]string{"cognito:groups": tt.claim}}
			for _, path := range []string{"", "course-1"} {
				grant, err := decider.Decide(context.Background(), viewer, path)
				if tt.entitled && err != nil || !tt.entitled && !errors.Is(err, ErrNotEntitled) || grant != (Grant{}) {
					t.Errorf("Decide(%q) = %v, %v", path, grant, err)
				}
			}
			grants, err := decider.List(context.Background(), viewer)
			if err != nil || (len(grants) == 1) != tt.entitled {
				t.Errorf("List = %v, %v", grants, err)
			}
		})
	}
}

func TestClaimWithPaths(t *testing.T) {
	for _, tt := range []struct {
		name    string
		claim   string
		paths   []string // empty text: everything
		warning string
	}{
		{"one", "course-1", []string{"course-1"}, ""},
		{"commas", "course-1,course-2", []string{"course-1", "course-2"}, ""},
		{"spaces", "course-1 course-2/a", []string{"course-1", "course-2/a"}, ""},
		{"both", "course-1, course-2", []string{"course-1", "course-2"}, ""},
		{"JSON list", `["course-1", "b"]`, []string{"course-1", "b"}, ""},
		{"bracketed", "[course-1 b]", []string{"course-1", "b"}, ""},
		{"bracketed, one", "[course-1]", []string{"course-1"}, ""},
		{"twice", "a b a", []string{"a", "b"}, ""},
		{"everything", "*", []string{""}, ""},
		{"everything in a list", "[a *]", []string{"a", ""}, ""},
		{"everything in a JSON list", `["*"]`, []string{""}, ""},
		{"nothing", "", nil, ""},
		{"empty list", "[]", nil, ""},

		{"an empty member is not everything", `["", "a"]`, []string{"a"}, `"ignored":1`},
		{"a wildcard in a path", "course-* a/* ? a?", nil, `"ignored":4`},
		{"dot segments", "a/.. ../a . .. a/./b b", []string{"b"}, `"ignored":5`},
		{"encoded", "%2e%2e a%2fb", nil, `"ignored":2`},
		{"slashes", "/ /a a/ a//b", nil, `"ignored":4`},
		{"a line break in a text", "a\r\nSet-Cookie: x b", nil, "control characters"},
		{"a line break in a JSON list", `["a\r\nb","c"]`, []string{"c"}, `"ignored":1`},
		{"not ASCII", "prüfung ａ", nil, `"ignored":2`},
		{"too long", strings.Repeat("a", 513), nil, `"ignored":1`},
		{"an object", `{"a":"b c d"}`, nil, "brackets"},
		{"a list in a list", `[["a b"]]`, nil, "invalid list"},
		{"a comma in a bracketed list", "[a,b c]", []string{"c"}, `"ignored":1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, log := config()
			decider, err := New(`{"claim":"custom:courses","paths":true}`, c)
			if err != nil {
				t.Fatal(err)
			}
			viewer := Viewer{Subject: "ada", Claims: map[string]string{"custom:courses": tt.claim, "other": "*"}}
			grants, err := decider.List(context.Background(), viewer)
			if err != nil {
				t.Fatal(err)
			}
			var paths []string
			for _, grant := range grants {
				if !grant.Expires.IsZero() {
					t.Errorf("%v ends", grant)
				}
				paths = append(paths, grant.Path)
			}
			if !slices.Equal(paths, tt.paths) {
				t.Errorf("List = %q, want %q", paths, tt.paths)
			}
			if (log.Len() > 0) != (tt.warning != "") || !strings.Contains(log.String(), tt.warning) {
				t.Errorf("logged %s, want %s", log, tt.warning)
			}
			if strings.Contains(log.String(), "Set-Cookie") {
				t.Error("the log has what the claim says")
			}
		})
	}
}

func TestClaimCoverage(t *testing.T) {
	c, _ := config()
	decider, err := New(`{"claim":"courses","paths":true}`, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		claim, path string
		entitled    bool
	}{
		{"course-1", "course-1", true},
		{"course-1", "course-1/a/b", true},
		{"course-1/a course-1", "course-1/a/b", true},
		{"course-1", "course-10", false},
		{"course-1", "course", false},
		{"course-1", "Course-1", false},
		{"course-1/a", "course-1", false},
		{"course-1", "", false},
		{"*", "", true},
		{"*", "course-1", true},
	} {
		viewer := Viewer{Subject: "ada", Claims: map[string]string{"courses": tt.claim}}
		grant, err := decider.Decide(context.Background(), viewer, tt.path)
		if tt.entitled && (err != nil || !grant.Covers(tt.path)) || !tt.entitled && !errors.Is(err, ErrNotEntitled) {
			t.Errorf("%q for %q: %v, %v", tt.claim, tt.path, grant, err)
		}
	}
	for name, viewer := range map[string]Viewer{"no claims": {Subject: "ada"}, "another claim": {Subject: "ada", Claims: map[string]string{"Courses": "*"}}} {
		if _, err := decider.Decide(context.Background(), viewer, ""); !errors.Is(err, ErrNotEntitled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A claim of ten thousand paths, each twice, grants each once.
func TestClaimOfTenThousandPaths(t *testing.T) {
	c, _ := config()
	decider, err := New(`{"claim":"courses","paths":true}`, c)
	if err != nil {
		t.Fatal(err)
	}
	var claim strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&claim, "course-%d ", i%10_000)
	}
	viewer := Viewer{Subject: "ada", Claims: map[string]string{"courses": claim.String()}}
	grants, err := decider.List(t.Context(), viewer)
	if err != nil || len(grants) != 10_000 {
		t.Fatalf("%d grants, %v", len(grants), err)
	}
	for path, entitled := range map[string]bool{"course-0": true, "course-9999": true, "course-9999/a": true, "course-10000": false, "": false, "course-": false} {
		if _, err := decider.Decide(t.Context(), viewer, path); entitled != (err == nil) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// FuzzClaim: whatever a claim says, what it grants is a path that stands in
// it by itself.
func FuzzClaim(f *testing.F) {
	for _, claim := range []string{
		`{"c": a }`, `["\u0061"]`, `["a",null]`, `[a] b`, "[[a] b]", `{a b c}`,
		"a", "a,b c", `["a","b"]`, "[a b]", "*", "[*]", `["*"]`, "a*", "{a b}", "[[a b]]", "a\r\nb", `["a b"]`, "[a,b]", `"a"`, " a ", "a/../b", `["",""]`, "[ ]",
	} {
		f.Add(claim)
	}
	c, _ := config()
	c.Logger = slog.New(slog.DiscardHandler)
	decider, err := New(`{"claim":"c","paths":true}`, c)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, claim string) {
		grants, err := decider.List(context.Background(), Viewer{Subject: "ada", Claims: map[string]string{"c": claim}})
		if err != nil {
			t.Fatal(err)
		}
		// A list of texts as JSON has its texts. Anything else has its words,
		// unless there is something in it that no list of words has.
		members := strings.FieldsFunc(claim, func(r rune) bool { return strings.ContainsRune(" ,[]\t\r\n", r) })
		var texts []string
		if trimmed := strings.Trim(claim, " \t\r\n"); json.Unmarshal([]byte(trimmed), &texts) == nil && strings.Contains(trimmed, `"`) {
			members = texts
		} else if inner := strings.TrimSuffix(strings.TrimPrefix(trimmed, "["), "]"); strings.ContainsAny(inner, "[]{}\"\r\n\t\x00\x7f") {
			members = nil
		}
		for _, grant := range grants {
			want := grant.Path
			if want == "" {
				want = "*"
			}
			if strings.ContainsAny(grant.Path, "*?%") || !slices.Contains(members, want) {
				t.Errorf("claim %q grants %q", claim, want)
			}
		}
	})
}
