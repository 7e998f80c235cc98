// Package settings reads what a person may choose: the context of cdk.json,
// as one typed and validated struct.
package settings

import (
	"premiumhls/internal/setting"
	"premiumhls/internal/signersettings"
)

// Settings is every choice there is. The json tag is a setting's name in
// cdk.json, the other tags are those of package setting.
type Settings struct {
	// What the signer acts on as well.
	signersettings.Choices

	// The stack and its bucket.
	StackName          string   `json:"stackName" allowed:"3 to 40 letters, digits and hyphens that begin with a letter, without the words aws, amazon and cognito and not beginning with ssm"`
	KeepData           bool     `json:"keepData" allowed:"true or false"`
	Sample             bool     `json:"sample" allowed:"true or false"`
	MediaConvertInputs []string `json:"mediaConvertInputs" allowed:"a list of bucket names"`

	// The distribution.
	DomainNames    []string `json:"domainNames" allowed:"a list of host names such as video.example.com, without wildcards; certificateArn goes with it"`
	CertificateArn string   `json:"certificateArn" allowed:"the ARN of an ACM certificate in us-east-1; domainNames goes with it"`
	PriceClass     string   `json:"priceClass" allowed:"empty, PriceClass_100, PriceClass_200 or PriceClass_All"`
	AllowCountries []string `json:"allowCountries" allowed:"a list of two-letter country codes; blockCountries must then be empty"`
	BlockCountries []string `json:"blockCountries" allowed:"a list of two-letter country codes; allowCountries must then be empty"`
	AccessLogs     bool     `json:"accessLogs" allowed:"true or false"`
	WebACLArn      string   `json:"webAclArn" allowed:"the ARN of a global WAFv2 web ACL in us-east-1"`
	DeployCheck    bool     `json:"deployCheck" allowed:"true or false"`
	AllowedOrigins []string `json:"allowedOrigins" allowed:"a list of origins such as https://www.example.com, without a path or wildcard"`

	// The signing keys.
	SigningKeys             []SigningKey `json:"signingKeys" allowed:"one to five different names, oldest first, each of 1 to 40 letters, digits and hyphens that begins and ends with a letter or digit; a key that differs from the settings below is an object with name, and any of custody, type, hash, and for an external key parameter and publicKeyFile"`
	KeyCustody              string       `json:"keyCustody" allowed:"ssm, kms or external"`
	SigningKeyType          string       `json:"signingKeyType" allowed:"RSA_2048 or ECDSA_P256"`
	SignatureHash           string       `json:"signatureHash" allowed:"SHA256 or SHA1; with ECDSA_P256 only SHA1, unless allowUndocumentedEcdsaSha256 is true"`
	UndocumentedECDSASHA256 bool         `json:"allowUndocumentedEcdsaSha256" allowed:"true or false"`
	EndAllCookies           bool         `json:"endAllCookies" allowed:"true or false"`

	// Who may watch what.
	Entitlements Entitlements `json:"entitlements" allowed:"\"authenticated\", \"table\", an object with claim and either value or paths true, or an object with function, the ARN of a Lambda function"`

	// Sign-in.
	JWTIssuer          string   `json:"jwtIssuer" allowed:"the https URL of an OpenID Connect issuer, without a trailing slash unless the issuer's own name has one; jwtAudience goes with it"`
	JWTAudience        []string `json:"jwtAudience" allowed:"a list of client ids that tokens are made for, the page's own first; jwtIssuer goes with it"`
	SelfSignUp         bool     `json:"selfSignUp" allowed:"true or false"`
	SignInHosts        []string `json:"signInHosts" allowed:"a list of host names that the page's sign-in talks to besides the issuer's own, such as the domain of an existing Cognito user pool"`
	SignInDomainPrefix string   `json:"signInDomainPrefix" allowed:"empty, or 1 to 63 lower-case letters, digits and inner hyphens, without the words aws, amazon and cognito"`

	// The signer.
	RequestsPerSecond int `json:"requestsPerSecond" allowed:"a whole number from 1 to 10000"`
	RequestBurst      int `json:"requestBurst" allowed:"a whole number from 1 to 5000"`
	LogDays           int `json:"logDays" allowed:"a number of days that CloudWatch Logs offers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653"`

	// What is seen in production.
	Monitoring     bool   `json:"monitoring" allowed:"true or false"`
	AlarmTopicArn  string `json:"alarmTopicArn" allowed:"the ARN of a standard SNS topic in the stack's region; monitoring must then be true"`
	KeyMaxDays     int    `json:"keyMaxDays" allowed:"a whole number of days from 1 to 3650"`
	RefusedPercent int    `json:"refusedPercent" allowed:"a whole number from 1 to 100"`
	Tracing        bool   `json:"tracing" allowed:"true or false"`
}

// Default is the settings where cdk.json gives none.
func Default() Settings {
	s := Settings{
		StackName:         "PremiumHls",
		KeepData:          true,
		Sample:            true,
		DeployCheck:       true,
		SigningKeys:       []SigningKey{{Name: "first"}},
		KeyCustody:        "ssm",
		SigningKeyType:    "RSA_2048",
		SignatureHash:     "SHA256",
		RequestsPerSecond: 50,
		RequestBurst:      100,
		LogDays:           30,
		Monitoring:        true,
		KeyMaxDays:        365,
		RefusedPercent:    25,
	}
	setting.SetDefaults(&s)
	return s
}

// Host is the host that viewers use and that policies name: the first domain
// name, or empty where it is the distribution's own.
func (s Settings) Host() string {
	if len(s.DomainNames) == 0 {
		return ""
	}
	return s.DomainNames[0]
}

// CookieLiveMinutes is how long after the signer turned to another key a
// cookie of the old one may be in use: a cookie's life, rounded up to the step,
// and ten minutes in which every warm signer has read its keys anew.
func (s Settings) CookieLiveMinutes() int { return s.CookieMinutes + s.CookieStepMinutes + 10 }

// SignerDocument returns the signer's settings, but for the rule of who may
// watch, which names resources of the stack.
func (s Settings) SignerDocument() signersettings.Document {
	document := signersettings.Document{ParameterPrefix: "/" + s.StackName}
	setting.SetDefaults(&document)
	document.Choices = s.Choices
	for _, key := range s.Keys() {
		switch key.Custody {
		case CustodySSM:
			document.SigningKeys = append(document.SigningKeys, signersettings.SigningKey{Name: key.Name})
		case CustodyExternal:
			document.SigningKeys = append(document.SigningKeys, signersettings.SigningKey{Name: key.Name, Parameter: key.Parameter})
		}
	}
	if s.Monitoring {
		document.MetricsStack = s.StackName
	}
	return document
}
