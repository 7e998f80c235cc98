package cost

import "math"

// The prices are list prices of us-east-1 in USD. Sources: AWS's price pages and
// price list files, read on the dates given. Where two sources disagree, the
// higher price is used. GB are 10^9 bytes, which is the reading that costs more.

// Read is the month in which the prices were collected.
const Read = "November 2026"

const (
	million = 1e6
	gb      = 1e9
	tb      = 1e12
	// monthSeconds is a month of 30 days.
	monthSeconds = 30 * 24 * 3600
)

// A tier is a range of a price that falls with the amount.
type tier struct {
	upTo  float64 // total amount; infinite for the last
	price float64 // of a unit
}

// tiered returns the price of an amount.
func tiered(tiers []tier, amount float64) (usd float64) {
	below := 0.0
	for _, t := range tiers {
		if amount <= below {
			break
		}
		usd += (math.Min(amount, t.upTo) - below) * t.price
		below = t.upTo
	}
	return usd
}

var inf = math.Inf(1)

// CloudFront data out to the US, Canada, Mexico and Europe, a GB (CloudFront
// pay-as-you-go pricing; undated copy, repeated in 2026). The first TB of each
// month is free.
var dataOut = []tier{
	{1e3, 0}, {10e3, 0.085}, {50e3, 0.080}, {150e3, 0.060}, {500e3, 0.040}, {1024e3, 0.030}, {5e6, 0.025}, {inf, 0.020},
}

const (
	// CloudFront HTTPS requests of Europe; in the US they cost 0.0100 for 10,000.
	edgeRequest     = 0.0120 / 10000
	freeEdgeRequest = 10 * million
	// CloudFront Functions (CloudFront pay-as-you-go pricing).
	functionRun     = 0.10 / million
	freeFunctionRun = 2 * million

	// AWS WAF for CloudFront (WAF pricing, 2026-08).
	webACL        = 5.0
	webACLRule    = 1.0
	webACLRequest = 0.60 / million

	// HTTP API, to 300 million requests a month (believed for us-east-1).
	apiRequest = 1.00 / million

	// Lambda on arm64 (price list, 2026-09-29).
	LambdaRequest  = 0.20 / million
	LambdaGBSecond = 0.0000133334
	freeInvocation = 1 * million
	freeGBSecond   = 400000

	// KMS: ECC keys cost 0.15 for 10,000 signatures. Sources disagree on RSA-2048
	// (0.03 or 0.15).
	kmsKey  = 1.00
	kmsSign = 0.15 / 10000

	// Parameter Store: standard parameters are free; with the higher throughput
	// setting a call costs this.
	ssmCall = 0.05 / 10000

	// DynamoDB on demand (2026-09).
	tableRead  = 0.125 / million
	tableWrite = 0.625 / million

	// S3 Standard (2026-09). Data to CloudFront is free.
	s3Month = 0.023 // a GB
	s3Get   = 0.0004 / 1000
	s3Put   = 0.005 / 1000

	// MediaConvert on demand, Basic tier, a minute of H.264 in one pass below 720
	// lines at most at 30 frames a second (read second hand, 2025).
	encodedMinute = 0.0075

	// CloudWatch (2026-08).
	logIn       = 0.50 // a GB
	freeLogIn   = 5.0
	logMonth    = 0.03 // a GB
	alarm       = 0.10
	freeAlarm   = 10
	metricMonth = 0.30
	freeMetric  = 10
)

// normalized returns how many minutes MediaConvert bills for a minute of a
// rendition: twice as many from 720 lines, four times above 1080, and twice as
// many again above 30 frames a second (2021 to 2025, second hand; AWS's own
// multipliers were not found).
func normalized(side int, fast bool) float64 {
	minutes := 1.0
	switch {
	case side > 1080:
		minutes = 4
	case side >= 720:
		minutes = 2
	}
	if fast {
		minutes *= 2
	}
	return minutes
}

// Cognito Lite, a monthly active user (price list, 2026-05; the boundary above
// 1 million is believed). The first 10,000 are free.
var cognitoLite = []tier{{10e3, 0}, {100e3, 0.0055}, {1e6, 0.0046}, {10e6, 0.00325}, {inf, 0.0025}}

// A Plan is a way to pay for CloudFront.
type Plan struct {
	Name     string
	USD      float64 // a month; 0 for pay-as-you-go, which has a price for each unit
	Requests float64 // included a month; infinite for pay-as-you-go
	Bytes    float64 // included a month
	Storage  float64 // S3 Standard credit, bytes
	FlatRate bool
}

// PayAsYouGo bills each request and byte.
var PayAsYouGo = Plan{Name: "pay-as-you-go", Requests: inf, Bytes: inf}

// Plans are pay-as-you-go and CloudFront's flat-rate plans (CloudFront flat-rate
// pricing plans, 2026-09). Flat-rate plans include the web ACL, CloudFront
// Functions and an S3 credit. There is no charge above the allowance: AWS may
// slow delivery down or ask for another plan.
var Plans = []Plan{
	PayAsYouGo,
	{"free", 0, 1 * million, 100 * gb, 5 * gb, true},
	{"pro", 15, 10 * million, 50 * tb, 50 * gb, true},
	{"business", 200, 125 * million, 50 * tb, 1 * tb, true},
	{"premium", 1000, 500 * million, 50 * tb, 5 * tb, true},
	{"premium L2", 1450, 750 * million, 75 * tb, 5 * tb, true},
	{"premium L3", 2250, 1250 * million, 125 * tb, 5 * tb, true},
	{"premium L4", 3500, 2000 * million, 200 * tb, 5 * tb, true},
	{"premium L5", 6000, 3500 * million, 350 * tb, 5 * tb, true},
	{"premium L6", 10000, 6000 * million, 600 * tb, 5 * tb, true},
}
