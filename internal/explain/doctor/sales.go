package doctor

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// checkSales checks that viewers can claim what was granted to their address, and
// that a site that sells takes Stripe's events and no others.
func (v *visit) checkSales(ctx context.Context) {
	if v.config.EmailGrants {
		v.checkVerified()
	}
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

// checkVerified checks that the viewer's token says whose address it is: only
// such viewers get what was bought with an email address.
func (v *visit) checkVerified() {
	const name = "verified email"
	if v.options.Token == "" {
		v.skip(name, "no token is given")
		return
	}
	var claims struct {
		Email    string
		Verified any `json:"email_verified"`
	}
	parts := strings.Split(v.options.Token, ".")
	if len(parts) != 3 {
		v.skip(name, "the token is not a JSON Web Token")
		return
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		v.skip(name, "the token's claims cannot be read")
		return
	}
	const advice = "A viewer gets what was bought with an email address, or granted to it, only with a token that says that the address is theirs: "
	switch {
	case claims.Email == "":
		v.fail(name, "the token has no email", advice+"the page must ask for the scope email, and the issuer must put the claim into the ID token.")
	case claims.Verified != true && claims.Verified != "true":
		v.fail(name, "the token does not say that its email is verified", advice+"the viewer must verify it at the issuer, and the token must have email_verified true.")
	default:
		v.ok(name, "the token has an email that is verified")
	}
}
