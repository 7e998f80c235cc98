package local

import (
	"crypto/rand"

	"premiumhls/internal/localrun"
	"premiumhls/internal/signingkey"
	"premiumhls/internal/stripesettings"
	"premiumhls/local/cloud"
	"premiumhls/local/ssm"
	"premiumhls/stacks/settings"
)

// newStripeSecret makes the signing secret, which an owner writes before the
// first deploy.
func newStripeSecret(c *cloud.Cloud, s settings.Settings) error {
	if !s.Stripe.On() {
		return nil
	}
	return c.Parameters.Put(s.Stripe.SecretParameter, ssm.SecureString, "whsec_local"+rand.Text())
}

// stripeRun is what simulated events need, or nil.
func stripeRun(c *cloud.Cloud, s settings.Settings) *localrun.Stripe {
	secret, ok := c.Parameters.Get(s.Stripe.SecretParameter)
	if !ok {
		return nil
	}
	key, _ := c.Parameters.Get(signingkey.Of(s.StackName).PurchaseKey())
	return &localrun.Stripe{Secret: secret.Value, PurchaseKey: key.Value, Live: s.Stripe.Mode == stripesettings.Live}
}
