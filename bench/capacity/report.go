package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"premiumhls/internal/cost"
)

// A table is a table in Markdown.
type table struct {
	columns []string
	rows    [][]string
}

func (t table) print(out io.Writer) {
	line := func(cells []string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.columns)
	fmt.Fprintf(out, "|---|%s\n", strings.Repeat("--:|", len(t.columns)-1))
	for _, row := range t.rows {
		line(row)
	}
	fmt.Fprintln(out)
}

// report simulates scenarios for some numbers of viewers and prints the tables.
func report(out io.Writer, c Config, list []Scenario, scales []int, progress func(string)) {
	for _, s := range list {
		fmt.Fprintf(out, "### %s\n\n%s.\n\n", strings.ToUpper(s.Name[:1])+s.Name[1:], s.Title)
		var results []*Result
		for _, n := range scales {
			began := time.Now()
			results = append(results, Run(c, s, n))
			progress(fmt.Sprintf("%s, %s viewers: %v", s.Name, cost.Number(float64(n)), time.Since(began).Round(time.Millisecond)))
		}
		demandTable(results).print(out)
		limitTable(results).print(out)
		if s.Name == "premiere" || s.Name == "day" {
			times, what := 1.0, "A month with one premiere"
			if s.Name == "day" {
				times, what = 30, "A month of 30 such days"
			}
			fmt.Fprintf(out, "%s, in USD. `KMS` is with `keyCustody` `kms` and not in the total.\n\n", what)
			moneyTable(c, results, times).print(out)
		}
		if s.Name == "premiere" || s.Name == "emergency" || s.Name == "flood" {
			throttled := c
			throttled.Throttle = true
			t := table{columns: []string{"viewers", "429 responses", "503 responses", "waited longer than 10 s", "longest wait", "lost their cookies"}}
			for i, n := range scales {
				// With far more demand than the stage admits a run only counts
				// retries: raise the setting first.
				demand := results[i].Peaks.API - s.Bot
				if demand > 2.5*c.StageRate || s.Bot > 0 && n > 100_000 {
					t.rows = append(t.rows, []string{cost.Number(float64(n)), "not simulated: too many retries", "", "", "", ""})
					continue
				}
				r := Run(throttled, s, n).Totals
				t.rows = append(t.rows, []string{cost.Number(float64(n)), cost.Number(r.Refused), cost.Number(r.Unavailable), cost.Number(r.Late), r.Latest.String(), cost.Number(r.Lost)})
			}
			fmt.Fprintf(out, "With the stage's throttle (%.0f requests a second, burst %.0f) and Parameter Store's (%.0f calls a second) at their defaults:\n\n", c.StageRate, c.StageBurst, c.SSMRate)
			t.print(out)
		}
	}
}

// demandTable has the peaks and sums, with no quota enforced.
func demandTable(results []*Result) table {
	t := table{columns: []string{"viewers", "page/s", "premium/s", "API/s", "Gbit/s", "sign-ins/s", "signer environments", "cold starts in 10 s", "table reads/s", "Parameter Store/s", "signatures/s", "Parameter Store calls", "signatures", "503 responses", "lost their cookies"}}
	for _, r := range results {
		p, n := r.Peaks, func(v float64) string { return cost.Number(v) }
		t.rows = append(t.rows, []string{
			n(float64(r.Viewers)), n(p.Page), n(p.Premium), n(p.API), n(p.Bits / 1e9), n(p.SignIns), n(p.Concurrency), n(p.Cold10), n(p.Reads), n(p.SSM), n(p.Sign),
			n(r.Totals.SSM), n(r.Totals.Sign), n(r.Totals.Unavailable), n(r.Totals.Lost),
		})
	}
	return t
}

// limitTable says for each scale which limits are exceeded, the most exceeded
// one first.
func limitTable(results []*Result) table {
	t := table{columns: []string{"viewers", "exceeds"}}
	for _, r := range results {
		text := "nothing"
		if list := exceeded(&r.Peaks); len(list) > 0 {
			var parts []string
			for _, e := range list {
				parts = append(parts, fmt.Sprintf("%s, %s: %s × %s %s", e.Service, e.What, factor(e.ratio), cost.Number(e.Limit), e.Unit))
			}
			text = strings.Join(parts, "<br>")
		}
		t.rows = append(t.rows, []string{cost.Number(float64(r.Viewers)), text})
	}
	return t
}

// An excess is a quota and how many times the demand is of its limit.
type excess struct {
	Quota
	ratio float64
}

// exceeded returns the quotas that a run exceeds, the most exceeded one first.
func exceeded(p *Peaks) []excess {
	var list []excess
	for _, q := range Quotas {
		if ratio := q.Demand(p) / q.Limit; ratio > 1 {
			list = append(list, excess{q, ratio})
		}
	}
	slices.SortStableFunc(list, func(a, b excess) int { return compare(b.ratio, a.ratio) })
	return list
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func factor(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// Usage returns what a month with a run repeated so many times uses.
func (c Config) Usage(r *Result, times float64) cost.Usage {
	t := r.Totals
	visits := t.Page / float64(c.PageRequests)
	u := cost.Usage{
		EdgeRequests: (t.Page + t.Premium + t.API) * times,
		EdgeBytes:    (t.PlayedMinutes*60*c.Mbps*1e6/8 + visits*cost.PageBytes) * times,
		FunctionRuns: t.Page * times,
		APIRequests:  t.API * times,
		SignerGBs:    (t.BilledMillis/1000*cost.SignerMB + t.Playlists*c.Playlist.Seconds()*cost.LinksMB + t.Sales*cost.SaleSeconds/cost.SaleRequests*cost.SignerMB) / 1024 * times,
		TableReads:   t.Reads * times,
		TableWrites:  float64(r.Viewers),
		LogBytes:     t.API * cost.LogBytesRequest * times,
		Alarms:       cost.Alarms, Metrics: cost.Metrics,
	}
	if c.Cognito {
		u.ActiveViewers = float64(r.Viewers)
	}
	return u
}

// moneyTable has what a month costs by part in each plan.
func moneyTable(c Config, results []*Result, times float64) table {
	t := table{columns: []string{"viewers", "plan", "CloudFront", "API", "signer", "KMS", "table", "sign-in", "logs and alarms", "total"}}
	for _, r := range results {
		u := c.Usage(r, times)
		for _, p := range cost.Levels(u) {
			b := p.Bill(u)
			edge := b.Of(cost.PartPlan) + b.Of(cost.PartRequests) + b.Of(cost.PartData) + b.Of(cost.PartFunctions)
			kms := p.Bill(cost.Usage{KMSKeys: 1, Signatures: r.Totals.Sign * times}).Of(cost.PartKMS)
			total := cost.USD(b.Total())
			if b.Over != "" {
				total = "exceeds " + b.Over
			}
			t.rows = append(t.rows, []string{
				cost.Number(float64(r.Viewers)), p.Name, cost.USD(edge), cost.USD(b.Of(cost.PartAPI)), cost.USD(b.Of(cost.PartSigner)), cost.USD(kms),
				cost.USD(b.Of(cost.PartTable)), cost.USD(b.Of(cost.PartSignIn)), cost.USD(b.Of(cost.PartLogs) + b.Of(cost.PartAlarms)), total,
			})
		}
	}
	return t
}

// quotaTable lists the quotas and up to how many viewers of each scenario they
// hold, estimated from the run with the most viewers.
func quotaTable(c Config, list []Scenario, viewers int) table {
	c.KMS = true // to know its demand
	t := table{columns: []string{"quota", "default", "raised by", "source"}}
	everyone := c
	everyone.LinkShare, everyone.BuyerShare = 1, 1
	var peaks, most []Peaks
	for _, s := range list {
		if s.Bot == 0 {
			t.columns = append(t.columns, s.Name+" holds to")
			peaks = append(peaks, Run(c, s, viewers).Peaks)
			most = append(most, Run(everyone, s, viewers).Peaks)
		}
	}
	for _, q := range Quotas {
		raise := q.Raise
		if raise == "" {
			raise = "nothing"
		}
		row := []string{q.Service + ", " + q.What, cost.Number(q.Limit) + " " + q.Unit, raise, q.Source}
		for i := range peaks {
			cell, p := "any number", peaks
			if q.Everyone {
				p = most
			}
			if demand := q.Demand(&p[i]); demand > 0 {
				cell = cost.Number(roundDown(float64(viewers) * q.Limit / demand))
			}
			row = append(row, cell)
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// roundDown keeps two significant digits: the estimate is no better.
func roundDown(v float64) float64 {
	scale := 1.0
	for v/scale >= 100 {
		scale *= 10
	}
	return float64(int(v/scale)) * scale
}
