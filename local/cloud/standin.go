package cloud

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"premiumhls/local/cloudformation"
	"premiumhls/local/s3"
)

// standIns returns a replacer of sign-in URLs by the local issuer's: those of a
// user pool's managed login and of the issuer in the settings.
func (c *Cloud) standIns() *strings.Replacer {
	var pairs []string
	stand := func(address string) {
		if address != "" && address != c.issuerURL {
			pairs = append(pairs, address, c.issuerURL)
		}
	}
	for _, r := range c.stack.Resources("AWS::Cognito::UserPoolDomain") {
		stand(fmt.Sprintf("https://%s.auth.%s.amazoncognito.com", r.State.PhysicalID, c.where().Region))
	}
	if c.options.KeepIssuer {
		return strings.NewReplacer(pairs...)
	}
	for _, r := range c.stack.Resources("AWS::ApiGatewayV2::Authorizer") {
		jwt, _ := r.Properties["JwtConfiguration"].(map[string]any)
		issuer, _ := jwt["Issuer"].(string)
		stand(issuer)
		if u, err := url.Parse(issuer); err == nil && u.Host != "" {
			stand(u.Scheme + "://" + u.Host) // as the content security policy has it
		}
	}
	return strings.NewReplacer(pairs...)
}

// resolved returns the stack's resources, with the local issuer's URL in place of
// sign-in services.
func (c *Cloud) resolved() []cloudformation.Deployed {
	replacer := c.standIns()
	resources := c.stack.Resources("")
	for i, r := range resources {
		resources[i].Properties = rewrite(r.Properties, replacer).(map[string]any)
	}
	return resources
}

// rewrite applies a replacer to every string in a value.
func rewrite(v any, r *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return r.Replace(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = rewrite(v[i], r)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for k := range v {
			m[k] = rewrite(v[k], r)
		}
		return m
	}
	return v
}

// redirectPage makes the page sign in at the local issuer.
func (c *Cloud) redirectPage() error {
	const key = "public/config.json"
	b, err := c.Bucket()
	if err != nil {
		return err
	}
	config, err := b.Read(key)
	if err != nil {
		return fmt.Errorf("reading the page's configuration: %w", err)
	}
	local := []byte(c.standIns().Replace(string(config)))
	if bytes.Equal(local, config) {
		return nil
	}
	return b.Put(key, s3.Object{Content: local, ContentType: "application/json", CacheControl: "no-cache"})
}
