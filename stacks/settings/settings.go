// Package settings reads what a person may choose: the context of cdk.json,
// as one typed and validated struct.
package settings

// Settings is every choice there is. The json tag is a setting's name in
// cdk.json, the may tag says which values it takes, in the words of an error.
type Settings struct {
	// The stack and its bucket.
	StackName          string   `json:"stackName" may:"3 to 40 letters, digits and hyphens that begin with a letter, without the words aws, amazon and cognito and not beginning with ssm"`
	PremiumPath        string   `json:"premiumPath" may:"a folder name of letters, digits, hyphens and underscores that is not api, public, trailers or vendor"`
	KeepData           bool     `json:"keepData" may:"true or false"`
	Sample             bool     `json:"sample" may:"true or false"`
	MediaConvertInputs []string `json:"mediaConvertInputs" may:"a list of bucket names"`

	// The distribution.
	DomainNames    []string `json:"domainNames" may:"a list of host names such as video.example.com, without wildcards; certificateArn goes with it"`
	CertificateArn string   `json:"certificateArn" may:"the ARN of an ACM certificate in us-east-1; domainNames goes with it"`
	PriceClass     string   `json:"priceClass" may:"PriceClass_100, PriceClass_200 or PriceClass_All"`
	AllowCountries []string `json:"allowCountries" may:"a list of two-letter country codes; blockCountries must then be empty"`
	BlockCountries []string `json:"blockCountries" may:"a list of two-letter country codes; allowCountries must then be empty"`
	AccessLogs     bool     `json:"accessLogs" may:"true or false"`
	WebACLArn      string   `json:"webAclArn" may:"the ARN of a global WAFv2 web ACL in us-east-1"`
	DeployCheck    bool     `json:"deployCheck" may:"true or false"`
	CORSOrigins    []string `json:"corsOrigins" may:"a list of origins such as https://www.example.com, without a path or wildcard"`

	// The signing keys.
	SigningKeys             []SigningKey `json:"signingKeys" may:"one to five different names, oldest first, each of 1 to 40 letters, digits and hyphens that begins and ends with a letter or digit; a key that differs from the settings below is an object with name, and any of custody, type, hash, and for an external key parameter and publicKeyFile"`
	KeyCustody              string       `json:"keyCustody" may:"ssm, kms or external"`
	SigningKeyType          string       `json:"signingKeyType" may:"RSA_2048 or ECDSA_P256"`
	SignatureHash           string       `json:"signatureHash" may:"SHA256 or SHA1; with ECDSA_P256 only SHA1, unless allowUndocumentedEcdsaSha256 is true"`
	UndocumentedECDSASHA256 bool         `json:"allowUndocumentedEcdsaSha256" may:"true or false"`
	KeyWaitMinutes          int          `json:"keyWaitMinutes" may:"a whole number of minutes from 1 to 1440"`
	EndAllCookies           bool         `json:"endAllCookies" may:"true or false"`

	// The cookies.
	CookieMinutes      int    `json:"cookieMinutes" may:"a whole number of minutes from 1 to 1440"`
	CookieStepMinutes  int    `json:"cookieStepMinutes" may:"a whole number of minutes from 1 to 60"`
	CookieSameSite     string `json:"cookieSameSite" may:"Lax, Strict or None"`
	CookieDomain       string `json:"cookieDomain" may:"empty, or the first of domainNames, or a parent domain of it"`
	CookieValuesInBody bool   `json:"cookieValuesInBody" may:"true or false"`
	BindViewerAddress  bool   `json:"bindViewerAddress" may:"true or false"`

	// Who may watch what.
	Entitlements Entitlements `json:"entitlements" may:"\"authenticated\", \"table\", an object with claim and either value or paths true, or an object with function, the ARN of a Lambda function"`

	// Sign-in.
	JWTIssuer          string   `json:"jwtIssuer" may:"the https URL of an OpenID Connect issuer, without a trailing slash unless the issuer's own name has one; jwtAudience goes with it"`
	JWTAudience        []string `json:"jwtAudience" may:"a list of client ids that tokens are made for, the page's own first; jwtIssuer goes with it"`
	SelfSignUp         bool     `json:"selfSignUp" may:"true or false"`
	SignInHosts        []string `json:"signInHosts" may:"a list of host names that the page's sign-in talks to besides the issuer's own, such as the domain of an existing Cognito user pool"`
	SignInDomainPrefix string   `json:"signInDomainPrefix" may:"empty, or 1 to 63 lower-case letters, digits and inner hyphens, without the words aws, amazon and cognito"`

	// The signer.
	RequestsPerSecond int `json:"requestsPerSecond" may:"a whole number from 1 to 10000"`
	RequestBurst      int `json:"requestBurst" may:"a whole number from 1 to 5000"`
	LogDays           int `json:"logDays" may:"a number of days that CloudWatch Logs offers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653"`

	// What is seen in production.
	LogViewers     string `json:"logViewers" may:"hashed or plain"`
	Monitoring     bool   `json:"monitoring" may:"true or false"`
	AlarmTopicArn  string `json:"alarmTopicArn" may:"the ARN of a standard SNS topic in the stack's region; monitoring must then be true"`
	KeyMaxDays     int    `json:"keyMaxDays" may:"a whole number of days from 1 to 3650"`
	RefusedPercent int    `json:"refusedPercent" may:"a whole number from 1 to 100"`
	Tracing        bool   `json:"tracing" may:"true or false"`
}

// Default is the settings where cdk.json gives none.
func Default() Settings {
	return Settings{
		StackName:          "PremiumHls",
		PremiumPath:        "premium",
		KeepData:           true,
		Sample:             true,
		PriceClass:         "PriceClass_100",
		DeployCheck:        true,
		SigningKeys:        []SigningKey{{Name: "first"}},
		KeyCustody:         "ssm",
		SigningKeyType:     "RSA_2048",
		SignatureHash:      "SHA256",
		KeyWaitMinutes:     10,
		CookieMinutes:      60,
		CookieStepMinutes:  5,
		CookieSameSite:     "Lax",
		CookieValuesInBody: true,
		RequestsPerSecond:  50,
		RequestBurst:       100,
		LogDays:            30,
		LogViewers:         "hashed",
		Monitoring:         true,
		KeyMaxDays:         365,
		RefusedPercent:     25,
	}
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
