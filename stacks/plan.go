package stacks

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awspricingplanmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/settings"
)

// home is the region in which web ACLs for CloudFront, subscriptions to
// flat-rate plans and delivery sources of CloudFront's logs exist, and no other.
const home = "us-east-1"

// Rate limits in requests an address in five minutes. A school's 300 viewers
// behind one address stay below apiRate. The Free plan allows no condition on
// the path, so that freeRate counts segments as well.
const (
	apiRate  = 3_000
	freeRate = 30_000
	rateTime = 300 // seconds
)

// isUsEast1 is the condition that the stack is deployed to home. The region may
// not be known at synthesis.
func (p *premiumHLS) isUsEast1() awscdk.CfnCondition {
	if p.inHome == nil {
		p.inHome = awscdk.NewCfnCondition(p, jsii.String("IsUsEast1"), &awscdk.CfnConditionProps{
			Expression: awscdk.Fn_ConditionEquals(awscdk.Aws_REGION(), jsii.String(home)),
		})
	}
	return p.inHome
}

// regionOf is the region that a stack is deployed to: its own, or else that of
// regionFor.
func regionOf(stack awscdk.Stack) string {
	if region := *stack.Region(); !*awscdk.Token_IsUnresolved(region) {
		return region
	}
	return regionFor(settings.Settings{})
}

// regionFor is the region in the settings, or that of the CDK's command line.
// Without either, nothing is being deployed: then it is home, in which every
// resource can be made.
func regionFor(s settings.Settings) string {
	if s.Region != "" {
		return s.Region
	}
	if region := os.Getenv("CDK_DEFAULT_REGION"); region != "" {
		return region
	}
	return home
}

// defaultRegions are the regions that are enabled in every account. CloudFront
// delivers its standard logs (legacy) to buckets in no other.
var defaultRegions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
	"eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1",
	"ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2",
}

// checkRegion returns an error if a setting cannot be had in a region.
func checkRegion(s settings.Settings, region string) error {
	switch {
	case region == home:
		return nil
	case s.Plan != settings.PayAsYouGo && s.WebACLArn == "":
		return fmt.Errorf("plan: invalid value %q: needs a web ACL, which a stack in %s cannot make: set webAclArn to one in %s, or deploy the stack there", s.Plan, region, home)
	case s.WebACL:
		return fmt.Errorf("webAcl: invalid value true: a stack in %s cannot make a web ACL for CloudFront: set webAclArn to one in %s, or deploy the stack there", region, home)
	case s.AccessLogs && s.Links:
		return fmt.Errorf("accessLogs: invalid value true: CloudFront's log of a stack in %s (legacy) has the queries of URLs, and the query of a link plays the video: turn accessLogs or links off, or deploy the stack in %s, whose log omits queries", region, home)
	case s.AccessLogs && !slices.Contains(defaultRegions, region):
		return fmt.Errorf("accessLogs: invalid value true: CloudFront does not deliver its logs to %s: deploy the stack in %s, or in a region that is not opt-in", region, home)
	}
	return nil
}

// webACL returns the ARN of the distribution's web ACL, or nil.
func webACL(stack *premiumHLS, s settings.Settings) *string {
	if s.WebACLArn != "" {
		return &s.WebACLArn
	}
	if s.Plan == settings.PayAsYouGo && !s.WebACL {
		return nil
	}
	return newWebACL(stack, s).AttrArn()
}

func newWebACL(stack *premiumHLS, s settings.Settings) awswafv2.CfnWebACL {
	rules := []*awswafv2.CfnWebACL_RuleProperty{blockRule(0, "Rate", rateLimit(freeRate, nil))}
	if s.Plan != "free" {
		rules = paidRules()
	}
	return awswafv2.NewCfnWebACL(stack, jsii.String("WebAcl"), &awswafv2.CfnWebACLProps{
		Description:      jsii.String("Requests to " + s.StackName),
		Scope:            jsii.String("CLOUDFRONT"),
		DefaultAction:    &awswafv2.CfnWebACL_DefaultActionProperty{Allow: &awswafv2.CfnWebACL_AllowActionProperty{}},
		VisibilityConfig: visibility("WebAcl"),
		Rules:            rules,
	})
}

// paidRules are those of pay-as-you-go and of the plans from Pro.
func paidRules() []*awswafv2.CfnWebACL_RuleProperty {
	stripe := or(path("EXACTLY", "/api/stripe"), path("STARTS_WITH", "/api/stripe/"))
	return []*awswafv2.CfnWebACL_RuleProperty{
		// Payment events come from few addresses, and are verified by their
		// signatures.
		blockRule(0, "ApiRate", rateLimit(apiRate, and(path("STARTS_WITH", "/api/"), not(stripe)))),
		managedRules(1, "IpReputation", "AWSManagedRulesAmazonIpReputationList"),
		managedRules(2, "Common", "AWSManagedRulesCommonRuleSet",
			// Counted, so that the next rule can make an exception.
			"SizeRestrictions_BODY",
			// A link's signature is in its query.
			"SizeRestrictions_QUERYSTRING"),
		// A payment event may have 64 KB.
		blockRule(3, "BodySize", and(&awswafv2.CfnWebACL_StatementProperty{
			LabelMatchStatement: &awswafv2.CfnWebACL_LabelMatchStatementProperty{
				Scope: jsii.String("LABEL"), Key: jsii.String("awswaf:managed:aws:core-rule-set:SizeRestrictions_Body"),
			},
		}, not(stripe))),
	}
}

func blockRule(priority float64, name string, statement *awswafv2.CfnWebACL_StatementProperty) *awswafv2.CfnWebACL_RuleProperty {
	return &awswafv2.CfnWebACL_RuleProperty{
		Name: &name, Priority: &priority, Statement: statement, VisibilityConfig: visibility(name),
		Action: &awswafv2.CfnWebACL_RuleActionProperty{Block: &awswafv2.CfnWebACL_BlockActionProperty{}},
	}
}

// managedRules is a rule group of AWS of which some rules only count.
func managedRules(priority float64, name, group string, counted ...string) *awswafv2.CfnWebACL_RuleProperty {
	statement := &awswafv2.CfnWebACL_ManagedRuleGroupStatementProperty{VendorName: jsii.String("AWS"), Name: &group}
	var overrides []*awswafv2.CfnWebACL_RuleActionOverrideProperty
	for _, rule := range counted {
		overrides = append(overrides, &awswafv2.CfnWebACL_RuleActionOverrideProperty{
			Name: &rule, ActionToUse: &awswafv2.CfnWebACL_RuleActionProperty{Count: &awswafv2.CfnWebACL_CountActionProperty{}},
		})
	}
	if overrides != nil {
		statement.RuleActionOverrides = overrides
	}
	return &awswafv2.CfnWebACL_RuleProperty{
		Name: &name, Priority: &priority, VisibilityConfig: visibility(name),
		Statement:      &awswafv2.CfnWebACL_StatementProperty{ManagedRuleGroupStatement: statement},
		OverrideAction: &awswafv2.CfnWebACL_OverrideActionProperty{None: map[string]any{}},
	}
}

func rateLimit(limit float64, only *awswafv2.CfnWebACL_StatementProperty) *awswafv2.CfnWebACL_StatementProperty {
	rate := &awswafv2.CfnWebACL_RateBasedStatementProperty{
		AggregateKeyType: jsii.String("IP"), Limit: &limit, EvaluationWindowSec: jsii.Number(rateTime),
	}
	if only != nil {
		rate.ScopeDownStatement = only
	}
	return &awswafv2.CfnWebACL_StatementProperty{RateBasedStatement: rate}
}

// path matches the path of a request, decoded and with its dots resolved, so
// that no other spelling of a path gets around a rule.
func path(position, value string) *awswafv2.CfnWebACL_StatementProperty {
	return &awswafv2.CfnWebACL_StatementProperty{ByteMatchStatement: &awswafv2.CfnWebACL_ByteMatchStatementProperty{
		FieldToMatch:         &awswafv2.CfnWebACL_FieldToMatchProperty{UriPath: map[string]any{}},
		PositionalConstraint: &position, SearchString: &value,
		TextTransformations: []*awswafv2.CfnWebACL_TextTransformationProperty{
			{Priority: jsii.Number(0), Type: jsii.String("URL_DECODE")},
			{Priority: jsii.Number(1), Type: jsii.String("NORMALIZE_PATH")},
		},
	}}
}

func and(statements ...*awswafv2.CfnWebACL_StatementProperty) *awswafv2.CfnWebACL_StatementProperty {
	return &awswafv2.CfnWebACL_StatementProperty{AndStatement: &awswafv2.CfnWebACL_AndStatementProperty{Statements: statements}}
}

func or(statements ...*awswafv2.CfnWebACL_StatementProperty) *awswafv2.CfnWebACL_StatementProperty {
	return &awswafv2.CfnWebACL_StatementProperty{OrStatement: &awswafv2.CfnWebACL_OrStatementProperty{Statements: statements}}
}

func not(statement *awswafv2.CfnWebACL_StatementProperty) *awswafv2.CfnWebACL_StatementProperty {
	return &awswafv2.CfnWebACL_StatementProperty{NotStatement: &awswafv2.CfnWebACL_NotStatementProperty{Statement: statement}}
}

// visibility counts matches. Samples would show cookies and tokens.
func visibility(metric string) *awswafv2.CfnWebACL_VisibilityConfigProperty {
	return &awswafv2.CfnWebACL_VisibilityConfigProperty{
		CloudWatchMetricsEnabled: jsii.Bool(true), MetricName: &metric, SampledRequestsEnabled: jsii.Bool(false),
	}
}

// newSubscription subscribes the distribution to a flat-rate plan. A paid one
// begins when somebody with permission approves it.
func newSubscription(stack *premiumHLS, s settings.Settings, distribution awscloudfront.Distribution, acl *string) {
	if s.Plan == settings.PayAsYouGo {
		return
	}
	tier := strings.ToUpper(s.Plan)
	if regionOf(stack.stack) != home {
		command := "aws pricing-plan-manager create-subscription --region " + home + " --plan-family CloudFront --plan-tier " + tier +
			" --resource-arns " + *distribution.DistributionArn() + " " + *acl
		if s.Plan != "free" {
			command += " --approval-mode IMMEDIATE" // accepted for paid plans only
		}
		output(stack, "CreateSubscription", "Command that subscribes the distribution to the plan", command)
		return
	}
	subscription := awspricingplanmanager.NewCfnSubscription(stack, jsii.String("Subscription"), &awspricingplanmanager.CfnSubscriptionProps{
		PlanFamily:   jsii.String("CloudFront"),
		PlanTier:     &tier,
		ResourceArns: &[]*string{distribution.DistributionArn(), acl},
	})
	// cfn-lint does not know the type yet: E3006 is "resource type does not
	// exist".
	subscription.AddMetadata(jsii.String("cfn-lint"), map[string]any{"config": map[string]any{"ignore_checks": []string{"E3006"}}})
	if s.Plan == "free" {
		return
	}
	arn := *subscription.AttrArn()
	output(stack, "ApproveSubscription", "Command that approves the paid plan. A paid month cannot be undone",
		"aws pricing-plan-manager approve-paid-subscription --region "+home+" --arn "+arn+
			" --if-match $(aws pricing-plan-manager get-subscription --region "+home+" --arn "+arn+" --query eTag --output text)")
}
