// Package metric names the metrics of the signer, for the function that counts
// and for the stack that watches, and puts them into log lines: CloudWatch
// Logs takes them from there (CloudWatch user guide, "Specification: Embedded
// metric format"), so that a request waits for no call.
package metric

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"time"
)

// Namespace is where CloudWatch keeps the metrics.
const Namespace = "PremiumHLS"

// The metrics.
const (
	Issued           = "Issued"           // answers with cookies
	Refused          = "Refused"          // answers of 400 and more, also by Reason
	Failed           = "Failed"           // those of 500 and more
	Latency          = "Latency"          // of an answer, in milliseconds
	KeyAge           = "KeyAge"           // of the key that signed, since the key group trusts it, in seconds
	KeyFetchFailures = "KeyFetchFailures" // reads of the signing keys that failed with all their tries

	// Of the stripe function.
	StripeRecorded = "StripeRecorded" // events whose facts were stored
	StripeKept     = "StripeKept"     // events that could not be used
	StripeRefused  = "StripeRefused"  // requests for which no valid event was found
	StripeFailed   = "StripeFailed"   // requests that failed here
	Purchases      = "Purchases"      // references that were made
)

// The dimensions. Every metric has Stack; Refused is counted a second time
// with both.
const (
	Stack  = "Stack"  // the stack's name
	Reason = "Reason" // the code of a refusal, such as not_entitled
)

var units = map[string]string{
	Issued: "Count", Refused: "Count", Failed: "Count",
	Latency: "Milliseconds", KeyAge: "Seconds", KeyFetchFailures: "Count",
	StripeRecorded: "Count", StripeKept: "Count", StripeRefused: "Count", StripeFailed: "Count", Purchases: "Count",
}

// A Value is what was measured of a metric.
type Value struct {
	Metric string
	Of     float64
}

// A Recorder writes metrics of one stack. The zero value writes none.
type Recorder struct{ stack string }

// New returns a Recorder for a stack; for none where its name is empty.
func New(stack string) Recorder { return Recorder{stack} }

// Attrs returns what makes a log line one that tells values. The reason is
// that of a Refused among them, otherwise empty. The attributes must stand at
// the top of the line, in no group.
func (r Recorder) Attrs(at time.Time, reason string, values ...Value) []slog.Attr {
	if r.stack == "" || len(values) == 0 {
		return nil
	}
	attrs := make([]slog.Attr, 0, len(values)+3)
	attrs = append(attrs, slog.Any("_aws", directive(at, values)), slog.String(Stack, r.stack))
	if reason != "" {
		attrs = append(attrs, slog.String(Reason, reason))
	}
	for _, v := range values {
		attrs = append(attrs, slog.Float64(v.Metric, v.Of))
	}
	return attrs
}

// directive says which members of the line are metrics. It is written by hand,
// as a line is with every request; no name needs escaping.
func directive(at time.Time, values []Value) json.RawMessage {
	text := make([]byte, 0, 512)
	text = append(text, `{"Timestamp":`...)
	text = strconv.AppendInt(text, at.UnixMilli(), 10)
	text = append(text, `,"CloudWatchMetrics":[`...)
	for i, v := range values {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, `{"Namespace":"`+Namespace+`","Dimensions":[["`+Stack+`"]`...)
		if v.Metric == Refused {
			text = append(text, `,["`+Stack+`","`+Reason+`"]`...)
		}
		text = append(text, `],"Metrics":[{"Name":"`...)
		text = append(text, v.Metric...)
		text = append(text, `","Unit":"`...)
		text = append(text, units[v.Metric]...)
		text = append(text, `"}]}`...)
	}
	return append(text, `]}`...)
}
