package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Resource is a resource of a template whose properties hold no functions any
// more: texts, numbers, truth values, lists and maps as encoding/json gives them.
type Resource struct {
	LogicalID  string
	PhysicalID string
	Type       string
	Properties map[string]any
}

const typePrefix = "AWS::ApiGatewayV2::"

// Read makes the configuration of the one HTTP API among the resources. Types
// other than AWS::ApiGatewayV2::… are passed over. A property that would
// change what the API does and is not served here is an error that names
// resource and property, so that nothing is left unguarded by silence.
func Read(resources []Resource) (Config, error) {
	s := source{}
	for _, r := range resources {
		kind, ok := strings.CutPrefix(r.Type, typePrefix)
		if !ok {
			continue
		}
		p := &properties{of: r}
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

// source is the resources by kind.
type source struct {
	apis, stages, routes, integrations, authorizers []*properties
}

func (s source) config() (Config, error) {
	if len(s.apis) != 1 {
		return Config{}, fmt.Errorf("%d resources of type %sApi, not one", len(s.apis), typePrefix)
	}
	if len(s.stages) != 1 {
		return Config{}, fmt.Errorf("%d resources of type %sStage, not one", len(s.stages), typePrefix)
	}
	api := s.apis[0]
	c := Config{APIID: api.of.PhysicalID, CORS: readAPI(api)}
	throttles := readStage(s.stages[0], &c)

	integrations := map[string]integration{}
	for _, p := range s.integrations {
		integrations[p.of.PhysicalID] = readIntegration(p)
	}
	authorizers := map[string]*JWTAuthorizer{}
	for _, p := range s.authorizers {
		authorizers[p.of.PhysicalID] = readAuthorizer(p)
	}
	for _, p := range s.routes {
		r := readRoute(p, integrations, authorizers)
		if t, ok := throttles[r.Key()]; ok {
			r.Throttle = t
			delete(throttles, r.Key())
		}
		c.Routes = append(c.Routes, r)
	}
	for key := range throttles {
		s.stages[0].fail("RouteSettings", "%q is no route", key)
	}

	var errs []error
	for _, p := range slices.Concat(s.apis, s.stages, s.integrations, s.authorizers, s.routes) {
		if p != api && p.text("ApiId") != c.APIID {
			p.fail("ApiId", "is not %q", c.APIID)
		}
		errs = append(errs, p.finish()...)
	}
	return c, errors.Join(errs...)
}

func readAPI(p *properties) *CORS {
	p.only("ProtocolType", "HTTP")
	p.only("RouteSelectionExpression", "$request.method $request.path", "${request.method} ${request.path}", "")
	if p.truth("DisableExecuteApiEndpoint") {
		p.fail("DisableExecuteApiEndpoint", "leaves the API without an address")
	}
	p.ignore("Name", "Description", "Tags", "Version", "IpAddressType", "FailOnWarnings", "DisableSchemaValidation")
	m, ok := p.object("CorsConfiguration")
	if !ok {
		return nil
	}
	defer p.adopt(m)
	c := &CORS{
		AllowOrigins:     m.texts("AllowOrigins"),
		AllowMethods:     m.texts("AllowMethods"),
		AllowHeaders:     m.texts("AllowHeaders"),
		ExposeHeaders:    m.texts("ExposeHeaders"),
		AllowCredentials: m.truth("AllowCredentials"),
	}
	if m.has("MaxAge") {
		age := int(m.number("MaxAge"))
		c.MaxAge = &age
	}
	return c
}

// readStage fills in what the stage sets and gives the throttles by route key.
func readStage(p *properties, c *Config) map[string]*Throttle {
	// Another stage's name would be the first segment of every path.
	p.only("StageName", "$default")
	if !p.truth("AutoDeploy") {
		p.fail("AutoDeploy", "is not true, and deployments are not supported")
	}
	p.ignore("AccessLogSettings", "Description", "Tags")
	if m, ok := p.object("StageVariables"); ok {
		c.StageVariables = map[string]string{}
		for name := range m.of.Properties {
			c.StageVariables[name] = m.text(name)
		}
		p.adopt(m)
	}
	if m, ok := p.object("DefaultRouteSettings"); ok {
		c.Throttle = readThrottle(m)
		p.adopt(m)
	}
	throttles := map[string]*Throttle{}
	if all, ok := p.object("RouteSettings"); ok {
		for key := range all.of.Properties {
			if m, ok := all.object(key); ok {
				throttles[key] = readThrottle(m)
				all.adopt(m)
			}
		}
		p.adopt(all)
	}
	return throttles
}

// readThrottle gives nil where neither limit is set.
func readThrottle(m *properties) *Throttle {
	m.ignore("DetailedMetricsEnabled")
	if !m.has("ThrottlingRateLimit") && !m.has("ThrottlingBurstLimit") {
		return nil
	}
	t := &Throttle{Rate: accountRate, Burst: accountBurst}
	if m.has("ThrottlingRateLimit") {
		t.Rate = m.number("ThrottlingRateLimit")
	}
	if m.has("ThrottlingBurstLimit") {
		t.Burst = int(m.number("ThrottlingBurstLimit"))
	}
	return t
}

type integration struct {
	functionARN string
	timeout     time.Duration
}

func readIntegration(p *properties) integration {
	p.only("IntegrationType", "AWS_PROXY")
	p.only("PayloadFormatVersion", "2.0")
	p.only("IntegrationMethod", "POST", "")
	p.only("ConnectionType", "INTERNET", "")
	p.ignore("Description")
	i := integration{functionARN: functionARN(p.text("IntegrationUri"))}
	if i.functionARN == "" {
		p.fail("IntegrationUri", "is not a function's ARN")
	}
	if p.has("TimeoutInMillis") {
		i.timeout = time.Duration(p.number("TimeoutInMillis") * float64(time.Millisecond))
	}
	return i
}

// functionARN takes an ARN, plain or within that of an invocation.
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

func readAuthorizer(p *properties) *JWTAuthorizer {
	p.only("AuthorizerType", "JWT")
	p.ignore("Name")
	a := &JWTAuthorizer{}
	sources := p.texts("IdentitySource")
	if len(sources) == 1 {
		a.Header, _ = strings.CutPrefix(sources[0], "$request.header.")
	}
	if len(sources) != 1 || a.Header == "" || a.Header == sources[0] {
		p.fail("IdentitySource", "is not one $request.header.<name>")
	}
	m, ok := p.object("JwtConfiguration")
	if !ok {
		p.fail("JwtConfiguration", "is missing")
		return a
	}
	a.Issuer, a.Audience = m.text("Issuer"), m.texts("Audience")
	p.adopt(m)
	return a
}

func readRoute(p *properties, integrations map[string]integration, authorizers map[string]*JWTAuthorizer) Route {
	r := Route{Method: anyMethod, Path: defaultPath}
	if key := p.text("RouteKey"); key != defaultPath {
		var ok bool
		if r.Method, r.Path, ok = strings.Cut(key, " "); !ok {
			p.fail("RouteKey", "%q is not a method and a path", key)
		}
	}
	target := p.text("Target")
	id, ok := strings.CutPrefix(target, "integrations/")
	i, found := integrations[id]
	if !ok || !found {
		p.fail("Target", "%q is no integration", target)
	}
	r.FunctionARN, r.Timeout = i.functionARN, i.timeout

	p.only("AuthorizationType", "JWT", "NONE", "")
	id = p.text("AuthorizerId")
	if p.text("AuthorizationType") == "JWT" {
		if r.Authorizer = authorizers[id]; r.Authorizer == nil {
			p.fail("AuthorizerId", "%q is no authorizer", id)
		}
	} else if id != "" {
		p.fail("AuthorizerId", "is set without AuthorizationType JWT")
	}
	r.Scopes = p.texts("AuthorizationScopes")
	if p.truth("ApiKeyRequired") {
		p.fail("ApiKeyRequired", "is not supported")
	}
	p.ignore("OperationName")
	return r
}

// properties reads a resource's properties and keeps what is wrong with them.
type properties struct {
	of   Resource
	used map[string]bool
	errs []error
}

func (p *properties) fail(name, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s: %s: %s", p.of.LogicalID, name, fmt.Sprintf(format, args...)))
}

// finish gives all that is wrong, with the properties that nothing read.
func (p *properties) finish() []error {
	for name := range p.of.Properties {
		if !p.used[name] {
			p.fail(name, "is not supported")
		}
	}
	slices.SortFunc(p.errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return p.errs
}

// adopt adds what is wrong within a nested object.
func (p *properties) adopt(m *properties) {
	p.errs = append(p.errs, m.finish()...)
}

func (p *properties) get(name string) any {
	if p.used == nil {
		p.used = map[string]bool{}
	}
	p.used[name] = true
	return p.of.Properties[name]
}

func (p *properties) ignore(names ...string) {
	for _, n := range names {
		p.get(n)
	}
}

func (p *properties) has(name string) bool { return p.get(name) != nil }

func (p *properties) only(name string, allowed ...string) {
	if v := p.text(name); !slices.Contains(allowed, v) {
		p.fail(name, "%q is not supported", v)
	}
}

func (p *properties) text(name string) string {
	switch v := p.get(name).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		p.fail(name, "is not a text")
		return ""
	}
}

func (p *properties) texts(name string) []string {
	switch v := p.get(name).(type) {
	case nil:
		return nil
	case []string:
		return v
	case []any:
		texts := make([]string, 0, len(v))
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				p.fail(name, "is not a list of texts")
				return nil
			}
			texts = append(texts, s)
		}
		return texts
	default:
		p.fail(name, "is not a list of texts")
		return nil
	}
}

// number and truth take texts as well: CloudFormation converts them.
func (p *properties) number(name string) float64 {
	n, err := math.NaN(), error(nil)
	switch v := p.get(name).(type) {
	case float64:
		n = v
	case int:
		n = float64(v)
	case json.Number:
		n, err = v.Float64()
	case string:
		n, err = strconv.ParseFloat(v, 64)
	}
	if err != nil || math.IsNaN(n) || n < -1 || n > math.MaxInt32 {
		p.fail(name, "is not a number in range")
		return 0
	}
	return n
}

func (p *properties) truth(name string) bool {
	switch v := p.get(name).(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		if b, err := strconv.ParseBool(v); err == nil {
			return b
		}
	}
	p.fail(name, "is not true or false")
	return false
}

func (p *properties) object(name string) (*properties, bool) {
	switch v := p.get(name).(type) {
	case nil:
		return nil, false
	case map[string]any:
		of := p.of
		of.LogicalID, of.Properties = p.of.LogicalID+": "+name, v
		return &properties{of: of}, true
	default:
		p.fail(name, "is not an object")
		return nil, false
	}
}
