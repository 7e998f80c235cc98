package entitlement

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"premiumhls/lambda/internal/awsjson"
)

// An invoker is a function that answers what it was made with.
type invoker struct {
	answer string
	err    error
	asked  *string
}

func (i invoker) Invoke(_ context.Context, function string, payload []byte) ([]byte, error) {
	if i.asked != nil {
		*i.asked = string(payload)
	}
	return []byte(i.answer), i.err
}

const shop = "arn:aws:lambda:eu-west-1:111122223333:function:shop"

func TestFunction(t *testing.T) {
	later := clock.Add(time.Hour)
	in := func(d time.Duration) int64 { return clock.Add(d).Unix() }
	for _, tt := range []struct {
		name   string
		answer string
		path   string
		want   Grant
		err    string // not entitled, or what the error says
	}{
		{"the path", `{"paths":[{"path":"course-1"}]}`, "course-1", Grant{Path: "course-1"}, ""},
		{"with an end", fmt.Sprintf(`{"paths":[{"path":"course-1","expires":%d}]}`, in(time.Hour)), "course-1", Grant{"course-1", later}, ""},
		{"above it", `{"paths":[{"path":"course-1"}]}`, "course-1/a", Grant{Path: "course-1"}, ""},
		{"of several the longest", fmt.Sprintf(`{"paths":[{"path":"a/b","expires":%d},{"path":"a","expires":%d},{"path":"c"}]}`, in(time.Minute), in(time.Hour)),
			"a/b", Grant{"a", later}, ""},
		{"all", `{"all":true}`, "course-1", Grant{}, ""},
		{"all, of everything", `{"all":true}`, "", Grant{}, ""},
		{"all with an end", fmt.Sprintf(`{"all":true,"expires":%d}`, in(time.Hour)), "", Grant{Expires: later}, ""},
		{"star", `{"paths":[{"path":"*"}]}`, "", Grant{}, ""},
		{"all is false", `{"all":false,"paths":[{"path":"a"}]}`, "a", Grant{Path: "a"}, ""},
		{"a part of a second", fmt.Sprintf(`{"paths":[{"path":"a","expires":%d.9}]}`, in(time.Hour)), "a", Grant{"a", later}, ""},

		{"no paths", `{"paths":[]}`, "course-1", Grant{}, "not entitled"},
		{"not all", `{"all":false}`, "course-1", Grant{}, "not entitled"},
		{"another path", `{"paths":[{"path":"course-10"}]}`, "course-1", Grant{}, "not entitled"},
		{"below it", `{"paths":[{"path":"course-1/a"}]}`, "course-1", Grant{}, "not entitled"},
		{"a path for everything", `{"paths":[{"path":"course-1"}]}`, "", Grant{}, "not entitled"},
		{"ended", fmt.Sprintf(`{"paths":[{"path":"course-1","expires":%d}]}`, in(0)), "course-1", Grant{}, "not entitled"},
		{"ended in 1970", `{"paths":[{"path":"course-1","expires":0}]}`, "course-1", Grant{}, "not entitled"},
		{"all ended", fmt.Sprintf(`{"all":true,"expires":%d}`, in(-time.Second)), "course-1", Grant{}, "not entitled"},

		{"nothing", "", "a", Grant{}, "invalid response: invalid JSON"},
		{"null", "null", "a", Grant{}, "invalid response: not a JSON object"},
		{"true", "true", "a", Grant{}, "invalid response: not a JSON object"},
		{"a list", `[{"path":"a"}]`, "a", Grant{}, "invalid response: not a JSON object"},
		{"empty object", "{}", "a", Grant{}, "invalid response: it has neither"},
		{"an HTTP answer", `{"statusCode":200,"body":"{\"all\":true}"}`, "a", Grant{}, "invalid response"},
		{"a field more", `{"all":true,"note":"x"}`, "a", Grant{}, `invalid response: unknown field "note"`},
		{"other case", `{"ALL":true}`, "a", Grant{}, `invalid response: unknown field "ALL"`},
		{"all twice", `{"all":false,"all":true}`, "a", Grant{}, "duplicate field"},
		{"all as text", `{"all":"true"}`, "a", Grant{}, "all: must be true or false"},
		{"all as number", `{"all":1}`, "a", Grant{}, "all: must be true or false"},
		{"all and paths", `{"all":true,"paths":[]}`, "a", Grant{}, "both all and paths"},
		{"expires of no path", `{"paths":[{"path":"a"}],"expires":1767225600}`, "a", Grant{}, "expires must be"},
		{"paths as text", `{"paths":"a"}`, "a", Grant{}, "paths: must be a list"},
		{"paths as null", `{"paths":null}`, "a", Grant{}, "paths: must be a list"},
		{"texts as paths", `{"paths":["a"]}`, "a", Grant{}, "entry 1 of paths: not a JSON object"},
		{"an entry with a field more", `{"paths":[{"path":"a","id":1}]}`, "a", Grant{}, `unknown field "id"`},
		{"an entry without path", `{"paths":[{"expires":1767225600}]}`, "a", Grant{}, "path: must be a string"},
		{"a null path", `{"paths":[{"path":null}]}`, "a", Grant{}, "path: must be a string"},
		{"an empty path", `{"paths":[{"path":""}]}`, "a", Grant{}, "path: invalid value"},
		{"dots", `{"paths":[{"path":"a"},{"path":"a/../b"}]}`, "a", Grant{}, "entry 2 of paths"},
		{"a wildcard", `{"paths":[{"path":"a*"}]}`, "a", Grant{}, "entry 1 of paths"},
		{"a slash at the end", `{"paths":[{"path":"a/"}]}`, "a", Grant{}, "entry 1 of paths"},
		{"expires as text", `{"paths":[{"path":"a","expires":"2027-01-01"}]}`, "a", Grant{}, "expires: invalid"},
		{"expires null", `{"paths":[{"path":"a","expires":null}]}`, "a", Grant{}, "expires: invalid"},
		{"expires in milliseconds", `{"paths":[{"path":"a","expires":1767225600000}]}`, "a", Grant{}, "in seconds"},
		{"expires before 1970", `{"paths":[{"path":"a","expires":-1}]}`, "a", Grant{}, "in seconds"},
		{"expires beyond numbers", `{"paths":[{"path":"a","expires":1e999}]}`, "a", Grant{}, "expires: invalid"},
		{"two answers", `{"all":true}{"all":false}`, "a", Grant{}, "invalid JSON"},
		{"too many", `{"paths":[` + strings.Repeat(`{"path":"a"},`, maxAnswered) + `{"path":"a"}]}`, "a", Grant{}, "at most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := config()
			decider := NewFunction(invoker{answer: tt.answer}, shop, c)
			got, err := decider.Decide(context.Background(), Viewer{Subject: "ada"}, tt.path)
			if got.Path != tt.want.Path || !got.Expires.Equal(tt.want.Expires) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			checkDecided(t, err, tt.err)
			if strings.Contains(tt.err, "invalid response") {
				if _, err := decider.List(context.Background(), Viewer{Subject: "ada"}); err == nil {
					t.Error("List has no error")
				}
			}
		})
	}
}

// checkDecided holds an error against none, "not entitled", or what it says.
func checkDecided(t *testing.T, err error, want string) {
	t.Helper()
	switch want {
	case "":
		if err != nil {
			t.Errorf("error %v", err)
		}
	case "not entitled":
		if !errors.Is(err, ErrNotEntitled) {
			t.Errorf("error %v, want %v", err, ErrNotEntitled)
		}
	default:
		if err == nil || errors.Is(err, ErrNotEntitled) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestFunctionIsAsked(t *testing.T) {
	c, _ := config()
	var asked string
	decider := NewFunction(invoker{answer: `{"all":true}`, asked: &asked}, shop, c)
	viewer := Viewer{Subject: "ada", Claims: map[string]string{"sub": "ada", "cognito:groups": "[a b]"}}
	const before = `{"viewer":"ada","claims":{"cognito:groups":"[a b]","sub":"ada"},"path":`
	for _, tt := range []struct {
		name string
		ask  func() error
		path string
	}{
		{"a path", func() error { _, err := decider.Decide(context.Background(), viewer, "course-1"); return err }, `"course-1"`},
		{"everything", func() error { _, err := decider.Decide(context.Background(), viewer, ""); return err }, `""`},
		{"a list", func() error { _, err := decider.List(context.Background(), viewer); return err }, `null`},
	} {
		if err := tt.ask(); err != nil || asked != before+tt.path+"}" {
			t.Errorf("%s: asked %s, %v", tt.name, asked, err)
		}
	}
}

func TestFunctionList(t *testing.T) {
	c, _ := config()
	answer := fmt.Sprintf(`{"paths":[{"path":"a"},{"path":"b","expires":%d},{"path":"c","expires":%d}]}`, clock.Unix(), clock.Unix()+1)
	got, err := NewFunction(invoker{answer: answer}, shop, c).List(context.Background(), Viewer{Subject: "ada"})
	if err != nil || len(got) != 2 || got[0].Path != "a" || got[1].Path != "c" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestFunctionFails(t *testing.T) {
	c, _ := config()
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"it failed", &awsjson.FunctionError{Kind: "Unhandled", Type: "KeyError", Message: "'path'"}, "failed: function error (Unhandled) KeyError: 'path'"},
		{"throttled", &awsjson.Error{Status: 429, Code: "TooManyRequestsException"}, "calling function"},
		{"unreachable", errors.New("connection refused"), "calling function"},
	} {
		_, err := NewFunction(invoker{answer: `{"all":true}`, err: tt.err}, shop, c).Decide(context.Background(), Viewer{Subject: "ada"}, "a")
		checkDecided(t, err, tt.want)
		if !strings.Contains(fmt.Sprint(err), shop) {
			t.Errorf("%s: the error does not say which function: %v", tt.name, err)
		}
	}
	// Out of time, as a caller's context has it.
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := NewFunction(invoker{err: context.Canceled}, shop, c).Decide(ended, Viewer{Subject: "ada"}, "a")
	checkDecided(t, err, "timed out")
}
