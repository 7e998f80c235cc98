package stacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/cfn"
	"premiumhls/stacks/settings"
)

// retained returns the resources that an earlier deploy left behind and that
// settings name, so that a feature which is on again uses its old data.
func retained(stack awscdk.Stack, s settings.Settings) (e existing) {
	if s.GrantsTable != "" && s.Entitlements.Table {
		e.table = awsdynamodb.Table_FromTableName(stack, jsii.String("RetainedGrants"), &s.GrantsTable)
	}
	if s.SalesTable != "" && s.Stripe.On() {
		e.sales = awsdynamodb.Table_FromTableName(stack, jsii.String("RetainedSales"), &s.SalesTable)
	}
	if s.UserPoolID != "" {
		e.userPool = awscognito.UserPool_FromUserPoolId(stack, jsii.String("RetainedViewers"), &s.UserPoolID)
	}
	if s.LogBucket != "" && s.AccessLogs {
		e.logBucket = awss3.Bucket_FromBucketName(stack, jsii.String("RetainedAccessLogs"), &s.LogBucket)
		e.writesPolicyOf.logBucket = true
	}
	if s.Bucket != "" {
		e.bucket = awss3.Bucket_FromBucketName(stack, jsii.String("RetainedVideos"), &s.Bucket)
		e.writesPolicyOf.bucket = true
	}
	return e
}

// newRetainedLogBucketPolicy writes the policy of a retained log bucket again:
// CloudFormation retains a bucket without its policy.
func newRetainedLogBucketPolicy(stack *premiumHLS, s settings.Settings, bucket awss3.IBucket) awss3.BucketPolicy {
	policy := newRetainedPolicy(stack, "RetainedAccessLogsPolicy", bucket)
	policy.Document().AddStatements(
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("logging.s3.amazonaws.com"), nil)},
			Actions:    jsii.Strings("s3:PutObject"), Resources: &[]*string{bucket.ArnForObjects(jsii.String(bucketLogs + "/*"))},
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": stack.Account()}},
		}),
		edgeLogStatement(stack, s, bucket),
	)
	return policy
}

// newRetainedBucketPolicy writes the policy of a retained bucket of videos
// again, for a new distribution.
func newRetainedBucketPolicy(stack *premiumHLS, bucket awss3.IBucket, distribution awscloudfront.Distribution) {
	policy := newRetainedPolicy(stack, "RetainedVideosPolicy", bucket)
	policy.Document().AddStatements(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudfront.amazonaws.com"), nil)},
		// The same as the CDK's origin access control adds to a new bucket.
		Actions:    jsii.Strings("s3:GetObject", "s3:ListBucket"),
		Resources:  &[]*string{bucket.BucketArn(), bucket.ArnForObjects(jsii.String("*"))},
		Conditions: &map[string]any{"StringEquals": map[string]any{"AWS:SourceArn": distribution.DistributionArn()}},
	}))
	// The CDK does not know that the stack writes the policy.
	awscdk.Annotations_Of(distribution).AcknowledgeWarning(jsii.String("@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac"), nil)
}

// newRetainedPolicy makes a bucket policy that denies requests without TLS 1.2,
// as the policy of a new bucket does.
func newRetainedPolicy(stack *premiumHLS, id string, bucket awss3.IBucket) awss3.BucketPolicy {
	policy := awss3.NewBucketPolicy(stack, &id, &awss3.BucketPolicyProps{Bucket: bucket})
	all := []*string{bucket.BucketArn(), bucket.ArnForObjects(jsii.String("*"))}
	policy.Document().AddStatements(
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Effect: awsiam.Effect_DENY, Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
			Actions: jsii.Strings("s3:*"), Resources: &all,
			Conditions: &map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
		}),
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Effect: awsiam.Effect_DENY, Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
			Actions: jsii.Strings("s3:*"), Resources: &all,
			Conditions: &map[string]any{"NumericLessThan": map[string]any{"s3:TlsVersion": 1.2}},
		}),
	)
	return policy
}

// checkAgainstLast compares the settings with the template that the last
// synthesis wrote. It returns a warning for each resource with data that the
// settings would leave behind, and an error if the user pool would lose an
// attribute, which no deploy can do. Without that file there is nothing to
// compare.
func checkAgainstLast(file string, s settings.Settings) (warnings []string, err error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	last, err := cfn.Read(file)
	if err != nil {
		return nil, fmt.Errorf("reading the last template: %w", err)
	}
	for _, id := range slices.Sorted(maps.Keys(last.Resources)) {
		r := last.Resources[id]
		switch {
		case r.Type == "AWS::Cognito::UserPool" && s.JWTIssuer == "" && s.UserPoolID == "":
			if lost := lostAttributes(r.Properties, s); len(lost) > 0 {
				return nil, fmt.Errorf("userPoolAttributes: must contain %s: the user pool has this attribute, and Cognito cannot remove one", strings.Join(lost, ", "))
			}
		case r.DeletionPolicy != "Retain":
		case r.Type == "AWS::DynamoDB::Table" && strings.HasPrefix(id, "Sales"):
			if !s.Stripe.On() || s.SalesTable != "" {
				warnings = append(warnings, leaves(id, "table of sales", "salesTable", "stripe"))
			}
		case r.Type == "AWS::DynamoDB::Table" && (!s.Entitlements.Table || s.GrantsTable != ""):
			warnings = append(warnings, leaves(id, "table of grants", "grantsTable", "entitlements"))
		case r.Type == "AWS::Cognito::UserPool":
			warnings = append(warnings, leaves(id, "user pool", "userPoolId", "jwtIssuer"))
		case r.Type == "AWS::S3::Bucket" && strings.HasPrefix(id, "Videos") && s.Bucket != "":
			warnings = append(warnings, leaves(id, "bucket of videos", "bucket", "bucket"))
		case r.Type == "AWS::S3::Bucket" && strings.HasPrefix(id, "AccessLogs") && (!s.AccessLogs || s.LogBucket != ""):
			warnings = append(warnings, leaves(id, "bucket of access logs", "logBucket", "accessLogs"))
		}
	}
	return warnings, nil
}

func leaves(id, what, name, feature string) string {
	return fmt.Sprintf("this deploy leaves the %s (%s) behind, with its data. To use it again after another change of %s, set %s to its physical id, which the stack's resources show until the deploy", what, id, feature, name)
}

// lostAttributes are the custom attributes in a pool that settings do not have.
func lostAttributes(pool map[string]any, s settings.Settings) (lost []string) {
	raw, err := json.Marshal(pool["Schema"])
	if err != nil {
		return nil
	}
	var schema []struct{ Name string }
	if json.Unmarshal(raw, &schema) != nil {
		return nil
	}
	for _, attribute := range schema {
		if !slices.Contains(s.UserPoolAttributes, attribute.Name) {
			lost = append(lost, attribute.Name)
		}
	}
	return lost
}
