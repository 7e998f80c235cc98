package entitlement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"premiumhls/internal/premiumpath"
	"premiumhls/lambda/internal/awsjson"
)

// A dynamo answers calls, each with what its function does. Input and answer
// are as they are on the wire.
type dynamo struct {
	calls  []string // operations, with what they asked
	answer func(ctx context.Context, call int, input map[string]any) (string, error)
}

func (d *dynamo) Call(ctx context.Context, operation string, input, output any) error {
	raw, err := json.Marshal(input)
	if err != nil {
		return err
	}
	var asked map[string]any
	if err := json.Unmarshal(raw, &asked); err != nil {
		return err
	}
	d.calls = append(d.calls, operation+" "+string(raw))
	answer, err := d.answer(ctx, len(d.calls), asked)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(answer), output)
}

// keysOf returns the sort keys that a BatchGetItem asks for.
func keysOf(input map[string]any) []string {
	var paths []string
	for _, key := range input["RequestItems"].(map[string]any)["Grants"].(map[string]any)["Keys"].([]any) {
		paths = append(paths, key.(map[string]any)["path"].(map[string]any)["S"].(string))
	}
	return paths
}

// has returns what a table with such items answers to BatchGetItem: the items
// that are asked for.
func has(items ...string) *dynamo {
	return &dynamo{answer: func(_ context.Context, _ int, input map[string]any) (string, error) {
		var found []string
		for _, item := range items {
			for _, path := range keysOf(input) {
				if strings.Contains(item, `"path":{"S":"`+path+`"}`) {
					found = append(found, item)
				}
			}
		}
		return batch(found...), nil
	}}
}

func batch(items ...string) string {
	return `{"Responses":{"Grants":[` + strings.Join(items, ",") + `]},"UnprocessedKeys":{}}`
}

func granted(path string, attributes ...string) string {
	return `{"viewer":{"S":"ada"},"path":{"S":"` + path + `"}` + strings.Join(append([]string{""}, attributes...), ",") + "}"
}

func until(d time.Duration) string {
	return fmt.Sprintf(`"until":{"N":"%d"}`, clock.Add(d).Unix())
}

var ada = Viewer{Subject: "ada"}

func TestTable(t *testing.T) {
	later := clock.Add(time.Hour)
	for _, tt := range []struct {
		name  string
		items []string
		path  string
		want  Grant
		err   string
	}{
		{"the path", []string{granted("course-1")}, "course-1", Grant{Path: "course-1"}, ""},
		{"above it", []string{granted("course-1")}, "course-1/a/b", Grant{Path: "course-1"}, ""},
		{"everything", []string{granted("*")}, "course-1", Grant{}, ""},
		{"everything for everything", []string{granted("*")}, "", Grant{}, ""},
		{"with an end", []string{granted("a", until(time.Hour))}, "a", Grant{"a", later}, ""},
		{"an end of part of a second", []string{granted("a", fmt.Sprintf(`"until":{"N":"%d.9"}`, later.Unix()))}, "a", Grant{"a", later}, ""},
		{"the one above lasts longest", []string{granted("a/b", until(time.Minute)), granted("a", until(time.Hour))}, "a/b", Grant{"a", later}, ""},
		{"the one below lasts longest", []string{granted("a/b", until(time.Hour)), granted("a", until(time.Minute))}, "a/b", Grant{"a/b", later}, ""},
		{"the one without an end lasts longest", []string{granted("*", until(time.Hour)), granted("a")}, "a", Grant{Path: "a"}, ""},
		{"one has ended", []string{granted("a", until(-time.Hour)), granted("*", until(time.Hour))}, "a", Grant{"", later}, ""},
		{"attributes of the shop", []string{granted("a", `"order":{"M":{"id":{"N":"7"}}}`, `"tags":{"SS":["x"]}`)}, "a", Grant{Path: "a"}, ""},

		{"nothing", nil, "a", Grant{}, "not entitled"},
		{"below it", []string{granted("a/b")}, "a", Grant{}, "not entitled"},
		{"beside it", []string{granted("ab"), granted("b")}, "a", Grant{}, "not entitled"},
		{"a path for everything", []string{granted("a")}, "", Grant{}, "not entitled"},
		{"ended, not yet removed", []string{granted("a", until(-time.Second))}, "a", Grant{}, "not entitled"},
		{"ends now", []string{granted("a", until(0))}, "a", Grant{}, "not entitled"},
		{"ended in 1970", []string{granted("a", `"until":{"N":"0"}`)}, "a", Grant{}, "not entitled"},

		{"until is a text", []string{granted("a", `"until":{"S":"1767225600"}`)}, "a", Grant{}, "until of the grant of a is not a number"},
		{"until is null", []string{granted("a", `"until":{"NULL":true}`)}, "a", Grant{}, "not a number"},
		{"until is not a number after all", []string{granted("a", `"until":{"N":"NaN"}`)}, "a", Grant{}, "in seconds"},
		{"until is beyond numbers", []string{granted("a", `"until":{"N":"1e999"}`)}, "a", Grant{}, "not a number"},
		{"until is empty", []string{granted("a", `"until":{"N":""}`)}, "a", Grant{}, "not a number"},
		{"until in milliseconds", []string{granted("a", `"until":{"N":"1767225600000"}`)}, "a", Grant{}, "in seconds"},
		{"until before 1970", []string{granted("a", `"until":{"N":"-1"}`)}, "a", Grant{}, "in seconds"},
		{"one right, one wrong", []string{granted("*"), granted("a", `"until":{"BOOL":true}`)}, "a", Grant{}, "not a number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := config()
			got, err := NewTable(has(tt.items...), "Grants", c).Decide(context.Background(), ada, tt.path)
			if got.Path != tt.want.Path || !got.Expires.Equal(tt.want.Expires) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			checkDecided(t, err, tt.err)
		})
	}
}

func TestTableIsAsked(t *testing.T) {
	c, _ := config()
	d := has()
	if _, err := NewTable(d, "Grants", c).Decide(context.Background(), ada, "a/b/c"); !errors.Is(err, ErrNotEntitled) {
		t.Fatal(err)
	}
	want := `BatchGetItem {"RequestItems":{"Grants":{"Keys":[` +
		`{"path":{"S":"*"},"viewer":{"S":"ada"}},{"path":{"S":"a"},"viewer":{"S":"ada"}},` +
		`{"path":{"S":"a/b"},"viewer":{"S":"ada"}},{"path":{"S":"a/b/c"},"viewer":{"S":"ada"}}],` +
		`"ConsistentRead":true}}}`
	if len(d.calls) != 1 || d.calls[0] != want {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(d.calls, "\n"), want)
	}
}

// However deep a path is, one read has all grants that can cover it.
func TestTableOfDeepPath(t *testing.T) {
	c, _ := config()
	path := strings.TrimSuffix(strings.Repeat("a/", premiumpath.MaxSegments), "/")
	if _, err := premiumpath.Parse(path); err != nil {
		t.Fatal(err)
	}
	if _, err := premiumpath.Parse(path + "/a"); err == nil {
		t.Fatal("a path is read that is deeper than this test knows")
	}
	for depth := 1; depth <= premiumpath.MaxSegments; depth++ {
		covering := path[:2*depth-1]
		d := has(granted(covering))
		got, err := NewTable(d, "Grants", c).Decide(context.Background(), ada, path)
		if err != nil || got.Path != covering || len(d.calls) != 1 {
			t.Errorf("depth %d: %v, %v after %d calls", depth, got, err, len(d.calls))
		}
	}
}

// An item whose author meant an expiry, under another name than until, grants
// nothing, and takes nothing from other grants.
func TestTableUnknownExpiry(t *testing.T) {
	for _, name := range []string{
		"expires", "expiresAt", "expires_at", "Expires-At", "expiry", "expiration", "expirationTime", "exp",
		"ttl", "TTL", "timeToLive", "Until", "until_", "validUntil", "valid_to", "notAfter", "end", "endsAt", "end_date", "deadline",
	} {
		c, log := config()
		item := granted("a", fmt.Sprintf(`%q:{"N":"%d"}`, name, clock.Add(time.Hour).Unix()))
		table := NewTable(has(item), "Grants", c)
		if got, err := table.Decide(context.Background(), ada, "a"); !errors.Is(err, ErrNotEntitled) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if !strings.Contains(log.String(), "unknown expiry attribute") {
			t.Errorf("%s: log %q", name, log)
		}
		d := &dynamo{answer: func(context.Context, int, map[string]any) (string, error) { return `{"Items":[` + item + `]}`, nil }}
		if got, err := NewTable(d, "Grants", c).List(context.Background(), ada); err != nil || len(got) != 0 {
			t.Errorf("%s: lists %v, %v", name, got, err)
		}
		if got, err := NewTable(has(item, granted("*")), "Grants", c).Decide(context.Background(), ada, "a"); err != nil || got.Path != "" {
			t.Errorf("%s beside a good one: %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"note", "orderId", "createdAt", "purchasedAt", "price", "endpoint", "validated", "experiment", "time"} {
		c, _ := config()
		table := NewTable(has(granted("a", fmt.Sprintf(`%q:{"N":"1767225600"}`, name))), "Grants", c)
		if got, err := table.Decide(context.Background(), ada, "a"); err != nil || got.Path != "a" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// What the table leaves unprocessed is asked for again, and only that.
func TestTableLeavesKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := config()
		var asked [][]string
		d := &dynamo{answer: func(_ context.Context, call int, input map[string]any) (string, error) {
			paths := keysOf(input)
			asked = append(asked, paths)
			if call < 3 {
				last := granted(paths[len(paths)-1])
				return `{"Responses":{"Grants":[]},"UnprocessedKeys":{"Grants":{"Keys":[` + last + `]}}}`, nil
			}
			return batch(granted("a/b")), nil
		}}
		got, err := NewTable(d, "Grants", c).Decide(context.Background(), ada, "a/b")
		if err != nil || got.Path != "a/b" {
			t.Errorf("%v, %v", got, err)
		}
		if want := [][]string{{"*", "a", "a/b"}, {"a/b"}, {"a/b"}}; !slices.EqualFunc(asked, want, slices.Equal) {
			t.Errorf("asked for %v, want %v", asked, want)
		}
		if !strings.Contains(d.calls[2], `"ConsistentRead":true`) {
			t.Errorf("asked again %s", d.calls[2])
		}
	})
}

func TestTableFails(t *testing.T) {
	throttled := &awsjson.Error{Status: 400, Code: "ProvisionedThroughputExceededException"}
	for _, tt := range []struct {
		name   string
		answer func(ctx context.Context, call int, input map[string]any) (string, error)
		calls  int // 0: any
		err    string
	}{
		{"throttled twice", func(_ context.Context, call int, _ map[string]any) (string, error) {
			if call < 3 {
				return "", throttled
			}
			return batch(granted("a")), nil
		}, 3, ""},
		{"an answer cut short once", func(_ context.Context, call int, _ map[string]any) (string, error) {
			if call == 1 {
				return `{"Responses":{"Grants":[` + granted("a", until(-time.Hour)) + `,{"path":7}]}}`, nil
			}
			return batch(granted("a")), nil
		}, 2, ""},
		{"slow once", func(ctx context.Context, call int, _ map[string]any) (string, error) {
			if call == 1 {
				<-ctx.Done()
				return "", ctx.Err()
			}
			return batch(granted("a")), nil
		}, 2, ""},
		{"throttled", func(context.Context, int, map[string]any) (string, error) { return "", throttled }, tableBackoff.Attempts, "gave up after 4 tries"},
		{"the service fails", func(context.Context, int, map[string]any) (string, error) {
			return "", &awsjson.Error{Status: http.StatusServiceUnavailable}
		}, tableBackoff.Attempts, "gave up"},
		{"unreachable", func(context.Context, int, map[string]any) (string, error) {
			return "", errors.New("connection refused")
		}, tableBackoff.Attempts, "connection refused"},
		{"silent", func(ctx context.Context, _ int, _ map[string]any) (string, error) {
			<-ctx.Done()
			return batch(granted("a")), ctx.Err()
		}, 0, "timed out"},
		{"not allowed", func(context.Context, int, map[string]any) (string, error) {
			return "", &awsjson.Error{Status: 400, Code: "AccessDeniedException"}
		}, 1, "AccessDeniedException"},
		{"no such table", func(context.Context, int, map[string]any) (string, error) {
			return "", &awsjson.Error{Status: 400, Code: "ResourceNotFoundException"}
		}, 1, "ResourceNotFoundException"},
		{"keys left for ever", func(context.Context, int, map[string]any) (string, error) {
			return `{"Responses":{"Grants":[` + granted("*") + `]},"UnprocessedKeys":{"Grants":{"Keys":[` + granted("a") + `]}}}`, nil
		}, 0, "returned twice"},
		{"all keys left for ever", func(context.Context, int, map[string]any) (string, error) {
			return `{"UnprocessedKeys":{"Grants":{"Keys":[` + granted("a") + `]}}}`, nil
		}, tableBackoff.Attempts, "not processed"},
		{"another viewer's", func(context.Context, int, map[string]any) (string, error) {
			return batch(strings.Replace(granted("a"), "ada", "bob", 1)), nil
		}, 1, "another viewer"},
		{"not requested", func(context.Context, int, map[string]any) (string, error) { return batch(granted("b")), nil }, 1, "not requested"},
		{"without viewer", func(context.Context, int, map[string]any) (string, error) { return batch(`{"path":{"S":"a"}}`), nil }, 1, "another viewer"},
		{"without path", func(context.Context, int, map[string]any) (string, error) {
			return batch(`{"viewer":{"S":"ada"}}`), nil
		}, 1, "not a string"},
		{"an empty path", func(context.Context, int, map[string]any) (string, error) { return batch(granted("")), nil }, 1, "not a premium path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := config()
				d := &dynamo{answer: tt.answer}
				began := time.Now()
				got, err := NewTable(d, "Grants", c).Decide(context.Background(), ada, "a")
				checkDecided(t, err, tt.err)
				if (got == Grant{Path: "a"}) != (tt.err == "") || !got.Expires.IsZero() {
					t.Errorf("got %v", got)
				}
				if tt.calls != 0 && len(d.calls) != tt.calls {
					t.Errorf("%d calls, want %d", len(d.calls), tt.calls)
				}
				if took := time.Since(began); took > tableTime {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestTableList(t *testing.T) {
	c, log := config()
	page := func(last string, items ...string) string {
		answer := `{"Items":[` + strings.Join(items, ",") + `]`
		if last != "" {
			answer += `,"LastEvaluatedKey":` + granted(last)
		}
		return answer + "}"
	}
	pages := []string{
		page("a", granted("*", until(-time.Hour)), granted("a")),
		page("b"), // a page may be empty and not the last
		page("", granted("b", until(time.Hour)), granted("c", until(0)), granted("d/"), granted("e e")),
	}
	d := &dynamo{answer: func(_ context.Context, call int, input map[string]any) (string, error) {
		_, started := input["ExclusiveStartKey"]
		if input["ConsistentRead"] != true || started != (call > 1) {
			t.Errorf("call %d asks %v", call, input)
		}
		return pages[call-1], nil
	}}
	got, err := NewTable(d, "Grants", c).List(context.Background(), ada)
	if err != nil || len(got) != 2 || got[0] != (Grant{Path: "a"}) || got[1].Path != "b" || !got[1].Expires.Equal(clock.Add(time.Hour)) {
		t.Errorf("%v, %v", got, err)
	}
	if len(d.calls) != 3 || !strings.Contains(d.calls[2], `"ExclusiveStartKey":{"path":{"S":"b"},"viewer":{"S":"ada"}}`) {
		t.Errorf("asked %s", strings.Join(d.calls, "\n"))
	}
	if n := strings.Count(log.String(), "not a premium path"); n != 2 {
		t.Errorf("%d warnings in %s", n, log)
	}

	for _, tt := range []struct {
		name, item, err string
	}{
		{"a wrong end", granted("a", `"until":{"S":"soon"}`), "not a number"},
		{"another viewer's", `{"viewer":{"S":"bob"},"path":{"S":"a"}}`, "another viewer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &dynamo{answer: func(context.Context, int, map[string]any) (string, error) { return page("", tt.item), nil }}
			got, err := NewTable(d, "Grants", c).List(context.Background(), ada)
			checkDecided(t, err, tt.err)
			if got != nil {
				t.Errorf("and lists %v", got)
			}
		})
	}

	t.Run("without end", func(t *testing.T) {
		c, log := config()
		d := &dynamo{answer: func(context.Context, int, map[string]any) (string, error) { return page("a", granted("a")), nil }}
		if _, err := NewTable(d, "Grants", c).List(context.Background(), ada); err != nil || len(d.calls) != maxPages {
			t.Errorf("%v after %d calls", err, len(d.calls))
		}
		if !strings.Contains(log.String(), "more grants than are listed") {
			t.Errorf("logged %s", log)
		}
	})
}
