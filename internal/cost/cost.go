// Package cost computes what a month of Premium HLS costs: on AWS, by part and by
// CloudFront plan, and at hosted video services by their public prices.
package cost

import (
	"fmt"
	"math"
)

// A Usage is what a site uses in a month.
type Usage struct {
	EdgeRequests float64 // at CloudFront
	EdgeBytes    float64 // from CloudFront to viewers
	FunctionRuns float64 // CloudFront Functions
	OriginGets   float64 // from CloudFront to S3
	StoredBytes  float64 // in S3
	OriginPuts   float64 // objects written to S3
	// EncodedMinutes are what MediaConvert bills: minutes of renditions, of which
	// a larger one counts more.
	EncodedMinutes float64

	APIRequests   float64 // at the HTTP API
	SignerGBs     float64 // GB-seconds that Lambda bills
	Signatures    float64 // by KMS; 0 with other custody
	KMSKeys       float64
	ParameterGets float64 // calls of Parameter Store that are billed; 0 at standard throughput
	TableReads    float64 // read units
	TableWrites   float64 // write units
	ActiveViewers float64 // monthly active users of Cognito; 0 with another issuer
	LogBytes      float64 // into CloudWatch Logs
	Alarms        float64
	Metrics       float64

	WebACLRules float64 // 0 without a web ACL
	// BlockedRequests are requests that the web ACL blocks: WAF bills them, and
	// no plan counts them.
	BlockedRequests float64
}

// Add returns the sum of two usages.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		u.EdgeRequests + v.EdgeRequests, u.EdgeBytes + v.EdgeBytes, u.FunctionRuns + v.FunctionRuns, u.OriginGets + v.OriginGets, u.StoredBytes + v.StoredBytes,
		u.OriginPuts + v.OriginPuts, u.EncodedMinutes + v.EncodedMinutes,
		u.APIRequests + v.APIRequests, u.SignerGBs + v.SignerGBs, u.Signatures + v.Signatures, u.KMSKeys + v.KMSKeys, u.ParameterGets + v.ParameterGets,
		u.TableReads + v.TableReads, u.TableWrites + v.TableWrites, u.ActiveViewers + v.ActiveViewers, u.LogBytes + v.LogBytes, u.Alarms + v.Alarms, u.Metrics + v.Metrics,
		math.Max(u.WebACLRules, v.WebACLRules), u.BlockedRequests + v.BlockedRequests,
	}
}

// A Part is one line of a bill.
type Part struct {
	Name string
	USD  float64
}

// A Bill is a month's costs in one plan.
type Bill struct {
	Plan  Plan
	Parts []Part
	Over  string // which allowance of the plan is exceeded; empty if none is
}

// Total returns the sum of the parts.
func (b Bill) Total() (usd float64) {
	for _, p := range b.Parts {
		usd += p.USD
	}
	return usd
}

// Of returns the cost of a part; 0 if there is no such part.
func (b Bill) Of(name string) float64 {
	for _, p := range b.Parts {
		if p.Name == name {
			return p.USD
		}
	}
	return 0
}

// The parts of a bill, in this order.
const (
	PartPlan      = "plan"
	PartRequests  = "requests"
	PartData      = "data"
	PartFunctions = "functions"
	PartWebACL    = "web ACL"
	PartStorage   = "storage"
	PartEncoding  = "encoding"
	PartAPI       = "API"
	PartSigner    = "signer"
	PartKMS       = "KMS"
	PartSSM       = "Parameter Store"
	PartTable     = "table"
	PartSignIn    = "sign-in"
	PartLogs      = "logs"
	PartAlarms    = "alarms"
)

// Bill returns what a month with usage u costs in plan p. The monthly free
// amounts that do not end after a year are subtracted, as if nothing else in the
// account used them.
func (p Plan) Bill(u Usage) Bill {
	b := Bill{Plan: p}
	add := func(name string, usd float64) { b.Parts = append(b.Parts, Part{name, usd}) }
	beyond := func(amount, free float64) float64 { return math.Max(amount-free, 0) }

	if p.FlatRate {
		add(PartPlan, p.USD)
		b.Over = p.exceeded(u)
	} else {
		add(PartRequests, beyond(u.EdgeRequests, freeEdgeRequest)*edgeRequest)
		add(PartData, tiered(dataOut, u.EdgeBytes/gb))
		add(PartFunctions, beyond(u.FunctionRuns, freeFunctionRun)*functionRun)
		if u.WebACLRules > 0 {
			add(PartWebACL, webACL+u.WebACLRules*webACLRule+(u.EdgeRequests+u.BlockedRequests)*webACLRequest)
		}
	}
	add(PartStorage, beyond(u.StoredBytes, p.Storage)/gb*s3Month+u.OriginGets*s3Get+u.OriginPuts*s3Put)
	add(PartEncoding, u.EncodedMinutes*encodedMinute)
	add(PartAPI, u.APIRequests*apiRequest)
	add(PartSigner, beyond(u.APIRequests, freeInvocation)*LambdaRequest+beyond(u.SignerGBs, freeGBSecond)*LambdaGBSecond)
	add(PartKMS, u.KMSKeys*kmsKey+u.Signatures*kmsSign)
	add(PartSSM, u.ParameterGets*ssmCall)
	add(PartTable, u.TableReads*tableRead+u.TableWrites*tableWrite)
	add(PartSignIn, tiered(cognitoLite, u.ActiveViewers))
	add(PartLogs, beyond(u.LogBytes/gb, freeLogIn)*logIn+u.LogBytes/gb*logMonth)
	add(PartAlarms, beyond(u.Alarms, freeAlarm)*alarm+beyond(u.Metrics, freeMetric)*metricMonth)
	return b
}

// exceeded says which allowance u exceeds.
func (p Plan) exceeded(u Usage) string {
	switch {
	case u.EdgeRequests > p.Requests:
		return fmt.Sprintf("requests: %s of %s", Number(u.EdgeRequests), Number(p.Requests))
	case u.EdgeBytes > p.Bytes:
		return fmt.Sprintf("data: %s of %s TB", Number(u.EdgeBytes/tb), Number(p.Bytes/tb))
	}
	return ""
}
