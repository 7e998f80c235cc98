package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A short run: every response is the expected one.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	var out strings.Builder
	err := run(t.Context(), []string{"-requests", "3000", "-viewers", "10"}, &out)
	for _, words := range []string{"3000 requests in", "Wrong responses: 0.", "No goroutine leaked"} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("the output lacks %q", words)
		}
	}
	for _, name := range kindNames {
		if _, row, ok := strings.Cut(out.String(), "\n"+name); !ok || strings.HasPrefix(strings.TrimLeft(row, " "), "0 ") {
			t.Errorf("no %s", name)
		}
	}
	if err != nil || t.Failed() {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// Wrong responses, growing memory and leaked goroutines fail the run and are
// printed.
func TestProblems(t *testing.T) {
	good := func() *result {
		return &result{
			warm:   &sample{heap: 20 << 20, resident: 100 << 20, largest: 20 << 20},
			end:    sample{heap: 24 << 20, resident: 120 << 20, largest: 30 << 20},
			before: 10, after: 9,
		}
	}
	for _, test := range []struct {
		name   string
		change func(*result)
		says   string // empty if the run passes
	}{
		{"all good", func(*result) {}, ""},
		{"too short to judge memory", func(f *result) { f.warm = nil }, ""},
		{"a heap that grows", func(f *result) { f.end.heap = 29 << 20 }, "heap of the edge's process grew from 20.0 MB to 29.0 MB"},
		{"a process that grows", func(f *result) { f.end.resident = 160 << 20 }, "resident memory of the edge's process grew"},
		{"a signer that grows", func(f *result) { f.end.largest = 40 << 20 }, "resident memory of the largest signer grew"},
		{"a goroutine", func(f *result) { f.after, f.stacks = 11, "main.leak" }, "1 goroutines leaked:\nmain.leak"},
		{"a wrong response", func(f *result) { f.wrong(request{method: "GET", url: "/x"}, "status 200, want 403") }, "GET /x: status 200, want 403"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := good()
			test.change(f)
			var out strings.Builder
			f.print(&out)
			if f.ok() != (test.says == "") || !strings.Contains(out.String(), test.says) {
				t.Errorf("ok %t, output\n%s", f.ok(), out.String())
			}
		})
	}
}

func TestExpectedResponses(t *testing.T) {
	content := []byte("segment")
	for _, test := range []struct {
		name string
		want expected
		got  response
		from int
		ok   bool
	}{
		{"the file", expected{status: 200, content: content}, response{status: 200, body: []byte("segment")}, 0, true},
		{"the end of it", expected{status: 206, content: content}, response{status: 206, body: []byte("ment")}, 3, true},
		{"another file", expected{status: 200, content: content}, response{status: 200, body: []byte("another")}, 0, false},
		{"all instead of the end", expected{status: 206, content: content}, response{status: 200, body: content}, 3, false},
		{"a refusal", expected{status: 200, content: content}, response{status: 403}, 0, false},
		{"served instead of refused", expected{status: 403, code: "AccessDenied"}, response{status: 200, body: content}, 0, false},
		{"refused by the edge", expected{status: 403, code: "AccessDenied"}, response{status: 403, body: []byte("<Code>AccessDenied</Code>")}, 0, true},
		{"refused by the signer", expected{status: 403, code: "not_entitled"}, response{status: 403, body: []byte(`{"code":"not_entitled"}`)}, 0, true},
		{"refused with another code", expected{status: 403, code: "not_entitled"}, response{status: 403, body: []byte(`{"code":"internal"}`)}, 0, false},
		{"refused with a cookie", expected{status: 401}, response{status: 401, header: http.Header{"Set-Cookie": {"a=b"}}}, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if what := test.want.compare(test.got, test.from); (what == "") != test.ok {
				t.Errorf("%q", what)
			}
		})
	}
}

func TestQuantile(t *testing.T) {
	var h, all histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("empty histogram: %v", got)
	}
	for n := range 1000 {
		h.add(time.Duration(n+1) * time.Millisecond)
	}
	h.add(0)
	h.add(10 * time.Hour)
	all.merge(&h)
	for share, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 0.001: time.Millisecond} {
		if got := all.quantile(share); got < want || float64(got) > float64(want)*1.03 {
			t.Errorf("quantile %v = %v, want %v to two percent more", share, got, want)
		}
	}
	if all.total != 1002 {
		t.Errorf("%d times", all.total)
	}
}

// The load never leaves this machine, whatever an address or a redirect says.
func TestLoopbackOnly(t *testing.T) {
	for address, ok := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "192.0.2.1:80": false, "[2001:db8::1]:443": false, "": false} {
		if err := loopbackOnly("tcp", address, nil); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
	if response, err := newClient().Get("http://192.0.2.1/"); err == nil {
		response.Body.Close()
		t.Error("connected to another machine")
	}
}

func TestInvalidArguments(t *testing.T) {
	for _, test := range []struct{ args, says string }{
		{"-requests 0", "-requests 0"},
		{"-for -1s", "-for -1s"},
		{"-viewers 0", "-viewers 0"},
		{"-parallel 0", "-parallel 0"},
		{"fast", `"fast"`},
		{"-c cookieMinutes=soon", "cookieMinutes"},
	} {
		t.Run(test.args, func(t *testing.T) {
			if err := run(t.Context(), strings.Fields(test.args), &strings.Builder{}); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}
