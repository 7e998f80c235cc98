package cost

import (
	"math"
	"strings"
	"testing"
	"time"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b))+1e-9 }

// Amounts computed by hand from the price pages.
func TestBill(t *testing.T) {
	for _, c := range []struct {
		name  string
		plan  string
		usage Usage
		part  string
		want  float64
	}{
		{"data within the free TB", "pay-as-you-go", Usage{EdgeBytes: 1e12}, PartData, 0},
		{"data in the first price", "pay-as-you-go", Usage{EdgeBytes: 2e12}, PartData, 85},
		{"data over several prices", "pay-as-you-go", Usage{EdgeBytes: 135e12}, PartData, 9*85 + 40*80 + 85*60},
		{"data above 5 PB", "pay-as-you-go", Usage{EdgeBytes: 6e15}, PartData, 9*85 + 40*80 + 100*60 + 350*40 + 524*30 + 3976*25 + 1000*20},
		{"free requests", "pay-as-you-go", Usage{EdgeRequests: 10e6}, PartRequests, 0},
		{"requests", "pay-as-you-go", Usage{EdgeRequests: 110e6}, PartRequests, 120},
		{"requests in a plan", "pro", Usage{EdgeRequests: 9e6}, PartPlan, 15},
		{"no requests part in a plan", "pro", Usage{EdgeRequests: 9e6}, PartRequests, 0},
		{"function runs", "pay-as-you-go", Usage{FunctionRuns: 12e6}, PartFunctions, 1},
		{"web ACL", "pay-as-you-go", Usage{EdgeRequests: 5e6, BlockedRequests: 5e6, WebACLRules: 4}, PartWebACL, 5 + 4 + 6},
		{"web ACL in a plan", "pro", Usage{EdgeRequests: 5e6, WebACLRules: 4}, PartWebACL, 0},
		{"storage", "pay-as-you-go", Usage{StoredBytes: 100e9}, PartStorage, 2.30},
		{"storage with a credit", "pro", Usage{StoredBytes: 100e9}, PartStorage, 1.15},
		{"API", "pro", Usage{APIRequests: 3e6}, PartAPI, 3},
		{"signer, free", "pro", Usage{APIRequests: 1e6, SignerGBs: 1000}, PartSigner, 0},
		{"signer", "pro", Usage{APIRequests: 2e6, SignerGBs: 500000}, PartSigner, 0.20 + 100000*0.0000133334},
		{"KMS", "pro", Usage{KMSKeys: 1, Signatures: 864000}, PartKMS, 1 + 12.96},
		{"Parameter Store", "pro", Usage{ParameterGets: 20000}, PartSSM, 0.10},
		{"table", "pro", Usage{TableReads: 8e6, TableWrites: 1.6e6}, PartTable, 2},
		{"sign-in, free", "pro", Usage{ActiveViewers: 10000}, PartSignIn, 0},
		{"sign-in", "pro", Usage{ActiveViewers: 20000}, PartSignIn, 55},
		{"sign-in of millions", "pro", Usage{ActiveViewers: 2e6}, PartSignIn, 90000*0.0055 + 900000*0.0046 + 1e6*0.00325},
		{"logs", "pro", Usage{LogBytes: 15e9}, PartLogs, 10*0.50 + 15*0.03},
		{"alarms and metrics", "pro", Usage{Alarms: 12, Metrics: 20}, PartAlarms, 0.20 + 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, p := range Plans {
				if p.Name != c.plan {
					continue
				}
				if got := p.Bill(c.usage).Of(c.part); !near(got, c.want) {
					t.Errorf("%v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestAllowances(t *testing.T) {
	for _, c := range []struct {
		plan  string
		usage Usage
		over  string
	}{
		{"pro", Usage{EdgeRequests: 10e6, EdgeBytes: 50e12}, ""},
		{"pro", Usage{EdgeRequests: 10e6 + 1}, "requests"},
		{"pro", Usage{EdgeBytes: 50e12 + 1}, "data"},
		{"free", Usage{EdgeRequests: 1e6, EdgeBytes: 101e9}, "data"},
		{"premium L6", Usage{EdgeRequests: 6e9, EdgeBytes: 600e12}, ""},
		{"pay-as-you-go", Usage{EdgeRequests: 1e12, EdgeBytes: 1e18}, ""},
		// Requests that the web ACL blocks do not count.
		{"pro", Usage{EdgeRequests: 1e6, BlockedRequests: 1e9}, ""},
	} {
		for _, p := range Plans {
			if p.Name == c.plan {
				if got := p.Bill(c.usage).Over; !strings.HasPrefix(got, c.over) || (got == "") != (c.over == "") {
					t.Errorf("%s with %+v: %q, want %q", c.plan, c.usage, got, c.over)
				}
			}
		}
	}
}

// Pro's requests hold a million viewer minutes with 6-second segments, half as
// many with the audio apart, and 0.83 million with 10-second segments then.
func TestRequestsBoundPro(t *testing.T) {
	for _, c := range []struct {
		seconds  float64
		separate bool
		minutes  float64 // million
	}{{6, false, 1}, {6, true, 0.5}, {10, true, 0.833}, {10, false, 1.667}} {
		m := NewMonth(1, 1, 1)
		m.SegmentSeconds, m.SeparateAudio = c.seconds, c.separate
		if got := 10 / m.RequestsMinute(); math.Abs(got-c.minutes) > 0.001 {
			t.Errorf("%v s, separate audio %t: %v million minutes, want %v", c.seconds, c.separate, got, c.minutes)
		}
	}
}

func TestUsage(t *testing.T) {
	m := NewMonth(20000, 300, 100)
	u := m.Usage()
	const visits, renewals = 200000, 0 // a visit of 30 minutes is shorter than a renewal
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"requests for cookies", u.APIRequests, visits + renewals},
		{"requests", u.EdgeRequests, visits*(PageRequests+2) + visits + renewals + 6e6*10},
		{"bytes", u.EdgeBytes, 6e6*60*3e6/8 + visits*4e5},
		{"stored", u.StoredBytes, 100 * 15 * 60 * 10e6 / 8},
		{"Lambda", u.SignerGBs, (visits + renewals) * 0.004 * 0.25},
		{"active viewers", u.ActiveViewers, 20000},
		{"signatures", u.Signatures, 0},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	m.VisitMinutes = 150 // with renewals after 38.5 minutes each
	if got := m.Usage().APIRequests; got != 40000+40000*3 {
		t.Errorf("%v requests for cookies in visits of 150 minutes", got)
	}
	m.VisitMinutes = 30
	// Grants to addresses: twice the reads, and a claim of each viewer.
	reads, writes := u.TableReads, u.TableWrites
	m.EmailGrants = true
	if u = m.Usage(); u.TableReads != 2*reads || u.TableWrites != writes+4*m.Viewers {
		t.Errorf("grants by email: %+v", u)
	}
	m.KMS, m.Cognito, m.Table = true, false, false
	if u = m.Usage(); u.KMSKeys != 1 || u.Signatures != u.APIRequests || u.ActiveViewers != 0 || u.TableReads != 0 {
		t.Errorf("with KMS, another issuer and no table: %+v", u)
	}
	m.Videos, m.StepMinutes = 1, 60
	if u = m.Usage(); u.Signatures != 24*30*10 {
		t.Errorf("%v signatures of one video with a step of an hour in ten containers", u.Signatures)
	}
	m.Billed = 1500 * time.Microsecond
	if got, want := m.Usage().SignerGBs, u.APIRequests*0.002*0.25; !near(got, want) {
		t.Errorf("1.5 ms bill %v GB-seconds, want %v", got, want)
	}
}

func TestServices(t *testing.T) {
	m := NewMonth(20000, 300, 100) // 1,500 stored minutes, 6 million watched, 112.5 GB stored, 135 TB watched
	for _, s := range Services {
		want := map[string]float64{
			"Mux":                            1500*0.0024 + 5.9e6*0.0008,
			"Cloudflare Stream":              10 + 6000,
			"Bunny Stream, volume network":   1.125 + 675,
			"Bunny Stream, standard network": 1.125 + 1350,
			"api.video":                      1500*0.00285 + 6e6*0.0017,
		}[s.Name]
		if got := s.USD(m); !near(got, want) {
			t.Errorf("%s: %v, want %v", s.Name, got, want)
		}
		if s.Read == "" || s.Source == "" {
			t.Errorf("%s: no date or source", s.Name)
		}
	}
}

func TestRows(t *testing.T) {
	for _, c := range []struct {
		viewers  float64
		cheapest string
		level    string // of the plan premium in the table
	}{
		{10, "free", "premium"},
		{1000, "pro", "premium"},
		{5000, "business", "premium"},
		{20000, "premium L4", "premium L4"},
		{1e6, "pay-as-you-go", "premium L6"},
	} {
		rows := Rows(NewMonth(c.viewers, 300, 10))
		if got := Cheapest(rows); got.Name != c.cheapest {
			t.Errorf("%v viewers: %s is the cheapest, want %s", c.viewers, got.Name, c.cheapest)
		}
		found := 0
		for _, r := range rows {
			if strings.HasPrefix(r.Name, "premium") {
				found++
				if r.Name != c.level {
					t.Errorf("%v viewers: the table has %s, want %s", c.viewers, r.Name, c.level)
				}
			}
			if !r.Hosted && !near(r.Total, r.Edge+r.API+r.SignIn+r.Other) {
				t.Errorf("%s: the columns add up to %v, not %v", r.Name, r.Edge+r.API+r.SignIn+r.Other, r.Total)
			}
		}
		if found != 1 {
			t.Errorf("%v viewers: %d rows of the plan premium", c.viewers, found)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := NewMonth(1000, 300, 100).Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Month){
		"viewers": func(m *Month) { m.Viewers = 0 },
		"minutes": func(m *Month) { m.Minutes = -1 },
		"videos":  func(m *Month) { m.Videos = math.NaN() },
		"segment": func(m *Month) { m.SegmentSeconds = 0 },
		"mbps":    func(m *Month) { m.Mbps = math.Inf(1) },
	} {
		m := NewMonth(1000, 300, 100)
		change(&m)
		if err := m.Check(); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0.5: "0.5", 999: "999", 1000: "1,000", 20000: "20,000", 6e6: "6 million", 65.74e6: "65.7 million", 2e9: "2 billion"} {
		if got := Number(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

// What a play with a link costs besides the delivery of the video: docs/links.md
// and docs/costs.md say so.
func TestLinks(t *testing.T) {
	without, with := NewMonth(1000, 300, 100), NewMonth(1000, 300, 100)
	with.Links = 1e6
	a, b := without.Usage(), with.Usage()
	if got := b.APIRequests - a.APIRequests; got != 6e6 {
		t.Errorf("%v requests of the API", got)
	}
	if got := b.EdgeRequests - a.EdgeRequests; got != 6e6+1e6*15*10 {
		t.Errorf("%v requests at the edge", got)
	}
	usd := 6e6*apiRequest + 6e6*LambdaRequest + (b.SignerGBs-a.SignerGBs)*LambdaGBSecond + (b.TableReads-a.TableReads)*tableRead +
		6e6*edgeRequest + (b.OriginGets-a.OriginGets)*s3Get + (b.LogBytes-a.LogBytes)/gb*logIn
	if math.Abs(usd-21.4) > 0.1 {
		t.Errorf("a million plays cost %.2f USD", usd)
	}
	for _, months := range []float64{-1, math.NaN()} {
		with.Links = months
		if with.Check() == nil {
			t.Errorf("%v plays are accepted", months)
		}
	}
}
