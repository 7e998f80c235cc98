package cost

import "math"

// A Flood is an hour in which someone sends requests to the API that are not a
// viewer's.
type Flood struct {
	Name   string
	Rate   float64 // requests a second
	Token  bool    // with the token of one account, so that the signer runs
	WebACL bool    // with the rule that limits an address on /api/*
}

// Floods are the floods in docs/costs.md.
var Floods = []Flood{
	{"190 a second without a token", 190, false, false},
	{"190 a second with one account's token", 190, true, false},
	{"2,000 a second without a token", 2000, false, false},
	{"2,000 a second with one account's token", 2000, true, false},
	{"2,000 a second with a token, from one address, with the web ACL", 2000, true, true},
}

// What the web ACL lets through from one address: the rule counts 5 minutes, and
// looks about every ten seconds (AWS WAF API reference, RateBasedStatement).
const (
	addressLimit  = 3000
	addressWindow = 300
	addressDelay  = 10
)

// apiLogBytes is a line of the HTTP API's access log.
const apiLogBytes = 600

// Usage returns what the hour uses. Requests that the authorizer, the throttle or
// the signer refuses are counted as billed: AWS does not say that they are not.
func (f Flood) Usage() Usage {
	const hour = 3600
	sent := f.Rate * hour
	passed := sent
	u := Usage{}
	if f.WebACL {
		passed = math.Min(sent, f.Rate*addressDelay+addressLimit/addressWindow*hour)
		u.WebACLRules, u.BlockedRequests = webACLRules, sent-passed
	}
	u.EdgeRequests, u.APIRequests = passed, passed
	u.LogBytes = passed * apiLogBytes
	if f.Token {
		u.SignerGBs = passed * 0.003 * SignerMB / 1024
		u.LogBytes = passed * LogBytesRequest
	}
	return u
}

// USD returns what the hour costs on pay-as-you-go, without free amounts and
// without the web ACL's monthly price.
func (f Flood) USD() (edge, api, signer, logs float64) {
	u := f.Usage()
	edge = u.EdgeRequests * edgeRequest
	if f.WebACL {
		edge += (u.EdgeRequests + u.BlockedRequests) * webACLRequest
	}
	api = u.APIRequests * apiRequest
	if f.Token {
		signer = u.APIRequests*LambdaRequest + u.SignerGBs*LambdaGBSecond
	}
	return edge, api, signer, u.LogBytes / gb * logIn
}
