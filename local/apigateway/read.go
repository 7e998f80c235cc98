package apigateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"premiumhls/internal/cfn"
)

const typePrefix = "AWS::ApiGatewayV2::"

// Read returns the configuration of the one HTTP API among the resources. It
// skips types other than AWS::ApiGatewayV2::…. A property that would change
// what the API does and is not supported here is an error that names the
// resource and the property.
func Read(resources []cfn.Resolved) (Config, error) {
	s := source{}
	for _, r := range resources {
		kind, ok := strings.CutPrefix(r.Type, typePrefix)
		if !ok {
			continue
		}
		p := resource{Properties: cfn.PropertiesOf(r, &s.errs), physicalID: r.PhysicalID}
		switch kind {
		case "Api":
			s.apis = append(s.apis, p)
		case "Stage":
			s.stages = append(s.stages, p)
		case "Route":
			s.routes = append(s.routes, p)
		case "Integration":
			s.integrations = append(s.integrations, p)
		case "Authorizer":
			s.authorizers = append(s.authorizers, p)
		default:
			return Config{}, fmt.Errorf("read HTTP API: %s: type %s is not supported", r.LogicalID, r.Type)
		}
	}
	c, err := s.config()
	if err == nil {
		err = c.validate()
	}
	if err != nil {
		return Config{}, fmt.Errorf("read HTTP API: %w", err)
	}
	return c, nil
}

type resource struct {
	*cfn.Properties
	physicalID string
}

// source is the resources by kind.
type source struct {
	apis, stages, routes, integrations, authorizers []resource
	errs                                            []error
}

func (s *source) config() (Config, error) {
	if len(s.apis) != 1 {
		return Config{}, fmt.Errorf("%d resources of type %sApi, not one", len(s.apis), typePrefix)
	}
	if len(s.stages) != 1 {
		return Config{}, fmt.Errorf("%d resources of type %sStage, not one", len(s.stages), typePrefix)
	}
	api := s.apis[0]
	c := Config{APIID: api.physicalID, CORS: readAPI(api.Properties)}
	throttles := readStage(s.stages[0].Properties, &c)

	integrations := map[string]integration{}
	for _, p := range s.integrations {
		integrations[p.physicalID] = readIntegration(p.Properties)
	}
	authorizers := map[string]*JWTAuthorizer{}
	for _, p := range s.authorizers {
		authorizers[p.physicalID] = readAuthorizer(p.Properties)
	}
	for _, p := range s.routes {
		r := readRoute(p.Properties, integrations, authorizers)
		if t, ok := throttles[r.Key()]; ok {
			r.Throttle = t
			delete(throttles, r.Key())
		}
		c.Routes = append(c.Routes, r)
	}
	for key := range throttles {
		s.stages[0].Fail("RouteSettings", "no route has the key %q", key)
	}

	for _, p := range slices.Concat(s.stages, s.integrations, s.authorizers, s.routes) {
		if id := p.Text("ApiId"); id != c.APIID {
			p.Fail("ApiId", "invalid value %q: must be %q", id, c.APIID)
		}
	}
	for _, p := range slices.Concat(s.apis, s.stages, s.integrations, s.authorizers, s.routes) {
		p.Done()
	}
	return c, errors.Join(s.errs...)
}

func readAPI(p *cfn.Properties) *CORS {
	supports(p, "ProtocolType", "HTTP")
	supports(p, "RouteSelectionExpression", "$request.method $request.path", "${request.method} ${request.path}", "")
	if p.Bool("DisableExecuteApiEndpoint") {
		p.Fail("DisableExecuteApiEndpoint", "must be false: the API has no other address")
	}
	p.Ignore("Name", "Description", "Tags", "Version", "IpAddressType", "FailOnWarnings", "DisableSchemaValidation")
	if !p.Has("CorsConfiguration") {
		return nil
	}
	m := p.Object("CorsConfiguration")
	defer m.Done()
	c := &CORS{
		AllowOrigins:     m.Texts("AllowOrigins"),
		AllowMethods:     m.Texts("AllowMethods"),
		AllowHeaders:     m.Texts("AllowHeaders"),
		ExposeHeaders:    m.Texts("ExposeHeaders"),
		AllowCredentials: m.Bool("AllowCredentials"),
	}
	if m.Has("MaxAge") {
		age := m.Int("MaxAge")
		c.MaxAge = &age
	}
	return c
}

// readStage fills in what the stage sets and returns the throttles by route key.
func readStage(p *cfn.Properties, c *Config) map[string]*Throttle {
	// Another stage's name would be the first segment of every path.
	supports(p, "StageName", "$default")
	if !p.Bool("AutoDeploy") {
		p.Fail("AutoDeploy", "must be true: deployments are not supported")
	}
	p.Ignore("AccessLogSettings", "Description", "Tags")
	if p.Has("StageVariables") {
		m := p.Object("StageVariables")
		c.StageVariables = map[string]string{}
		for _, name := range m.Names() {
			c.StageVariables[name] = m.Text(name)
		}
	}
	c.Throttle = readThrottle(p.Object("DefaultRouteSettings"))
	throttles := map[string]*Throttle{}
	all := p.Object("RouteSettings")
	for _, key := range all.Names() {
		throttles[key] = readThrottle(all.Object(key))
	}
	return throttles
}

// readThrottle returns nil if neither limit is set.
func readThrottle(m *cfn.Properties) *Throttle {
	defer m.Done()
	m.Ignore("DetailedMetricsEnabled")
	rate, burst := m.Has("ThrottlingRateLimit"), m.Has("ThrottlingBurstLimit")
	if !rate && !burst {
		return nil
	}
	t := &Throttle{Rate: accountRate, Burst: accountBurst}
	if rate {
		t.Rate = m.Float("ThrottlingRateLimit")
	}
	if burst {
		t.Burst = m.Int("ThrottlingBurstLimit")
	}
	return t
}

type integration struct {
	functionARN string
	timeout     time.Duration
}

func readIntegration(p *cfn.Properties) integration {
	supports(p, "IntegrationType", "AWS_PROXY")
	supports(p, "PayloadFormatVersion", "2.0")
	supports(p, "IntegrationMethod", "POST", "")
	supports(p, "ConnectionType", "INTERNET", "")
	p.Ignore("Description")
	i := integration{functionARN: functionARN(p.Text("IntegrationUri"))}
	if i.functionARN == "" {
		p.Fail("IntegrationUri", "must be the ARN of a function")
	}
	if p.Has("TimeoutInMillis") {
		i.timeout = time.Duration(p.Int("TimeoutInMillis")) * time.Millisecond
	}
	return i
}

// functionARN returns the ARN of a function, given as it is or inside the ARN of
// an invocation, and an empty string for anything else.
func functionARN(uri string) string {
	if _, rest, ok := strings.Cut(uri, ":lambda:path/2015-03-31/functions/"); ok && strings.HasPrefix(uri, "arn:") {
		uri, ok = strings.CutSuffix(rest, "/invocations")
		if !ok {
			return ""
		}
	}
	// arn:aws:lambda:region:account:function:name, and :alias or :version.
	parts := strings.Split(uri, ":")
	if len(parts) < 7 || len(parts) > 8 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "function" || parts[6] == "" {
		return ""
	}
	return uri
}

func readAuthorizer(p *cfn.Properties) *JWTAuthorizer {
	supports(p, "AuthorizerType", "JWT")
	p.Ignore("Name")
	a := &JWTAuthorizer{}
	sources := p.Texts("IdentitySource")
	if len(sources) == 1 {
		a.Header, _ = strings.CutPrefix(sources[0], "$request.header.")
	}
	if len(sources) != 1 || a.Header == "" || a.Header == sources[0] {
		p.Fail("IdentitySource", "must be one $request.header.<name>")
	}
	if !p.Has("JwtConfiguration") {
		p.Fail("JwtConfiguration", "must not be empty")
		return a
	}
	m := p.Object("JwtConfiguration")
	a.Issuer, a.Audience = m.Text("Issuer"), m.Texts("Audience")
	m.Done()
	return a
}

func readRoute(p *cfn.Properties, integrations map[string]integration, authorizers map[string]*JWTAuthorizer) Route {
	r := Route{Method: anyMethod, Path: defaultPath}
	if key := p.Text("RouteKey"); key != defaultPath {
		var ok bool
		if r.Method, r.Path, ok = strings.Cut(key, " "); !ok {
			p.Fail("RouteKey", "invalid value %q: must be a method and a path, separated by a space", key)
		}
	}
	target := p.Text("Target")
	id, ok := strings.CutPrefix(target, "integrations/")
	i, found := integrations[id]
	if !ok || !found {
		p.Fail("Target", "integration %q not found", target)
	}
	r.FunctionARN, r.Timeout = i.functionARN, i.timeout

	supports(p, "AuthorizationType", "JWT", "NONE", "")
	id = p.Text("AuthorizerId")
	if p.Text("AuthorizationType") == "JWT" {
		if r.Authorizer = authorizers[id]; r.Authorizer == nil {
			p.Fail("AuthorizerId", "authorizer %q not found", id)
		}
	} else if id != "" {
		p.Fail("AuthorizerId", "must be empty without AuthorizationType JWT")
	}
	r.Scopes = p.Texts("AuthorizationScopes")
	if p.Bool("ApiKeyRequired") {
		p.Fail("ApiKeyRequired", "is not supported")
	}
	p.Ignore("OperationName")
	return r
}

// supports adds an error unless a property has one of the values that the API
// can serve. The empty string stands for an absent property.
func supports(p *cfn.Properties, name string, values ...string) {
	if v := p.Text(name); !slices.Contains(values, v) {
		p.Fail(name, "value %q is not supported", v)
	}
}
