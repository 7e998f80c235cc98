package test

import (
	"context"
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"premiumhls/stacks"
	"premiumhls/stacks/settings"
)

// An acceptance is a finding that stays, with the reason why.
type acceptance struct {
	rule     string
	resource string // a pattern of construct paths below the stack
	reason   string
}

// accepted is what AwsSolutions finds and we keep. A finding that is not here
// fails the test, and so does a line that nothing needs.
var accepted = []acceptance{
	{"AwsSolutions-S1", `Videos/Resource`, "Server access logs are a setting (accessLogs): they cost, and CloudFront alone reads the bucket."},
	{"AwsSolutions-CFR1", `Distribution/Resource`, "Where videos are sold is the seller's decision (allowCountries, blockCountries)."},
	{"AwsSolutions-CFR2", `Distribution/Resource`, "A web ACL is a setting (webAclArn): it costs at least 5 USD a month."},
	{"AwsSolutions-CFR3", `Distribution/Resource`, "Access logs are a setting (accessLogs)."},
	{"AwsSolutions-CFR4", `Distribution/Resource`, "On a bare cloudfront.net name CloudFront sets the oldest protocol itself; with domainNames it is TLS 1.2."},
	{"AwsSolutions-COG2", `Viewers/Resource`, "Viewers may use a second factor; asking every viewer of a video for one is the seller's decision."},
	{"AwsSolutions-COG3", `Viewers/Resource`, "Threat protection needs Cognito's Plus plan, which costs for every viewer."},
	{"AwsSolutions-IAM5", `(Keymaker|Signer)Role/DefaultPolicy/Resource`, "Keys come and go between deploys; their own ARNs would be gone from the policy while they are still deleted or read."},
	{"AwsSolutions-IAM5", `MediaConvertRole/DefaultPolicy/Resource`, "Videos, and the files that they are made from, have names of their own."},
	{"AwsSolutions-IAM4", `Custom::CDKBucketDeployment\w+/ServiceRole/Resource`, "The CDK's own uploader."},
	{"AwsSolutions-IAM5", `Custom::CDKBucketDeployment\w+/ServiceRole/DefaultPolicy/Resource`, "The CDK's own uploader: it reads this deploy's assets and writes the page and the sample."},
	{"AwsSolutions-L1", `Custom::CDKBucketDeployment\w+/Resource`, "The CDK's own uploader, with the runtime that the CDK tests it on."},
}

func TestNag(t *testing.T) {
	pack := func() awscdk.IAspect { return cdknag.NewAwsSolutionsChecks(nil) }
	used := make([]bool, len(accepted))
	for name, changes := range variants {
		t.Run(name, func(t *testing.T) {
			for _, f := range findings(t, pack(), changes) {
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
		if !used[i] {
			t.Errorf("nothing needs %s at %s to be accepted", a.rule, a.resource)
		}
	}
}

func (a acceptance) covers(f finding) bool {
	return a.rule == f.rule && regexp.MustCompile(`^PremiumHls/`+a.resource+`$`).MatchString(f.resource)
}

type finding struct{ rule, resource, info string }

// findings runs a pack of cdk-nag over the stack and reads its report.
func findings(t *testing.T, pack awscdk.IAspect, changes map[string]any) []finding {
	t.Helper()
	values, err := settings.ReadFile("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(values, changes)
	dir := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: &dir, Context: &values, AnalyticsReporting: jsii.Bool(false)})
	stack, err := stacks.Add(context.Background(), app, values)
	if err != nil {
		t.Fatal(err)
	}
	awscdk.Aspects_Of(stack).Add(pack, nil)
	app.Synth(nil)

	reports, err := filepath.Glob(filepath.Join(dir, "*NagReport.csv"))
	if err != nil || len(reports) != 1 {
		t.Fatalf("reports %v, %v", reports, err)
	}
	file, err := os.Open(reports[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%d rows in the report, %v", len(rows), err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	var found []finding
	for _, row := range rows[1:] {
		if row[column("Compliance")] != "Compliant" {
			found = append(found, finding{row[column("Rule ID")], row[column("Resource ID")], row[column("Rule Info")]})
		}
	}
	return found
}
