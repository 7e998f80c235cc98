package cost

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
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
