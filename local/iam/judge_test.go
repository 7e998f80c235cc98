package iam_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"premiumhls/local/iam"
)

const (
	account = "111122223333"
	roleARN = "arn:aws:iam::111122223333:role/signer"
	bucket  = "arn:aws:s3:::videos"
	keyARN  = "arn:aws:kms:us-east-1:111122223333:key/1"
)

var (
	signer     = iam.Caller{Role: "signer", RoleARN: roleARN, Session: "Signer"}
	cloudfront = iam.Caller{Service: "cloudfront.amazonaws.com"}
	owner      = iam.Caller{Owner: true, RoleARN: "arn:aws:iam::111122223333:user/owner"}
)

func parse(t *testing.T, statement string) []iam.Statement {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(`{"Version":"2012-10-17","Statement":[` + statement + `]}`))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	s, err := iam.Parse("Policy", v)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJudge(t *testing.T) {
	const parameter = "arn:aws:ssm:us-east-1:111122223333:parameter/S/keys/1"
	identity := "role:signer"
	onBucket, onKey := "on:"+bucket, "on:"+keyARN
	const allowParameter = `{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"arn:aws:ssm:us-east-1:111122223333:parameter/S/keys/*"}`
	const readBucket = `{"Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::videos/*","Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::111122223333:distribution/D"}}}`
	const accountKey = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`
	const signKey = `{"Effect":"Allow","Action":["kms:Sign","kms:GetPublicKey"],"Resource":"` + keyARN + `"}`
	const deny = `{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":["arn:aws:s3:::videos","arn:aws:s3:::videos/*"],"Condition":`
	distribution := map[string]string{"aws:SourceArn": "arn:aws:cloudfront::111122223333:distribution/D", "aws:SecureTransport": "true"}

	tests := []struct {
		name     string
		policies []string // where it is attached, and the statement, in turns
		call     iam.Call
		allowed  bool
		reason   string // part of Decision.Reason
	}{
		{"no policy at all", nil, iam.Call{Caller: signer, Action: "ssm:GetParameters", Resource: parameter}, false, "no identity-based policy allows the ssm:GetParameters action"},
		{"an identity-based policy", []string{identity, allowParameter}, iam.Call{Caller: signer, Action: "ssm:GetParameters", Resource: parameter}, true, ""},
		{"actions have no case", []string{identity, allowParameter}, iam.Call{Caller: signer, Action: "SSM:getparameters", Resource: parameter}, true, ""},
		{"another action", []string{identity, allowParameter}, iam.Call{Caller: signer, Action: "ssm:GetParameter", Resource: parameter}, false, "no identity-based"},
		{"another resource", []string{identity, allowParameter}, iam.Call{Caller: signer, Action: "ssm:GetParameters", Resource: parameter[:len(parameter)-6] + "other"}, false, "no identity-based"},
		{"another region", []string{identity, allowParameter}, iam.Call{Caller: signer, Action: "ssm:GetParameters", Resource: strings.Replace(parameter, "us-east-1", "eu-west-1", 1)}, false, "no identity-based"},
		{"another role's policy", []string{"role:other", allowParameter}, iam.Call{Caller: signer, Action: "ssm:GetParameters", Resource: parameter}, false, "no identity-based"},
		{"a role that a service is not", []string{identity, allowParameter}, iam.Call{Caller: cloudfront, Action: "ssm:GetParameters", Resource: parameter}, false, "no resource-based"},
		{"an action with a wildcard", []string{identity, `{"Effect":"Allow","Action":"s3:GetObject*","Resource":"arn:aws:s3:::videos/*"}`}, iam.Call{Caller: signer, Action: "s3:GetObjectTagging", Resource: bucket + "/a"}, true, ""},
		{"a wildcard stays in its part", []string{identity, `{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"arn:aws:*:111122223333:parameter/S/keys/1"}`}, iam.Call{Caller: signer, Action: "ssm:GetParameters", Resource: parameter}, false, "no identity-based"},
		{"every resource", []string{identity, `{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"*"}`}, iam.Call{Caller: signer, Action: "ssm:GetParameters", Resource: parameter}, true, ""},

		{"a service by the resource's policy", []string{onBucket, readBucket}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a", Context: distribution}, true, ""},
		{"another distribution", []string{onBucket, readBucket}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a", Context: map[string]string{"aws:SourceArn": "arn:aws:cloudfront::111122223333:distribution/E"}}, false, "no resource-based"},
		{"a condition key that the request lacks", []string{onBucket, readBucket}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a"}, false, "no resource-based"},
		{"another service", []string{onBucket, readBucket}, iam.Call{Caller: iam.Caller{Service: "logging.s3.amazonaws.com"}, Action: "s3:GetObject", Resource: bucket + "/a", Context: distribution}, false, "no resource-based"},
		{"a policy of another bucket", []string{"on:arn:aws:s3:::video", readBucket}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a", Context: distribution}, false, "no resource-based"},
		{"a role by the resource's policy", []string{onBucket, `{"Effect":"Allow","Principal":{"AWS":"` + roleARN + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::videos/*"}`}, iam.Call{Caller: signer, Action: "s3:GetObject", Resource: bucket + "/a"}, true, ""},
		{"the account in a bucket's policy decides nothing", []string{onBucket, `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::videos/*"}`}, iam.Call{Caller: signer, Action: "s3:GetObject", Resource: bucket + "/a"}, false, "no identity-based"},

		{"an explicit deny wins", []string{onBucket, readBucket, onBucket, deny + `{"Bool":{"aws:SecureTransport":"true"}}}`}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a", Context: distribution}, false, "with an explicit deny in a resource-based policy"},
		{"a deny whose condition does not hold", []string{onBucket, readBucket, onBucket, deny + `{"Bool":{"aws:SecureTransport":"false"}}}`}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a", Context: distribution}, true, ""},
		{"old TLS", []string{onBucket, readBucket, onBucket, deny + `{"NumericLessThan":{"s3:TlsVersion":1.2}}}`}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a", Context: map[string]string{"aws:SourceArn": distribution["aws:SourceArn"], "s3:TlsVersion": "1.1"}}, false, "explicit deny"},
		{"new TLS", []string{onBucket, readBucket, onBucket, deny + `{"NumericLessThan":{"s3:TlsVersion":1.2}}}`}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a", Context: iam.Secure(distribution)}, true, ""},
		{"an unknown operator does not allow", []string{onBucket, strings.Replace(readBucket, "StringEquals", "IpAddress", 1)}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a", Context: distribution}, false, "no resource-based"},
		{"an unknown key does not allow", []string{onBucket, strings.Replace(readBucket, "AWS:SourceArn", "aws:SourceVpc", 1)}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a", Context: map[string]string{"aws:SourceVpc": "arn:aws:cloudfront::111122223333:distribution/D"}}, false, "no resource-based"},
		{"an unknown key denies", []string{onBucket, readBucket, onBucket, deny + `{"StringEquals":{"aws:SourceVpc":"vpc-1"}}}`}, iam.Call{Caller: cloudfront, Action: "s3:GetObject", Resource: bucket + "/a", Context: distribution}, false, "explicit deny"},

		{"a key, left to the account", []string{onKey, accountKey, identity, signKey}, iam.Call{Caller: signer, Action: "kms:Sign", Resource: keyARN}, true, ""},
		{"a key without a policy for the account", []string{identity, signKey}, iam.Call{Caller: signer, Action: "kms:Sign", Resource: keyARN}, false, "no resource-based policy allows the kms:Sign action"},
		{"a key that the role may not use", []string{onKey, accountKey}, iam.Call{Caller: signer, Action: "kms:Sign", Resource: keyARN}, false, "no identity-based"},

		{"the owner", nil, iam.Call{Caller: owner, Action: "dynamodb:PutItem", Resource: "arn:aws:dynamodb:us-east-1:111122223333:table/T"}, true, ""},
		{"the owner and a deny", []string{onBucket, deny + `{"Bool":{"aws:SecureTransport":"false"}}}`}, iam.Call{Caller: owner, Action: "s3:GetObject", Resource: bucket + "/a", Context: map[string]string{"aws:SecureTransport": "false"}}, false, "explicit deny"},
		{"a trust policy", []string{"on:" + roleARN, `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`}, iam.Call{Caller: iam.Caller{Service: "lambda.amazonaws.com"}, Action: "sts:AssumeRole", Resource: roleARN}, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var policies iam.Policies
			for i := 0; i < len(tt.policies); i += 2 {
				for _, s := range parse(t, tt.policies[i+1]) {
					if role, ok := strings.CutPrefix(tt.policies[i], "role:"); ok {
						s.Role = role
					} else {
						s.On = strings.TrimPrefix(tt.policies[i], "on:")
					}
					policies = append(policies, s)
				}
			}
			d := policies.Judge(tt.call)
			if d.Allowed != tt.allowed || !strings.Contains(d.Reason, tt.reason) {
				t.Errorf("allowed %t %q, want %t %q", d.Allowed, d.Reason, tt.allowed, tt.reason)
			}
		})
	}
}

// The error is AWS's own message, which users search for.
func TestDenialIsWordedAsAWS(t *testing.T) {
	d := iam.Policies(nil).Judge(iam.Call{Caller: signer, Action: "ssm:GetParameters", Resource: "arn:aws:ssm:us-east-1:111122223333:parameter/a"})
	const want = "User: arn:aws:sts::111122223333:assumed-role/signer/Signer is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-east-1:111122223333:parameter/a because no identity-based policy allows the ssm:GetParameters action"
	if d.Error() != want {
		t.Errorf("got  %s\nwant %s", d.Error(), want)
	}
}

func TestParseRejects(t *testing.T) {
	for name, statement := range map[string]string{
		"NotAction":         `{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`,
		"NotResource":       `{"Effect":"Deny","Action":"s3:*","NotResource":"*"}`,
		"NotPrincipal":      `{"Effect":"Deny","Action":"s3:*","NotPrincipal":"*"}`,
		"no effect":         `{"Action":"s3:*","Resource":"*"}`,
		"another effect":    `{"Effect":"allow","Action":"s3:*","Resource":"*"}`,
		"no action":         `{"Effect":"Allow","Resource":"*"}`,
		"a policy variable": `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:userid}"}`,
		"federated":         `{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Federated":"x"}}`,
		"an object":         `{"Effect":"Allow","Action":{"Ref":"A"},"Resource":"*"}`,
	} {
		t.Run(name, func(t *testing.T) {
			var v any
			if err := json.Unmarshal([]byte(`{"Statement":`+statement+`}`), &v); err != nil {
				t.Fatal(err)
			}
			if s, err := iam.Parse("Policy", v); err == nil {
				t.Errorf("parsed as %+v", s)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"a*c", "abbc", true}, {"a*c", "abcd", false},
		{"?", "", false}, {"a?c", "abc", true}, {"**b", "aab", true}, {"a*b*c", "a1b2b3c", true}, {"a", "ab", false},
	} {
		if got := iam.Match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("Match(%q, %q) = %t", tt.pattern, tt.text, got)
		}
	}
}

func TestCallers(t *testing.T) {
	a := iam.New(account, nil)
	a.PutRole("signer", roleARN)
	if _, _, err := a.Assume("lambda.amazonaws.com", roleARN, "Signer", nil); err == nil {
		t.Error("a role without a trust policy was assumed")
	}
	trust := parse(t, `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	trust[0].On = roleARN
	a.Put("Role", trust)
	c, caller, err := a.Assume("lambda.amazonaws.com", roleARN, "Signer", nil)
	if err != nil || caller != signer {
		t.Fatalf("%+v, %v", caller, err)
	}
	if _, _, err := a.Assume("mediaconvert.amazonaws.com", roleARN, "M", nil); err == nil {
		t.Error("another service assumed the role")
	}
	if _, _, err := a.Assume("lambda.amazonaws.com", roleARN+"x", "Signer", nil); err == nil {
		t.Error("a role that does not exist was assumed")
	}
	for _, tt := range []struct {
		name, id, token string
		want            iam.Caller
		ok              bool
	}{
		{"the session", c.AccessKeyID, c.SessionToken, signer, true},
		{"the session without its token", c.AccessKeyID, "", iam.Caller{}, false},
		{"nobody", "AKIDNOBODY", "", iam.Caller{}, false},
		{"the owner", iam.Owner.AccessKeyID, "", owner, true},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+tt.id+"/20261126/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=0")
		r.Header.Set("X-Amz-Security-Token", tt.token)
		got, err := a.Caller(r)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	if _, err := a.Caller(httptest.NewRequest("POST", "/", nil)); err == nil {
		t.Error("a request without credentials has a caller")
	}
}
