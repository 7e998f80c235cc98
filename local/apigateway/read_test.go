package apigateway_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/cfn"
	"premiumhls/local/apigateway"
)

// template is an API as a synthesized stack has it, resolved.
const template = `[
	{"LogicalID":"Api","PhysicalID":"a1b2","Type":"AWS::ApiGatewayV2::Api","Properties":{"Name":"signer","ProtocolType":"HTTP",
		"CorsConfiguration":{"AllowOrigins":["https://shop.example"],"AllowMethods":["POST"],"AllowHeaders":["authorization"],"MaxAge":600,"AllowCredentials":true}}},
	{"LogicalID":"Stage","PhysicalID":"$default","Type":"AWS::ApiGatewayV2::Stage","Properties":{"ApiId":"a1b2","StageName":"$default","AutoDeploy":true,
		"DefaultRouteSettings":{"ThrottlingRateLimit":50,"ThrottlingBurstLimit":"100","DetailedMetricsEnabled":true},
		"RouteSettings":{"POST /api/cookies":{"ThrottlingRateLimit":5}},
		"AccessLogSettings":{"DestinationArn":"arn:aws:logs:x","Format":"{}"},"StageVariables":{"colour":"blue"}}},
	{"LogicalID":"Authorizer","PhysicalID":"auth1","Type":"AWS::ApiGatewayV2::Authorizer","Properties":{"ApiId":"a1b2","Name":"viewers","AuthorizerType":"JWT",
		"IdentitySource":["$request.header.Authorization"],"JwtConfiguration":{"Issuer":"https://cognito-idp.eu-central-1.amazonaws.com/pool","Audience":["player"]}}},
	{"LogicalID":"Integration","PhysicalID":"int1","Type":"AWS::ApiGatewayV2::Integration","Properties":{"ApiId":"a1b2","IntegrationType":"AWS_PROXY",
		"IntegrationUri":"arn:aws:lambda:eu-central-1:000000000000:function:signer","PayloadFormatVersion":"2.0","TimeoutInMillis":5000}},
	{"LogicalID":"Route","PhysicalID":"r1","Type":"AWS::ApiGatewayV2::Route","Properties":{"ApiId":"a1b2","RouteKey":"POST /api/cookies","Target":"integrations/int1",
		"AuthorizationType":"JWT","AuthorizerId":"auth1","AuthorizationScopes":["watch"]}},
	{"LogicalID":"Fallback","PhysicalID":"r2","Type":"AWS::ApiGatewayV2::Route","Properties":{"ApiId":"a1b2","RouteKey":"$default","Target":"integrations/int1","AuthorizationType":"NONE"}},
	{"LogicalID":"Bucket","PhysicalID":"b","Type":"AWS::S3::Bucket","Properties":{"Anything":1}}
]`

func resources(t *testing.T) []cfn.Resolved {
	t.Helper()
	var all []cfn.Resolved
	if err := json.Unmarshal([]byte(template), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRead(t *testing.T) {
	age := 600
	a := &apigateway.JWTAuthorizer{Header: "Authorization", Issuer: "https://cognito-idp.eu-central-1.amazonaws.com/pool", Audience: []string{"player"}}
	want := apigateway.Config{
		APIID: "a1b2",
		CORS: &apigateway.CORS{AllowOrigins: []string{"https://shop.example"}, AllowMethods: []string{"POST"},
			AllowHeaders: []string{"authorization"}, MaxAge: &age, AllowCredentials: true},
		Throttle:       &apigateway.Throttle{Rate: 50, Burst: 100},
		StageVariables: map[string]string{"colour": "blue"},
		Routes: []apigateway.Route{
			{Method: "POST", Path: "/api/cookies", FunctionARN: signer, Timeout: 5 * time.Second, Authorizer: a,
				Scopes: []string{"watch"}, Throttle: &apigateway.Throttle{Rate: 5, Burst: 5000}},
			{Method: "ANY", Path: "$default", FunctionARN: signer, Timeout: 5 * time.Second},
		},
	}
	got, err := apigateway.Read(resources(t))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadInvocationARN(t *testing.T) {
	all := resources(t)
	all[3].Properties["IntegrationUri"] = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/" + signer + "/invocations"
	c, err := apigateway.Read(all)
	if err != nil || c.Routes[0].FunctionARN != signer {
		t.Errorf("%v %v", c.Routes, err)
	}
}

func TestReadRefusals(t *testing.T) {
	const api, stage, authorizer, integration, route, fallback = 0, 1, 2, 3, 4, 5
	for _, c := range []struct {
		name     string
		resource int
		property string
		value    any // nil: without it
		want     string
	}{
		{"WebSocket API", api, "ProtocolType", "WEBSOCKET", `Api.ProtocolType: value "WEBSOCKET" is not supported`},
		{"quick create", api, "Target", signer, "Api.Target: is not supported"},
		{"imported API", api, "Body", map[string]any{}, "Api.Body: is not supported"},
		{"no endpoint", api, "DisableExecuteApiEndpoint", true, "Api.DisableExecuteApiEndpoint: must be false"},
		{"credentials with any origin", api, "CorsConfiguration", map[string]any{"AllowOrigins": []any{"*"}, "AllowCredentials": true}, "credentials are not allowed together with the origin *"},
		{"unknown part of CORS", api, "CorsConfiguration", map[string]any{"AllowAll": true}, "Api.CorsConfiguration.AllowAll: is not supported"},
		{"origins as text", api, "CorsConfiguration", map[string]any{"AllowOrigins": "*"}, "Api.CorsConfiguration.AllowOrigins: must be a list"},
		{"named stage", stage, "StageName", "prod", `Stage.StageName: value "prod" is not supported`},
		{"deployments", stage, "AutoDeploy", false, "Stage.AutoDeploy:"},
		{"rate as word", stage, "DefaultRouteSettings", map[string]any{"ThrottlingRateLimit": "many"}, "Stage.DefaultRouteSettings.ThrottlingRateLimit: invalid value"},
		{"negative burst", stage, "DefaultRouteSettings", map[string]any{"ThrottlingBurstLimit": -1.0}, "negative"},
		{"settings of no route", stage, "RouteSettings", map[string]any{"GET /x": map[string]any{}}, `Stage.RouteSettings: no route has the key "GET /x"`},
		{"mutual TLS and the like", stage, "ClientCertificateId", "x", "Stage.ClientCertificateId: is not supported"},
		{"Lambda authorizer", authorizer, "AuthorizerType", "REQUEST", `Authorizer.AuthorizerType: value "REQUEST" is not supported`},
		{"token in the query", authorizer, "IdentitySource", []any{"$request.querystring.token"}, "Authorizer.IdentitySource: must be one $request.header.<name>"},
		{"two sources", authorizer, "IdentitySource", []any{"$request.header.A", "$request.header.B"}, "Authorizer.IdentitySource:"},
		{"no configuration", authorizer, "JwtConfiguration", nil, "Authorizer.JwtConfiguration: must not be empty"},
		{"no audience", authorizer, "JwtConfiguration", map[string]any{"Issuer": "https://issuer.example"}, `route "POST /api/cookies": authorizer: no audience`},
		{"issuer over plain http", authorizer, "JwtConfiguration", map[string]any{"Issuer": "http://issuer.example", "Audience": []any{"a"}}, "is not an https URL"},
		{"HTTP integration", integration, "IntegrationType", "HTTP_PROXY", `Integration.IntegrationType: value "HTTP_PROXY" is not supported`},
		{"payload format 1.0", integration, "PayloadFormatVersion", "1.0", `Integration.PayloadFormatVersion: value "1.0" is not supported`},
		{"no payload format", integration, "PayloadFormatVersion", nil, `Integration.PayloadFormatVersion: value "" is not supported`},
		{"URL as integration", integration, "IntegrationUri", "https://example.com", "Integration.IntegrationUri: must be the ARN of a function"},
		{"unresolved reference", integration, "IntegrationUri", map[string]any{"Ref": "x"}, "Integration.IntegrationUri: must be a string"},
		{"parameter mapping", integration, "RequestParameters", map[string]any{"a": "b"}, "Integration.RequestParameters: is not supported"},
		{"timeout too long", integration, "TimeoutInMillis", 30001.0, "timeout 30.001s is not between"},
		{"target of another kind", route, "Target", "int1", `Route.Target: integration "int1" not found`},
		{"unknown target", route, "Target", "integrations/x", `Route.Target: integration "integrations/x" not found`},
		{"unknown authorizer", route, "AuthorizerId", "x", `Route.AuthorizerId: authorizer "x" not found`},
		{"IAM", route, "AuthorizationType", "AWS_IAM", `Route.AuthorizationType: value "AWS_IAM" is not supported`},
		{"authorizer that is not asked", fallback, "AuthorizerId", "auth1", "Fallback.AuthorizerId: must be empty"},
		{"scopes without an authorizer", fallback, "AuthorizationScopes", []any{"watch"}, `route "$default": scopes need an authorizer`},
		{"API key", route, "ApiKeyRequired", true, "Route.ApiKeyRequired: is not supported"},
		{"route without path", route, "RouteKey", "POST", "Route.RouteKey:"},
		{"unknown method", fallback, "RouteKey", "FETCH /x", `invalid method "FETCH"`},
		{"greedy in the middle", fallback, "RouteKey", "GET /{a+}/b", "greedy variable before its end"},
		{"half a variable", fallback, "RouteKey", "GET /a{b}", "neither literal nor a variable"},
		{"route twice", fallback, "RouteKey", "POST /api/cookies", "defined twice"},
		{"another API", route, "ApiId", "zzzz", `Route.ApiId: invalid value "zzzz": must be "a1b2"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := resources(t)
			all[c.resource].Properties[c.property] = c.value
			if c.value == nil {
				delete(all[c.resource].Properties, c.property)
			}
			_, err := apigateway.Read(all)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestReadOtherTypes(t *testing.T) {
	_, err := apigateway.Read(append(resources(t), cfn.Resolved{LogicalID: "Domain", Type: "AWS::ApiGatewayV2::DomainName"}))
	if err == nil || !strings.Contains(err.Error(), "Domain: type AWS::ApiGatewayV2::DomainName is not supported") {
		t.Errorf("%v", err)
	}
	for _, missing := range []int{0, 1} {
		all := resources(t)
		if _, err := apigateway.Read(append(all[:missing], all[missing+1:]...)); err == nil {
			t.Errorf("accepted without %s", resources(t)[missing].Type)
		}
	}
}
