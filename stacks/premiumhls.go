package stacks

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/catalog"
	sale "premiumhls/internal/sales"
	"premiumhls/stacks/assets"
	_ "premiumhls/stacks/quiet"
	"premiumhls/stacks/settings"
)

//go:generate go test . -run TestProps -update

// PremiumHLS serves paid HLS video: a page and trailers for everyone, and
// premium videos for viewers with signed cookies.
type PremiumHLS interface {
	constructs.Construct

	// Bucket returns the bucket of videos and page.
	Bucket() awss3.IBucket
	// LogBucket returns the bucket of access logs, or nil if they are off.
	LogBucket() awss3.IBucket
	// Distribution returns the CloudFront distribution.
	Distribution() awscloudfront.Distribution
	// KeyGroup returns the key group that signed cookies are checked against.
	KeyGroup() awscloudfront.KeyGroup
	// SignerFunction returns the function that issues cookies.
	SignerFunction() awslambda.Function
	// Api returns the HTTP API before the signer.
	Api() awsapigatewayv2.HttpApi
	// Table returns the table of grants, or nil if entitlements are not in a
	// table.
	Table() awsdynamodb.ITable
	// SalesTable returns the table of sales, or nil without Stripe.
	SalesTable() awsdynamodb.ITable
	// UserPool returns the user pool that viewers sign in at, or nil if they
	// sign in at another issuer.
	UserPool() awscognito.IUserPool
	// MediaConvertRole returns the role for MediaConvert jobs that write videos.
	MediaConvertRole() awsiam.Role
	// Host returns the host name that viewers use.
	Host() *string
	// Url returns the address of the page.
	Url() *string
	// AddOutputs adds the stack outputs that the premium command finds a
	// deployed site by. Their names are fixed, so one site of a stack can have
	// them.
	AddOutputs()
}

// NewPremiumHLS adds a site to a stack, which can have one site. It builds the functions and the page from
// the source of this module, which needs the Go toolchain and, at the first
// build, npm. It panics if props are invalid, with an error that names each
// invalid setting, as constructs do.
func NewPremiumHLS(scope constructs.Construct, id *string, props *PremiumHLSProps) PremiumHLS {
	if props == nil {
		props = &PremiumHLSProps{}
	}
	s, err := props.settings(scope, id)
	if err != nil {
		panic(err)
	}
	if err := checkRegion(s, regionOf(awscdk.Stack_Of(scope))); err != nil {
		panic(err)
	}
	if stack := awscdk.Stack_Of(scope); stack.Node().TryFindChild(jsii.String(uploaderID)) != nil {
		panic(fmt.Errorf("stack %s: has a site or a BucketDeployment with a memory limit of %d MB already, whose function the site's page would be uploaded with; put the site into a stack of its own", *stack.StackName(), uploaderMemory))
	}
	built, err := build(context.Background(), s)
	if err != nil {
		panic(err)
	}
	return newPremiumHLS(scope, id, s, props.resources(), built)
}

// existing are resources that the stack uses and does not make. Each may be nil.
type existing struct {
	bucket         awss3.IBucket
	logBucket      awss3.IBucket
	table          awsdynamodb.ITable
	sales          awsdynamodb.ITable
	userPool       awscognito.IUserPool
	signInURL      *string // of userPool
	writesPolicyOf retainedBuckets
}

// retainedBuckets are the existing buckets that an earlier deploy left behind
// without their policies, which the stack writes again.
type retainedBuckets struct{ bucket, logBucket bool }

type premiumHLS struct {
	constructs.Construct
	stack    awscdk.Stack
	existing existing
	outputs  []siteOutput
	inHome   awscdk.CfnCondition // nil until isUsEast1

	storage      storage
	delivery     delivery
	keys         *signingKeys
	signer       signer
	links        awslambda.Function // nil without links
	entitlements entitlements
	signIn       signIn
	sales        sales
}

type siteOutput struct{ name, description, value string }

// build checks what is deployed and builds what is uploaded.
func build(ctx context.Context, s settings.Settings) (assets.Assets, error) {
	if err := checkRotation(ctx, s); err != nil {
		return assets.Assets{}, err
	}
	place, err := assets.Here(ctx)
	if err != nil {
		return assets.Assets{}, err
	}
	built, err := assets.Build(ctx, place, s)
	if err != nil {
		return assets.Assets{}, fmt.Errorf("building functions and page: %w", err)
	}
	return built, nil
}

// newPremiumHLS makes every resource of a site. Each concern has a file of its
// own.
//
// Resources are made before those that need them. There is one cycle: the
// distribution needs the API's host name, and the signer behind the API needs
// the distribution's host name and the keys' ids. The signer therefore reads
// those at run time from a parameter that is written after the distribution.
func newPremiumHLS(scope constructs.Construct, id *string, s settings.Settings, e existing, p assets.Assets) *premiumHLS {
	site := &premiumHLS{stack: awscdk.Stack_Of(scope), existing: e}
	constructs.NewConstruct_Override(site, scope, id)

	site.storage = newStorage(site, s)
	keymaker := newKeymaker(site, s, p.Keymaker)
	site.keys = newSigningKeys(site, s, p.PublicKeys, keymaker)
	secret := newOriginSecret(site, s, keymaker)
	site.signer = newSigner(site, s, p.Signer, site.keys)
	site.entitlements = newEntitlements(site, s, site.signer)
	site.signIn = newSignIn(site, s)
	site.delivery = newDelivery(site, s, site.storage, site.keys, site.signer, site.signIn, secret)
	client := site.signIn.newClient(site, s, site.delivery.host)
	authorizer := site.signer.addRoutes(s, client)
	newViewerHashKey(site, s, keymaker, site.signer)
	if s.Stripe.On() {
		site.sales = newStripe(site, s, p.Stripe, keymaker, authorizer)
		output(site, "StripeEndpoint", "URL of the webhook endpoint for Stripe", *jsii.Sprintf("https://%s%s", *site.delivery.host, stripePath))
		output(site, sale.FunctionOutput, "Function that turns purchases into grants", *site.sales.function.FunctionName())
		output(site, sale.TableOutput, "Table of sales", *site.sales.table.TableName())
	}
	site.keys.recordBefore(site.signer)
	site.keys.publish(site, s, site.delivery.host, keymaker)
	upload := newUploader(site, s, site.storage, p)
	newPage(upload, s, p, client)
	if s.Links {
		site.links = newLinks(site, s, p.Links)
		output(site, "Links", "Function that rewrites playlists for viewers who hold a link", *site.links.FunctionName())
	}
	if s.Ingest {
		made := newIngest(site, s, p.Ingest, site.storage, site.delivery)
		output(site, "Ingest", "Function that makes courses of uploaded films", *made.function.FunctionName())
		output(site, "IngestDeadLetters", "Queue of events that the ingest function could not handle", *made.deadLetters.QueueUrl())
		output(site, "UploadDestination", "Destination of films", *jsii.Sprintf("s3://%s/%s", *site.storage.bucket.BucketName(), catalog.Prefix))
	}
	if s.Monitoring {
		output(site, "Dashboard", "CloudWatch dashboard", *newMonitoring(site, s, site.signer, site.links, site.delivery))
	}
	if logs := site.storage.logs; logs != nil {
		newEdgeLogDelivery(site, s, site.delivery.distribution, site.storage)
		newSignerLogDelivery(site, s, site.signer, logs)
		output(site, "LogBucket", "Bucket of access logs", *logs.BucketName())
		output(site, "LogQueries", "Athena workgroup with queries of the logs", *newLogQueries(site, s, logs))
	}

	bucket := site.storage.bucket.BucketName()
	output(site, "Site", "URL of the page", *site.Url())
	output(site, "Bucket", "Bucket of videos and page", *bucket)
	output(site, "PremiumDestination", "Destination of MediaConvert jobs for premium videos", *jsii.Sprintf("s3://%s/%s/", *bucket, s.PremiumPath))
	output(site, "TrailerDestination", "Destination of MediaConvert jobs for public videos", *jsii.Sprintf("s3://%s/public/trailers/", *bucket))
	output(site, "MediaConvertRole", "Role for MediaConvert jobs", *site.storage.mediaConvert.RoleArn())
	output(site, "Distribution", "Distribution id", *site.delivery.distribution.DistributionId())
	output(site, "DistributionDomain", "Target for your domain's DNS record", *site.delivery.distribution.DistributionDomainName())
	output(site, "KeyGroup", "Key group that signed cookies are checked against", *site.keys.group.KeyGroupId())
	if table := site.entitlements.table; table != nil {
		output(site, "EntitlementsTable", "Table of grants", *table.TableName())
	}
	if s.EmailGrants {
		output(site, "EmailGrants", "Grants to email addresses are claimed by viewers who sign in", "on")
	}
	if pool := site.signIn.pool; pool != nil {
		output(site, "UserPool", "User pool that viewers sign in at", *pool.UserPoolId())
	}
	var last constructs.Construct = site.keys.published
	if s.DeployCheck {
		last = newDeployCheck(site, s, p, site.keys, site.signer, site.delivery, newProbe(upload, s))
	}
	site.keys.activate(site, s, keymaker, last)
	return site
}

func (p *premiumHLS) Bucket() awss3.IBucket                    { return p.storage.bucket }
func (p *premiumHLS) LogBucket() awss3.IBucket                 { return p.storage.logs }
func (p *premiumHLS) Distribution() awscloudfront.Distribution { return p.delivery.distribution }
func (p *premiumHLS) KeyGroup() awscloudfront.KeyGroup         { return p.keys.group }
func (p *premiumHLS) SignerFunction() awslambda.Function       { return p.signer.function }
func (p *premiumHLS) Api() awsapigatewayv2.HttpApi             { return p.signer.api }
func (p *premiumHLS) Table() awsdynamodb.ITable                { return p.entitlements.table }
func (p *premiumHLS) SalesTable() awsdynamodb.ITable           { return p.sales.table }
func (p *premiumHLS) UserPool() awscognito.IUserPool           { return p.signIn.pool }
func (p *premiumHLS) MediaConvertRole() awsiam.Role            { return p.storage.mediaConvert }
func (p *premiumHLS) Host() *string                            { return p.delivery.host }
func (p *premiumHLS) Url() *string                             { return jsii.Sprintf("https://%s/", *p.Host()) }

func (p *premiumHLS) AddOutputs() {
	for _, o := range p.outputs {
		awscdk.NewCfnOutput(p, jsii.String(o.name+"Output"), &awscdk.CfnOutputProps{
			Description: &o.description,
			Value:       &o.value,
		}).OverrideLogicalId(&o.name)
	}
}

// output notes a value for AddOutputs.
func output(site *premiumHLS, name, description, value string) {
	site.outputs = append(site.outputs, siteOutput{name, description, value})
}

// Values of the stack that the site is in.

func (p *premiumHLS) Account() *string   { return p.stack.Account() }
func (p *premiumHLS) Region() *string    { return p.stack.Region() }
func (p *premiumHLS) Partition() *string { return p.stack.Partition() }
func (p *premiumHLS) UrlSuffix() *string { return p.stack.UrlSuffix() }
func (p *premiumHLS) StackId() *string   { return p.stack.StackId() }

func (p *premiumHLS) FormatArn(components *awscdk.ArnComponents) *string {
	return p.stack.FormatArn(components)
}

func (p *premiumHLS) ToJsonString(v any, space *float64) *string {
	return p.stack.ToJsonString(v, space)
}

// settings returns the settings that the props are about.
func (p *PremiumHLSProps) settings(scope constructs.Construct, id *string) (settings.Settings, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return settings.Settings{}, fmt.Errorf("reading the props: %w", err)
	}
	values := map[string]any{}
	if err := json.Unmarshal(text, &values); err != nil {
		return settings.Settings{}, fmt.Errorf("reading the props: %w", err)
	}
	if p.Name == nil {
		values["stackName"] = siteName(scope, *id)
	}
	if p.LogBucket != nil {
		values["accessLogs"] = true
	}
	return settings.Read(values)
}

// resources returns the existing resources of the props.
func (p *PremiumHLSProps) resources() existing {
	return existing{bucket: p.Bucket, logBucket: p.LogBucket, table: p.Table, sales: p.SalesTable, userPool: p.UserPool, signInURL: p.UserPoolSignInURL}
}

// siteName names a site after its stack and its id.
func siteName(scope constructs.Construct, id string) string {
	var parts []string
	for _, part := range append(strings.Split(*scope.Node().Path(), "/"), id) {
		if part != "" && part != "Default" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "-")
}
