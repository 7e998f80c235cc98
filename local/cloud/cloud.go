// Package cloud runs the stack on one machine: it deploys the unchanged
// synthesized template, runs the real Lambda code in its own processes, and
// replaces the AWS services around it by local stand-ins.
package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"premiumhls/internal/cfn"
	"premiumhls/internal/cloudfront"
	"premiumhls/local/apigateway"
	"premiumhls/local/cloudformation"
	edge "premiumhls/local/cloudfront"
	"premiumhls/local/cognito"
	"premiumhls/local/dynamodb"
	"premiumhls/local/iam"
	"premiumhls/local/kms"
	"premiumhls/local/lambda"
	"premiumhls/local/s3"
	"premiumhls/local/ssm"
	"premiumhls/stacks/assets"
)

// Options are the options of a Cloud. The first four are required.
type Options struct {
	Root     string // of the repository with the functions' code
	Assembly string // the folder of the cloud assembly
	Stack    string // the stack's name
	Host     string // of the edge, for example localhost:8080

	Viewers     []cognito.Viewer                         // who can sign in
	Functions   io.Writer                                // gets the functions' logs; nil: discarded
	Shop        Shop                                     // responds for functions outside the stack
	Requests    func(edge.Entry)                         // called after each request to the edge
	Access      func(iam.Decision)                       // called after each decision of IAM
	Build       Build                                    // builds the functions; nil: lambda.Build, from Root
	Step        func(what string, do func() error) error // runs a slow step, and can print it; nil: runs it
	NoCache     bool                                     // every request reaches an origin, and nothing is compressed
	Propagation time.Duration                            // how long the edge serves the old distribution after a deploy
	// HandOver, unless nil, delivers each event of EventBridge when and as often
	// as it likes, by calling deliver.
	HandOver func(deliver func())
	// RefuseECDSASHA256 makes the edge accept only documented ECDSA signatures.
	RefuseECDSASHA256 bool
	// SendParameters makes the edge send the parameters of signed URLs to
	// origins, which CloudFront does not do by its documentation.
	SendParameters bool
	Now            func() time.Time // the edge's clock; the functions have the machine's
	// TLS serves the issuer over https, for pages that are at https://Host. The
	// edge is the caller's to serve.
	TLS *tls.Config
	// Public makes the issuer reachable from other devices, at Host's name.
	Public bool
	// Issuer is the transport to issuers' keys; http.DefaultTransport when nil.
	Issuer http.RoundTripper
	// SendCode gets the codes that the user pool would send to the addresses of
	// new viewers, if the settings let viewers create accounts. nil: discarded.
	SendCode func(address, code string)
	// KeepIssuer signs viewers in at the issuer that the settings name, in place
	// of the local one.
	KeepIssuer bool
	Log        *slog.Logger // gets the causes of failures; nil: discarded
}

// A Build builds the Go package of a function, such as ./lambda/signer, into the
// file out.
type Build func(ctx context.Context, pkg, out string) error

// A Cloud is a stack on this machine. As a handler it is the distribution.
type Cloud struct {
	Parameters *ssm.Store
	KMS        *kms.Service

	options   Options
	authority *iam.Authority
	accessLog accessLog
	stack     *cloudformation.Stack
	assets    *cloudformation.Assets
	buckets   buckets
	functions *functions
	tables    *dynamodb.Server // nil before the first table
	ingest    *ingest          // nil unless the template needs it
	objects   atomic.Pointer[s3.Service]
	resources *cloudformation.CustomResource
	before    atomic.Int64 // the number of events before this deploy

	api       atomic.Pointer[apigateway.API]
	edge      atomic.Pointer[edge.Edge]
	issuer    atomic.Pointer[cognito.Provider]
	issuerURL string
	usersURL  string // of the API of the user pool; empty without one
	servers   []*server
}

// New returns a Cloud with nothing deployed.
func New(options Options) (_ *Cloud, err error) {
	if options.Step == nil {
		options.Step = func(_ string, do func() error) error { return do() }
	}
	if options.Build == nil {
		options.Build = func(ctx context.Context, pkg, out string) error { return lambda.Build(ctx, options.Root, pkg, out) }
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	c := &Cloud{
		Parameters: ssm.New(),
		KMS:        kms.New(),
		options:    options,
		buckets:    buckets{},
	}
	c.authority = iam.New(c.where().AccountID, options.Access)
	c.Parameters.Authorize, c.KMS.Authorize = c.authority.Authorize, c.authority.Authorize
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	endpoints := map[string]http.Handler{
		"SSM":            c.Parameters,
		"KMS":            c.KMS,
		"LAMBDA":         http.HandlerFunc(c.serveFunctions),
		"CLOUDFORMATION": cloudformation.Handler(c.status, c.authority.Authorize),
		"S3":             http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.objects.Load().ServeHTTP(w, r) }),
	}
	c.objects.Store(&s3.Service{Bucket: c.bucket, Authorize: c.authority.Authorize})
	environment := map[string]string{}
	for service, handler := range endpoints {
		url, err := c.listen(handler)
		if err != nil {
			return nil, err
		}
		environment["AWS_ENDPOINT_URL_"+service] = url
	}
	if environment["DISTRIBUTION_ENDPOINT_URL"], err = c.listen(c); err != nil {
		return nil, err
	}
	if c.issuerURL, err = c.listenPublic(http.HandlerFunc(c.serveIssuer)); err != nil {
		return nil, err
	}
	c.functions = newFunctions(options, environment, c.authority)
	if c.resources, err = cloudformation.NewCustomResource(c.where(), c.functions.invoke, 0); err != nil {
		return nil, err
	}
	if c.assets, err = cloudformation.ReadAssets(manifestOf(options.Assembly, options.Stack)); err != nil {
		return nil, err
	}
	c.stack = cloudformation.New(cloudformation.Options{
		Environment: c.where(),
		Providers:   c.providers(c.assets),
		Log:         options.Log,
	})
	return c, nil
}

// where returns the account, region and id of the stack.
func (c *Cloud) where() cfn.Environment {
	return cfn.Environment{
		Region:    "us-east-1",
		AccountID: "111122223333",
		StackName: c.options.Stack,
		StackID:   "arn:aws:cloudformation:us-east-1:111122223333:stack/" + c.options.Stack + "/00000000-0000-4000-8000-000000000000",
		Partition: "aws",
		URLSuffix: "amazonaws.com",
	}
}

// PublishAssets adds the assets of another assembly of the stack, as cdk deploy
// does before a change.
func (c *Cloud) PublishAssets(assembly string) error {
	return c.assets.Add(manifestOf(assembly, c.options.Stack))
}

func manifestOf(assembly, stack string) string {
	return filepath.Join(assembly, stack+".assets.json")
}

// Deploy deploys a template, as CloudFormation does.
func (c *Cloud) Deploy(ctx context.Context, t *cfn.Template) error {
	if err := c.startIngest(t); err != nil {
		return err
	}
	c.before.Store(int64(len(c.stack.Events())))
	if err := c.prepare(ctx, t); err != nil {
		return err
	}
	if err := c.options.Step("Deploying the stack and checking the deploy", func() error { return c.stack.Deploy(ctx, t) }); err != nil {
		err = fmt.Errorf("deploying the stack on this machine: %w", err)
		return errors.Join(err, c.serveAgain())
	}
	if err := c.serveAPI(); err != nil {
		return err
	}
	if err := c.redirectPage(); err != nil {
		return err
	}
	return c.serveDistribution()
}

// Destroy deletes the stack. What its template retains stays.
func (c *Cloud) Destroy(ctx context.Context) error { return c.stack.Destroy(ctx) }

// prepare builds the template's functions and starts its database before the
// deploy, so that each is a step of its own.
func (c *Cloud) prepare(ctx context.Context, t *cfn.Template) error {
	var packages []string
	table := false
	for _, r := range t.Resources {
		if pkg, ok := r.Metadata[assets.PackageMetadata].(string); ok {
			packages = append(packages, pkg)
		}
		table = table || r.Type == "AWS::DynamoDB::Table"
	}
	slices.Sort(packages)
	for _, pkg := range packages {
		if err := c.options.Step("Building "+pkg, func() error {
			return c.options.Build(ctx, pkg, c.functions.binary(pkg))
		}); err != nil {
			return err
		}
	}
	if table && c.tables == nil {
		return c.options.Step("Starting DynamoDB for this machine", func() error { return c.startTables(ctx) })
	}
	return nil
}

// status returns the stack's status, for functions that call DescribeStacks.
func (c *Cloud) status(string) string {
	if events := c.stack.Events(); slices.ContainsFunc(events[c.before.Load():], func(e cloudformation.Event) bool { return e.Action == cloudformation.Rollback }) {
		return cloudformation.UpdateRollbackInProgress
	}
	return cloudformation.UpdateInProgress
}

// serveAPI configures the HTTP API, and the issuer with the API's clients.
func (c *Cloud) serveAPI() error {
	var resources []cfn.Resolved
	for _, r := range c.resolved() {
		resources = append(resources, cfn.Resolved{LogicalID: r.LogicalID, PhysicalID: r.State.PhysicalID, Type: r.Type, Properties: r.Properties})
	}
	config, err := apigateway.Read(resources)
	if err != nil {
		return fmt.Errorf("reading the API from the template: %w", err)
	}
	api, err := apigateway.New(config, apigateway.Options{Invoke: c.functions.invoke, Authorize: c.apiMayInvoke, AccountID: c.where().AccountID, Client: &http.Client{Transport: c.options.Issuer}, Log: c.options.Log})
	if err != nil {
		return fmt.Errorf("configuring the API: %w", err)
	}
	c.api.Store(api)
	if c.issuer.Load() != nil {
		return nil
	}
	clients := map[string]bool{}
	for _, route := range config.Routes {
		if route.Authorizer == nil {
			continue
		}
		for _, client := range route.Authorizer.Audience {
			clients[client] = true
		}
	}
	page := "http://" + c.options.Host + "/"
	if c.options.TLS != nil {
		page = "https://" + c.options.Host + "/"
	}
	provider, err := cognito.New(cognito.Options{
		URL:          c.issuerURL,
		ClientIDs:    keys(clients),
		Rotation:     rotation(resources),
		Viewers:      c.options.Viewers,
		SendCode:     c.sendCode(resources),
		RedirectURIs: redirectURIs(resources, page),
		LogoutURIs:   []string{page},
	})
	if err != nil {
		return fmt.Errorf("configuring the issuer: %w", err)
	}
	c.issuer.Store(provider)
	for _, pool := range c.stack.Resources("AWS::Cognito::UserPool") {
		if c.usersURL, err = c.listen(provider.Admin(arn(pool.State), c.authority.Authorize)); err != nil {
			return err
		}
	}
	return nil
}

// redirectURIs are the pages of the site to which the issuer returns viewers:
// those that the template registers with its user pool's client, or all of them
// with another issuer.
func redirectURIs(resources []cfn.Resolved, page string) []string {
	const signedIn = "signed-in.html"
	registered := true
	for _, r := range resources {
		if r.Type != "AWS::Cognito::UserPoolClient" {
			continue
		}
		urls, _ := r.Properties["CallbackURLs"].([]any)
		registered = slices.ContainsFunc(urls, func(url any) bool {
			text, _ := url.(string)
			return strings.HasSuffix(text, "/"+signedIn)
		})
	}
	if !registered {
		return []string{page}
	}
	return []string{page, page + signedIn}
}

// sendCode returns what gets the codes of new viewers; nil if only the owner
// creates accounts.
func (c *Cloud) sendCode(resources []cfn.Resolved) func(address, code string) {
	for _, r := range resources {
		config, _ := r.Properties["AdminCreateUserConfig"].(map[string]any)
		if r.Type != "AWS::Cognito::UserPool" || config["AllowAdminCreateUserOnly"] != false {
			continue
		}
		if c.options.SendCode != nil {
			return c.options.SendCode
		}
		return func(string, string) {}
	}
	return nil
}

// serveAgain makes the edge serve the distribution after a rollback.
func (c *Cloud) serveAgain() error {
	if len(c.stack.Resources("AWS::CloudFront::Distribution")) == 0 {
		c.edge.Store(nil)
		return nil
	}
	return c.serveDistribution()
}

// CloudFront returns the stack's resources of CloudFront.
func (c *Cloud) CloudFront() (resources []cfn.Resolved) {
	for _, r := range c.resolved() {
		if strings.HasPrefix(r.Type, "AWS::CloudFront::") {
			resources = append(resources, cfn.Resolved{LogicalID: r.LogicalID, PhysicalID: r.State.PhysicalID, Type: r.Type, Properties: r.Properties, Attributes: r.State.Attributes})
		}
	}
	return resources
}

// serveDistribution passes the distribution to the edge, the first time at once
// and later after the propagation time.
func (c *Cloud) serveDistribution() error {
	resources := c.CloudFront()
	dropWebACL(resources)
	distribution, err := cloudfront.Read(resources)
	if err != nil {
		return fmt.Errorf("reading the distribution from the template: %w", err)
	}
	for i := range distribution.Behaviors {
		distribution.Behaviors[i].RefuseECDSASHA256 = c.options.RefuseECDSASHA256
		distribution.Behaviors[i].SendParameters = c.options.SendParameters
	}
	switch running := c.edge.Load(); {
	case running == nil:
	case c.options.Propagation == 0:
		running.Update(distribution)
		return nil
	default:
		time.AfterFunc(c.options.Propagation, func() { running.Update(distribution) })
		return nil
	}
	c.edge.Store(edge.New(distribution, edge.Options{
		// CloudFront ends TLS; a page on localhost counts as secure to a
		// browser without it.
		Scheme:  "https",
		Cache:   !c.options.NoCache,
		Origins: c.origin,
		Now:     c.options.Now,
		Log:     c.log,
	}))
	return nil
}

// invalidate removes paths from the edge's cache after uploads of the CDK.
func (c *Cloud) invalidate(_ context.Context, _ string, paths []string) error {
	if running := c.edge.Load(); running != nil {
		running.Invalidate(paths)
	}
	return nil
}

// apiMayInvoke decides whether the API may invoke a function for a route.
func (c *Cloud) apiMayInvoke(function, route string) error {
	source := "arn:aws:execute-api:" + c.where().Region + ":" + c.where().AccountID + ":" + route
	return c.serviceMay("apigateway.amazonaws.com", source, "lambda:InvokeFunction", function)
}

// origin returns the local handler of a distribution's origin. A bucket is read
// as CloudFront reads it, with origin access control.
func (c *Cloud) origin(domain string) http.Handler {
	if b := c.buckets.byDomain(domain); b != nil {
		source := "arn:aws:cloudfront::" + c.where().AccountID + ":distribution/"
		if d := c.stack.Resources("AWS::CloudFront::Distribution"); len(d) == 1 {
			source += d[0].State.PhysicalID
		}
		return b.As(func(action, resource string) error {
			return c.serviceMay("cloudfront.amazonaws.com", source, action, resource)
		})
	}
	if api := c.api.Load(); api != nil && strings.Contains(domain, ".execute-api.") {
		return api
	}
	return nil
}

// ServeHTTP serves the distribution.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if running := c.edge.Load(); running != nil {
		running.ServeHTTP(w, r)
		return
	}
	http.Error(w, "There is no distribution yet.", http.StatusServiceUnavailable)
}

// API is the HTTP API at its own host, around the distribution.
func (c *Cloud) API() http.Handler { return c.api.Load() }

// Issuer signs viewers in.
func (c *Cloud) Issuer() *cognito.Provider { return c.issuer.Load() }

// IssuerURL is where the issuer is reached.
func (c *Cloud) IssuerURL() string { return c.issuerURL }

// Bucket is the stack's bucket of videos.
func (c *Cloud) Bucket() (*s3.Bucket, error) {
	outputs, err := c.stack.Outputs()
	if err != nil {
		return nil, err
	}
	return c.buckets.byName(outputs["Bucket"])
}

// Outputs are the stack's outputs.
func (c *Cloud) Outputs() (map[string]string, error) { return c.stack.Outputs() }

// Events are what deploys did so far, in order.
func (c *Cloud) Events() []cloudformation.Event { return c.stack.Events() }

// Processes returns the process ids of all warm functions.
func (c *Cloud) Processes() []int { return c.functions.processes() }

// Restart ends all warm functions: the next request meets a cold start.
func (c *Cloud) Restart() { c.functions.restart() }

// Close ends everything that New and Deploy started.
func (c *Cloud) Close() error {
	var errs []error
	if c.ingest != nil {
		errs = append(errs, c.ingest.close())
	}
	if c.functions != nil {
		c.functions.close()
	}
	if c.resources != nil {
		errs = append(errs, c.resources.Close())
	}
	if c.tables != nil {
		errs = append(errs, c.tables.Close())
	}
	for _, s := range c.servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

func (c *Cloud) serveIssuer(w http.ResponseWriter, r *http.Request) {
	if provider := c.issuer.Load(); provider != nil {
		provider.ServeHTTP(w, r)
		return
	}
	http.Error(w, "The stack is not deployed yet.", http.StatusServiceUnavailable)
}
