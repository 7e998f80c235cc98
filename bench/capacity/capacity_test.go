package main

import (
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/cost"
)

func scenario(t *testing.T, name string) Scenario {
	t.Helper()
	for _, s := range scenarios() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no scenario %s", name)
	return Scenario{}
}

func TestSameSeedSameResult(t *testing.T) {
	c := defaults()
	first, second := Run(c, scenario(t, "day"), 500), Run(c, scenario(t, "day"), 500)
	if !reflect.DeepEqual(first, second) {
		t.Error("two runs with the same seed differ")
	}
	c.Seed++
	if other := Run(c, scenario(t, "day"), 500); reflect.DeepEqual(first.Totals, other.Totals) {
		t.Error("another seed has the same result")
	}
}

// What must hold of the counts, whatever the random numbers are.
func TestPremiere(t *testing.T) {
	const viewers = 5000
	c := defaults()
	r := Run(c, scenario(t, "premiere"), viewers)
	if want := float64(viewers * c.PageRequests); r.Totals.Page != want {
		t.Errorf("%v requests of the page, want %v", r.Totals.Page, want)
	}
	// Two hours of segments of 6 seconds, audio apart, and three playlists.
	if want := float64(viewers * (7200/6*2 + 3)); math.Abs(r.Totals.Premium-want) > viewers {
		t.Errorf("%v requests of premium, want %v", r.Totals.Premium, want)
	}
	// Once at the start and, with a renewal each 38.5 minutes, about three times.
	if got := r.Totals.API / viewers; got < 3.5 || got > 4.5 {
		t.Errorf("%v requests for cookies of each viewer", got)
	}
	if r.Totals.Refused+r.Totals.Unavailable+r.Totals.Lost+r.Totals.Late != 0 {
		t.Errorf("refusals without a limit: %+v", r.Totals)
	}
	// All watch one film: at most a signature in each step and environment.
	if steps := 2*12 + 14.0; r.Totals.Sign > steps*r.Totals.Cold {
		t.Errorf("%v signatures in %v environments", r.Totals.Sign, r.Totals.Cold)
	}
	if r.Totals.SignIns < viewers*2 || r.Totals.SignIns > viewers*2.2 {
		t.Errorf("%v sign-ins and refreshes: tokens last an hour", r.Totals.SignIns)
	}
}

// Renewals are no more frequent than 1.2 times the arrivals, for five renewals
// of 100,000 viewers, for different steps.
func TestRenewalsDoNotGather(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	for _, step := range []time.Duration{time.Minute, 5 * time.Minute, time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			c := defaults()
			c.Step = step
			s := scenario(t, "premiere")
			s.Duration = 6 * time.Hour
			arrival := s.Arrival
			s.Arrival = func(r *rand.Rand, i int) (time.Duration, time.Duration, int) {
				at, _, path := arrival(r, i)
				return at, 6 * time.Hour, path
			}
			r := Run(c, s, 100_000)
			arrivals, renewals := int32(0), int32(0)
			for i, second := range r.Seconds {
				if i < 300 {
					arrivals = max(arrivals, second.API)
				} else {
					renewals = max(renewals, second.API)
				}
			}
			if float64(renewals) > 1.2*float64(arrivals) {
				t.Errorf("%d renewals a second, %d arrivals", renewals, arrivals)
			}
		})
	}
}

func TestRotation(t *testing.T) {
	s := scenario(t, "rotation")
	with := Run(defaults(), s, 2000).Totals
	s.KeyChange = 0
	without := Run(defaults(), s, 2000).Totals
	if with.Sign <= without.Sign {
		t.Errorf("%v signatures with another key, %v without", with.Sign, without.Sign)
	}
	if with.Unavailable+with.Refused+with.Lost != 0 {
		t.Errorf("a rotation refuses viewers: %+v", with)
	}
}

// All cookies end: everyone comes back, and is served in the end.
func TestEmergency(t *testing.T) {
	s := scenario(t, "emergency")
	r := Run(defaults(), s, 20_000)
	change := int(s.KeyChange / time.Second)
	asked := int32(0)
	for _, second := range r.Seconds[change : change+121] {
		asked += second.API
	}
	if asked < 20_000 {
		t.Errorf("%d requests while all cookies end", asked)
	}
	if r.Totals.Lost != 0 {
		t.Errorf("%v viewers are lost", r.Totals.Lost)
	}
}

func TestOutage(t *testing.T) {
	s := scenario(t, "outage")
	c := defaults()
	with := Run(c, s, 20_000)
	start, end := int(s.Outage/time.Second), int(s.OutageEnd/time.Second)
	for i, second := range with.Seconds {
		if second.Unavailable > 0 && (i < start || i > end+5) {
			t.Fatalf("503 in second %d, outside the outage and its last pause", i)
		}
	}
	// Environments that have keys go on. If Lambda replaces all of them, none has.
	c.MaxAge = 10 * time.Minute
	if replaced := Run(c, s, 20_000).Totals; replaced.Unavailable <= with.Totals.Unavailable || replaced.Lost == 0 {
		t.Errorf("%+v although Lambda replaces the environments", replaced)
	}
	s.Outage, s.OutageEnd = 0, 0
	if without := Run(c, s, 20_000).Totals; without.Unavailable != 0 {
		t.Errorf("%v responses 503 without an outage", without.Unavailable)
	}
}

// Playlists of links and Stripe's events are requests of the API that count
// against limits of their own.
func TestLinksAndSales(t *testing.T) {
	const viewers = 2000
	s := scenario(t, "premiere")
	cookies := Run(defaults(), s, viewers)
	c := defaults()
	c.LinkShare, c.BuyerShare = 0.5, 0.25
	both := Run(c, s, viewers)
	if got, want := both.Totals.Playlists, 0.5*viewers*cost.LinkPlaylists; got != want {
		t.Errorf("%v playlists, want %v", got, want)
	}
	if got, want := both.Totals.Sales, 0.25*viewers*cost.SaleRequests; got != want {
		t.Errorf("%v events, want %v", got, want)
	}
	if both.Peaks.ViewersAPI > 1.2*cookies.Peaks.ViewersAPI || both.Peaks.API <= both.Peaks.ViewersAPI {
		t.Errorf("%v requests a second of viewers, %v without links and sales; %v of all", both.Peaks.ViewersAPI, cookies.Peaks.ViewersAPI, both.Peaks.API)
	}
	if both.Peaks.Concurrency <= cookies.Peaks.Concurrency {
		t.Errorf("%v executions at a time, %v without links and sales", both.Peaks.Concurrency, cookies.Peaks.Concurrency)
	}
}

// Throttled viewers retry and get their cookies later; with the limit above the
// demand nobody waits.
func TestThrottle(t *testing.T) {
	c := defaults()
	c.Throttle, c.StageRate, c.StageBurst = true, 5, 10
	s := scenario(t, "premiere")
	r := Run(c, s, 3000)
	if r.Totals.Refused == 0 || r.Totals.Late == 0 || r.Totals.Latest < time.Minute {
		t.Errorf("5 requests a second for 3,000 viewers: %+v", r.Totals)
	}
	for i, second := range r.Seconds {
		if second.Invocations > 15 {
			t.Fatalf("%d invocations in second %d", second.Invocations, i)
		}
	}
	c.StageRate, c.StageBurst = 2000, 4000
	if r := Run(c, s, 3000); r.Totals.Refused != 0 {
		t.Errorf("%v responses 429 below the limit", r.Totals.Refused)
	}
}

// Many environments that start together exceed Parameter Store's quota: the first
// viewers wait, and beyond the signer's patience get 503 and retry.
func TestParameterStoreThrottles(t *testing.T) {
	c := defaults()
	c.Throttle, c.StageRate, c.StageBurst = true, 1e6, 1e6
	s := scenario(t, "premiere")
	s.Duration = 10 * time.Minute
	if few := Run(c, s, 20_000).Totals; few.Unavailable != 0 {
		t.Errorf("%v responses 503 for 20,000 viewers", few.Unavailable)
	}
	if many := Run(c, s, 1_000_000).Totals; many.Unavailable == 0 || many.Lost != 0 {
		t.Errorf("a million viewers: %+v", many)
	}
	c.SSMRate = 1000
	if raised := Run(c, s, 400_000).Totals; raised.Unavailable != 0 {
		t.Errorf("%v responses 503 with the higher throughput", raised.Unavailable)
	}
}

// A bot that exceeds the stage's rate has viewers refused; one below does not.
func TestFlood(t *testing.T) {
	c := defaults()
	c.Throttle = true
	s := scenario(t, "flood")
	s.BotEnd = s.BotStart + time.Minute
	if r := Run(c, s, 5000).Totals; r.Refused == 0 || r.Bot != 60*5000 {
		t.Errorf("5,000 requests a second: %+v", r)
	}
	s.Bot = 190
	if r := Run(c, s, 5000).Totals; r.Refused != 0 {
		t.Errorf("190 requests a second: %v viewers' requests refused", r.Refused)
	}
}

// The rule for retries is that of the page.
func TestPlanRetry(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node not found")
	}
	type call struct{ Attempt, Remaining, RetryAfter, Random float64 }
	var calls []call
	for attempt := range 14 {
		for _, remaining := range []float64{0.5, 3, 20, 59, 3600} {
			for _, retryAfter := range []float64{0, 2, 45} {
				for _, random := range []float64{0, 0.37, 0.999} {
					calls = append(calls, call{float64(attempt), remaining, retryAfter, random})
				}
			}
		}
	}
	input, err := json.Marshal(calls)
	if err != nil {
		t.Fatal(err)
	}
	script := `import { planRetry } from "../../player/element/renewal.js";
let text = ""; for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map((c) => planRetry(c.Attempt, c.Remaining, c.RetryAfter, () => c.Random))));`
	cmd := exec.Command(node, "--no-warnings", "--input-type=module", "-e", script)
	cmd.Stdin = strings.NewReader(string(input))
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	var want []*float64
	if err := json.Unmarshal(output, &want); err != nil || len(want) != len(calls) {
		t.Fatalf("%v\n%s", err, output)
	}
	for i, c := range calls {
		got, ok := planRetry(int(c.Attempt), c.Remaining, c.RetryAfter, c.Random)
		if ok != (want[i] != nil) || ok && math.Abs(got-*want[i]) > 1e-9 {
			t.Errorf("%+v: %v %t, the page has %v", c, got, ok, want[i])
		}
	}
}

func TestQuotas(t *testing.T) {
	full := Peaks{
		Edge: 1e9, Bits: 1e18, API: 1e9, ViewersAPI: 1e9, Playlists: 1e9, Sales: 1e9, Concurrency: 1e9, Cold10: 1e9, SSM: 1e9, KMS: 1e9, Reads: 1e9, SignIns: 1e9,
	}
	if got := len(exceeded(&full)); got != len(Quotas) {
		t.Errorf("%d of %d quotas are exceeded by a run that exceeds all", got, len(Quotas))
	}
	if got := exceeded(&Peaks{}); len(got) != 0 {
		t.Errorf("exceeded by nothing: %v", got)
	}
	for _, q := range Quotas {
		if q.Source == "" || q.Limit <= 0 {
			t.Errorf("%+v", q)
		}
	}
	list := exceeded(&Peaks{SignIns: 240, SSM: 400})
	if len(list) != 2 || list[0].Service != "Parameter Store" || list[1].Service != "Cognito" {
		t.Errorf("%+v, want Parameter Store before Cognito", list)
	}
}

// The limit of Stripe's events is the template's.
func TestStripeQuota(t *testing.T) {
	var changed map[string]struct {
		RouteSettings map[string]struct{ ThrottlingRateLimit float64 }
	}
	content, err := os.ReadFile("../../stacks/testdata/stripe.json") // held by TestTemplateSnapshot
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &changed); err != nil {
		t.Fatal(err)
	}
	for _, resource := range changed {
		for _, q := range Quotas {
			if limit := resource.RouteSettings["POST /api/stripe"].ThrottlingRateLimit; limit > 0 && q.What == "Stripe's events" {
				if q.Limit != limit {
					t.Errorf("limit %v, want %v", q.Limit, limit)
				}
				return
			}
		}
	}
	t.Error("no limit of Stripe's events")
}

// docs/scale.md has what the command prints today: its rows for few viewers are
// simulated again.
func TestScaleDoc(t *testing.T) {
	text, err := os.ReadFile("../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), begin)
	tables, _, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("no tables between %s and %s", begin, end)
	}
	var list []Scenario
	for _, s := range scenarios() {
		if s.Bot == 0 { // whose hour takes seconds to simulate
			list = append(list, s)
		}
	}
	var again strings.Builder
	report(&again, defaults(), list, []int{1000, 10_000}, func(string) {})
	quotaTable(defaults(), scenarios(), quotaViewers).print(&again)
	for line := range strings.Lines(again.String()) {
		if strings.TrimSpace(line) != "" && !strings.Contains(tables, line) {
			t.Fatalf("go run ./bench/capacity -docs has not been run since a rule has changed. docs/scale.md lacks\n%s", line)
		}
	}
}

func TestArguments(t *testing.T) {
	for _, c := range []struct{ args, err string }{
		{"-viewers 0", "-viewers"},
		{"-viewers 1e3", "-viewers"},
		{"-scenario premiere,tea", `"tea"`},
		{"-segment 0", "-segment 0"},
		{"-mbps 0", "-mbps 0"},
		{"-links 2", "-links 2"},
		{"-buyers -1", "-buyers -1"},
		{"premiere", `"premiere"`},
	} {
		err := run(strings.Fields(c.args), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want one with %q", c.args, err, c.err)
		}
	}
	var out strings.Builder
	if err := run([]string{"-scenario", "premiere", "-viewers", "100"}, &out, io.Discard); err != nil || !strings.Contains(out.String(), "| 100 |") {
		t.Errorf("%v\n%s", err, out.String())
	}

}
