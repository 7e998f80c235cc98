package cost

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"premiumhls/internal/ingestsettings"
)

// docs/costs.md quotes what the command prints and the price of each flood.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/costs.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, viewers := range []float64{1000, 20000} {
		var out strings.Builder
		if err := Print(&out, NewMonth(viewers, 300, 100)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), out.String()) {
			t.Errorf("docs/costs.md lacks\n%s", out.String())
		}
	}
	for _, f := range Floods {
		edge, api, signer, logs := f.USD()
		row := fmt.Sprintf("| %s | %.2f | %.2f | %.2f | %.2f | %.2f |\n", f.Name, edge, api, signer, logs, edge+api+signer+logs)
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/costs.md lacks\n%s", row)
		}
	}
	m := NewMonth(1000, 300, 100)
	for _, seconds := range []float64{4, 6, 10} {
		row := fmt.Sprintf("| %v s |", seconds)
		for _, separate := range []bool{false, true} {
			m.SegmentSeconds, m.SeparateAudio = seconds, separate
			for _, p := range Plans[1:5] {
				minutes := p.Requests / m.RequestsMinute()
				row += fmt.Sprintf(" %s |", Number(math.Round(minutes/1000)*1000))
			}
		}
		if !strings.Contains(string(text), row+"\n") {
			t.Errorf("docs/costs.md lacks\n%s", row)
		}
	}
}

// docs/ingest.md has a row for each ladder, with its price.
func TestIngestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/ingest.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, top := range []int{360, 480, 720, 1080, 1440, 2160} {
		var sizes []string
		for _, r := range ingestsettings.Ladder(top) {
			sizes = append(sizes, strconv.Itoa(r.Side))
		}
		from := fmt.Sprintf("\n| %d | %s | ", top, strings.Join(sizes, ", "))
		to := fmt.Sprintf(" | %.2f | %.2f |\n", EncodedUSD(top, false), EncodedUSD(top, true))
		_, row, found := strings.Cut(string(text), from)
		if row, _, _ = strings.Cut(row, "\n"); !found || !strings.HasSuffix(row+"\n", to) {
			t.Errorf("docs/ingest.md lacks %s…%s", from, to)
		}
	}
}

// Ten hours of film at MediaConvert, and what they write.
func TestIngest(t *testing.T) {
	m := NewMonth(1000, 300, 100)
	without := PayAsYouGo.Bill(m.Usage())
	m.IngestHours = 10
	with := PayAsYouGo.Bill(m.Usage())
	// 10 × 60 minutes × (2 + 2 + 1 + 1); 10 × 600 segments of five tracks, twice.
	if got, want := with.Of(PartEncoding)-without.Of(PartEncoding), 3600*0.0075; math.Abs(got-want) > 1e-9 {
		t.Errorf("encoding %v, want %v", got, want)
	}
	if got, want := with.Of(PartStorage)-without.Of(PartStorage), 60000*0.005/1000; math.Abs(got-want) > 1e-9 {
		t.Errorf("writing %v, want %v", got, want)
	}
	m.TopRendition = 100
	if err := m.Check(); err == nil {
		t.Error("a ladder without renditions is accepted")
	}
}

func TestFloods(t *testing.T) {
	near := func(name string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.005 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	// 190 × 3600 = 684,000 requests.
	edge, api, signer, logs := Flood{Rate: 190}.USD()
	near("CloudFront", edge, 0.82)
	near("API", api, 0.68)
	near("signer", signer, 0)
	near("logs", logs, 0.21)
	_, _, signer, _ = Flood{Rate: 190, Token: true}.USD()
	near("signer with a token", signer, 0.14)
	// From one address 20,000 requests pass before the rule looks, then 10 a second.
	u := Flood{Rate: 2000, Token: true, WebACL: true}.Usage()
	near("passed", u.APIRequests, 20000+36000)
	near("blocked", u.BlockedRequests, 7.2e6-56000)
	near("passed below the limit", Flood{Rate: 5, WebACL: true}.Usage().APIRequests, 18000)
}
