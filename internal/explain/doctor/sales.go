package doctor

import (
	"context"
	"net/http"
)

// checkSales checks that a site that sells takes Stripe's events, and no others.
func (v *visit) checkSales(ctx context.Context) {
	if !v.config.Stripe {
		return
	}
	const name = "payment events"
	a, err := v.do(ctx, http.MethodPost, v.site.String()+"api/stripe", http.Header{"Content-Type": {"application/json"}}, "{}")
	switch {
	case err != nil:
		v.fail(name, reason(err), "The site did not respond: run this again.")
	case a.status < 400:
		v.fail(name, a.String(), "The site takes an event without a signature: something else than the stripe function answers /api/stripe. Deploy again.")
	case a.code() == "secrets_unavailable":
		v.fail(name, a.String(), "Write the signing secret of Stripe's endpoint into the parameter of the setting stripe: docs/sales.md has the command. If it is there, the stripe function's log says what is wrong with it.")
	case a.status == http.StatusNotFound:
		v.fail(name, a.String(), "The API has no route for Stripe's events: set stripe in cdk.json and deploy.")
	case a.code() != "invalid_signature":
		v.fail(name, a.String(), "An event without a signature must be refused with 400 invalid_signature: a web ACL or a restriction by country may refuse Stripe as well. The stripe function's log has a line if the request reached it.")
	default:
		v.ok(name, "refused without Stripe's signature: "+a.String())
	}
}
