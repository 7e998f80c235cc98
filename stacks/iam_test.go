package stacks_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// grants is every statement of the template as cdk.json has it: who may do
// what on what, who may become that, and who is let in by what has a policy of
// its own. Nothing else is granted.
var grants = []string{
	`Keymaker is assumed by lambda.amazonaws.com: sts:AssumeRole`,
	`Keymaker: cloudformation:DescribeStacks on AWS::StackId`,
	`Keymaker: logs:CreateLogStream logs:PutLogEvents on KeymakerLog.Arn`,
	`Keymaker: ssm:DeleteParameter ssm:GetParameter ssm:PutParameter on parameter/PremiumHls/origin-secret parameter/PremiumHls/signing-key-state parameter/PremiumHls/signing-keys/*`,
	`Keymaker: ssm:DeleteParameter ssm:GetParameter ssm:PutParameter on parameter/PremiumHls/viewer-hash-key`,
	`Keymaker: ssm:GetParameter on parameter/PremiumHls/signer`,
	`MediaConvert is assumed by mediaconvert.amazonaws.com: sts:AssumeRole if aws:SourceAccount StringEquals AWS::AccountId`,
	`MediaConvert: s3:AbortMultipartUpload s3:PutObject on Videos.Arn/premium/* Videos.Arn/public/trailers/*`,
	`DeployCheck is assumed by lambda.amazonaws.com: sts:AssumeRole`,
	`DeployCheck: cloudformation:DescribeStacks on AWS::StackId`,
	`DeployCheck: lambda:InvokeFunction on Signer.Arn`,
	`DeployCheck: logs:CreateLogStream logs:PutLogEvents on DeployCheckLog.Arn`,
	`Signer is assumed by lambda.amazonaws.com: sts:AssumeRole`,
	`Signer.Arn admits apigateway.amazonaws.com: lambda:InvokeFunction if SourceArn is arn:aws:execute-api::Api/*/*/api/cookies`,
	`Signer.Arn admits apigateway.amazonaws.com: lambda:InvokeFunction if SourceArn is arn:aws:execute-api::Api/*/*/api/entitlements`,
	`Signer: logs:CreateLogStream logs:PutLogEvents on SignerLog.Arn`,
	`Signer: ssm:GetParameters on parameter/PremiumHls/origin-secret parameter/PremiumHls/signer parameter/PremiumHls/signing-key-state parameter/PremiumHls/signing-keys/* parameter/PremiumHls/viewer-hash-key`,
	`Uploader is assumed by lambda.amazonaws.com: sts:AssumeRole`,
	`Uploader: logs:CreateLogStream logs:PutLogEvents on UploadLog.Arn`,
	`Uploader: s3:GetObject on arn:aws:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/*`,
	`Uploader: s3:ListBucket on Videos.Arn`,
	`Videos admits cloudfront.amazonaws.com: s3:GetObject s3:ListBucket on Videos.Arn Videos.Arn/* if AWS:SourceArn StringEquals arn:aws:cloudfront::AWS::AccountId:distribution/Distribution`,
	`Videos denies *: s3:* on Videos.Arn Videos.Arn/* if aws:SecureTransport Bool false`,
	`Videos denies *: s3:* on Videos.Arn Videos.Arn/* if s3:TlsVersion NumericLessThan 1.2`,
}

// What settings add.
var (
	custodyGrants = []string{
		`Keymaker: kms:GetPublicKey on SigningKeysKmsb.Arn`,
		`Keymaker: ssm:GetParameter on parameter/shop/key`,
		`Signer: kms:GetPublicKey kms:Sign on SigningKeysKmsb.Arn`,
		`Signer: ssm:GetParameters on parameter/shop/key`,
		`SigningKeysKmsb admits arn:aws:iam::AWS::AccountId:root: kms:* on *`,
	}
	tableGrants = []string{
		`Signer: dynamodb:BatchGetItem dynamodb:Query on Grants.Arn`,
	}
	emailGrants = []string{ // with "emailGrants"
		`Signer: dynamodb:PutItem on Grants.Arn if dynamodb:EnclosingOperation ForAnyValue:StringEquals TransactWriteItems`,
		`Signer: dynamodb:DeleteItem on Grants.Arn if dynamodb:EnclosingOperation ForAnyValue:StringEquals TransactWriteItems and dynamodb:LeadingKeys ForAllValues:StringLike email:*`,
	}
	accessLogGrants = []string{
		`AccessLogs admits logging.s3.amazonaws.com: s3:PutObject on AccessLogs.Arn/bucket/* if aws:SourceAccount StringEquals AWS::AccountId and aws:SourceArn ArnLike Videos.Arn`,
		`AccessLogs admits delivery.logs.amazonaws.com: s3:PutObject on AccessLogs.Arn/AWSLogs/AWS::AccountId/* if aws:SourceAccount StringEquals AWS::AccountId and aws:SourceArn ArnLike arn:aws:logs:us-east-1:AWS::AccountId:delivery-source:PremiumHls-edge and s3:x-amz-acl StringEquals bucket-owner-full-control`,
		`AccessLogs denies *: s3:* on AccessLogs.Arn AccessLogs.Arn/* if aws:SecureTransport Bool false`,
		`AccessLogs denies *: s3:* on AccessLogs.Arn AccessLogs.Arn/* if s3:TlsVersion NumericLessThan 1.2`,
		`SignerLogSender is assumed by logs.amazonaws.com: sts:AssumeRole if aws:SourceArn ArnLike arn:aws:logs::*`,
		`SignerLogSender: firehose:PutRecord firehose:PutRecordBatch on SignerLogDelivery.Arn`,
		`SignerLogWriter is assumed by firehose.amazonaws.com: sts:AssumeRole if sts:ExternalId StringEquals AWS::AccountId`,
		`SignerLogWriter: logs:PutLogEvents on SignerLogDeliveryLog.Arn`,
		`SignerLogWriter: s3:AbortMultipartUpload s3:GetObject s3:PutObject on AccessLogs.Arn/signer-failed/* AccessLogs.Arn/signer/*`,
		`SignerLogWriter: s3:GetBucketLocation s3:ListBucket s3:ListBucketMultipartUploads on AccessLogs.Arn`,
	}
	deployCheckGrants = []string{ // unless "deployCheck" is false
		`DeployCheck is assumed by lambda.amazonaws.com: sts:AssumeRole`,
		`DeployCheck: cloudformation:DescribeStacks on AWS::StackId`,
		`DeployCheck: lambda:InvokeFunction on Signer.Arn`,
		`DeployCheck: logs:CreateLogStream logs:PutLogEvents on DeployCheckLog.Arn`,
	}
	ingestGrants = []string{ // with "ingest"
		`Encoder is assumed by mediaconvert.amazonaws.com: sts:AssumeRole if aws:SourceAccount StringEquals AWS::AccountId`,
		`Encoder: s3:AbortMultipartUpload s3:PutObject on Videos.Arn/encoded/*`,
		`Encoder: s3:GetObject on Videos.Arn/uploads/*`,
		`Ingest is assumed by lambda.amazonaws.com: sts:AssumeRole`,
		`Ingest.Arn admits events.amazonaws.com: lambda:InvokeFunction if SourceArn is EncodeRule.Arn`,
		`Ingest.Arn admits events.amazonaws.com: lambda:InvokeFunction if SourceArn is TidyRule.Arn`,
		`Ingest.Arn admits events.amazonaws.com: lambda:InvokeFunction if SourceArn is UploadRule.Arn`,
		`Ingest: cloudfront:CreateInvalidation on arn:aws:cloudfront::AWS::AccountId:distribution/Distribution`,
		`Ingest: iam:PassRole on Encoder.Arn if iam:PassedToService StringEquals mediaconvert.amazonaws.com`,
		`Ingest: logs:CreateLogStream logs:PutLogEvents on IngestLog.Arn`,
		`Ingest: mediaconvert:CreateJob on arn:aws:mediaconvert::queues/Default`,
		`Ingest: mediaconvert:Probe on *`,
		`Ingest: s3:DeleteObject on Videos.Arn/encoded/* Videos.Arn/ingest/* Videos.Arn/premium/* Videos.Arn/public/posters/* Videos.Arn/public/videos/* Videos.Arn/uploads/*`,
		`Ingest: s3:GetObject on Videos.Arn/encoded/* Videos.Arn/ingest/* Videos.Arn/premium/* Videos.Arn/public/catalog.json Videos.Arn/public/catalog/* Videos.Arn/public/posters/* Videos.Arn/public/videos/* Videos.Arn/uploads/*`,
		`Ingest: s3:ListBucket on Videos.Arn`,
		`Ingest: s3:PutObject on Videos.Arn/encoded/* Videos.Arn/ingest/* Videos.Arn/premium/* Videos.Arn/public/catalog.json Videos.Arn/public/catalog/* Videos.Arn/public/posters/* Videos.Arn/public/videos/*`,
		`Ingest: sqs:SendMessage on IngestDeadLetters.Arn`,
		`IngestDeadLettersPolicy admits events.amazonaws.com: sqs:SendMessage on IngestDeadLetters.Arn if aws:SourceArn ArnEquals EncodeRule.Arn`,
		`IngestDeadLettersPolicy admits events.amazonaws.com: sqs:SendMessage on IngestDeadLetters.Arn if aws:SourceArn ArnEquals TidyRule.Arn`,
		`IngestDeadLettersPolicy admits events.amazonaws.com: sqs:SendMessage on IngestDeadLetters.Arn if aws:SourceArn ArnEquals UploadRule.Arn`,
		`IngestDeadLettersPolicy denies *: sqs:* on IngestDeadLetters.Arn if aws:SecureTransport Bool false`,
	}
	stripeGrants = []string{ // with "stripe"
		`Stripe is assumed by lambda.amazonaws.com: sts:AssumeRole`,
		`Stripe.Arn admits apigateway.amazonaws.com: lambda:InvokeFunction if SourceArn is arn:aws:execute-api::Api/*/*/api/purchases`,
		`Stripe.Arn admits apigateway.amazonaws.com: lambda:InvokeFunction if SourceArn is arn:aws:execute-api::Api/*/*/api/stripe`,
		`Stripe: dynamodb:ConditionCheckItem dynamodb:DeleteItem dynamodb:GetItem dynamodb:UpdateItem on Grants.Arn`,
		`Stripe: dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem on Sales.Arn`,
		`Stripe: logs:CreateLogStream logs:PutLogEvents on StripeLog.Arn`,
		`Stripe: ssm:GetParameters on parameter/PremiumHls/origin-secret parameter/PremiumHls/purchase-key parameter/PremiumHls/viewer-hash-key parameter/shop/stripe`,
		`Keymaker: ssm:DeleteParameter ssm:GetParameter ssm:PutParameter on parameter/PremiumHls/purchase-key`,
	}
	linksGrants = []string{ // with "links"
		`Links is assumed by lambda.amazonaws.com: sts:AssumeRole`,
		`Links.Arn admits apigateway.amazonaws.com: lambda:InvokeFunction if SourceArn is arn:aws:execute-api::Api/*/*/premium/{proxy+}`,
		`Links: logs:CreateLogStream logs:PutLogEvents on LinksLog.Arn`,
		`Links: s3:GetObject on Videos.Arn/premium/*.m3u8 Videos.Arn/premium/*/lesson.json`,
		`Links: s3:ListBucket on Videos.Arn`,
		`Links: ssm:GetParameters on parameter/PremiumHls/origin-secret`,
		`Links: xray:PutTelemetryRecords xray:PutTraceSegments on *`,
		`Signer.Arn admits apigateway.amazonaws.com: lambda:InvokeFunction if SourceArn is arn:aws:execute-api::Api/*/*/api/links`,
	}
	tracingGrants = []string{
		`Signer: xray:PutTelemetryRecords xray:PutTraceSegments on *`,
	}
	emptierGrants = []string{ // with "keepData": false
		`Emptier is assumed by lambda.amazonaws.com: sts:AssumeRole`,
		`Emptier: managed policy arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole`,
		`Videos admits Emptier.Arn: s3:DeleteObject* s3:GetBucket* s3:List* s3:PutBucketPolicy on Videos.Arn Videos.Arn/*`,
	}
)

// A wildcard in a statement has a reason.
type wildcard struct{ line, reason string }

var wildcards = []wildcard{
	{`^(Keymaker|Signer): ssm:.* parameter/PremiumHls/signing-keys/\*( parameter/PremiumHls/viewer-hash-key)?$`, "keys change between deploys, and the policy changes before or after them"},
	{`^MediaConvert: s3:AbortMultipartUpload s3:PutObject on Videos.Arn/(premium|paid)/\* Videos.Arn/public/trailers/\*$`, "the names of videos are not known"},
	{`^MediaConvert: s3:GetObject on arn:aws:s3:::masters/\*$`, "nor are those of their sources"},
	{`^Signer.Arn admits apigateway.amazonaws.com: .*:Api/\*/\*/api/(cookies|entitlements|links)$`, "stage and method: API and path are given, and the signer checks the method"},
	{`^Stripe.Arn admits apigateway.amazonaws.com: .*:Api/\*/\*/api/(purchases|stripe)$`, "the same, and the function checks the method"},
	{`^Links.Arn admits apigateway.amazonaws.com: .*:Api/\*/\*/premium/\{proxy\+\}$`, "the same"},
	{`^Links: s3:GetObject on Videos.Arn/premium/\*.m3u8 Videos.Arn/premium/\*/lesson.json$`, "playlists have names of their own"},
	{`^(Links|Signer): xray:PutTelemetryRecords xray:PutTraceSegments on \*$`, "X-Ray's actions for writing have no resources (service authorization reference)"},
	{`^SignerLogWriter: s3:AbortMultipartUpload s3:GetObject s3:PutObject on AccessLogs.Arn/signer-failed/\* AccessLogs.Arn/signer/\*$`, "files of lines have names of their own"},
	{`^SignerLogSender is assumed by logs.amazonaws.com: .* arn:aws:logs::\*$`, "log groups of this account and region; CloudWatch documents no narrower form"},
	{`^AccessLogs admits logging.s3.amazonaws.com: s3:PutObject on AccessLogs.Arn/bucket/\* `, "files of log lines have names of their own"},
	{`^Videos admits cloudfront.amazonaws.com: s3:GetObject s3:ListBucket on Videos.Arn Videos.Arn/\* `, "CloudFront serves every object"},
	{`^SigningKeysKmsb admits arn:aws:iam::AWS::AccountId:root: kms:\* on \*$`, "in a key's policy * is that key, and root lets the account's own policies decide, as in KMS's default policy"},
	{`^(Encoder|Ingest): s3:(AbortMultipartUpload s3:PutObject|GetObject|PutObject|DeleteObject) on Videos.Arn/`, "films, videos, records and lists have names of their own, below these folders"},
	{`^Ingest: mediaconvert:Probe on \*$`, "the action has no resources (service authorization reference)"},
	{`^Signer: dynamodb:DeleteItem .* dynamodb:LeadingKeys ForAllValues:StringLike email:\*$`, "items of addresses, and of no viewer"},
	{`^Uploader: s3:GetObject on arn:aws:s3:::cdk-`, "this deploy's assets are named by their hashes"},
	{`^Uploader: s3:PutObject on `, "folders of the page and the sample; TestUploaderCannotWriteOwnersObjects"},
	{`^AccessLogs admits delivery.logs.amazonaws.com: .*/AWSLogs/AWS::AccountId/\* `, "the statement of the CloudWatch Logs user guide: with another, CloudWatch Logs would add its own"},
	{`^(Videos|AccessLogs) admits Emptier.Arn: `, "the CDK's own: it empties a bucket that is deleted"},
}

// A template grants what is listed here and nothing else, whatever the
// settings.
func TestGrants(t *testing.T) {
	for _, test := range []struct {
		name    string
		changes map[string]any
		more    []string // than grants
		less    []string
	}{
		{name: "as cdk.json has it"},
		{name: "nothing watched", changes: map[string]any{"monitoring": false}},
		{name: "every custody, a table", changes: variants["every custody, a table"], more: slices.Concat(custodyGrants, tableGrants, accessLogGrants)},
		{name: "a claim", changes: map[string]any{"entitlements": map[string]any{"claim": "custom:courses", "paths": true}, "userPoolAttributes": []any{"courses"}}},
		{name: "a table", changes: map[string]any{"entitlements": "table"}, more: tableGrants},
		{name: "grants by email", changes: variants["grants by email"], more: slices.Concat(tableGrants, emailGrants)},
		{name: "a function", changes: map[string]any{"entitlements": map[string]any{"function": "arn:aws:lambda:eu-west-1:111122223333:function:shop"}},
			more: []string{`Signer: lambda:InvokeFunction on arn:aws:lambda:eu-west-1:111122223333:function:shop`}},
		{name: "access logs", changes: map[string]any{"accessLogs": true}, more: accessLogGrants},
		{name: "tracing", changes: map[string]any{"tracing": true}, more: tracingGrants},
		{name: "ingest", changes: variants["ingest"], more: ingestGrants},
		{name: "stripe", changes: variants["stripe"], more: slices.Concat(tableGrants, emailGrants, stripeGrants)},
		{name: "links", changes: variants["links"], more: slices.Concat(linksGrants, tracingGrants, accessLogGrants)},
		{name: "data that goes with the stack", changes: map[string]any{"keepData": false}, more: emptierGrants},
		{name: "an existing issuer, no sample, no deploy check", changes: variants["an existing issuer, no sample, no deploy check"], more: tracingGrants, less: deployCheckGrants},
		{name: "everything", changes: variants["everything"],
			more: slices.Concat(accessLogGrants, tracingGrants, emptierGrants, []string{
				`AccessLogs admits Emptier.Arn: s3:DeleteObject* s3:GetBucket* s3:List* s3:PutBucketPolicy on AccessLogs.Arn AccessLogs.Arn/*`,
				`MediaConvert: s3:AbortMultipartUpload s3:PutObject on Videos.Arn/paid/* Videos.Arn/public/trailers/*`,
				`MediaConvert: s3:GetObject on arn:aws:s3:::masters/*`,
				// Viewers in the log are not hashed.
				`Signer: ssm:GetParameters on parameter/PremiumHls/origin-secret parameter/PremiumHls/signer parameter/PremiumHls/signing-key-state parameter/PremiumHls/signing-keys/*`,
			}),
			less: []string{
				`MediaConvert: s3:AbortMultipartUpload s3:PutObject on Videos.Arn/premium/* Videos.Arn/public/trailers/*`,
				`Keymaker: ssm:DeleteParameter ssm:GetParameter ssm:PutParameter on parameter/PremiumHls/viewer-hash-key`,
				`Signer: ssm:GetParameters on parameter/PremiumHls/origin-secret parameter/PremiumHls/signer parameter/PremiumHls/signing-key-state parameter/PremiumHls/signing-keys/* parameter/PremiumHls/viewer-hash-key`,
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := slices.DeleteFunc(slices.Concat(grants, test.more), func(line string) bool { return slices.Contains(test.less, line) })
			got := readStatements(t, synthesize(t, test.changes))
			for _, line := range got {
				// One key for each file of the page: TestUploaderCannotWriteOwnersObjects.
				if strings.HasPrefix(line, "Uploader: s3:PutObject on Videos.Arn/") && !strings.Contains(line, " if ") {
					continue
				}
				if !slices.Contains(want, line) {
					t.Errorf("not listed: %s", line)
				}
			}
			for _, line := range want {
				if !slices.Contains(got, line) {
					t.Errorf("not there: %s", line)
				}
			}
		})
	}
}

// Every wildcard has a reason, and every reason a wildcard.
func TestWildcardsAreExplained(t *testing.T) {
	used := make([]bool, len(wildcards))
	eachVariant(t, func(t *testing.T, a assembly) {
		for _, line := range readStatements(t, a) {
			if !strings.Contains(line, "*") || strings.Contains(line, " denies ") {
				continue
			}
			i := slices.IndexFunc(wildcards, func(w wildcard) bool { return regexp.MustCompile(w.line).MatchString(line) })
			if i < 0 {
				t.Errorf("not explained: %s", line)
				continue
			}
			used[i] = true
		}
	})
	for i, w := range wildcards {
		if !used[i] && !testing.Short() {
			t.Errorf("no wildcard for the reason of %s", w.line)
		}
	}
}

// readStatements reads every statement of a template: of roles, of who may
// assume them, and of what has a policy itself.
func readStatements(t *testing.T, a assembly) (found []string) {
	t.Helper()
	read := 0
	for id, r := range a.Template.Resources {
		walk(r.Properties, func(path string, s map[string]any) {
			read++
			found = append(found, statement(r.Type, id, path, r.Properties, s))
		})
		switch r.Type {
		case "AWS::Lambda::Permission":
			found = append(found, fmt.Sprintf("%s admits %s: %s if SourceArn is %s", short(r.Properties["FunctionName"]), r.Properties["Principal"], r.Properties["Action"], short(r.Properties["SourceArn"])))
		case "AWS::IAM::Role":
			for _, policy := range list(r.Properties["ManagedPolicyArns"]) {
				if policy != nil {
					found = append(found, named(id)+": managed policy "+short(policy))
				}
			}
		}
	}
	// A policy that is written as text, or has another form, is not passed over.
	if all := strings.Count(text(a.Template.Resources), `Effect`); all != read {
		t.Errorf("%d statements were read, and there are %d", read, all)
	}
	slices.Sort(found)
	return slices.Compact(found) // a permission for each method of a path
}

// walk calls f with every statement in a value, and where it is.
func walk(v any, f func(path string, statement map[string]any)) {
	var into func(path string, v any)
	into = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if _, ok := v["Effect"]; ok {
				f(path, v)
			}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				into(path+"."+key, v[key])
			}
		case []any:
			for _, item := range v {
				into(path, item)
			}
		}
	}
	into("", v)
}

// statement writes a statement in one line: who, what, on what, on which
// condition.
func statement(resourceType, id, path string, properties, s map[string]any) string {
	who, verb := named(id), ": "
	if resourceType == "AWS::IAM::Policy" {
		var roles []string
		for _, role := range list(properties["Roles"]) {
			roles = append(roles, named(short(role)))
		}
		who = strings.Join(roles, " and ")
	}
	if resourceType == "AWS::S3::BucketPolicy" {
		who = short(properties["Bucket"])
	}
	if principal := s["Principal"]; principal != nil {
		verb = " admits " + principals(principal) + ": "
		if strings.HasPrefix(path, ".AssumeRolePolicyDocument") {
			verb = " is assumed by " + principals(principal) + ": "
		}
	}
	if s["Effect"] == "Deny" {
		verb = " denies " + principals(s["Principal"]) + ": "
	}
	line := who + verb + shorts(s["Action"])
	if s["Resource"] != nil {
		line += " on " + shorts(s["Resource"])
	}
	for _, other := range []string{"NotAction", "NotResource", "NotPrincipal"} {
		if s[other] != nil {
			line += " " + other + " " + text(s[other])
		}
	}
	if condition, ok := s["Condition"].(map[string]any); ok {
		var all []string
		for _, operator := range slices.Sorted(maps.Keys(condition)) {
			for key, value := range condition[operator].(map[string]any) {
				all = append(all, fmt.Sprintf("%s %s %s", key, operator, shorts(value)))
			}
		}
		slices.Sort(all)
		line += " if " + strings.Join(all, " and ")
	}
	return line
}

func principals(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return text(v)
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(m)) {
		all = append(all, shorts(m[kind]))
	}
	return strings.Join(all, " ")
}

// shorts writes one value or many, in order.
func shorts(v any) string {
	var all []string
	for _, item := range list(v) {
		all = append(all, short(item))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// A key in KMS signs, and never leaves it.
func TestKeyInKMS(t *testing.T) {
	key := synthesize(t, variants["every custody, a table"]).Only(t, "AWS::KMS::Key").Properties
	if key["KeySpec"] != "ECC_NIST_P256" || key["KeyUsage"] != "SIGN_VERIFY" {
		t.Errorf("the key in KMS is %v for %v", key["KeySpec"], key["KeyUsage"])
	}
}

// Viewers can write their own attributes, except the one that entitles them.
func TestViewersCannotEntitleThemselves(t *testing.T) {
	a := synthesize(t, map[string]any{"entitlements": map[string]any{"claim": "custom:courses", "paths": true}, "userPoolAttributes": []any{"courses"}})
	if schema := text(a.Only(t, "AWS::Cognito::UserPool").Properties["Schema"]); !strings.Contains(schema, `"courses"`) {
		t.Errorf("viewers have no such attribute: %s", schema)
	}
	writable := text(a.Only(t, "AWS::Cognito::UserPoolClient").Properties["WriteAttributes"])
	if !strings.Contains(writable, "email") || strings.Contains(writable, "custom:") {
		t.Errorf("viewers may write %s", writable)
	}
}

func TestTableOfGrants(t *testing.T) {
	if n := len(synthesize(t, nil).Resources("AWS::DynamoDB::Table")); n != 0 {
		t.Errorf("%d tables that no rule reads", n)
	}
	p := synthesize(t, map[string]any{"entitlements": "table"}).Only(t, "AWS::DynamoDB::Table").Properties
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
