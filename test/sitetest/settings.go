package sitetest

// ClaimSettings have a rule by which there is something to be refused, and no
// throttling that would answer first.
var ClaimSettings = map[string]any{
	"entitlements":       map[string]any{"claim": "custom:courses", "paths": true},
	"userPoolAttributes": []any{"courses"},
	"requestsPerSecond":  10000.0, "requestBurst": 5000.0, "viewerRequestsPerMinute": 0.0,
}

// LinkSettings have links and a rule by which there is something to be refused.
func LinkSettings(changes map[string]any) map[string]any {
	settings := map[string]any{"links": true}
	for _, more := range []map[string]any{ClaimSettings, changes} {
		for name, value := range more {
			settings[name] = value
		}
	}
	return settings
}

// SalesSettings are the settings of a site that sells.
func SalesSettings(changes map[string]any) map[string]any {
	all := map[string]any{
		"stripe":       map[string]any{"secretParameter": "/shop/stripe", "mode": "test"},
		"entitlements": "table", "emailGrants": true, "selfSignUp": true,
		"sesIdentityArn": "arn:aws:ses:us-east-1:111122223333:identity/example.com", "emailFrom": "no-reply@example.com",
	}
	for name, value := range changes {
		all[name] = value
	}
	return all
}
