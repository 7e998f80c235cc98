package stacktest

import "testing"

// Variants are settings that together reach every branch of the stack.
var Variants = map[string]map[string]any{
	"as cdk.json has it": nil,
	"everything": {
		"signingKeys": []any{"2026-11", "2026-12"}, "signingKeyType": "ECDSA_P256", "signatureHash": "SHA1", "allowEcdsaSha1": true, "originSecretGeneration": 2,
		"domainNames": []any{"video.example.com", "www.example.com"}, "cookieDomain": "example.com",
		"certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012",
		"webAclArn":      "arn:aws:wafv2:us-east-1:111122223333:global/webacl/acl/12345678-1234-1234-1234-123456789012",
		"allowedOrigins": []any{"https://www.example.org"}, "allowCountries": []any{"DE", "FR"}, "accessLogs": true,
		"keepData": false, "bindViewerAddress": true, "mediaConvertInputs": []any{"masters"}, "premiumPath": "paid",
		"signInDomainPrefix": "shop", "selfSignUp": true, "openSignUp": true, "userPoolAttributes": []any{"courses", "plan"}, "userPoolTier": "ESSENTIALS", "refreshTokenDays": 7,
		"sesIdentityArn": "arn:aws:ses:us-east-1:111122223333:identity/example.com", "emailFrom": "no-reply@example.com",
		"alarmTopicArn": "arn:aws:sns:us-east-1:111122223333:on-call", "keyMaxDays": 90, "refusedPercent": 40, "tracing": true, "logViewers": "plain",
	},
	"every custody, a table": {
		"signingKeys": []any{
			"a",
			map[string]any{"name": "b", "custody": "kms"},
			map[string]any{"name": "c", "custody": "external", "parameter": "/shop/key", "publicKeyFile": "stacks/testdata/public.pem"},
		},
		"entitlements": "table", "monitoring": false, "accessLogs": true,
	},
	"grants by email": {
		"entitlements": "table", "emailGrants": true, "selfSignUp": true,
		"sesIdentityArn": "arn:aws:ses:us-east-1:111122223333:identity/example.com", "emailFrom": "no-reply@example.com",
	},
	"a paid plan":   {"plan": "pro", "region": "us-east-1"},
	"the free plan": {"plan": "free", "allowedOrigins": []any{"https://www.example.org"}},
	"an existing issuer, no sample, no deploy check": {
		"jwtIssuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abcdefghi", "jwtAudience": []any{"client"},
		"signInHosts": []any{"shop.auth.eu-central-1.amazoncognito.com"}, "sample": false, "deployCheck": false, "blockCountries": []any{"FR"},
		"monitoring": false, "tracing": true,
	},
	"links":  {"links": true, "linkMinutes": 360, "tracing": true, "allowedOrigins": []any{"https://www.example.org"}, "accessLogs": true},
	"ingest": {"ingest": true, "sourceDays": 30, "topRendition": 720},
	"stripe": {
		"stripe":       map[string]any{"secretParameter": "/shop/stripe", "mode": "test", "products": map[string]any{"plink_1": "course-1"}},
		"entitlements": "table", "emailGrants": true, "selfSignUp": true,
		"sesIdentityArn": "arn:aws:ses:us-east-1:111122223333:identity/example.com", "emailFrom": "no-reply@example.com",
	},
}

// EachVariant runs a check for each of Variants.
func EachVariant(t *testing.T, check func(t *testing.T, a Assembly)) {
	for name, changes := range Variants {
		if testing.Short() && changes != nil {
			continue
		}
		t.Run(name, func(t *testing.T) { check(t, Synthesize(t, changes)) })
	}
}
