package stacks

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/settings"
)

// signInScope is what the page asks the issuer for.
const signInScope = "openid email profile"

// signIn is where viewers sign in: the stack's own user pool, or an existing
// issuer.
type signIn struct {
	pool  awscognito.IUserPool // nil with an existing issuer
	base  *string              // the pool's hosted pages
	hosts []string             // origins that the page's script talks to
}

// client is the page as the issuer knows it.
type client struct {
	issuer   *string
	audience []*string      // what tokens must be made for; the page's own first
	page     map[string]any // what config.json tells the page
}

func newSignIn(stack *premiumHLS, s settings.Settings) signIn {
	var in signIn
	for _, host := range s.SignInHosts {
		in.hosts = append(in.hosts, "https://"+host)
	}
	if s.JWTIssuer != "" {
		scheme, rest, _ := strings.Cut(s.JWTIssuer, "://")
		host, _, _ := strings.Cut(rest, "/")
		in.hosts = append(in.hosts, scheme+"://"+host)
		return in
	}
	in.pool = stack.existing.userPool
	if in.pool == nil {
		in.pool = newUserPool(stack, s)
	}
	in.base = stack.existing.signInURL
	if in.base == nil {
		in.base = newSignInDomain(stack, s, in.pool)
	}
	in.hosts = append(in.hosts, *in.base)
	return in
}

func newUserPool(stack *premiumHLS, s settings.Settings) awscognito.IUserPool {
	pool := awscognito.NewUserPool(stack, jsii.String("Viewers"), &awscognito.UserPoolProps{
		FeaturePlan: featurePlans[s.UserPoolTier],
		// By default everyone with an account may watch, so that the owner
		// creates accounts unless a setting lets viewers do so.
		SelfSignUpEnabled: &s.SelfSignUp,
		SignInAliases:     &awscognito.SignInAliases{Email: jsii.Bool(true)},
		AutoVerify:        &awscognito.AutoVerifiedAttrs{Email: jsii.Bool(true)},
		// A new address counts only when the viewer has verified it.
		KeepOriginal:    &awscognito.KeepOriginalAttrs{Email: jsii.Bool(true)},
		AccountRecovery: awscognito.AccountRecovery_EMAIL_ONLY,
		Mfa:             awscognito.Mfa_OPTIONAL,
		MfaSecondFactor: &awscognito.MfaSecondFactor{Otp: jsii.Bool(true), Sms: jsii.Bool(false)},
		PasswordPolicy: &awscognito.PasswordPolicy{
			MinLength:        jsii.Number(12),
			RequireLowercase: jsii.Bool(true),
			RequireUppercase: jsii.Bool(true),
			RequireDigits:    jsii.Bool(true),
			RequireSymbols:   jsii.Bool(true),
		},
		CustomAttributes:   customAttributes(s),
		DeletionProtection: &s.KeepData,
		RemovalPolicy:      removal(s),
	})
	if s.SESIdentityArn != "" {
		pool.Node().DefaultChild().(awscognito.CfnUserPool).SetEmailConfiguration(&awscognito.CfnUserPool_EmailConfigurationProperty{
			EmailSendingAccount: jsii.String("DEVELOPER"),
			SourceArn:           &s.SESIdentityArn,
			From:                &s.EmailFrom,
		})
	}
	return pool
}

// newSignInDomain creates the domain of the pool's sign-in page and returns its
// URL.
func newSignInDomain(stack *premiumHLS, s settings.Settings, pool awscognito.IUserPool) *string {
	// A prefix is unique in its region, over all accounts. That of the stack
	// is stable and says nothing about the account.
	prefix := jsii.Sprintf("%s-%s", strings.ToLower(s.StackName), *stackSuffix(stack))
	if s.SignInDomainPrefix != "" {
		prefix = &s.SignInDomainPrefix
	}
	return pool.AddDomain(jsii.String("SignIn"), &awscognito.UserPoolDomainOptions{
		CognitoDomain: &awscognito.CognitoDomainOptions{DomainPrefix: prefix},
	}).BaseUrl(nil)
}

// newClient registers the page with the issuer, now that its address is known.
func (in signIn) newClient(stack *premiumHLS, s settings.Settings, host *string) client {
	if in.pool == nil {
		return client{
			issuer:   &s.JWTIssuer,
			audience: *jsii.Strings(s.JWTAudience...),
			page: map[string]any{
				"issuer":   s.JWTIssuer,
				"clientId": s.JWTAudience[0],
				"scope":    signInScope,
				"signOut":  "oidc",
			},
		}
	}
	pages := []*string{jsii.Sprintf("https://%s/", *host)}
	for _, origin := range s.AllowedOrigins {
		pages = append(pages, jsii.String(origin+"/"))
	}
	callbacks := pages
	if len(s.AllowedOrigins) > 0 {
		callbacks = append(slices.Clone(pages), jsii.Sprintf("https://%s%s", *host, signedInPage))
	}
	page := in.pool.AddClient(jsii.String("Page"), &awscognito.UserPoolClientOptions{
		GenerateSecret:             jsii.Bool(false), // a page cannot keep one; PKCE takes its place
		PreventUserExistenceErrors: jsii.Bool(true),
		EnableTokenRevocation:      jsii.Bool(true),
		IdTokenValidity:            awscdk.Duration_Hours(jsii.Number(1)),
		AccessTokenValidity:        awscdk.Duration_Hours(jsii.Number(1)),
		RefreshTokenValidity:       awscdk.Duration_Days(jsii.Number(s.RefreshTokenDays)),
		// Without this list viewers could write what entitles them.
		WriteAttributes: awscognito.NewClientAttributes().WithStandardAttributes(&awscognito.StandardAttributesMask{
			Email: jsii.Bool(true), Fullname: jsii.Bool(true), GivenName: jsii.Bool(true), FamilyName: jsii.Bool(true), Locale: jsii.Bool(true),
		}),
		SupportedIdentityProviders: &[]awscognito.UserPoolClientIdentityProvider{awscognito.UserPoolClientIdentityProvider_COGNITO()},
		OAuth: &awscognito.OAuthSettings{
			Flows:        &awscognito.OAuthFlows{AuthorizationCodeGrant: jsii.Bool(true)},
			Scopes:       &[]awscognito.OAuthScope{awscognito.OAuthScope_OPENID(), awscognito.OAuthScope_EMAIL(), awscognito.OAuthScope_PROFILE()},
			CallbackUrls: &callbacks,
			LogoutUrls:   &pages,
		},
	})
	configureTokens(page.Node().DefaultChild().(awscognito.CfnUserPoolClient), s)
	issuer := providerURL(in.pool)
	return client{
		issuer:   issuer,
		audience: []*string{page.UserPoolClientId()},
		page: map[string]any{
			"issuer":                issuer,
			"clientId":              page.UserPoolClientId(),
			"scope":                 signInScope,
			"signOut":               "cognito",
			"authorizationEndpoint": jsii.Sprintf("%s/oauth2/authorize", *in.base),
			"tokenEndpoint":         jsii.Sprintf("%s/oauth2/token", *in.base),
			"revocationEndpoint":    jsii.Sprintf("%s/oauth2/revoke", *in.base),
			"endSessionEndpoint":    jsii.Sprintf("%s/logout", *in.base),
		},
	}
}

// configureTokens turns off the sign-in flows of Cognito's own API: the page
// uses the authorization code flow, with which the list of flows has nothing to
// do. An empty list would be Cognito's default, with SRP.
func configureTokens(page awscognito.CfnUserPoolClient, s settings.Settings) {
	if s.UserPoolTier == "LITE" {
		// Rotation needs a higher feature plan (AWS announcement of 2025-04).
		page.SetExplicitAuthFlows(jsii.Strings("ALLOW_REFRESH_TOKEN_AUTH"))
		return
	}
	// Rotation excludes ALLOW_REFRESH_TOKEN_AUTH. A custom flow works only
	// with Lambda triggers, of which the pool has none.
	page.SetExplicitAuthFlows(jsii.Strings("ALLOW_CUSTOM_AUTH"))
	page.SetRefreshTokenRotation(&awscognito.CfnUserPoolClient_RefreshTokenRotationProperty{
		Feature: jsii.String("ENABLED"),
		// Two tabs may refresh with the same token at the same time.
		RetryGracePeriodSeconds: jsii.Number(60),
	})
}

var featurePlans = map[string]awscognito.FeaturePlan{
	"LITE":       awscognito.FeaturePlan_LITE,
	"ESSENTIALS": awscognito.FeaturePlan_ESSENTIALS,
	"PLUS":       awscognito.FeaturePlan_PLUS,
}

// customAttributes are the pool's own attributes. Cognito cannot remove one,
// nor change its type or limits.
func customAttributes(s settings.Settings) *map[string]awscognito.ICustomAttribute {
	if len(s.UserPoolAttributes) == 0 {
		return nil
	}
	attributes := map[string]awscognito.ICustomAttribute{}
	for _, name := range s.UserPoolAttributes {
		attributes[name] = awscognito.NewStringAttribute(&awscognito.StringAttributeProps{Mutable: jsii.Bool(true), MaxLen: jsii.Number(2048)})
	}
	return &attributes
}

// stackSuffix is the first block of the UUID in the stack's ID, eight
// hexadecimal digits: arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID.
func stackSuffix(stack *premiumHLS) *string {
	uuid := awscdk.Fn_Select(jsii.Number(2), awscdk.Fn_Split(jsii.String("/"), stack.StackId(), nil))
	return awscdk.Fn_Select(jsii.Number(0), awscdk.Fn_Split(jsii.String("-"), uuid, nil))
}

// providerURL is the issuer in a pool's tokens.
func providerURL(pool awscognito.IUserPool) *string {
	if own, ok := pool.(awscognito.UserPool); ok {
		return own.UserPoolProviderUrl()
	}
	return jsii.Sprintf("https://%s", *pool.UserPoolProviderName())
}
