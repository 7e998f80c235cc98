package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A short run over everything: each answer is the one that is due.
func TestRun(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), []string{"-requests", "3000", "-viewers", "10"}, &out)
	for _, words := range []string{"3000 requests in", "Wrong answers: 0.", "No goroutine is left behind"} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("it does not say %q", words)
		}
	}
	for _, name := range kindNames {
		if _, row, ok := strings.Cut(out.String(), "\n"+name); !ok || strings.HasPrefix(strings.TrimLeft(row, " "), "0 ") {
			t.Errorf("there was no %s", name)
		}
	}
	if err != nil || t.Failed() {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// What is not as it must be makes the run fail, and is told.
func TestHeld(t *testing.T) {
	good := func() *found {
		return &found{
			warm:   &sample{heap: 20 << 20, resident: 100 << 20, largest: 20 << 20},
			end:    sample{heap: 24 << 20, resident: 120 << 20, largest: 30 << 20},
			before: 10, after: 9,
		}
	}
	for _, test := range []struct {
		name   string
		change func(*found)
		says   string // empty: held
	}{
		{"as it must be", func(*found) {}, ""},
		{"too short to tell", func(f *found) { f.warm = nil }, ""},
		{"a heap that grows", func(f *found) { f.end.heap = 29 << 20 }, "The heap of the edge's process grew from 20.0 MB to 29.0 MB"},
		{"a process that grows", func(f *found) { f.end.resident = 160 << 20 }, "The memory of the edge's process grew"},
		{"a signer that grows", func(f *found) { f.end.largest = 40 << 20 }, "The memory of the largest signer grew"},
		{"a goroutine", func(f *found) { f.after, f.stacks = 11, "main.leak" }, "1 goroutines are left behind:\nmain.leak"},
		{"a wrong answer", func(f *found) { f.wrong(request{method: "GET", url: "/x"}, "status 200 in place of 403") }, "GET /x: status 200 in place of 403"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := good()
			test.change(f)
			var out strings.Builder
			f.print(&out)
			if f.held() != (test.says == "") || !strings.Contains(out.String(), test.says) {
				t.Errorf("held %t, and says\n%s", f.held(), out.String())
			}
		})
	}
}

func TestDueAnswers(t *testing.T) {
	content := []byte("segment")
	for _, test := range []struct {
		name string
		due  due
		got  reply
		from int
		ok   bool
	}{
		{"the file", due{status: 200, content: content}, reply{status: 200, body: []byte("segment")}, 0, true},
		{"the end of it", due{status: 206, content: content}, reply{status: 206, body: []byte("ment")}, 3, true},
		{"another file", due{status: 200, content: content}, reply{status: 200, body: []byte("another")}, 0, false},
		{"all in place of the end", due{status: 206, content: content}, reply{status: 200, body: content}, 3, false},
		{"a refusal", due{status: 200, content: content}, reply{status: 403}, 0, false},
		{"let in", due{status: 403, code: "AccessDenied"}, reply{status: 200, body: content}, 0, false},
		{"refused by the edge", due{status: 403, code: "AccessDenied"}, reply{status: 403, body: []byte("<Code>AccessDenied</Code>")}, 0, true},
		{"refused by the signer", due{status: 403, code: "not_entitled"}, reply{status: 403, body: []byte(`{"code":"not_entitled"}`)}, 0, true},
		{"refused for another cause", due{status: 403, code: "not_entitled"}, reply{status: 403, body: []byte(`{"code":"internal"}`)}, 0, false},
		{"refused with a cookie", due{status: 401}, reply{status: 401, header: http.Header{"Set-Cookie": {"a=b"}}}, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if what := test.due.compare(test.got, test.from); (what == "") != test.ok {
				t.Errorf("%q", what)
			}
		})
	}
}

func TestQuantile(t *testing.T) {
	var h, all histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for n := range 1000 {
		h.add(time.Duration(n+1) * time.Millisecond)
	}
	h.add(0)
	h.add(10 * time.Hour)
	all.merge(&h)
	for share, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 0.001: time.Millisecond} {
		if got := all.quantile(share); got < want || float64(got) > float64(want)*1.03 {
			t.Errorf("%v of all took %v, want %v or two percent more", share, got, want)
		}
	}
	if all.total != 1002 {
		t.Errorf("%d times", all.total)
	}
}

// The load goes to no other machine, whatever an address or a redirect says.
func TestLoopbackOnly(t *testing.T) {
	for address, ok := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "192.0.2.1:80": false, "[2001:db8::1]:443": false, "": false} {
		if err := loopbackOnly("tcp", address, nil); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
	if response, err := newClient().Get("http://192.0.2.1/"); err == nil {
		response.Body.Close()
		t.Error("another machine is asked")
	}
}

func TestRunTellsWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ args, says string }{
		{"-requests 0", "must be more than nothing"},
		{"-for -1s", "must be more than nothing"},
		{"-viewers 0", "must be more than nothing"},
		{"-parallel 0", "must be more than nothing"},
		{"fast", "is no flag"},
		{"-c cookieMinutes=soon", "The setting cookieMinutes was"},
	} {
		t.Run(test.args, func(t *testing.T) {
			if err := run(t.Context(), strings.Fields(test.args), &strings.Builder{}); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}
