package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"premiumhls/internal/explain/doctor"
	"premiumhls/internal/explain/predeploy"
	"premiumhls/internal/explain/target"
	"premiumhls/internal/localrun"
)

// A doctorCommand checks a whole site.
type doctorCommand struct {
	Stack string `placeholder:"NAME" help:"Check the site of this deployed stack."`
	Site  string `placeholder:"URL" help:"Check the site at this address."`
	localFlag
	Token  string   `env:"PREMIUMHLS_TOKEN" placeholder:"TOKEN" help:"A viewer's ID token, to request cookies and a premium segment too."`
	Origin []string `sep:"none" placeholder:"ORIGIN" help:"Check that CORS allows this origin (repeatable). With --stack, the listed origins are checked anyway."`
	JSON   bool     `name:"json" help:"Print JSON."`

	BeforeDeploy bool   `group:"Before a deploy" help:"Check the account instead of a site: quotas, CDK bootstrap, leftovers of a failed deploy."`
	Template     string `group:"Before a deploy" placeholder:"FILE" help:"The synthesized template, or the folder cdk.out, to know what the stack needs (default: one public key and one key group)."`
}

func (doctorCommand) Help() string {
	return `Requests the page, the catalog, a trailer, premium content without cookies and the sign-in, and checks CORS and response headers. With --token it also requests cookies and plays a premium segment. Without --stack and --site it checks the site of premium local. Exit code 0: healthy. 1: a check failed. 2: could not check.

With --before-deploy it reads the account with your AWS credentials and changes nothing. It needs cloudfront:ListCachePolicies, ListOriginRequestPolicies, ListResponseHeadersPolicies, ListPublicKeys, ListKeyGroups and ListDistributions, cloudformation:DescribeStacks and ListStackResources, ssm:GetParameter and GetParametersByPath, and for a template with sesIdentityArn ses:GetEmailIdentity and GetAccount. What is denied is skipped.`
}

func (c doctorCommand) Run(ctx context.Context, s system) error {
	if c.BeforeDeploy {
		return c.beforeDeploy(ctx, s)
	}
	if c.Template != "" {
		return errors.New("--template: needs --before-deploy")
	}
	site, origins := c.Site, c.Origin
	var run localrun.Run // zero unless the site is one
	switch {
	case c.Site != "" && c.Stack != "":
		return errors.New("set either --stack or --site, not both")
	case c.LocalRun != "" && (c.Site != "" || c.Stack != ""):
		return errors.New("--run: not allowed with --stack and --site")
	case c.Stack != "":
		t, err := fromStack(ctx, c.Stack)
		if err != nil {
			return err
		}
		site, origins = t.Site, append(origins, listed(t)...)
	case c.Site == "":
		var err error
		run, err = localrun.Find(c.LocalRun)
		if errors.Is(err, localrun.ErrNone) {
			return errors.New("no site: set --stack or --site, or run premium local")
		}
		if err != nil {
			return err
		}
		t, err := fromLocalRun(run)
		if err != nil {
			return err
		}
		site, origins = run.Site, append(origins, listed(t)...)
	}
	address, err := absolute("--site", site)
	if err != nil {
		return err
	}
	if c.Site != "" {
		run, _ = localrun.At(address.Host) // without one, the site needs a public certificate
	}
	transport, err := run.Transport()
	if err != nil {
		return err
	}
	results := doctor.Check(ctx, doctor.Options{Site: site, Token: c.Token, Origins: origins, Transport: transport})
	if err := printResults(s.out, site, results, c.JSON); err != nil {
		return err
	}
	if !doctor.Healthy(results) {
		return negative{}
	}
	return nil
}

// defaultStack is the name of the stack if the settings have no other.
const defaultStack = "PremiumHls"

func (c doctorCommand) beforeDeploy(ctx context.Context, s system) error {
	if c.Site != "" || c.LocalRun != "" || c.Token != "" && s.getenv("PREMIUMHLS_TOKEN") == "" || len(c.Origin) > 0 {
		return errors.New("--before-deploy: not allowed with --site, --run, --token and --origin")
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if account.Region == "" {
		return errors.New("no AWS region: set AWS_REGION, or a profile that has one")
	}
	needs := map[string]int{"AWS::CloudFront::PublicKey": 1, "AWS::CloudFront::KeyGroup": 1}
	var sender string
	if c.Template != "" {
		if needs, sender, err = target.Needs(c.Template); err != nil {
			return err
		}
	}
	stack := c.Stack
	if stack == "" {
		stack = defaultStack
	}
	results := predeploy.Check(ctx, predeploy.Options{
		Stack: stack, Template: needs,
		CloudFront: cloudfront.NewFromConfig(account), CloudFormation: cloudformation.NewFromConfig(account), SSM: ssm.NewFromConfig(account),
		Sender: sender, SES: sesv2.NewFromConfig(account, func(o *sesv2.Options) {
			if identity, err := arn.Parse(sender); err == nil {
				o.Region = identity.Region
			}
		}),
	})
	if err := printResults(s.out, "Stack "+stack+" in "+account.Region, results, c.JSON); err != nil {
		return err
	}
	if !doctor.Healthy(results) {
		return negative{}
	}
	return nil
}
