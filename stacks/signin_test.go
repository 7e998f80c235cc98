package stacks_test

import (
	"strings"
	"testing"
)

func TestUserPool(t *testing.T) {
	for _, test := range []struct {
		name       string
		changes    map[string]any
		pool, page map[string]string
	}{
		{"defaults", nil,
			map[string]string{
				"UserPoolTier":                `"LITE"`,
				"UserAttributeUpdateSettings": `{"AttributesRequireVerificationBeforeUpdate":["email"]}`,
				"EmailConfiguration":          `null`,
				"Schema":                      `null`,
			},
			map[string]string{
				"ExplicitAuthFlows": `["ALLOW_REFRESH_TOKEN_AUTH"]`, "RefreshTokenRotation": `null`, "RefreshTokenValidity": `43200`,
				"EnableTokenRevocation": `true`, "PreventUserExistenceErrors": `"ENABLED"`, "AllowedOAuthFlows": `["code"]`,
				// Not email_verified, which decides whose grants an address opens.
				"WriteAttributes": `["email","family_name","given_name","locale","name"]`,
			}},
		{"everything", variants["everything"],
			map[string]string{
				"UserPoolTier":       `"ESSENTIALS"`,
				"EmailConfiguration": `{"EmailSendingAccount":"DEVELOPER","From":"no-reply@example.com","SourceArn":"arn:aws:ses:us-east-1:111122223333:identity/example.com"}`,
			},
			map[string]string{
				"ExplicitAuthFlows": `["ALLOW_CUSTOM_AUTH"]`, "RefreshTokenRotation": `{"Feature":"ENABLED","RetryGracePeriodSeconds":60}`, "RefreshTokenValidity": `10080`,
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := synthesize(t, test.changes)
			pool, page := a.Only(t, "AWS::Cognito::UserPool").Properties, a.Only(t, "AWS::Cognito::UserPoolClient").Properties
			for name, want := range test.pool {
				if got := text(pool[name]); got != want {
					t.Errorf("the pool's %s is %s, want %s", name, got, want)
				}
			}
			for name, want := range test.page {
				if got := text(page[name]); got != want {
					t.Errorf("the client's %s is %s, want %s", name, got, want)
				}
			}
		})
	}
	schema := text(synthesize(t, variants["everything"]).Only(t, "AWS::Cognito::UserPool").Properties["Schema"])
	for _, name := range []string{"courses", "plan"} {
		if !strings.Contains(schema, `"Name":"`+name+`"`) {
			t.Errorf("no attribute %s in %s", name, schema)
		}
	}
}

// The sign-in page's domain says nothing about the account, and is the same at
// each deploy.
func TestSignInDomain(t *testing.T) {
	const want = `{"Fn::Join":["",["premiumhls-",{"Fn::Select":[0,{"Fn::Split":["-",{"Fn::Select":[2,{"Fn::Split":["/",{"Ref":"AWS::StackId"}]}]}]}]}]]}`
	if got := text(synthesize(t, nil).Only(t, "AWS::Cognito::UserPoolDomain").Properties["Domain"]); got != want {
		t.Errorf("the domain is %s", got)
	}
	if got := text(synthesize(t, variants["everything"]).Only(t, "AWS::Cognito::UserPoolDomain").Properties["Domain"]); got != `"shop"` {
		t.Errorf("the domain is %s", got)
	}
}
