package cost

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"premiumhls/internal/ingestsettings"
)

// A Row is one way to pay for a month.
type Row struct {
	Name   string  `json:"name"`
	Edge   float64 `json:"edge"`   // CloudFront and the web ACL, or the plan
	API    float64 `json:"api"`    // API, signer, KMS, Parameter Store, table
	SignIn float64 `json:"signIn"` // Cognito
	Other  float64 `json:"other"`  // storage, encoding, logs, alarms
	Total  float64 `json:"total"`
	// Note says which allowance is exceeded, or what a service charges for.
	Note string `json:"note,omitempty"`
	Fits bool   `json:"fits"`
	// Hosted is true for a hosted service, which has a total only.
	Hosted bool `json:"hosted,omitempty"`
}

// Rows compares plans and hosted services for a month. Of the levels of the plan
// premium it has the lowest that fits.
func Rows(m Month) []Row {
	usage := m.Usage()
	var rows []Row
	for _, p := range Levels(usage) {
		b := p.Bill(usage)
		row := Row{Name: p.Name, Total: b.Total(), Fits: b.Over == ""}
		for _, part := range b.Parts {
			switch part.Name {
			case PartPlan, PartRequests, PartData, PartFunctions, PartWebACL:
				row.Edge += part.USD
			case PartAPI, PartSigner, PartKMS, PartSSM, PartTable:
				row.API += part.USD
			case PartSignIn:
				row.SignIn += part.USD
			default:
				row.Other += part.USD
			}
		}
		if b.Over != "" {
			row.Note = "exceeds " + b.Over
		}
		rows = append(rows, row)
	}
	for _, s := range Services {
		rows = append(rows, Row{Name: s.Name, Total: s.USD(m), Note: s.Price + " (" + s.Read + ")", Fits: true, Hosted: true})
	}
	return rows
}

// Levels returns the plans to compare for a usage: of the levels of the plan
// premium only the lowest that is enough, or the highest.
func Levels(u Usage) []Plan {
	var plans []Plan
	premium := false
	for i, p := range Plans {
		if strings.HasPrefix(p.Name, "premium") {
			if premium || p.exceeded(u) != "" && i < len(Plans)-1 {
				continue
			}
			premium = true
		}
		plans = append(plans, p)
	}
	return plans
}

// Cheapest returns the plan with the lowest total whose allowance is enough.
func Cheapest(rows []Row) Row {
	best := Row{Total: math.Inf(1)}
	for _, r := range rows {
		if !r.Hosted && r.Fits && r.Total < best.Total {
			best = r
		}
	}
	return best
}

// Print writes the month and the table as text.
func Print(out io.Writer, m Month) error {
	u := m.Usage()
	audio := "with the audio"
	if m.SeparateAudio {
		audio = "and audio segments apart"
	}
	fmt.Fprintf(out, "%s viewers, %s minutes each, %s videos of %s minutes. %s Mbit/s, segments of %s s %s.\n",
		Number(m.Viewers), Number(m.Minutes), Number(m.Videos), Number(m.VideoMinutes), Number(m.Mbps), Number(m.SegmentSeconds), audio)
	what := "for cookies"
	if m.Links > 0 || m.Sales > 0 {
		what = "of the API"
	}
	fmt.Fprintf(out, "A month has %s viewer minutes, %s requests (%s requests %s), %s TB out, %s GB stored.\n\n",
		Number(m.WatchedMinutes()+m.Links*m.VideoMinutes), Number(u.EdgeRequests), Number(u.APIRequests), what, Number(u.EdgeBytes/tb), Number(u.StoredBytes/gb))
	if m.IngestHours > 0 {
		var sizes []string
		for _, r := range ingestsettings.Ladder(m.TopRendition) {
			sizes = append(sizes, strconv.Itoa(r.Side))
		}
		fmt.Fprintf(out, "MediaConvert encodes %s hours of film (%s lines): %s, in OTHER; audio, pictures and HEVC come on top.\n\n",
			Number(m.IngestHours), strings.Join(sizes, ", "), USD(u.EncodedMinutes*encodedMinute))
	}
	rows := Rows(m)
	best := Cheapest(rows)
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USD A MONTH\tCLOUDFRONT\tAPI\tSIGN-IN\tOTHER\tTOTAL\t")
	hosted := false
	for _, r := range rows {
		if r.Hosted {
			if !hosted {
				fmt.Fprintln(w, "\t\t\t\t\t\t")
				hosted = true
			}
			fmt.Fprintf(w, "%s\t\t\t\t\t%s\t%s\n", r.Name, USD(r.Total), r.Note)
			continue
		}
		total, note := USD(r.Total), r.Note
		switch {
		case !r.Fits:
			total = "-"
		case r.Name == best.Name:
			note = "lowest"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, USD(r.Edge), USD(r.API), USD(r.SignIn), USD(r.Other), total, note)
	}
	w.Flush() // cannot fail in memory
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
	_, err := fmt.Fprintf(out, "\nList prices of us-east-1 and of the services' public pages, collected in %s, without tax. docs/costs.md has the arithmetic and the assumptions.\n", Read)
	return err
}

// USD writes an amount of money: cents below 100.
func USD(v float64) string {
	if v < 100 {
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return Number(math.Round(v))
}

// Number writes a number with three significant digits at least, and commas.
func Number(v float64) string {
	switch {
	case math.Abs(v) >= 1e9:
		return strconv.FormatFloat(v/1e9, 'g', 3, 64) + " billion"
	case math.Abs(v) >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + " million"
	case math.Abs(v) < 1000:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	text := strconv.FormatFloat(v, 'f', 0, 64)
	return text[:len(text)-3] + "," + text[len(text)-3:]
}
