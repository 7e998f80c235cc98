package settings

// PayAsYouGo is the plan without a subscription.
const PayAsYouGo = "pay-as-you-go"

// validatePlan refuses what a flat-rate plan does not have (CloudFront
// developer guide, "CloudFront flat-rate pricing plans").
func (s *Settings) validatePlan(check func(name string, ok bool, reason ...string)) {
	check("webAcl", !s.WebACL || s.WebACLArn == "", "webAclArn names a web ACL already")
	if s.Plan == PayAsYouGo {
		return
	}
	check("priceClass", s.PriceClass == "", "plan "+s.Plan+" has no price class: leave it empty")
	// Whether a plan allows the distribution's own restriction is not
	// documented.
	check("allowCountries", len(s.AllowCountries) == 0, "plan "+s.Plan+" has no restriction by country: use a rule of a web ACL (webAclArn)")
	check("blockCountries", len(s.BlockCountries) == 0, "plan "+s.Plan+" has no restriction by country: use a rule of a web ACL (webAclArn)")
	check("accessLogs", !s.AccessLogs || s.Plan != "free", "plan free has no access logs: use plan pro")
}
