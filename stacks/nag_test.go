package stacks_test

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"premiumhls/stacks"
	"premiumhls/stacks/stacktest"
)

// An acceptance suppresses a finding, and says why.
type acceptance struct {
	rule     string
	resource string // a pattern of construct paths below the stack
	reason   string
}

// accepted are the suppressed findings of AwsSolutions and NIST 800-53 R5. A
// finding that is not here fails the test, and so does a line without a finding.
var accepted = []acceptance{
	{"AwsSolutions-S1", `Videos/Resource`, "Server access logs are a setting (accessLogs): they cost money, and only CloudFront reads the bucket."},
	{"AwsSolutions-CFR1", `Distribution/Resource`, "Restrictions by country are the owner's decision (allowCountries, blockCountries)."},
	{"AwsSolutions-CFR2", `Distribution/Resource`, "A web ACL is a setting (webAclArn): it costs at least 5 USD a month."},
	{"AwsSolutions-CFR3", `Distribution/Resource`, "Access logs are a setting (accessLogs)."},
	{"AwsSolutions-CFR4", `Distribution/Resource`, "On a bare cloudfront.net name CloudFront sets the oldest protocol itself; with domainNames it is TLS 1.2."},
	{"AwsSolutions-COG2", `Viewers/Resource`, "Viewers can use a second factor; requiring one of every viewer is the owner's decision."},
	{"AwsSolutions-COG3", `Viewers/Resource`, "Threat protection needs Cognito's Plus tier, which is charged for every viewer."},
	{"AwsSolutions-IAM5", `(Keymaker|Signer)Role/DefaultPolicy/Resource`, "Keys change between deploys: with their own ARNs in the policy, a dropped key could not be deleted, or read, any more. X-Ray's actions have no resource."},
	{"AwsSolutions-IAM5", `MediaConvertRole/DefaultPolicy/Resource`, "The names of videos and of their sources are not known."},
	{"AwsSolutions-IAM5", `SignerLogWriterRole/DefaultPolicy/Resource`, "The names of log files, in two folders, are not known."},
	{"AwsSolutions-IAM5", `UploaderRole/DefaultPolicy/Resource`, "It reads this deploy's assets, which are named by their hashes, and writes the page's and the sample's folders."},
	{"AwsSolutions-IAM5", `(Ingest|Encoder)Role/DefaultPolicy/Resource`, "Films, videos, records and lists have names of their own, below the folders that are named; MediaConvert's Probe has no resources."},
	{"AwsSolutions-APIG4", `Api/POST--api--stripe/Resource`, "Stripe has no token: its events are known by their signature, which the function checks before anything else."},
	{"AwsSolutions-APIG4", `Api/(GET|HEAD)--premium--{proxy\+}/Resource`, "A player sends no token: the distribution has checked the link's signature, and the function accepts no other requests."},
	{"AwsSolutions-IAM5", `LinksRole/DefaultPolicy/Resource`, "Playlists and lesson.json have paths of their own, below the premium folder. X-Ray's actions have no resource."},
	{"AwsSolutions-SQS3", `IngestDeadLetters/Resource`, "It is the dead-letter queue of the ingest function and of the rules that invoke it."},
	{"AwsSolutions-L1", `Custom::CDKBucketDeployment\w+/Resource`, "The CDK's own uploader, with the runtime that the CDK tests it on."},

	{"NIST.800.53.R5-CloudWatchAlarmAction", `\w+Alarm/Resource`, "The topic is a setting (alarmTopicArn)."},
	{"NIST.800.53.R5-CloudWatchLogGroupEncrypted", `\w+Log/Resource`, "CloudWatch encrypts every log group; a customer managed key costs 1 USD a month, and the logs contain no secret."},
	{"NIST.800.53.R5-DynamoDBInBackupPlan", `(Grants|Sales)/Resource`, "Point-in-time recovery covers the last 35 days; a backup plan is the account's."},
	{"NIST.800.53.R5-IAMNoInlinePolicy", `(\w+Role|Custom::CDKBucketDeployment\w+/ServiceRole)/DefaultPolicy/Resource|(PurchaseKey|ViewerHashKey)Policy/Resource`, "Each policy belongs to one role and is deleted with it: it cannot be attached to another."},
	{"NIST.800.53.R5-LambdaConcurrency", `(Signer|Keymaker|DeployCheck|Ingest|Links|Stripe|Custom::CDKBucketDeployment\w+)/Resource`, "Reserved concurrency is taken from all other functions of the account, and new accounts have little; the API's rate limit bounds the signer."},
	{"NIST.800.53.R5-LambdaDLQ", `(Signer|Keymaker|DeployCheck|Links|Stripe|Custom::CDKBucketDeployment\w+)/Resource`, "Viewers, Stripe and CloudFormation wait for the response: a later response is of no use."},
	{"NIST.800.53.R5-LambdaDLQ", `Ingest/Resource`, "Its failed events go to IngestDeadLetters by an event invoke config, which says more than a dead-letter configuration does."},
	{"NIST.800.53.R5-LambdaInsideVPC", `(Signer|Keymaker|DeployCheck|Ingest|Links|Stripe|Custom::CDKBucketDeployment\w+)/Resource`, "They call AWS services and the distribution only; in a VPC they would need a NAT gateway, at its price, to reach them."},
	{"NIST.800.53.R5-WAFv2LoggingEnabled", `WebAcl`, "WAF's logs hold cookies, tokens and links; its metrics count what each rule blocks."},
	{"NIST.800.53.R5-S3BucketLoggingEnabled", `Videos/Resource`, "Server access logs are a setting (accessLogs)."},
	{"NIST.800.53.R5-S3BucketReplicationEnabled", `(Videos|AccessLogs)/Resource`, "S3 stores an object in three zones; a copy in another region doubles the storage cost and is the owner's decision."},
	{"NIST.800.53.R5-S3DefaultEncryptionKMS", `(Videos|AccessLogs)/Resource`, "Encrypted with SSE-S3: with a KMS key, key, bucket and distribution would form a cycle, and CloudFront cannot write logs with every key."},
}

func TestNag(t *testing.T) {
	used := make([]bool, len(accepted))
	for name, changes := range variants {
		if testing.Short() && changes != nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for _, f := range findings(t, changes) {
				i := slices.IndexFunc(accepted, func(a acceptance) bool { return a.covers(f) })
				if i < 0 {
					t.Errorf("%s: %s: %s", f.rule, f.resource, f.info)
					continue
				}
				used[i] = true
			}
		})
	}
	for i, a := range accepted {
		if !used[i] && !testing.Short() {
			t.Errorf("nothing needs %s at %s to be accepted", a.rule, a.resource)
		}
	}
}

func (a acceptance) covers(f finding) bool {
	return a.rule == f.rule && regexp.MustCompile(`^PremiumHls/(Default/)?(`+a.resource+`)$`).MatchString(f.resource)
}

type finding struct{ rule, resource, info string }

// findings runs the packs of cdk-nag over the stack and reads their reports.
func findings(t *testing.T, changes map[string]any) (found []finding) {
	t.Helper()
	values := stacktest.Values(t, changes)
	dir := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: &dir, Context: &values, AnalyticsReporting: jsii.Bool(false)})
	stack, err := stacks.Add(context.Background(), app, values)
	if err != nil {
		t.Fatal(err)
	}
	packs := []awscdk.IAspect{cdknag.NewAwsSolutionsChecks(nil), cdknag.NewNIST80053R5Checks(nil)}
	for _, pack := range packs {
		awscdk.Aspects_Of(stack).Add(pack, nil)
	}
	app.Synth(nil)

	reports, err := filepath.Glob(filepath.Join(dir, "*NagReport.csv"))
	if err != nil || len(reports) != len(packs) {
		t.Fatalf("reports %v, %v", reports, err)
	}
	for _, report := range reports {
		found = append(found, readReport(t, report)...)
	}
	return found
}

func readReport(t *testing.T, path string) (found []finding) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%d rows in %s, %v", len(rows), path, err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	for _, row := range rows[1:] {
		if row[column("Compliance")] != "Compliant" {
			found = append(found, finding{row[column("Rule ID")], row[column("Resource ID")], row[column("Rule Info")]})
		}
	}
	return found
}
