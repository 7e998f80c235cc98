package originsecret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"premiumhls/internal/signingkey"
)

var long = strings.Repeat("s", signingkey.MinOriginSecret)

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		text     string
		accepted []string
		err      string
	}{
		"one secret":   {text: "secret", accepted: []string{"secret"}},
		"generations":  {text: `{"stack":"s","secrets":[{"generation":1,"value":"` + long + `1"},{"generation":2,"value":"` + long + `2"}]}`, accepted: []string{long + "1", long + "2"}},
		"empty":        {text: "", err: "the origin secret is empty"},
		"no secrets":   {text: `{"secrets":[]}`, err: "must not be empty"},
		"a short one":  {text: `{"secrets":[{"generation":1,"value":"short"}]}`, err: "generation 1 has 5 characters"},
		"invalid JSON": {text: `{secret`, err: "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			secrets, err := Parse(test.text)
			if test.err != "" || err != nil {
				if err == nil || test.err == "" || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "short") {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			for _, value := range test.accepted {
				if !secrets.Include(value) {
					t.Errorf("%q is not accepted", value)
				}
				for _, other := range []string{"", value + "x", value[1:], strings.ToUpper(value)} {
					if secrets.Include(other) {
						t.Errorf("%q is accepted", other)
					}
				}
			}
		})
	}
	if (Secrets{}).Include("") || (Secrets)(nil).Include("x") {
		t.Error("no secrets accept something")
	}
}

// A parameters answers with its value, or fails.
type parameters struct {
	value string
	err   error
	calls int
}

func (p *parameters) Call(ctx context.Context, operation string, input, output any) error {
	p.calls++
	if sent, _ := json.Marshal(input); operation != "GetParameters" || string(sent) != `{"Names":["/S/origin-secret"],"WithDecryption":true}` {
		return errors.New("called " + operation + " with " + string(sent))
	}
	if p.err != nil {
		return p.err
	}
	list := []any{}
	if p.value != "" {
		list = append(list, map[string]string{"Name": "/S/origin-secret", "Value": p.value})
	}
	text, _ := json.Marshal(map[string]any{"Parameters": list})
	return json.Unmarshal(text, output)
}

func TestReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		store := &parameters{err: errors.New("ThrottlingException")}
		r := NewReader(store, "/S/origin-secret", 5*time.Minute, slog.New(slog.NewJSONHandler(&log, nil)))
		expect := func(value string, calls int) {
			t.Helper()
			before := store.calls
			secrets, err := r.Secrets(t.Context())
			if value == "" && err == nil || value != "" && !secrets.Include(value) {
				t.Errorf("%v, want %q", err, value)
			}
			if got := store.calls - before; calls >= 0 && got != calls || calls < 0 && got < 2 {
				t.Errorf("%d calls, want %d", got, calls)
			}
		}
		expect("", -1) // fails, after retries
		expect("", 0)  // and again at once
		store.err = nil
		time.Sleep(pauseWithout)
		expect("", -1) // there is no such parameter
		store.value = "one"
		time.Sleep(pauseWithout)
		expect("one", 1)
		store.value = "two"
		expect("one", 0) // cached
		time.Sleep(5 * time.Minute)
		expect("two", 1)
		store.err = errors.New("down")
		time.Sleep(5 * time.Minute)
		expect("two", -1) // the old one stays in use
		expect("two", 0)
		store.err, store.value = nil, "three"
		time.Sleep(pause)
		expect("three", 1)
		if lines := strings.Count(log.String(), "\n"); lines != 3 || strings.Contains(log.String(), "two") {
			t.Errorf("logged %s", log.String())
		}
	})
}

// A clock that was set back does not keep an old secret for long.
func TestReaderWithClockSetBack(t *testing.T) {
	store := &parameters{value: "one"}
	r := NewReader(store, "/S/origin-secret", 5*time.Minute, slog.New(slog.DiscardHandler))
	now := time.Now()
	r.now = func() time.Time { return now }
	for _, step := range []struct {
		move  time.Duration
		calls int
	}{{0, 1}, {time.Second, 1}, {-24 * time.Hour, 2}, {time.Second, 2}} {
		now = now.Add(step.move)
		if _, err := r.Secrets(t.Context()); err != nil || store.calls != step.calls {
			t.Errorf("after %v: %d calls, %v; want %d", step.move, store.calls, err, step.calls)
		}
	}
}
