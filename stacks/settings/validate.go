package settings

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	stackName    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{2,39}$`)
	folder       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	bucketName   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	hostName     = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`)
	certificate  = regexp.MustCompile(`^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/[A-Za-z0-9-]+$`)
	webACL       = regexp.MustCompile(`^arn:aws[a-z-]*:wafv2:us-east-1:[0-9]{12}:global/webacl/[A-Za-z0-9_-]+/[A-Za-z0-9-]+$`)
	region       = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[1-9]$`)
	country      = regexp.MustCompile(`^[A-Z]{2}$`)
	domainPrefix = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	reserved     = regexp.MustCompile(`(?i)^ssm|aws|amazon|cognito`) // by Parameter Store and Cognito
	alarmTopic   = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)
	token        = regexp.MustCompile(`^\$\{Token\[[A-Za-z0-9._-]+\]\}$`)
	clientID     = regexp.MustCompile(`^[!-~]{1,255}$`)
)

// ownFolders are folders of the bucket and of the page that have another use.
var ownFolders = []string{"api", "catalog", "element", "encoded", "ingest", "posters", "public", "sample", "trailers", "uploads", "vendor", "videos"}

// maxOrigins is the length of the list of origins, in characters. It is part of a
// header and of a CloudFront Function, which has at most 10 KB (CloudFront
// developer guide, "Quotas on CloudFront Functions").
const maxOrigins = 4000

// validate returns an error for each setting whose value is invalid, alone or
// beside the others.
func (s *Settings) validate() (errs []error) {
	all := fields(s)
	// check adds an error unless ok. With a reason, the reason is said in place
	// of the allowed values.
	check := func(name string, ok bool, reason ...string) {
		if !ok {
			f := all[name]
			errs = append(errs, &Error{Name: name, Value: f.Value.Interface(), Allowed: f.Allowed(), Reason: strings.TrimSuffix(strings.Join(reason, " "), ".")})
		}
	}

	for _, name := range slices.Sorted(maps.Keys(all)) {
		check(name, all[name].InRange())
	}
	check("stackName", stackName.MatchString(s.StackName) && !reserved.MatchString(s.StackName))
	check("siteName", isLine(s.SiteName, 60))
	check("premiumPath", folder.MatchString(s.PremiumPath) && !slices.Contains(ownFolders, s.PremiumPath))
	check("mediaConvertInputs", every(s.MediaConvertInputs, bucketName.MatchString))

	check("domainNames", every(s.DomainNames, isHostName) && distinct(s.DomainNames))
	check("domainNames", len(s.DomainNames) > 0 || s.CertificateArn == "", "certificateArn needs domainNames")
	check("certificateArn", s.CertificateArn == "" || isARN(certificate, s.CertificateArn))
	check("certificateArn", len(s.DomainNames) == 0 || s.CertificateArn != "", "domainNames needs certificateArn, the ARN of an ACM certificate in us-east-1")
	check("priceClass", slices.Contains([]string{"", "PriceClass_100", "PriceClass_200", "PriceClass_All"}, s.PriceClass))
	check("allowCountries", every(s.AllowCountries, country.MatchString) && (len(s.AllowCountries) == 0 || len(s.BlockCountries) == 0))
	check("blockCountries", every(s.BlockCountries, country.MatchString))
	check("webAclArn", s.WebACLArn == "" || isARN(webACL, s.WebACLArn))
	check("region", s.Region == "" || region.MatchString(s.Region))
	s.validatePlan(check)
	check("allowedOrigins", every(s.AllowedOrigins, isOrigin) && distinct(s.AllowedOrigins))
	check("allowedOrigins", len(strings.Join(s.AllowedOrigins, " ")) <= maxOrigins, "must be at most 4,000 characters together: every embedded page is sent with all of them")
	check("premiumPath", s.PremiumPath != "embed" || len(s.AllowedOrigins) == 0, "allowedOrigins uses /embed/ for the page that other sites show")

	s.validateKeys(check)
	check("cookieDomain", s.CookieDomain == "" || isHostName(s.CookieDomain) && (s.Host() == s.CookieDomain || strings.HasSuffix(s.Host(), "."+s.CookieDomain)))

	check("segmentSeconds", s.SegmentSeconds%2 == 0, "must be even: key frames are two seconds apart")
	check("sourceDays", s.SourceDays == 0 || s.Ingest, "needs ingest")
	// A link plays the version that was current when playback began.
	oldest := s.LinkMinutes + s.CookieStepMinutes
	check("versionDays", !s.Ingest || !s.Links || s.VersionDays*24*60 >= oldest,
		fmt.Sprintf("a link plays a replaced version for up to linkMinutes and cookieStepMinutes, %d minutes: must be at least %d days", oldest, (oldest+24*60-1)/(24*60)))
	check("entitlements", s.Entitlements.valid())

	check("jwtIssuer", s.JWTIssuer == "" || isIssuer(s.JWTIssuer))
	check("jwtIssuer", s.JWTIssuer != "" || len(s.JWTAudience) == 0, "jwtAudience needs jwtIssuer")
	check("jwtAudience", every(s.JWTAudience, clientID.MatchString) && distinct(s.JWTAudience))
	check("jwtAudience", s.JWTIssuer == "" || len(s.JWTAudience) > 0, "jwtIssuer needs jwtAudience: without it, tokens for every application of the issuer would be accepted")
	check("signInHosts", every(s.SignInHosts, isHostName))
	check("signInDomainPrefix", s.SignInDomainPrefix == "" || domainPrefix.MatchString(s.SignInDomainPrefix) && !reserved.MatchString(s.SignInDomainPrefix))

	s.validateUserPool(check)

	check("alarmTopicArn", s.AlarmTopicArn == "" || isARN(alarmTopic, s.AlarmTopicArn))
	check("alarmTopicArn", s.AlarmTopicArn == "" || s.Monitoring, "needs monitoring, which is false")
	if len(errs) == 0 {
		// The same rules as the signer's at its start.
		document := s.SignerDocument()
		return document.Check()
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

// isARN accepts the ARN of a resource of the same app too, which the CDK writes
// as a token: it is known when the app is deployed.
func isARN(of *regexp.Regexp, s string) bool {
	return of.MatchString(s) || token.MatchString(s)
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

// isLine reports whether a text is one line of at most so many characters,
// without spaces around it.
func isLine(text string, most int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= most && strings.TrimSpace(text) == text &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
