package settings

import (
	"maps"
	"strings"
	"testing"
)

func TestStripe(t *testing.T) {
	good := map[string]any{
		"stripe":       map[string]any{"secretParameter": "/shop/stripe", "mode": "live"},
		"entitlements": "table", "emailGrants": true, "selfSignUp": true,
		"sesIdentityArn": "arn:aws:ses:us-east-1:111122223333:identity/example.com", "emailFrom": "no-reply@example.com",
	}
	stripe := func(members map[string]any) map[string]any {
		all := map[string]any{"secretParameter": "/shop/stripe", "mode": "live"}
		maps.Copy(all, members)
		return map[string]any{"stripe": all}
	}
	for _, tt := range []struct {
		name    string
		changes map[string]any
		want    string // in the error; empty: none
	}{
		{"good", nil, ""},
		{"as text", map[string]any{"stripe": `{"secretParameter":"/shop/stripe","mode":"test"}`}, ""},
		{"everything", stripe(map[string]any{"products": map[string]any{"plink_1": "course-1 course-2", "plink_2": "*", "plink_3": "-"}, "graceDays": 0}), ""},
		{"another issuer", map[string]any{"jwtIssuer": "https://issuer.example.com", "jwtAudience": []any{"a"}, "selfSignUp": false, "sesIdentityArn": "", "emailFrom": ""}, ""},
		{"Stripe's countries", map[string]any{"allowCountries": []any{"DE", "IN", "US"}}, ""},
		{"off", map[string]any{"stripe": map[string]any{}, "entitlements": "authenticated", "emailGrants": false, "openSignUp": true}, ""},
		{"no parameter", map[string]any{"stripe": map[string]any{"mode": "live"}}, "secretParameter: must not be empty"},
		{"no mode", map[string]any{"stripe": map[string]any{"secretParameter": "/a"}}, `mode: invalid value ""`},
		{"a secret in its place", stripe(map[string]any{"secretParameter": "whsec_1"}), "must be the full name of a parameter"},
		{"another mode", stripe(map[string]any{"mode": "Live"}), "must be live or test"},
		{"a product's price", stripe(map[string]any{"products": map[string]any{"price_1": "course-1"}}), "plink_"},
		{"an invalid path", stripe(map[string]any{"products": map[string]any{"plink_1": "/course-1"}}), `path: invalid value "/course-1"`},
		{"no path", stripe(map[string]any{"products": map[string]any{"plink_1": ""}}), "must not be empty"},
		{"too many days", stripe(map[string]any{"graceDays": 61}), "between 0 and 60"},
		{"an unknown member", stripe(map[string]any{"secret": "x"}), "stripe: invalid value"},
		{"no grants by email", map[string]any{"emailGrants": false}, "needs emailGrants"},
		{"another rule", map[string]any{"entitlements": "authenticated", "openSignUp": true}, `needs entitlements "table"`},
		{"no sign-up", map[string]any{"selfSignUp": false}, "needs selfSignUp"},
		{"Cognito's sender", map[string]any{"sesIdentityArn": "", "emailFrom": ""}, "needs sesIdentityArn"},
		{"countries without Stripe", map[string]any{"allowCountries": []any{"DE"}}, "must let US and IN in"},
		{"Stripe's country blocked", map[string]any{"blockCountries": []any{"US"}}, "must let US and IN in"},
		{"a table of sales", map[string]any{"salesTable": "a b"}, "salesTable: invalid value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			values := maps.Clone(good)
			maps.Copy(values, tt.changes)
			s, err := Read(values)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if on := tt.name != "off"; err == nil && s.Stripe.On() != on {
				t.Errorf("on: %v", s.Stripe.On())
			}
		})
	}
}
