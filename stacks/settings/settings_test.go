package settings

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"reflect"
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
		{"a truth from the command line", map[string]any{"sample": "false"}, func(s Settings) bool { return !s.Sample }},
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
		{"a claim from the command line", map[string]any{"entitlements": `{"claim":"custom:courses","paths":true}`},
			func(s Settings) bool { return s.Entitlements == Entitlements{Claim: "custom:courses", Paths: true} }},
		{"a table of grants", map[string]any{"entitlements": "table"}, func(s Settings) bool { return s.Entitlements.Table }},
		{"a function that is asked", map[string]any{"entitlements": map[string]any{"function": "arn:aws:lambda:eu-west-1:111122223333:function:shop:live"}},
			func(s Settings) bool { return s.Entitlements.Function != "" }},
		{"own names", map[string]any{"domainNames": []any{"video.example.com"}, "certificateArn": arn, "cookieDomain": "example.com"},
			func(s Settings) bool { return s.Host() == "video.example.com" }},
		{"an existing issuer", map[string]any{"jwtIssuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc", "jwtAudience": []any{"client"}},
			func(s Settings) bool { return len(s.JWTAudience) == 1 }},
		{"SHA-256 with ECDSA, asked for by name", map[string]any{"signingKeyType": "ECDSA_P256", "allowUndocumentedEcdsaSha256": true},
			func(s Settings) bool { return s.SignatureHash == "SHA256" }},
		{"alarms that somebody hears", map[string]any{"alarmTopicArn": "arn:aws:sns:eu-west-1:111122223333:on-call", "refusedPercent": "40"},
			func(s Settings) bool { return s.Monitoring && s.AlarmTopicArn != "" && s.RefusedPercent == 40 }},
		{"nothing watched", map[string]any{"monitoring": "false"}, func(s Settings) bool { return !s.Monitoring && s.LogViewers == "hashed" }},
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

// Each bad setting is refused in a sentence that names it, what it was and
// what it may be.
func TestReadRefuses(t *testing.T) {
	tests := []struct {
		name    string
		context map[string]any
		says    []string
	}{
		{"unknown setting", map[string]any{"cookieHours": 1.0}, []string{"cookieHours was 1", "no setting of that name"}},
		{"misspelled setting", map[string]any{"signingKey": []any{"a"}}, []string{"Was signingKeys meant?"}},
		{"text for a number", map[string]any{"cookieMinutes": "soon"}, []string{"cookieMinutes", `"soon"`, "between 1 and 1440"}},
		{"fraction", map[string]any{"cookieMinutes": 1.5}, []string{"cookieMinutes was 1.5"}},
		{"null", map[string]any{"sample": nil}, []string{"sample was null", "true or false"}},
		{"text for a list", map[string]any{"signingKeys": "a"}, []string{"signingKeys", `"a"`}},
		{"number in a list", map[string]any{"signingKeys": []any{1.0}}, []string{"signingKeys"}},
		{"no time at all", map[string]any{"cookieMinutes": 0.0}, []string{"cookieMinutes was 0"}},
		{"no keys", map[string]any{"signingKeys": []any{}}, []string{"signingKeys was []", "at least one key"}},
		{"six keys", map[string]any{"signingKeys": []any{"a", "b", "c", "d", "e", "f"}}, []string{"at most five"}},
		{"a key twice", map[string]any{"signingKeys": []any{"a", "a"}}, []string{"cannot be made twice"}},
		{"a key with a slash", map[string]any{"signingKeys": []any{"../a"}}, []string{"signingKeys", "letters, digits"}},
		{"a key without a name", map[string]any{"signingKeys": []any{""}}, []string{"signingKeys"}},
		{"unknown key type", map[string]any{"signingKeyType": "RSA_4096"}, []string{"signingKeyType", "RSA_2048 or ECDSA_P256"}},
		{"undocumented hash", map[string]any{"signingKeyType": "ECDSA_P256"}, []string{"signatureHash", "RSA keys only"}},
		{"a key with an unknown member", map[string]any{"signingKeys": []any{map[string]any{"name": "a", "algorithm": "x"}}}, []string{"signingKeys"}},
		{"an unknown custody", map[string]any{"keyCustody": "vault"}, []string{"keyCustody", "ssm, kms or external"}},
		{"a key in KMS with SHA-1", map[string]any{"keyCustody": "kms", "signatureHash": "SHA1"}, []string{"signs with SHA-256"}},
		{"an external key without a parameter", map[string]any{"keyCustody": "external"}, []string{"must name a parameter"}},
		{"a parameter without an external key", map[string]any{"signingKeys": []any{map[string]any{"name": "a", "parameter": "/a"}}}, []string{"only external keys"}},
		{"undocumented hash of one key", map[string]any{"signingKeys": []any{"a", map[string]any{"name": "b", "type": "ECDSA_P256"}}}, []string{"The key b", "RSA keys only"}},
		{"path with a wildcard", map[string]any{"premiumPath": "premium/*"}, []string{"premiumPath"}},
		{"path of the API", map[string]any{"premiumPath": "api"}, []string{"premiumPath"}},
		{"name without certificate", map[string]any{"domainNames": []any{"video.example.com"}}, []string{"certificateArn", "no certificate"}},
		{"certificate without name", map[string]any{"certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/a"}, []string{"domainNames"}},
		{"certificate elsewhere", map[string]any{"domainNames": []any{"v.example.com"}, "certificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/a"}, []string{"us-east-1"}},
		{"wildcard name", map[string]any{"domainNames": []any{"*.example.com"}}, []string{"domainNames"}},
		{"both country lists", map[string]any{"allowCountries": []any{"DE"}, "blockCountries": []any{"FR"}}, []string{"allowCountries"}},
		{"any origin", map[string]any{"allowedOrigins": []any{"*"}}, []string{"allowedOrigins", "wildcard"}},
		{"origin with a path", map[string]any{"allowedOrigins": []any{"https://example.com/"}}, []string{"allowedOrigins"}},
		{"origin without TLS", map[string]any{"allowedOrigins": []any{"http://example.com"}}, []string{"allowedOrigins"}},
		{"cookie domain of another site", map[string]any{"cookieDomain": "example.com"}, []string{"cookieDomain", "cloudfront.net"}},
		{"unknown entitlements", map[string]any{"entitlements": "everyone"}, []string{"entitlements", "authenticated"}},
		{"entitlements that say nothing", map[string]any{"entitlements": map[string]any{}}, []string{"entitlements"}},
		{"a claim without a rule", map[string]any{"entitlements": map[string]any{"claim": "a"}}, []string{"entitlements"}},
		{"a claim with two rules", map[string]any{"entitlements": map[string]any{"claim": "a", "value": "b", "paths": true}}, []string{"entitlements"}},
		{"a function without an ARN", map[string]any{"entitlements": map[string]any{"function": "shop"}}, []string{"entitlements"}},
		{"issuer without audience", map[string]any{"jwtIssuer": "https://issuer.example.com"}, []string{"jwtAudience"}},
		{"audience without issuer", map[string]any{"jwtAudience": []any{"a"}}, []string{"jwtIssuer"}},
		{"issuer without TLS", map[string]any{"jwtIssuer": "http://issuer.example.com", "jwtAudience": []any{"a"}}, []string{"jwtIssuer"}},
		{"log days that CloudWatch has not", map[string]any{"logDays": 31.0}, []string{"logDays was 31"}},
		{"viewers in the log as they come", map[string]any{"logViewers": "clear"}, []string{"logViewers", "hashed or plain"}},
		{"a topic that is none", map[string]any{"alarmTopicArn": "arn:aws:sqs:eu-west-1:111122223333:alarms"}, []string{"alarmTopicArn", "SNS topic"}},
		{"a topic in order", map[string]any{"alarmTopicArn": "arn:aws:sns:eu-west-1:111122223333:alarms.fifo"}, []string{"alarmTopicArn", "standard"}},
		{"a topic without alarms", map[string]any{"monitoring": false, "alarmTopicArn": "arn:aws:sns:eu-west-1:111122223333:alarms"}, []string{"alarmTopicArn", "monitoring, which makes them, is false"}},
		{"a key that is too old at once", map[string]any{"keyMaxDays": 0.0}, []string{"keyMaxDays was 0", "from 1 to 3650"}},
		{"a key that is never too old", map[string]any{"keyMaxDays": 3651.0}, []string{"keyMaxDays"}},
		{"an external key in one of the stack's own parameters", map[string]any{"signingKeys": []any{map[string]any{"name": "a", "custody": "external", "parameter": "/PremiumHls/signing-keys/b", "publicKeyFile": "a.pem"}}}, []string{"signingKeys", "outside /PremiumHls/"}},
		{"two external keys in one parameter", map[string]any{"signingKeys": []any{
			map[string]any{"name": "a", "custody": "external", "parameter": "/my/key", "publicKeyFile": "a.pem"},
			map[string]any{"name": "b", "custody": "external", "parameter": "/my/key", "publicKeyFile": "b.pem"},
		}}, []string{"signingKeys", "no other key has"}},
		{"a step that is longer than the lifetime", map[string]any{"cookieMinutes": 4.0}, []string{"cookieStepMinutes was 5", "at most cookieMinutes"}},
		{"every request refused", map[string]any{"refusedPercent": 101.0}, []string{"refusedPercent", "from 1 to 100"}},
		{"a share of one", map[string]any{"refusedPercent": 0.25}, []string{"refusedPercent was 0.25"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Read(test.context)
			var setting *Error
			if !errors.As(err, &setting) {
				t.Fatalf("taken, or no sentence: %v", err)
			}
			for _, words := range test.says {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q does not say %q", err, words)
				}
			}
		})
	}
}

func TestReadTellsEveryBadSetting(t *testing.T) {
	_, err := Read(map[string]any{"logDays": 31.0, "priceClass": "cheap", "cookieSameSite": "lax"})
	for _, name := range []string{"logDays", "priceClass", "cookieSameSite"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

// FuzzRead: what is read without an error is what was written, can be written
// and read again, and holds nothing that would open more than it says: in a
// policy, a cookie, a rule of who may watch, or a list of origins. Everything
// else is refused with a sentence that names the setting.
func FuzzRead(f *testing.F) {
	for _, seed := range [][2]string{
		{"cookieMinutes", "15"}, {"cookieMinutes", "1e1"}, {"cookieMinutes", "-1"}, {"cookieMinutes", "15 "}, {"keepData", "false"}, {"bindViewerAddress", "true"},
		{"signingKeys", `["a","b"]`}, {"signingKeys", `[{"name":"a","custody":"kms"}]`}, {"signingKeys", `["a"]["b"]`}, {"signingKeys", `[{"name":"a","custody":"external","parameter":"/a/../b","publicKeyFile":"x"}]`},
		{"premiumPath", "premium/../x"}, {"premiumPath", "paid"}, {"stackName", "My-Stack"},
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
				var setting *Error
				if !errors.As(err, &setting) || !strings.Contains(err.Error(), "The setting ") {
					t.Fatalf("%v: %v", context, err)
				}
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
