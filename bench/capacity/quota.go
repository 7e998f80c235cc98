package main

// A Quota is a limit of AWS, with its source, or of our own settings.
type Quota struct {
	Service string
	What    string
	Limit   float64
	Unit    string
	Raise   string // how it is raised; empty if it cannot be
	Source  string
	Ours    bool // a limit of ours, not a quota of AWS
	// Everyone is true of what is counted as if every viewer bought with Stripe
	// and played with a link.
	Everyone bool
	// Demand returns the peak of a run that counts against it.
	Demand func(*Peaks) float64
}

// Quotas are AWS's defaults in us-east-1 for an account that is not new, as of
// November 2026. "believed" marks what was not found in AWS's documentation.
var Quotas = []Quota{
	{"CloudFront", "data rate of a distribution", 150, "Gbit/s", "Service Quotas", "CloudFront quotas; not for flat-rate plans", false, false,
		func(p *Peaks) float64 { return p.Bits / 1e9 }},
	{"CloudFront", "requests of a distribution", 250e3, "requests/s", "Service Quotas", "CloudFront quotas; not for flat-rate plans", false, false,
		func(p *Peaks) float64 { return p.Edge }},
	{"WAF", "requests of a web ACL", 100e3, "requests/s", "AWS Support", "WAF quotas; only with a web ACL", false, false,
		func(p *Peaks) float64 { return p.Edge }},
	{"Cognito", "UserAuthentication: sign-ins and token refreshes", 120, "calls/s", "Service Quotas, about 20 USD a month for 1/s", "Cognito quotas", false, false,
		func(p *Peaks) float64 { return p.SignIns }},
	{"API Gateway", "requests of an account and region", 10e3, "requests/s", "Service Quotas", "API Gateway quotas", false, false,
		func(p *Peaks) float64 { return p.API }},
	{"stage", "requestsPerSecond of this stack", 2000, "requests/s", "setting requestsPerSecond, up to the account's quota", "cdk.json", true, false,
		func(p *Peaks) float64 { return p.ViewersAPI }},
	{"stage", "requestsPerSecond of links' playlists", 2000, "requests/s", "setting requestsPerSecond, up to the account's quota", "cdk.json; only with links, if all play with them", true, true,
		func(p *Peaks) float64 { return p.Playlists }},
	{"stage", "Stripe's events", 50, "requests/s", "nothing: Stripe sends an event again that gets 429", "stacks/stripe.go; only with stripe, if all buy as they arrive", true, true,
		func(p *Peaks) float64 { return p.Sales }},
	{"Lambda", "concurrent executions of an account and region", 1000, "executions", "Service Quotas; new accounts may have 10 (believed)", "Lambda quotas", false, false,
		func(p *Peaks) float64 { return p.Concurrency }},
	{"Lambda", "new execution environments of a function in 10 s", 1000, "environments", "", "Lambda quotas", false, false,
		func(p *Peaks) float64 { return p.Cold10 }},
	{"Parameter Store", "GetParameters", 40, "calls/s", "account setting high-throughput-enabled: 1,000/s", "Systems Manager quotas", false, false,
		func(p *Peaks) float64 { return p.SSM }},
	{"KMS", "Sign with ECC keys", 1000, "calls/s", "Service Quotas", "KMS request quotas; only with keyCustody kms", false, false,
		func(p *Peaks) float64 { return p.KMS }},
	{"DynamoDB", "reads of a new on-demand table", 12000, "units/s", "warm throughput, set beforehand", "DynamoDB capacity mode; only with entitlements table", false, false,
		func(p *Peaks) float64 { return p.Reads }},
	{"CloudWatch Logs", "PutLogEvents", 5000, "calls/s", "Service Quotas", "CloudWatch Logs quotas; one call a container and second, believed", false, false,
		func(p *Peaks) float64 { return p.Concurrency }},
}
