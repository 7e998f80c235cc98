// Package settings defines the settings of cdk.json and reads them into one
// typed and validated struct.
package settings

import (
	"premiumhls/internal/ingestsettings"
	"premiumhls/internal/setting"
	"premiumhls/internal/signersettings"
	"premiumhls/internal/signingkey"
)

//go:generate go test . -run TestReference -update

// Settings are the settings of cdk.json. The tags of a field are its
// definition: name, default, allowed values, and its text in docs/settings.md;
// see package setting.
//
// To add a setting, add a field here or, if the signer acts on it, to
// [signersettings.Choices]. Then run go generate ./stacks/... .
type Settings struct {
	signersettings.Choices

	StackName          string   `json:"stackName" default:"PremiumHls" allowed:"3 to 40 letters, digits and hyphens that begin with a letter, do not begin with ssm and do not contain aws, amazon or cognito" section:"Site" doc:"Name of the stack. Resources that need a name, such as parameters and the dashboard, begin with it."`
	SiteName           string   `json:"siteName" allowed:"empty, or one line of at most 60 characters without spaces around it" doc:"Name of the site, which the page shows at its top and in its title. Empty: Premium HLS."`
	Region             string   `json:"region" allowed:"empty, or a region such as us-east-1" doc:"Region of the stack. Empty: that of the CDK command line."`
	KeepData           bool     `json:"keepData" default:"true" doc:"Retain the buckets, the user pool and the grants when the stack is deleted. false deletes them with everything in them."`
	Bucket             string   `json:"bucket" allowed:"empty, or the name of a bucket" doc:"Reuse the bucket of videos that an earlier deploy of this stack retained. Set it only when the stack is removed: while the bucket is one of the stack's own resources, the deploy would end by deleting its policy. The stack replaces the bucket's policy and deletes that policy when it is removed; versions, lifecycle rules, CORS, event notifications and access logs of the bucket stay as they are."`
	Sample             bool     `json:"sample" default:"true" doc:"Upload sample videos and their catalog."`
	MediaConvertInputs []string `json:"mediaConvertInputs" allowed:"a list of bucket names" doc:"Buckets that MediaConvert may read source videos from."`

	DomainNames    []string `json:"domainNames" allowed:"a list of different host names such as video.example.com, without wildcards" section:"Distribution" doc:"Your own domain names. The first is the one in cookies. Needs certificateArn."`
	CertificateArn string   `json:"certificateArn" allowed:"the ARN of an ACM certificate in us-east-1" doc:"ARN of the certificate for domainNames."`
	PriceClass     string   `json:"priceClass" allowed:"empty, PriceClass_100, PriceClass_200 or PriceClass_All" doc:"Edge locations that serve the site. Empty: CloudFront's default, all of them; flat-rate plans allow nothing else."`
	AllowCountries []string `json:"allowCountries" allowed:"a list of two-letter country codes, and empty if blockCountries is not" doc:"The only countries that may request anything."`
	BlockCountries []string `json:"blockCountries" allowed:"a list of two-letter country codes" doc:"Countries that may not request anything."`
	Plan           string   `json:"plan" default:"pay-as-you-go" oneof:"pay-as-you-go free pro business premium" doc:"CloudFront's price: pay-as-you-go, or a flat-rate plan. A plan needs a web ACL and a subscription, which the stack makes in us-east-1; elsewhere set webAclArn and run the command in the output CreateSubscription. A paid plan begins with the command in the output ApproveSubscription. A distribution with a plan can neither lose its web ACL nor, until a paid month ends, be deleted."`
	WebACL         bool     `json:"webAcl" default:"false" doc:"Make a web ACL on pay-as-you-go too, as the plans from pro have it: a rate limit of the API for each address, and AWS's IP reputation and common rules. In us-east-1 only; costs about 9 USD a month and 0.60 USD a million requests."`
	WebACLArn      string   `json:"webAclArn" allowed:"the ARN of a global WAFv2 web ACL in us-east-1" doc:"ARN of a web ACL for the distribution."`
	AllowedOrigins []string `json:"allowedOrigins" allowed:"a list of different origins such as https://www.example.com, without a path or wildcard" doc:"Origins of other sites' pages that may use the API, play videos and show the site's player in a frame; see [embeds.md](embeds.md). At most 4,000 characters together."`
	DeployCheck    bool     `json:"deployCheck" default:"true" doc:"At the end of each deploy that changes something, check that premium videos are served with cookies and refused without. If not, the deploy fails and is rolled back."`

	Links       bool `json:"links" default:"false" section:"Links" doc:"Issue links: URLs of playlists that play by themselves until they expire, on televisions, in apps and in players that send no cookies. See [links.md](links.md)."`
	LinkMinutes int  `json:"linkMinutes" default:"240" min:"1" max:"1440" doc:"Minimum lifetime of a link in minutes. Playback stops when it expires, so it should be longer than your longest video. At least cookieStepMinutes, by which expiry is rounded up as for cookies."`

	// The signing keys.
	SigningKeys            []SigningKey `json:"signingKeys" default:"[\"first\"]" allowed:"one to five different names, oldest first, each of 1 to 40 letters, digits and hyphens that begins and ends with a letter or digit; a key that differs from the settings below is an object with name, and any of custody, type, hash, and for an external key parameter and publicKeyFile" section:"Signing keys" doc:"The keys, oldest first: a name, or an object with name and what differs from the settings below (custody, type, hash). An external key needs parameter and publicKeyFile. A name stands for one key for ever; see [keys.md](keys.md)."`
	KeyCustody             string       `json:"keyCustody" default:"ssm" allowed:"ssm, kms or external" doc:"Where private keys are: ssm (made at deploy time, in Parameter Store), kms (made in KMS, which they never leave) or external (made by you)."`
	SigningKeyType         string       `json:"signingKeyType" default:"ECDSA_P256" allowed:"RSA_2048 or ECDSA_P256" doc:"Type of new keys. A key in Parameter Store keeps the type it was made with; for a key in KMS or an external one, write its type into its entry of signingKeys before you change this."`
	SignatureHash          string       `json:"signatureHash" default:"SHA256" allowed:"SHA256, or SHA1 for keys that are not in KMS; with ECDSA_P256 only if allowEcdsaSha1 is true" doc:"Hash of signatures."`
	AllowECDSASHA1         bool         `json:"allowEcdsaSha1" default:"false" doc:"Allow ECDSA keys with SHA-1, which CloudFront was seen to accept, AWS does not document and AWS's own tools refuse to make."`
	EndAllCookies          bool         `json:"endAllCookies" default:"false" doc:"For a key that leaked, for one deploy: allow it to drop keys whose cookies viewers still use, revoke these keys for ever, and do not roll back if the deploy check fails. Every viewer with such cookies is refused until the page requests new ones."`
	OriginSecretGeneration int          `json:"originSecretGeneration" default:"1" min:"1" max:"1000000" doc:"Increase by 1 to rotate the secret that proves to the signer that a request came through its distribution. The previous secret is accepted until the next increase."`

	Entitlements Entitlements `json:"entitlements" default:"\"authenticated\"" allowed:"\"authenticated\", \"table\", an object with claim and either value or paths true, or an object with function, the ARN of a Lambda function" section:"Entitlements" doc:"Who may watch what: every viewer who signed in, viewers with a grant in the stack's table, viewers whose token has a claim, or viewers for whom your Lambda function says so. See [entitlements.md](entitlements.md)."`

	EmailGrants bool   `json:"emailGrants" default:"false" doc:"Grants can be made to email addresses, before there is an account: the first viewer who signs in with that address, verified, gets them. Needs entitlements \"table\", and with the stack's own user pool selfSignUp and sesIdentityArn. See [sales.md](sales.md)."`
	GrantsTable string `json:"grantsTable" allowed:"empty, or the name of a table" doc:"A table of grants of an earlier deploy of this stack, to be used again: changing entitlements to another rule leaves it behind with its grants."`

	JWTIssuer          string   `json:"jwtIssuer" allowed:"the https URL of an OpenID Connect issuer, with a trailing slash only if the issuer's own name has one" section:"Sign-in" doc:"Issuer that viewers sign in at. Empty: the stack makes a Cognito user pool. Needs jwtAudience."`
	JWTAudience        []string `json:"jwtAudience" allowed:"a list of different client ids" doc:"Client ids that tokens of jwtIssuer must be for. The page signs in with the first."`
	SelfSignUp         bool     `json:"selfSignUp" default:"false" doc:"Viewers can create accounts in the stack's user pool. With entitlements \"authenticated\" everyone could then watch everything: that needs openSignUp as well."`
	OpenSignUp         bool     `json:"openSignUp" default:"false" doc:"Allow selfSignUp together with entitlements \"authenticated\": everyone who enters an email address watches everything."`
	UserPoolAttributes []string `json:"userPoolAttributes" allowed:"a list of at most 50 different names of 1 to 20 letters, digits, hyphens and underscores, without custom:" doc:"Custom attributes of the stack's user pool. Cognito can add attributes and never remove one, so this list only grows: a deploy that loses a name fails, and so does its rollback. It must contain the attribute of a claim in entitlements that begins with custom:."`
	UserPoolTier       string   `json:"userPoolTier" default:"LITE" oneof:"LITE ESSENTIALS PLUS" doc:"Feature plan of the stack's user pool, which decides the price of a viewer. Refresh tokens rotate with ESSENTIALS and PLUS only."`
	SESIdentityArn     string   `json:"sesIdentityArn" allowed:"the ARN of an SES identity" doc:"SES identity that the user pool sends its email with. Empty: Cognito's own sender, for trials only: it sends 50 messages a day. Needs emailFrom."`
	EmailFrom          string   `json:"emailFrom" allowed:"empty, or an email address of sesIdentityArn" doc:"From address of the user pool's email."`
	UserPoolID         string   `json:"userPoolId" allowed:"empty, or the id of a user pool such as eu-central-1_AbCdEfGhI" doc:"A user pool of an earlier deploy of this stack, to be used again: turning jwtIssuer on leaves it behind with its viewers."`
	RefreshTokenDays   int      `json:"refreshTokenDays" default:"30" min:"1" max:"3650" doc:"Lifetime of refresh tokens in days: how long viewers of the stack's user pool stay signed in."`
	SignInHosts        []string `json:"signInHosts" allowed:"a list of host names" doc:"Hosts that the page connects to for sign-in besides the issuer's, such as the domain of an existing Cognito user pool."`
	SignInDomainPrefix string   `json:"signInDomainPrefix" allowed:"empty, or 1 to 63 lower-case letters, digits and inner hyphens, without aws, amazon and cognito" doc:"Prefix of the domain of the user pool's sign-in page. Empty: made from the stack's name."`

	Ingest     bool `json:"ingest" default:"false" section:"Ingest" doc:"Make courses of films that are uploaded to the bucket. See [ingest.md](ingest.md)."`
	SourceDays int  `json:"sourceDays" default:"0" min:"0" max:"3650" doc:"Delete uploaded films after this many days; files of 10 MB or less, such as captions, are not deleted. 0: never."`
	IngestChoices

	Stripe     Stripe `json:"stripe" default:"{}" allowed:"an object with secretParameter (the name of a SecureString), mode (live or test) and, if needed, products (paths by the ids of payment links) and graceDays (0 to 60)" section:"Sales" doc:"Sell with Stripe: its events become grants. secretParameter names the SecureString with the signing secrets of the webhook endpoint, products maps payment links without the metadata path, and graceDays is how many days a subscription stays open after a paid period (3). {} turns it off. Needs emailGrants. See [sales.md](sales.md)."`
	SalesTable string `json:"salesTable" allowed:"empty, or the name of a table" doc:"A table of sales of an earlier deploy of this stack, to be used again: turning stripe off leaves it behind with its sales."`

	RequestsPerSecond int `json:"requestsPerSecond" default:"2000" min:"1" max:"100000" section:"API" doc:"Rate limit of the API for all viewers together, in requests a second; playlists of links have a limit of their own, as high. It protects the account's quotas, which the API shares with everything else in the account and region, and not one viewer from another: the signer limits each viewer by itself. Requests over the limit get 429."`
	RequestBurst      int `json:"requestBurst" default:"4000" min:"1" max:"5000" doc:"Burst limit of the API: requests that it accepts at once, before the rate limit counts."`

	Monitoring     bool   `json:"monitoring" default:"true" section:"Logs and monitoring" doc:"Make metrics, alarms and a dashboard."`
	AlarmTopicArn  string `json:"alarmTopicArn" allowed:"the ARN of a standard SNS topic" doc:"SNS topic, in the stack's region, that alarms notify."`
	KeyMaxDays     int    `json:"keyMaxDays" default:"365" min:"1" max:"3650" doc:"Alarm when the signing key is older than this many days."`
	RefusedPercent int    `json:"refusedPercent" default:"25" min:"1" max:"100" doc:"Alarm when this percentage of requests returns 4xx. The alarm exists in us-east-1 only, where CloudFront's metrics are."`
	Tracing        bool   `json:"tracing" default:"false" doc:"Trace the signer with X-Ray."`
	AccessLogs     bool   `json:"accessLogs" default:"false" doc:"Write access logs to a bucket, with Athena queries that find who watched what."`
	LogBucket      string `json:"logBucket" allowed:"empty, or the name of a bucket" doc:"A bucket of access logs of an earlier deploy of this stack, to be used again: turning accessLogs off leaves it behind with its logs. The stack replaces the bucket's policy."`
	LogDays        int    `json:"logDays" default:"30" oneof:"1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653" doc:"Days that CloudWatch keeps logs."`
}

// IngestChoices are the settings of package ingestsettings. Of two embedded
// structs of one name, one needs another.
type IngestChoices = ingestsettings.Choices

// Default returns the settings with no value given.
func Default() Settings {
	var s Settings
	setting.SetDefaults(&s)
	return s
}

// Host is the host that viewers use and that policies name: the first domain
// name, or empty for the distribution's own.
func (s Settings) Host() string {
	if len(s.DomainNames) == 0 {
		return ""
	}
	return s.DomainNames[0]
}

// HashViewers reports whether the signer's log names viewers by a digest, for
// which it needs a key.
func (s Settings) HashViewers() bool { return s.LogViewers == "hashed" }

// SignerDocument returns the signer's settings, but for the rule of who may
// watch, which names resources of the stack.
func (s Settings) SignerDocument() signersettings.Document {
	document := signersettings.Document{ParameterPrefix: "/" + s.StackName}
	setting.SetDefaults(&document)
	document.Choices = s.Choices
	for _, key := range s.Keys() {
		switch key.Custody {
		case signingkey.CustodySSM:
			document.SigningKeys = append(document.SigningKeys, signersettings.SigningKey{Name: key.Name})
		case signingkey.CustodyExternal:
			document.SigningKeys = append(document.SigningKeys, signersettings.SigningKey{Name: key.Name, Parameter: key.Parameter})
		}
	}
	if s.Links {
		document.LinkMinutes = s.LinkMinutes
	}
	if s.Monitoring {
		document.MetricsStack = s.StackName
	}
	return document
}
