package test

import (
	"slices"
	"strings"
	"testing"
)

// Every statement that the stack's own roles have: role, actions, resources.
// What is not here is granted by nobody. A resource that ends in * is
// explained in TestNag's list.
var grants = []string{
	`Keymaker: cloudformation:DescribeStacks on AWS::StackId`,
	`Keymaker: logs:CreateLogStream logs:PutLogEvents on KeymakerLog.Arn`,
	`Keymaker: ssm:DeleteParameter ssm:GetParameter ssm:PutParameter on parameter/PremiumHls/origin-secret parameter/PremiumHls/signing-keys/*`,
	`Keymaker: ssm:GetParameter on parameter/PremiumHls/signer`,
	`MediaConvert: s3:AbortMultipartUpload s3:PutObject on Videos.Arn/premium/* Videos.Arn/public/trailers/*`,
	`Signer: logs:CreateLogStream logs:PutLogEvents on SignerLog.Arn`,
	`Signer: ssm:GetParameters on parameter/PremiumHls/origin-secret parameter/PremiumHls/signer parameter/PremiumHls/signing-keys/*`,
}

func TestGrants(t *testing.T) {
	a := synthesize(t, nil)
	got := statements(t, a)
	slices.Sort(got)
	if !slices.Equal(got, grants) {
		t.Errorf("the roles may:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(grants, "\n"))
	}
}

// A key adds the right to use it where it is.
func TestGrantsOfCustody(t *testing.T) {
	a := synthesize(t, variants["every custody, a table"])
	got := statements(t, a)
	want := append(slices.Clone(grants),
		`Keymaker: kms:GetPublicKey on SigningKeysKmsb.Arn`,
		`Keymaker: ssm:GetParameter on parameter/shop/key`,
		`Signer: dynamodb:BatchGetItem dynamodb:Query on Grants.Arn`,
		`Signer: kms:Sign on SigningKeysKmsb.Arn`,
		`Signer: ssm:GetParameters on parameter/shop/key`,
	)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the roles may:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	key := a.only(t, "AWS::KMS::Key").Properties
	if key["KeySpec"] != "RSA_2048" || key["KeyUsage"] != "SIGN_VERIFY" {
		t.Errorf("the key in KMS is %v for %v", key["KeySpec"], key["KeyUsage"])
	}
}

// A rule that asks something adds the right to ask that, and nothing else.
func TestGrantsOfEntitlements(t *testing.T) {
	tests := []struct {
		name string
		rule any
		want []string // beyond the usual
	}{
		{"claim", map[string]any{"claim": "custom:courses", "paths": true}, nil},
		{"table", "table", []string{`Signer: dynamodb:BatchGetItem dynamodb:Query on Grants.Arn`}},
		{"function", map[string]any{"function": "arn:aws:lambda:eu-west-1:111122223333:function:shop"},
			[]string{`Signer: lambda:InvokeFunction on arn:aws:lambda:eu-west-1:111122223333:function:shop`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := synthesize(t, map[string]any{"entitlements": test.rule})
			got, want := statements(t, a), slices.Concat(grants, test.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("the roles may:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if tables := len(a.resources("AWS::DynamoDB::Table")); tables != map[bool]int{true: 1}[test.rule == "table"] {
				t.Errorf("%d tables", tables)
			}
		})
	}
}

// A viewer's own attributes are theirs to write, but not what entitles them.
func TestViewersCannotEntitleThemselves(t *testing.T) {
	a := synthesize(t, map[string]any{"entitlements": map[string]any{"claim": "custom:courses", "paths": true}})
	if schema := text(a.only(t, "AWS::Cognito::UserPool").Properties["Schema"]); !strings.Contains(schema, `"courses"`) {
		t.Errorf("viewers have no such attribute: %s", schema)
	}
	writable := text(a.only(t, "AWS::Cognito::UserPoolClient").Properties["WriteAttributes"])
	if !strings.Contains(writable, "email") || strings.Contains(writable, "custom:") {
		t.Errorf("viewers may write %s", writable)
	}
}

func TestTableOfGrants(t *testing.T) {
	p := synthesize(t, map[string]any{"entitlements": "table"}).only(t, "AWS::DynamoDB::Table").Properties
	for name, want := range map[string]string{
		"BillingMode":                      `"PAY_PER_REQUEST"`,
		"KeySchema":                        `[{"AttributeName":"viewer","KeyType":"HASH"},{"AttributeName":"path","KeyType":"RANGE"}]`,
		"PointInTimeRecoverySpecification": `{"PointInTimeRecoveryEnabled":true}`,
		"SSESpecification":                 `{"SSEEnabled":true}`,
		"TimeToLiveSpecification":          `{"AttributeName":"until","Enabled":true}`,
	} {
		if got := text(p[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// No statement of any role, the CDK's own included, is for every resource or
// every action of a service.
func TestNoGrantIsForEverything(t *testing.T) {
	eachVariant(t, func(t *testing.T, a assembly) {
		for id, r := range a.resources("AWS::IAM::Policy") {
			for _, statement := range get(t, r.Properties, "PolicyDocument", "Statement").([]any) {
				s := statement.(map[string]any)
				for _, action := range list(s["Action"]) {
					if text := action.(string); text == "*" || strings.HasSuffix(text, ":*") {
						t.Errorf("%s may %s", id, text)
					}
				}
				for _, resource := range list(s["Resource"]) {
					if text(resource) == `"*"` {
						t.Errorf("%s may %s on everything", id, text(s["Action"]))
					}
				}
			}
		}
		for id, r := range a.resources("AWS::IAM::Role") {
			if r.Properties["ManagedPolicyArns"] != nil && !strings.HasPrefix(id, "Custom") {
				t.Errorf("%s has a managed policy", id)
			}
		}
	})
}

// statements are the statements of the stack's own roles, in the form of
// grants.
func statements(t *testing.T, a assembly) (found []string) {
	t.Helper()
	for id, r := range a.resources("AWS::IAM::Policy") {
		role, _, ok := strings.Cut(id, "RoleDefaultPolicy")
		if !ok || strings.HasPrefix(id, "Custom") {
			continue
		}
		for _, statement := range get(t, r.Properties, "PolicyDocument", "Statement").([]any) {
			s := statement.(map[string]any)
			var actions, resources []string
			for _, action := range list(s["Action"]) {
				actions = append(actions, action.(string))
			}
			for _, resource := range list(s["Resource"]) {
				resources = append(resources, short(resource))
			}
			slices.Sort(actions)
			slices.Sort(resources)
			found = append(found, role+": "+strings.Join(actions, " ")+" on "+strings.Join(resources, " "))
		}
	}
	return found
}

// short writes an ARN without what is the same in all.
func short(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if join, ok := v["Fn::Join"].([]any); ok {
			var b strings.Builder
			for _, part := range join[1].([]any) {
				b.WriteString(short(part))
			}
			arn := b.String()
			if _, name, ok := strings.Cut(arn, ":parameter/"); ok {
				return "parameter/" + name
			}
			return arn
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok {
			name := att[0].(string)
			return name[:len(name)-8] + "." + att[1].(string) // without the hash
		}
		if ref, ok := v["Ref"].(string); ok {
			return ref
		}
	}
	return text(v)
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}
