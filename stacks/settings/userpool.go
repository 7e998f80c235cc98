package settings

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// Cognito allows more characters, but a claim's name is also a key of a
	// token and a column of reports.
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,20}$`)
	sesIdentity   = regexp.MustCompile(`^arn:aws[a-z-]*:ses:[a-z0-9-]+:[0-9]{12}:identity/[^\s/]{1,320}$`)
	userPoolID    = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[1-9]_[A-Za-z0-9]{1,55}$`)
	tableName     = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)
	emailAddress  = regexp.MustCompile(`^[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}$`)
)

// maxAttributes is Cognito's quota of custom attributes in a user pool.
const maxAttributes = 50

// writable are the claims of a user pool's ID token that a viewer of the
// stack's pool can change: the attributes that the page's client may write.
var writable = []string{"email", "name", "given_name", "family_name", "locale"}

// CustomAttribute is the attribute of the stack's user pool that a claim stands
// for: its name without custom:, if the claim is one.
func (e Entitlements) CustomAttribute() (name string, ok bool) {
	return strings.CutPrefix(e.Claim, "custom:")
}

func (s *Settings) validateUserPool(check func(name string, ok bool, reason ...string)) {
	ownPool := s.JWTIssuer == ""
	check("selfSignUp", !s.SelfSignUp || !ownPool || s.Entitlements != (Entitlements{}) || s.OpenSignUp,
		`with entitlements "authenticated" everyone could create an account and watch everything: set entitlements, or openSignUp if that is intended`)
	check("openSignUp", !s.OpenSignUp || s.SelfSignUp, "needs selfSignUp, which is false")

	check("emailGrants", !s.EmailGrants || s.Entitlements.Table, `needs entitlements "table"`)
	check("emailGrants", !s.EmailGrants || !ownPool || s.SelfSignUp, "needs selfSignUp: viewers with a grant by email must be able to create an account")
	check("emailGrants", !s.EmailGrants || !ownPool || s.SESIdentityArn != "",
		"needs sesIdentityArn and emailFrom: new viewers verify their address by email, and Cognito's own sender stops at 50 emails a day")
	s.validateStripe(check)

	check("userPoolAttributes", every(s.UserPoolAttributes, attributeName.MatchString) && distinct(s.UserPoolAttributes) && len(s.UserPoolAttributes) <= maxAttributes)
	if name, custom := s.Entitlements.CustomAttribute(); custom && ownPool {
		check("entitlements", attributeName.MatchString(name), "claim "+s.Entitlements.Claim+": an attribute of a user pool has at most 20 letters, digits, hyphens and underscores after custom:")
		check("userPoolAttributes", slices.Contains(s.UserPoolAttributes, name),
			"must contain "+name+", the attribute in entitlements; keep it in the list when entitlements changes, because Cognito cannot remove an attribute")
	}
	check("entitlements", !ownPool || !slices.Contains(writable, s.Entitlements.Claim), "claim "+s.Entitlements.Claim+": viewers can change this attribute of the stack's user pool")

	check("userPoolId", s.UserPoolID == "" || userPoolID.MatchString(s.UserPoolID))
	check("userPoolId", s.UserPoolID == "" || ownPool, "jwtIssuer names another issuer")
	check("grantsTable", s.GrantsTable == "" || tableName.MatchString(s.GrantsTable))
	check("bucket", s.Bucket == "" || bucketName.MatchString(s.Bucket))
	check("bucket", s.Bucket == "" || s.Bucket != s.LogBucket, "must differ from logBucket")
	check("logBucket", s.LogBucket == "" || bucketName.MatchString(s.LogBucket))
	check("sesIdentityArn", s.SESIdentityArn == "" || sesIdentity.MatchString(s.SESIdentityArn))
	check("sesIdentityArn", s.SESIdentityArn != "" || s.EmailFrom == "", "emailFrom needs sesIdentityArn")
	check("emailFrom", s.EmailFrom == "" || emailAddress.MatchString(s.EmailFrom))
	check("emailFrom", s.SESIdentityArn == "" || s.EmailFrom != "", "sesIdentityArn needs emailFrom")
}
