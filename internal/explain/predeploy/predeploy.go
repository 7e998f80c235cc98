// Package predeploy checks an AWS account before a stack is deployed: quotas of
// CloudFront, the CDK's bootstrap stack, and what a failed deploy has left.
package predeploy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	formation "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	front "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	ses "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	parameter "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"premiumhls/internal/explain/doctor"
	"premiumhls/internal/signingkey"
)

// Options are the stack to deploy and the account.
type Options struct {
	Stack string
	// Template is the number of resources in the stack's template, by type.
	Template map[string]int
	// Sender is the ARN of the SES identity that sends the user pool's emails;
	// empty if Cognito sends them.
	Sender         string
	SES            *sesv2.Client // of the identity's region; nil without Sender
	CloudFront     *cloudfront.Client
	CloudFormation *cloudformation.Client
	SSM            *ssm.Client
}

// A quota limits the resources of a type in an account (CloudFront developer
// guide, "Quotas").
type quota struct {
	name, resourceType string
	limit              int
	count              func(context.Context, *cloudfront.Client) (int, error)
}

var quotas = []quota{
	{"cache policies", "AWS::CloudFront::CachePolicy", 20, countCachePolicies},
	{"origin request policies", "AWS::CloudFront::OriginRequestPolicy", 20, countOriginRequestPolicies},
	{"response headers policies", "AWS::CloudFront::ResponseHeadersPolicy", 20, countResponseHeadersPolicies},
	{"public keys", "AWS::CloudFront::PublicKey", 10, countPublicKeys},
	{"key groups", "AWS::CloudFront::KeyGroup", 10, countKeyGroups},
}

// Check runs all checks. A check whose call is denied is skipped.
func Check(ctx context.Context, o Options) []doctor.Result {
	c := &check{Options: o}
	c.checkStack(ctx)
	c.checkQuotas(ctx)
	c.checkNewAccount(ctx)
	c.checkBootstrap(ctx)
	if c.Sender != "" {
		c.checkSender(ctx)
	}
	return c.results
}

type check struct {
	Options
	existing map[string]int // the stack's resources, by type
	results  []doctor.Result
}

func (c *check) add(status doctor.Status, name, found, advice string) {
	c.results = append(c.results, doctor.Result{Name: name, Status: status, Found: found, Advice: advice})
}

// cannot reports a call that failed.
func (c *check) cannot(name string, err error) {
	var rejected smithy.APIError
	if errors.As(err, &rejected) && strings.HasPrefix(rejected.ErrorCode(), "AccessDenied") {
		c.add(doctor.Skipped, name, "access denied: "+rejected.ErrorMessage(), "")
		return
	}
	c.add(doctor.Failed, name, err.Error(), "The call to AWS failed: check the credentials, the region and the network, and run this again.")
}

// failedStatuses are the statuses of a stack that cannot be deployed again.
var failedStatuses = map[formation.StackStatus]bool{
	formation.StackStatusRollbackComplete: true, formation.StackStatusRollbackFailed: true,
	formation.StackStatusCreateFailed: true, formation.StackStatusDeleteFailed: true,
}

// checkStack looks for what a failed first deploy has left. A stack whose
// creation was rolled back can only be deleted (CloudFormation user guide,
// "Stack status codes").
func (c *check) checkStack(ctx context.Context) {
	const name = "stack"
	described, err := c.CloudFormation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &c.Stack})
	var rejected smithy.APIError
	if errors.As(err, &rejected) && rejected.ErrorCode() == "ValidationError" {
		c.add(doctor.OK, name, c.Stack+" does not exist yet", "")
		c.checkParameters(ctx)
		return
	}
	if err != nil {
		c.cannot(name, err)
		return
	}
	if len(described.Stacks) != 1 {
		c.cannot(name, fmt.Errorf("%d stacks have the name %s", len(described.Stacks), c.Stack))
		return
	}
	retained, err := c.listResources(ctx)
	if err != nil {
		c.cannot(name, err)
		return
	}
	status := described.Stacks[0].StackStatus
	switch {
	case failedStatuses[status]:
		advice := "The first deploy failed: run aws cloudformation delete-stack --stack-name " + c.Stack + ", and deploy again."
		if len(retained) > 0 {
			advice += " These resources stay, and may have to be deleted too: " + strings.Join(retained, ", ") + "."
		}
		c.add(doctor.Failed, name, string(status), advice)
	case strings.HasSuffix(string(status), "_IN_PROGRESS"):
		c.add(doctor.Failed, name, string(status), "A deploy is running: wait until it ends.")
	case status == formation.StackStatusUpdateRollbackFailed:
		c.add(doctor.Failed, name, string(status), "The last deploy could not be rolled back: run aws cloudformation continue-update-rollback --stack-name "+c.Stack+".")
	default:
		c.add(doctor.OK, name, string(status), "")
	}
}

// listResources counts the stack's resources, and returns those that a rollback
// has not deleted.
func (c *check) listResources(ctx context.Context) (retained []string, err error) {
	c.existing = map[string]int{}
	pages := cloudformation.NewListStackResourcesPaginator(c.CloudFormation, &cloudformation.ListStackResourcesInput{StackName: &c.Stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.StackResourceSummaries {
			switch r.ResourceStatus {
			case formation.ResourceStatusDeleteComplete:
				continue
			case formation.ResourceStatusDeleteSkipped, formation.ResourceStatusDeleteFailed:
				retained = append(retained, aws.ToString(r.ResourceType)+" "+aws.ToString(r.PhysicalResourceId))
			}
			c.existing[aws.ToString(r.ResourceType)]++
		}
	}
	return retained, nil
}

// checkParameters looks for parameters of an earlier stack with the same name:
// the keymaker does not use keys that it has not made.
func (c *check) checkParameters(ctx context.Context) {
	const name = "leftover parameters"
	path := string(signingkey.Of(c.Stack))
	var found []string
	pages := ssm.NewGetParametersByPathPaginator(c.SSM, &ssm.GetParametersByPathInput{Path: &path, Recursive: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			c.cannot(name, err)
			return
		}
		for _, p := range page.Parameters {
			found = append(found, aws.ToString(p.Name))
		}
	}
	if len(found) > 0 {
		c.add(doctor.Failed, name, strings.Join(found, ", "),
			"An earlier stack "+c.Stack+" has left these parameters. If nothing uses them any more, run aws ssm delete-parameters --names "+strings.Join(found, " ")+".")
		return
	}
	c.add(doctor.OK, name, "none below "+path, "")
}

func (c *check) checkQuotas(ctx context.Context) {
	for _, q := range quotas {
		needed := max(c.Template[q.resourceType]-c.existing[q.resourceType], 0)
		used, err := q.count(ctx, c.CloudFront)
		if err != nil {
			c.cannot(q.name, err)
			continue
		}
		found := fmt.Sprintf("%d of %d used, %d needed", used, q.limit, needed)
		if used+needed > q.limit {
			c.add(doctor.Failed, q.name, found, "The account has a quota of "+strconv.Itoa(q.limit)+" "+q.name+" (more only if AWS has raised it): delete unused ones, or raise the quota in Service Quotas for CloudFront, in us-east-1.")
			continue
		}
		c.add(doctor.OK, q.name, found, "")
	}
}

// checkNewAccount warns about accounts that CloudFront does not let create
// distributions yet. No API call returns that.
func (c *check) checkNewAccount(ctx context.Context) {
	const name = "new account"
	out, err := c.CloudFront.ListDistributions(ctx, &cloudfront.ListDistributionsInput{MaxItems: aws.Int32(1)})
	switch {
	case err != nil:
		c.cannot(name, err)
	case out.DistributionList == nil || len(out.DistributionList.Items) == 0:
		c.add(doctor.Skipped, name, `the account has no distribution: if the deploy fails with "Your account must be verified before you can add new CloudFront resources", open a case with AWS Support`, "")
	default:
		c.add(doctor.OK, name, "the account has a distribution", "")
	}
}

// minBootstrap is the lowest bootstrap version that the CDK deploys to with
// assets (AWS CDK developer guide, "Bootstrap template version history").
const minBootstrap = 6

func (c *check) checkBootstrap(ctx context.Context) {
	const name, advice = "CDK bootstrap", "Run npx aws-cdk bootstrap for this account and region."
	out, err := c.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/cdk-bootstrap/hnb659fds/version")})
	var missing *parameter.ParameterNotFound
	switch {
	case errors.As(err, &missing):
		c.add(doctor.Failed, name, "not found", advice)
		return
	case err != nil:
		c.cannot(name, err)
		return
	case out.Parameter == nil:
		c.add(doctor.Failed, name, "not found", advice)
		return
	}
	text := aws.ToString(out.Parameter.Value)
	if version, err := strconv.Atoi(text); err != nil || version < minBootstrap {
		c.add(doctor.Failed, name, "version "+text, "The version must be at least "+strconv.Itoa(minBootstrap)+". "+advice)
		return
	}
	c.add(doctor.OK, name, "version "+text, "")
}

// checkSender checks the SES identity: without it Cognito cannot create the
// pool, and in SES's sandbox viewers who sign up get no code, so that their
// addresses are never verified.
func (c *check) checkSender(ctx context.Context) {
	const name = "sender of emails"
	identity := c.Sender[strings.LastIndex(c.Sender, "identity/")+len("identity/"):]
	out, err := c.SES.GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &identity})
	var missing *ses.NotFoundException
	switch {
	case errors.As(err, &missing):
		c.add(doctor.Failed, name, identity+" is no identity of SES here", "Create the identity of the setting sesIdentityArn in the region of its ARN, and verify it.")
		return
	case err != nil:
		c.cannot(name, err)
		return
	case !out.VerifiedForSendingStatus:
		c.add(doctor.Failed, name, identity+" is not verified", "Verify the identity: SES's console has the DNS records, or sends an email to the address.")
		return
	}
	account, err := c.SES.GetAccount(ctx, &sesv2.GetAccountInput{})
	switch {
	case err != nil:
		c.cannot(name, err)
	case !account.ProductionAccessEnabled:
		c.add(doctor.Failed, name, identity+" is verified, and SES is in its sandbox", "SES sends to verified addresses only until AWS lets the account out of its sandbox: request production access in SES's console, in the identity's region.")
	case !account.SendingEnabled:
		c.add(doctor.Failed, name, identity+" is verified, and the account may not send", "SES has paused the account's sending: its console says why.")
	default:
		c.add(doctor.OK, name, identity+" is verified, and SES sends to every address", "")
	}
}

func countCachePolicies(ctx context.Context, c *cloudfront.Client) (n int, err error) {
	input := &cloudfront.ListCachePoliciesInput{Type: front.CachePolicyTypeCustom}
	for {
		out, err := c.ListCachePolicies(ctx, input)
		if err != nil || out.CachePolicyList == nil {
			return n, err
		}
		n += len(out.CachePolicyList.Items)
		if input.Marker = out.CachePolicyList.NextMarker; aws.ToString(input.Marker) == "" {
			return n, nil
		}
	}
}

func countOriginRequestPolicies(ctx context.Context, c *cloudfront.Client) (n int, err error) {
	input := &cloudfront.ListOriginRequestPoliciesInput{Type: front.OriginRequestPolicyTypeCustom}
	for {
		out, err := c.ListOriginRequestPolicies(ctx, input)
		if err != nil || out.OriginRequestPolicyList == nil {
			return n, err
		}
		n += len(out.OriginRequestPolicyList.Items)
		if input.Marker = out.OriginRequestPolicyList.NextMarker; aws.ToString(input.Marker) == "" {
			return n, nil
		}
	}
}

func countResponseHeadersPolicies(ctx context.Context, c *cloudfront.Client) (n int, err error) {
	input := &cloudfront.ListResponseHeadersPoliciesInput{Type: front.ResponseHeadersPolicyTypeCustom}
	for {
		out, err := c.ListResponseHeadersPolicies(ctx, input)
		if err != nil || out.ResponseHeadersPolicyList == nil {
			return n, err
		}
		n += len(out.ResponseHeadersPolicyList.Items)
		if input.Marker = out.ResponseHeadersPolicyList.NextMarker; aws.ToString(input.Marker) == "" {
			return n, nil
		}
	}
}

func countPublicKeys(ctx context.Context, c *cloudfront.Client) (n int, err error) {
	pages := cloudfront.NewListPublicKeysPaginator(c, &cloudfront.ListPublicKeysInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, err
		}
		if page.PublicKeyList != nil {
			n += len(page.PublicKeyList.Items)
		}
	}
	return n, nil
}

func countKeyGroups(ctx context.Context, c *cloudfront.Client) (n int, err error) {
	input := &cloudfront.ListKeyGroupsInput{}
	for {
		out, err := c.ListKeyGroups(ctx, input)
		if err != nil || out.KeyGroupList == nil {
			return n, err
		}
		n += len(out.KeyGroupList.Items)
		if input.Marker = out.KeyGroupList.NextMarker; aws.ToString(input.Marker) == "" {
			return n, nil
		}
	}
}
