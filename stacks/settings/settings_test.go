package settings

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestReadWithNothingGiven(t *testing.T) {
	s, err := Read(map[string]any{"@aws-cdk/core:flag": true, "aws:cdk:bundling-stacks": []any{"**"}})
	if err != nil || !reflect.DeepEqual(s, Default()) {
		t.Fatalf("got %+v, %v", s, err)
	}
}

func TestRead(t *testing.T) {
	arn := "arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012"
	tests := []struct {
		name    string
		context map[string]any
		check   func(Settings) bool
	}{
		{"a number", map[string]any{"cookieMinutes": float64(15)}, func(s Settings) bool { return s.CookieMinutes == 15 }},
		{"a number from the command line", map[string]any{"cookieMinutes": "15"}, func(s Settings) bool { return s.CookieMinutes == 15 }},
		{"a bool from the command line", map[string]any{"sample": "false"}, func(s Settings) bool { return !s.Sample }},
		{"a list", map[string]any{"signingKeys": []any{"a", "b"}}, func(s Settings) bool { return len(s.SigningKeys) == 2 }},
		{"a list from the command line", map[string]any{"signingKeys": `["a","b"]`}, func(s Settings) bool { return len(s.SigningKeys) == 2 }},
		{"a key that moves to KMS", map[string]any{"signingKeys": []any{"a", map[string]any{"name": "b", "custody": "kms"}}},
			func(s Settings) bool {
				k := s.Keys()
				return k[0].Custody == "ssm" && k[1].Custody == "kms" && k[1].Hash == "SHA256"
			}},
		{"a claim that decides", map[string]any{"entitlements": map[string]any{"claim": "cognito:groups", "value": "premium"}},
			func(s Settings) bool {
				return s.Entitlements == Entitlements{Claim: "cognito:groups", Value: "premium"}
			}},
		{"a claim from the command line", map[string]any{"entitlements": `{"claim":"custom:courses","paths":true}`, "userPoolAttributes": `["courses"]`},
			func(s Settings) bool { return s.Entitlements == Entitlements{Claim: "custom:courses", Paths: true} }},
		{"a table of grants", map[string]any{"entitlements": "table"}, func(s Settings) bool { return s.Entitlements.Table }},
		{"a function that is asked", map[string]any{"entitlements": map[string]any{"function": "arn:aws:lambda:eu-west-1:111122223333:function:shop:live"}},
			func(s Settings) bool { return s.Entitlements.Function != "" }},
		{"own names", map[string]any{"domainNames": []any{"video.example.com"}, "certificateArn": arn, "cookieDomain": "example.com"},
			func(s Settings) bool { return s.Host() == "video.example.com" }},
		{"an existing issuer", map[string]any{"jwtIssuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc", "jwtAudience": []any{"client"}},
			func(s Settings) bool { return len(s.JWTAudience) == 1 }},
		{"ECDSA with SHA-256 by default", nil, func(s Settings) bool { return s.SigningKeyType == "ECDSA_P256" && s.SignatureHash == "SHA256" }},
		{"ECDSA with SHA-1, allowed by name", map[string]any{"signatureHash": "SHA1", "allowEcdsaSha1": true},
			func(s Settings) bool { return s.SignatureHash == "SHA1" }},
		{"ECDSA in KMS", map[string]any{"keyCustody": "kms"}, func(s Settings) bool { return s.Keys()[0].Type == "ECDSA_P256" }},
		{"alarms with a topic", map[string]any{"alarmTopicArn": "arn:aws:sns:eu-west-1:111122223333:on-call", "refusedPercent": "40"},
			func(s Settings) bool { return s.Monitoring && s.AlarmTopicArn != "" && s.RefusedPercent == 40 }},
		{"nothing watched", map[string]any{"monitoring": "false"}, func(s Settings) bool { return !s.Monitoring && s.LogViewers == "hashed" }},
		{"an open door that is intended", map[string]any{"selfSignUp": true, "openSignUp": true}, func(s Settings) bool { return s.SelfSignUp }},
		{"sign-up with a rule", map[string]any{"selfSignUp": true, "entitlements": "table"}, func(s Settings) bool { return s.SelfSignUp }},
		{"a writable claim of another issuer", map[string]any{"jwtIssuer": "https://a.example.com", "jwtAudience": []any{"c"}, "entitlements": map[string]any{"claim": "name", "value": "premium"}},
			func(s Settings) bool { return s.Entitlements.Claim == "name" }},
		{"a local page", map[string]any{"allowedOrigins": []any{"http://localhost:3000"}}, func(s Settings) bool { return len(s.AllowedOrigins) == 1 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := Read(test.context)
			if err != nil || !test.check(s) {
				t.Fatalf("got %+v, %v", s, err)
			}
		})
	}
}

// Each invalid setting is refused by its name.
func TestReadRefuses(t *testing.T) {
	tests := []struct {
		name    string
		context map[string]any
		wrong   []string
	}{
		{"unknown setting", map[string]any{"cookieHours": 1.0}, []string{"cookieHours"}},
		{"misspelled setting", map[string]any{"signingKey": []any{"a"}}, []string{"signingKey"}},
		{"text for a number", map[string]any{"cookieMinutes": "soon"}, []string{"cookieMinutes"}},
		{"fraction", map[string]any{"cookieMinutes": 1.5}, []string{"cookieMinutes"}},
		{"null", map[string]any{"sample": nil}, []string{"sample"}},
		{"text for a list", map[string]any{"signingKeys": "a"}, []string{"signingKeys"}},
		{"number in a list", map[string]any{"signingKeys": []any{1.0}}, []string{"signingKeys"}},
		{"a lifetime of zero", map[string]any{"cookieMinutes": 0.0}, []string{"cookieMinutes"}},
		{"no keys", map[string]any{"signingKeys": []any{}}, []string{"signingKeys"}},
		{"six keys", map[string]any{"signingKeys": []any{"a", "b", "c", "d", "e", "f"}}, []string{"signingKeys"}},
		{"a key twice", map[string]any{"signingKeys": []any{"a", "a"}}, []string{"signingKeys"}},
		{"a key with a slash", map[string]any{"signingKeys": []any{"../a"}}, []string{"signingKeys"}},
		{"a key without a name", map[string]any{"signingKeys": []any{""}}, []string{"signingKeys"}},
		{"unknown key type", map[string]any{"signingKeyType": "RSA_4096"}, []string{"signingKeyType"}},
		{"undocumented hash", map[string]any{"signatureHash": "SHA1"}, []string{"signingKeys"}},
		{"a key with an unknown member", map[string]any{"signingKeys": []any{map[string]any{"name": "a", "algorithm": "x"}}}, []string{"signingKeys"}},
		{"an unknown custody", map[string]any{"keyCustody": "vault"}, []string{"keyCustody"}},
		{"a key in KMS with SHA-1", map[string]any{"keyCustody": "kms", "signatureHash": "SHA1"}, []string{"signingKeys"}},
		{"an external key without a parameter", map[string]any{"keyCustody": "external"}, []string{"signingKeys"}},
		{"a parameter without an external key", map[string]any{"signingKeys": []any{map[string]any{"name": "a", "parameter": "/a"}}}, []string{"signingKeys"}},
		{"undocumented hash of one key", map[string]any{"signingKeys": []any{"a", map[string]any{"name": "b", "hash": "SHA1"}}}, []string{"signingKeys"}},
		{"a name of two lines", map[string]any{"siteName": "Knots\nand more"}, []string{"siteName"}},
		{"a name that is too long", map[string]any{"siteName": strings.Repeat("ö", 61)}, []string{"siteName"}},
		{"path with a wildcard", map[string]any{"premiumPath": "premium/*"}, []string{"premiumPath"}},
		{"path of uploads", map[string]any{"premiumPath": "uploads"}, []string{"premiumPath"}},
		{"path of the player", map[string]any{"premiumPath": "element"}, []string{"premiumPath"}},
		{"path of the API", map[string]any{"premiumPath": "api"}, []string{"premiumPath"}},
		{"name without certificate", map[string]any{"domainNames": []any{"video.example.com"}}, []string{"certificateArn"}},
		{"certificate without name", map[string]any{"certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/a"}, []string{"domainNames"}},
		{"certificate elsewhere", map[string]any{"domainNames": []any{"v.example.com"}, "certificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/a"}, []string{"certificateArn"}},
		{"wildcard name", map[string]any{"domainNames": []any{"*.example.com"}}, []string{"certificateArn", "domainNames"}},
		{"both country lists", map[string]any{"allowCountries": []any{"DE"}, "blockCountries": []any{"FR"}}, []string{"allowCountries"}},
		{"any origin", map[string]any{"allowedOrigins": []any{"*"}}, []string{"allowedOrigins"}},
		{"origin with a path", map[string]any{"allowedOrigins": []any{"https://example.com/"}}, []string{"allowedOrigins"}},
		{"origin without TLS", map[string]any{"allowedOrigins": []any{"http://example.com"}}, []string{"allowedOrigins"}},
		{"cookie domain of another site", map[string]any{"cookieDomain": "example.com"}, []string{"cookieDomain"}},
		{"unknown entitlements", map[string]any{"entitlements": "everyone"}, []string{"entitlements"}},
		{"a claim twice", map[string]any{"entitlements": `{"claim":"custom:a","claim":"cognito:groups","value":"b"}`}, []string{"entitlements"}},
		{"a claim in upper case", map[string]any{"entitlements": map[string]any{"CLAIM": "cognito:groups", "value": "b"}}, []string{"entitlements"}},
		{"two rules in one string", map[string]any{"entitlements": `{"claim":"cognito:groups","value":"b"} {}`}, []string{"entitlements"}},
		{"a key with its name twice", map[string]any{"signingKeys": `[{"name":"a","name":"b"}]`}, []string{"signingKeys"}},
		{"a key with a name in upper case", map[string]any{"signingKeys": []any{map[string]any{"NAME": "a"}}}, []string{"signingKeys"}},
		{"entitlements that say nothing", map[string]any{"entitlements": map[string]any{}}, []string{"entitlements"}},
		{"an attribute that the pool does not have", map[string]any{"entitlements": map[string]any{"claim": "custom:courses", "paths": true}, "userPoolAttributes": []any{"plan"}}, []string{"userPoolAttributes"}},
		{"an attribute name of 21 characters", map[string]any{"entitlements": map[string]any{"claim": "custom:a23456789012345678901", "paths": true}, "userPoolAttributes": []any{"courses"}}, []string{"entitlements", "userPoolAttributes"}},
		{"an attribute name of 21 characters in the list", map[string]any{"userPoolAttributes": []any{"a23456789012345678901"}}, []string{"userPoolAttributes"}},
		{"an attribute twice", map[string]any{"userPoolAttributes": []any{"a", "a"}}, []string{"userPoolAttributes"}},
		{"an attribute with custom:", map[string]any{"userPoolAttributes": []any{"custom:a"}}, []string{"userPoolAttributes"}},
		{"a claim that viewers can write", map[string]any{"entitlements": map[string]any{"claim": "given_name", "value": "premium"}}, []string{"entitlements"}},
		{"an open door", map[string]any{"selfSignUp": true}, []string{"selfSignUp"}},
		{"an open door that does not open", map[string]any{"openSignUp": true}, []string{"openSignUp"}},
		{"an unknown tier", map[string]any{"userPoolTier": "FREE"}, []string{"userPoolTier"}},
		{"an SES identity without a sender", map[string]any{"sesIdentityArn": "arn:aws:ses:eu-west-1:111122223333:identity/example.com"}, []string{"emailFrom"}},
		{"a sender without an SES identity", map[string]any{"emailFrom": "a@example.com"}, []string{"sesIdentityArn"}},
		{"a sender that is none", map[string]any{"sesIdentityArn": "arn:aws:ses:eu-west-1:111122223333:identity/example.com", "emailFrom": "a@example.com\r\nBcc: b@example.com"}, []string{"emailFrom"}},
		{"grants by email without a table", map[string]any{"emailGrants": true, "jwtIssuer": "https://a.example.com", "jwtAudience": []any{"c"}}, []string{"emailGrants"}},
		{"grants by email without sign-up", map[string]any{"emailGrants": true, "entitlements": "table", "sesIdentityArn": "arn:aws:ses:eu-west-1:111122223333:identity/example.com", "emailFrom": "a@example.com"}, []string{"emailGrants"}},
		{"grants by email with Cognito's own sender", map[string]any{"emailGrants": true, "entitlements": "table", "selfSignUp": true}, []string{"emailGrants"}},
		{"refresh tokens without a lifetime", map[string]any{"refreshTokenDays": 0.0}, []string{"refreshTokenDays"}},
		{"the folder of the sample", map[string]any{"premiumPath": "sample"}, []string{"premiumPath"}},
		{"an unknown plan", map[string]any{"plan": "basic"}, []string{"plan"}},
		{"a region that is none", map[string]any{"region": "Frankfurt"}, []string{"region"}},
		{"a price class with a plan", map[string]any{"plan": "pro", "priceClass": "PriceClass_100"}, []string{"priceClass"}},
		{"countries with a plan", map[string]any{"plan": "business", "allowCountries": []any{"DE"}}, []string{"allowCountries"}},
		{"blocked countries with a plan", map[string]any{"plan": "free", "blockCountries": []any{"DE"}}, []string{"blockCountries"}},
		{"access logs with the free plan", map[string]any{"plan": "free", "accessLogs": true}, []string{"accessLogs"}},
		{"links without a lifetime", map[string]any{"links": true, "linkMinutes": 0.0}, []string{"linkMinutes"}},
		{"links for more than a day", map[string]any{"links": true, "linkMinutes": 1441.0}, []string{"linkMinutes"}},
		{"links that expire before a step ends", map[string]any{"links": true, "linkMinutes": 4.0}, []string{"linkMinutes"}},
		{"links that outlive a replaced version", map[string]any{"links": true, "linkMinutes": 1440.0, "ingest": true, "versionDays": 1.0}, []string{"versionDays"}},
		{"two web ACLs", map[string]any{"webAcl": true, "webAclArn": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/a/b"}, []string{"webAcl"}},
		{"a user pool beside another issuer", map[string]any{"jwtIssuer": "https://a.example.com", "jwtAudience": []any{"c"}, "userPoolId": "eu-west-1_abc"}, []string{"userPoolId"}},
		{"a user pool by its name", map[string]any{"userPoolId": "viewers"}, []string{"userPoolId"}},
		{"a table by its ARN", map[string]any{"grantsTable": "arn:aws:dynamodb:eu-west-1:111122223333:table/a"}, []string{"grantsTable"}},
		{"a bucket by its ARN", map[string]any{"bucket": "arn:aws:s3:::videos"}, []string{"bucket"}},
		{"one bucket for videos and logs", map[string]any{"bucket": "both", "logBucket": "both"}, []string{"bucket"}},
		{"a log bucket by its ARN", map[string]any{"logBucket": "arn:aws:s3:::logs"}, []string{"logBucket"}},
		{"a claim without a rule", map[string]any{"entitlements": map[string]any{"claim": "a"}}, []string{"entitlements"}},
		{"a claim with two rules", map[string]any{"entitlements": map[string]any{"claim": "a", "value": "b", "paths": true}}, []string{"entitlements"}},
		{"a function without an ARN", map[string]any{"entitlements": map[string]any{"function": "shop"}}, []string{"entitlements"}},
		{"issuer without audience", map[string]any{"jwtIssuer": "https://issuer.example.com"}, []string{"jwtAudience"}},
		{"audience without issuer", map[string]any{"jwtAudience": []any{"a"}}, []string{"jwtIssuer"}},
		{"issuer without TLS", map[string]any{"jwtIssuer": "http://issuer.example.com", "jwtAudience": []any{"a"}}, []string{"jwtIssuer"}},
		{"log days that CloudWatch has not", map[string]any{"logDays": 31.0}, []string{"logDays"}},
		{"viewers in the log as they come", map[string]any{"logViewers": "clear"}, []string{"logViewers"}},
		{"a topic that is none", map[string]any{"alarmTopicArn": "arn:aws:sqs:eu-west-1:111122223333:alarms"}, []string{"alarmTopicArn"}},
		{"a topic in order", map[string]any{"alarmTopicArn": "arn:aws:sns:eu-west-1:111122223333:alarms.fifo"}, []string{"alarmTopicArn"}},
		{"a topic without alarms", map[string]any{"monitoring": false, "alarmTopicArn": "arn:aws:sns:eu-west-1:111122223333:alarms"}, []string{"alarmTopicArn"}},
		{"a key that is too old at once", map[string]any{"keyMaxDays": 0.0}, []string{"keyMaxDays"}},
		{"a key that is never too old", map[string]any{"keyMaxDays": 3651.0}, []string{"keyMaxDays"}},
		{"an external key in one of the stack's own parameters", map[string]any{"signingKeys": []any{map[string]any{"name": "a", "custody": "external", "parameter": "/PremiumHls/signing-keys/b", "publicKeyFile": "a.pem"}}}, []string{"signingKeys"}},
		{"two external keys in one parameter", map[string]any{"signingKeys": []any{
			map[string]any{"name": "a", "custody": "external", "parameter": "/my/key", "publicKeyFile": "a.pem"},
			map[string]any{"name": "b", "custody": "external", "parameter": "/my/key", "publicKeyFile": "b.pem"},
		}}, []string{"signingKeys"}},
		{"a step that is longer than the lifetime", map[string]any{"cookieMinutes": 4.0}, []string{"cookieStepMinutes"}},
		{"every request refused", map[string]any{"refusedPercent": 101.0}, []string{"refusedPercent"}},
		{"a share of one", map[string]any{"refusedPercent": 0.25}, []string{"refusedPercent"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Read(test.context)
			if got := wrong(t, err); !slices.Equal(got, test.wrong) {
				t.Errorf("%q: %v", got, err)
			}
		})
	}
}

func TestReadReportsEveryInvalidSetting(t *testing.T) {
	_, err := Read(map[string]any{"logDays": 31.0, "priceClass": "cheap", "cookieSameSite": "lax", "cookieHours": 1.0})
	if got := wrong(t, err); !slices.Equal(got, []string{"cookieHours"}) {
		t.Errorf("with an unknown setting: %v", got)
	}
	_, err = Read(map[string]any{"logDays": 31.0, "priceClass": "cheap", "cookieSameSite": "lax"})
	if got := wrong(t, err); !slices.Equal(got, []string{"cookieSameSite", "logDays", "priceClass"}) {
		t.Errorf("reported %v", got)
	}
}

// wrong returns the names in an error of Read, each once, in order.
func wrong(t *testing.T, err error) (names []string) {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("accepted, or another kind of error: %v", err)
	}
	for _, err := range joined.Unwrap() {
		var invalid *Error
		var unknown *UnknownError
		switch {
		case errors.As(err, &invalid):
			names = append(names, invalid.Name)
		case errors.As(err, &unknown):
			names = append(names, unknown.Name)
		default:
			t.Fatalf("another kind of error: %v", err)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		context map[string]any
		want    string
	}{
		{map[string]any{"cookieMinutes": 0.0}, `cookieMinutes: invalid value 0: must be between 1 and 1440`},
		{map[string]any{"premiumPath": "embed", "allowedOrigins": []any{"https://www.example.org"}}, `premiumPath: invalid value "embed": allowedOrigins uses /embed/ for the page that other sites show`},
		{map[string]any{"cookieSameSite": "lax"}, `cookieSameSite: invalid value "lax": must be Lax, Strict or None`},
		{map[string]any{"sample": "maybe"}, `sample: invalid value "maybe": must be true or false`},
		{map[string]any{"emailGrants": true, "entitlements": "table", "selfSignUp": true}, `emailGrants: invalid value true: needs sesIdentityArn and emailFrom: new viewers verify their address by email, and Cognito's own sender stops at 50 emails a day`},
		{map[string]any{"jwtAudience": []any{"a"}}, `jwtIssuer: invalid value "": jwtAudience needs jwtIssuer`},
		{map[string]any{"signingKey": []any{"a"}}, `signingKey: unknown setting; did you mean signingKeys?`},
		{map[string]any{"cookieMinuets": 5.0}, `cookieMinuets: unknown setting; did you mean cookieMinutes?`},
		{map[string]any{"Monitoring": true}, `Monitoring: unknown setting; did you mean monitoring?`},
		{map[string]any{"colour": "red"}, `colour: unknown setting`},
	} {
		if _, err := Read(test.context); err == nil || err.Error() != test.want {
			t.Errorf("%v\nwant\n%s", err, test.want)
		}
	}
}

// FuzzRead: what is read without an error is what was written, can be written
// and read again, and holds nothing that would open more than it says: in a
// policy, a cookie, a rule of who may watch, or a list of origins. Everything
// else is refused by its name.
func FuzzRead(f *testing.F) {
	for _, seed := range [][2]string{
		{"cookieMinutes", "15"}, {"cookieMinutes", "1e1"}, {"cookieMinutes", "-1"}, {"cookieMinutes", "15 "}, {"keepData", "false"}, {"bindViewerAddress", "true"},
		{"signingKeys", `["a","b"]`}, {"signingKeys", `[{"name":"a","custody":"kms"}]`}, {"signingKeys", `["a"]["b"]`}, {"signingKeys", `[{"name":"a","custody":"external","parameter":"/a/../b","publicKeyFile":"x"}]`},
		{"premiumPath", "premium/../x"}, {"premiumPath", "paid"}, {"stackName", "My-Stack"}, {"siteName", strings.Repeat("ö", 60)},
		{"allowedOrigins", `["https://*.example.com"]`}, {"allowedOrigins", `["https://www.example.com"]`}, {"allowedOrigins", `["http://localhost:8080"]`}, {"allowedOrigins", `["https://a@b.example.com"]`},
		{"entitlements", "authenticated"}, {"entitlements", "table"}, {"entitlements", `{"claim":"a","value":"b"}`}, {"entitlements", `{"claim":"a","paths":true}`},
		{"entitlements", `{"claim":"a","value":"b"}{"claim":"c","value":"d"}`}, {"entitlements", `{"claim":"a","value":"b"} x`}, {"entitlements", `{"claim":"a","claim":"b","value":"c"}`},
		{"entitlements", `{"CLAIM":"a","value":"b"}`}, {"entitlements", `{"function":"arn:aws:lambda:eu-west-1:111122223333:function:shop"}`}, {"entitlements", `{}`}, {"entitlements", ` "table"`}, {"entitlements", `null`},
		{"mediaConvertInputs", `["a-bucket"]`}, {"mediaConvertInputs", `["*"]`}, {"allowCountries", `["DE"]`}, {"webAclArn", "arn:aws:wafv2:us-east-1:111122223333:global/webacl/a/b"},
		{"signInHosts", `["login.example.com"]`}, {"cookieDomain", "example.com; Secure"}, {"cookieSameSite", "None"}, {"logDays", "30"}, {"no such", "x"}, {"@aws-cdk/x", "y"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		contexts := []map[string]any{{name: value}}
		var v any
		if json.Unmarshal([]byte(value), &v) == nil {
			contexts = append(contexts, map[string]any{name: v})
		}
		for _, context := range contexts {
			s, err := Read(context)
			if err != nil {
				wrong(t, err)
				continue
			}
			checkSettings(t, context, s)
			if name == "entitlements" && s.Entitlements == (Entitlements{}) && context[name] != "authenticated" && context[name] != `"authenticated"` {
				t.Fatalf("%v lets everyone in", context)
			}
			if again, err := Read(written(t, s)); err != nil || !reflect.DeepEqual(again, s) {
				t.Fatalf("%v is read as %+v, and that as %+v, %v", context, s, again, err)
			}
			// A text that holds JSON holds all of it: nothing of it is passed over.
			text, isText := context[name].(string)
			if f, ok := fields(&s)[name]; ok && isText && (f.Value.Kind() == reflect.Slice || strings.HasPrefix(strings.TrimSpace(text), "{")) && !json.Valid([]byte(text)) {
				t.Fatalf("%v is read as %+v, and is no JSON", context, f.Value.Interface())
			}
		}
	})
}

func checkSettings(t *testing.T, context map[string]any, s Settings) {
	t.Helper()
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	texts := []string{s.PremiumPath, s.StackName, s.CookieSameSite, s.CookieDomain, s.PriceClass, s.SignInDomainPrefix}
	for _, key := range s.Keys() {
		texts = append(texts, key.Name, key.Custody, key.Type, key.Hash)
	}
	for _, list := range [][]string{s.DomainNames, s.MediaConvertInputs, s.SignInHosts, s.AllowCountries, s.BlockCountries} {
		texts = append(texts, list...)
	}
	for _, text := range texts {
		if strings.Trim(text, plain) != "" || strings.Contains(text, "..") {
			t.Fatalf("%v lets %q through", context, text)
		}
	}
	for _, origin := range s.AllowedOrigins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme+"://"+u.Host != origin || strings.ContainsAny(origin, "*?@ ") {
			t.Fatalf("%v lets the origin %q through", context, origin)
		}
	}
	if s.CookieMinutes < 1 || s.CookieStepMinutes < 1 || s.KeyWaitMinutes < 1 || s.RequestsPerSecond < 1 || s.RequestBurst < 1 || len(s.SigningKeys) == 0 {
		t.Fatalf("%v: %+v", context, s)
	}
}

// written is settings as cdk.json has them.
func written(t *testing.T, s Settings) map[string]any {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var context map[string]any
	if err := json.Unmarshal(raw, &context); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(context, func(_ string, v any) bool { return v == nil }) // an empty list
	return context
}

// Links reach the signer only if they are on: without them its settings are
// what they were.
func TestLinksInTheSignersSettings(t *testing.T) {
	for _, test := range []struct {
		context map[string]any
		want    int
	}{
		{map[string]any{}, 0},
		{map[string]any{"linkMinutes": 600.0}, 0},
		{map[string]any{"links": true}, 240},
		{map[string]any{"links": true, "linkMinutes": 600.0}, 600},
		{map[string]any{"links": true, "linkMinutes": 1380.0, "ingest": true, "versionDays": 1.0}, 1380},
	} {
		s, err := Read(test.context)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(s.SignerDocument())
		if err != nil {
			t.Fatal(err)
		}
		if got := s.SignerDocument().LinkMinutes; got != test.want || strings.Contains(string(text), "ink") != (test.want > 0) {
			t.Errorf("%v: %d minutes, in %s", test.context, got, text)
		}
	}
}
