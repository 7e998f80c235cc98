// Package signersettings defines the signer's settings, for the stack that
// writes them and the function that reads them.
//
// They are one JSON document in one environment variable. To add a setting that
// a person can choose, add a field to [Choices]: cdk.json then takes it, the
// reference lists it and the signer has it.
package signersettings

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"premiumhls/internal/premiumpath"
	"premiumhls/internal/setting"
	"premiumhls/internal/signingkey"
	"premiumhls/internal/strictjson"
)

// Variable is the environment variable that holds the document.
const Variable = "SETTINGS"

// Choices are the settings of cdk.json that the signer acts on.
type Choices struct {
	PremiumPath             string `json:"premiumPath" default:"premium" allowed:"a folder name of letters, digits, hyphens and underscores, not api, catalog, element, encoded, ingest, posters, public, sample, trailers, uploads, vendor or videos" section:"Site" doc:"Folder of premium videos, in the bucket and in URLs."`
	CookieMinutes           int    `json:"cookieMinutes" default:"60" min:"1" max:"1440" section:"Cookies" doc:"Minimum cookie lifetime in minutes. A viewer who loses the right to watch can watch until the cookies expire."`
	CookieStepMinutes       int    `json:"cookieStepMinutes" default:"5" min:"1" max:"60" section:"Cookies" doc:"Expiry is rounded up to a multiple of this many minutes, so that viewers of one path share a signature. At most cookieMinutes."`
	CookieSameSite          string `json:"cookieSameSite" default:"Lax" oneof:"Lax Strict None" section:"Cookies" doc:"SameSite attribute of the cookies. None lets pages of other sites play videos; the cookies are then Partitioned, so that browsers which block third-party cookies store them for each such site apart. See [embeds.md](embeds.md)."`
	CookieDomain            string `json:"cookieDomain" allowed:"empty, or the first of domainNames or a parent domain of it" section:"Cookies" doc:"Domain attribute of the cookies. Empty: the cookies are for the host that served them."`
	CookieValuesInBody      bool   `json:"cookieValuesInBody" default:"true" section:"Cookies" doc:"Return the cookie values in the response body too, for players outside a browser. Scripts on the page can then read them although the cookies are HttpOnly."`
	BindViewerAddress       bool   `json:"bindViewerAddress" default:"false" section:"Cookies" doc:"Cookies and links are valid only from the IPv4 address that requested them. Turns off IPv6 for the distribution."`
	KeyWaitMinutes          int    `json:"keyWaitMinutes" default:"10" min:"1" max:"1440" section:"Signing keys" doc:"Minutes that a new key waits before the signer uses it, so that every edge location knows it."`
	ViewerRequestsPerMinute int    `json:"viewerRequestsPerMinute" default:"30" min:"0" max:"6000" section:"API" doc:"Requests a minute that one viewer may make to the API, in each running copy of the signer. More get 429. 0: no limit."`
	LogViewers              string `json:"logViewers" default:"hashed" oneof:"hashed plain" section:"Logs and monitoring" doc:"How the signer logs a viewer: a keyed digest of the token's sub or the sub itself."`
}

// A Document is the settings of the signer.
type Document struct {
	Choices
	// ParameterPrefix is what the names of the stack's parameters begin with,
	// such as /PremiumHls.
	ParameterPrefix string `json:"parameterPrefix"`
	// SigningKeys are the keys whose private halves are in Parameter Store.
	SigningKeys []SigningKey `json:"signingKeys,omitempty"`
	// Entitlements is the entitlement rule, as lambda/internal/entitlement
	// reads it. Empty means every viewer who has signed in.
	Entitlements json.RawMessage `json:"entitlements,omitempty"`
	// LinkMinutes is how long links last at least. 0: no links.
	LinkMinutes int `json:"linkMinutes,omitempty" default:"0" min:"0" max:"1440"`
	// MetricsStack is the stack that metrics are counted for. Empty: no metrics.
	MetricsStack string `json:"metricsStack,omitempty"`
	// RefreshSeconds is how often the parameters are read again.
	RefreshSeconds int `json:"refreshSeconds,omitempty" default:"300" min:"1" max:"3600"`
	// MinuteMillis is how long a minute and 60 seconds of these settings are.
	// Tests, which cannot wait, make it short.
	MinuteMillis int `json:"minuteMillis,omitempty" default:"60000" min:"10" max:"60000"`
}

// A SigningKey is where the private half of a key is.
type SigningKey struct {
	Name string `json:"name"`
	// Parameter is the name of the SecureString of an external key. Empty
	// means the stack's own for this key.
	Parameter string `json:"parameter,omitempty"`
}

// Parse reads and checks a document. The error lists everything that is wrong.
func Parse(text string) (Document, error) {
	var d Document
	setting.SetDefaults(&d)
	if err := strictjson.Decode([]byte(text), &d); err != nil {
		return Document{}, err
	}
	if errs := d.Check(); errs != nil {
		return Document{}, errors.Join(errs...)
	}
	return d, nil
}

// Check returns a [*setting.Error] for everything that would keep the signer
// from starting.
func (d *Document) Check() []error {
	errs := setting.Check(d)
	check := func(name string, value any, allowed string, ok bool) {
		if !ok {
			errs = append(errs, &setting.Error{Name: name, Value: value, Allowed: allowed})
		}
	}
	_, err := premiumpath.Parse(d.PremiumPath)
	check("premiumPath", d.PremiumPath, "segments of letters, digits, - . _ and ~", err == nil && d.PremiumPath != "")
	check("cookieStepMinutes", d.CookieStepMinutes, fmt.Sprintf("at most cookieMinutes, %d", d.CookieMinutes), d.CookieStepMinutes <= d.CookieMinutes)
	check("linkMinutes", d.LinkMinutes, fmt.Sprintf("at least cookieStepMinutes, %d", d.CookieStepMinutes), d.LinkMinutes == 0 || d.LinkMinutes >= d.CookieStepMinutes)
	check("cookieDomain", d.CookieDomain, "a domain name in lower case, such as example.com", d.CookieDomain == "" || isDomain(d.CookieDomain))
	check("parameterPrefix", d.ParameterPrefix, "a parameter name, such as /PremiumHls", signingkey.IsParameter(d.ParameterPrefix))
	return append(errs, d.checkKeys()...)
}

// checkKeys makes sure that each key can be read, and from no other's parameter.
func (d *Document) checkKeys() (errs []error) {
	keys := make([]signingkey.Key, len(d.SigningKeys))
	for i, key := range d.SigningKeys {
		keys[i] = signingkey.Key{Name: key.Name, Parameter: key.Parameter}
	}
	for _, err := range signingkey.CheckPlaces(d.Parameters(), keys) {
		if invalid, ok := errors.AsType[*signingkey.Error](err); ok {
			errs = append(errs, &setting.Error{Name: "signingKeys", Value: invalid.Value, Allowed: invalid.Allowed})
		}
	}
	return errs
}

// Parameters are the names of the stack's parameters.
func (d *Document) Parameters() signingkey.Parameters {
	return signingkey.Parameters(d.ParameterPrefix)
}

// Minutes returns how long n minutes of the settings are.
func (d *Document) Minutes(n int) time.Duration {
	return time.Duration(n) * time.Duration(d.MinuteMillis) * time.Millisecond
}

// Lifetime is how long cookies last at least.
func (d *Document) Lifetime() time.Duration { return d.Minutes(d.CookieMinutes) }

// LinkLifetime is how long links last at least. 0: there are no links.
func (d *Document) LinkLifetime() time.Duration { return d.Minutes(d.LinkMinutes) }

// LongestLifetime is how long something that the signer signs can be valid.
func (d *Document) LongestLifetime() time.Duration {
	return max(d.Lifetime(), d.LinkLifetime()) + d.Step()
}

// Step is the interval to whose end cookies and links are rounded up.
func (d *Document) Step() time.Duration { return d.Minutes(d.CookieStepMinutes) }

// KeyWait is how long a key is in the key group before it signs.
func (d *Document) KeyWait() time.Duration { return d.Minutes(d.KeyWaitMinutes) }

// Refresh is how often the parameters are read again.
func (d *Document) Refresh() time.Duration { return d.Minutes(d.RefreshSeconds) / 60 }
