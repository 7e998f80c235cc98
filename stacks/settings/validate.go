package settings

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"premiumhls/internal/setting"
)

var (
	stackName    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{2,39}$`)
	folder       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	bucketName   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	hostName     = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`)
	certificate  = regexp.MustCompile(`^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/[A-Za-z0-9-]+$`)
	webACL       = regexp.MustCompile(`^arn:aws[a-z-]*:wafv2:us-east-1:[0-9]{12}:global/webacl/[A-Za-z0-9_-]+/[A-Za-z0-9-]+$`)
	country      = regexp.MustCompile(`^[A-Z]{2}$`)
	domainPrefix = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	reserved     = regexp.MustCompile(`(?i)^ssm|aws|amazon|cognito`) // by Parameter Store and Cognito
	alarmTopic   = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)
	clientID     = regexp.MustCompile(`^[!-~]{1,255}$`)
)

var logDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// validate returns an error for each setting that cannot be, alone or beside
// the others.
func (s *Settings) validate() (errs []error) {
	all := fields(s)
	check := func(name string, ok bool, why ...string) {
		if !ok {
			f := all[name]
			errs = append(errs, &Error{Name: name, Was: f.Value.Interface(), May: f.Allowed(), Why: strings.Join(why, " ")})
		}
	}

	for name, f := range all {
		check(name, f.InRange())
	}
	check("stackName", stackName.MatchString(s.StackName) && !reserved.MatchString(s.StackName))
	check("premiumPath", folder.MatchString(s.PremiumPath) && !slices.Contains([]string{"api", "public", "trailers", "vendor"}, s.PremiumPath))
	check("mediaConvertInputs", every(s.MediaConvertInputs, bucketName.MatchString))

	check("domainNames", every(s.DomainNames, isHostName) && distinct(s.DomainNames))
	check("domainNames", len(s.DomainNames) > 0 || s.CertificateArn == "", "A certificate was given, and no name that it is for.")
	check("certificateArn", s.CertificateArn == "" || certificate.MatchString(s.CertificateArn), "CloudFront reads certificates from us-east-1 only.")
	check("certificateArn", len(s.DomainNames) == 0 || s.CertificateArn != "", "Domain names were given, and no certificate for them.")
	check("priceClass", slices.Contains([]string{"", "PriceClass_100", "PriceClass_200", "PriceClass_All"}, s.PriceClass))
	check("allowCountries", every(s.AllowCountries, country.MatchString) && (len(s.AllowCountries) == 0 || len(s.BlockCountries) == 0))
	check("blockCountries", every(s.BlockCountries, country.MatchString))
	check("webAclArn", s.WebACLArn == "" || webACL.MatchString(s.WebACLArn), "CloudFront reads web ACLs from us-east-1 only.")
	check("allowedOrigins", every(s.AllowedOrigins, isOrigin) && distinct(s.AllowedOrigins))

	s.validateKeys(check)
	check("cookieDomain", s.CookieDomain == "" || isHostName(s.CookieDomain) && (s.Host() == s.CookieDomain || strings.HasSuffix(s.Host(), "."+s.CookieDomain)),
		"A browser takes a cookie only for the page's own domain or a parent of it, and never for cloudfront.net.")

	check("entitlements", s.Entitlements.valid())

	check("jwtIssuer", s.JWTIssuer == "" || isIssuer(s.JWTIssuer))
	check("jwtIssuer", s.JWTIssuer != "" || len(s.JWTAudience) == 0, "An audience was given, and no issuer.")
	check("jwtAudience", every(s.JWTAudience, clientID.MatchString) && distinct(s.JWTAudience))
	check("jwtAudience", s.JWTIssuer == "" || len(s.JWTAudience) > 0, "An issuer was given, and no audience: any application of that issuer would be let in.")
	check("signInHosts", every(s.SignInHosts, isHostName))
	check("signInDomainPrefix", s.SignInDomainPrefix == "" || domainPrefix.MatchString(s.SignInDomainPrefix) && !reserved.MatchString(s.SignInDomainPrefix))

	check("requestsPerSecond", 1 <= s.RequestsPerSecond && s.RequestsPerSecond <= 10000)
	check("requestBurst", 1 <= s.RequestBurst && s.RequestBurst <= 5000)
	check("logDays", slices.Contains(logDays, s.LogDays))

	check("alarmTopicArn", s.AlarmTopicArn == "" || alarmTopic.MatchString(s.AlarmTopicArn))
	check("alarmTopicArn", s.AlarmTopicArn == "" || s.Monitoring, "A topic for alarms was given, and monitoring, which makes them, is false.")
	check("keyMaxDays", 1 <= s.KeyMaxDays && s.KeyMaxDays <= 3650)
	check("refusedPercent", 1 <= s.RefusedPercent && s.RefusedPercent <= 100)
	if len(errs) == 0 {
		// By the same rules as the signer at its start.
		document := s.SignerDocument()
		for _, err := range document.Check() {
			if invalid, ok := errors.AsType[*setting.Error](err); ok {
				errs = append(errs, &Error{Name: invalid.Name, Was: invalid.Value, May: invalid.Allowed})
			}
		}
	}
	return errs
}

func every(list []string, ok func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !ok(s) })
}

func distinct(list []string) bool {
	sorted := slices.Sorted(slices.Values(list))
	return len(slices.Compact(sorted)) == len(list)
}

func isHostName(s string) bool { return len(s) <= 253 && hostName.MatchString(s) }

// isOrigin takes what a browser sends in its Origin header, and http only for
// a page on the developer's own machine.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme+"://"+u.Host != s {
		return false
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1"
	return local || u.Scheme == "https" && isHostName(u.Hostname())
}

func isIssuer(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && isHostName(u.Hostname()) && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}
