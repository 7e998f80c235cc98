package stacks

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/signersettings"
	"premiumhls/internal/signingkey"
	"premiumhls/stacks/settings"
)

// accessLogFormat is a line of the API's log: the request, the response and why
// an authorizer refused, without token and body. The metric filter takes its
// dimension from the stack's name.
func accessLogFormat(s settings.Settings) *string {
	return jsii.Sprintf(`{"stack":"%s","requestId":"$context.requestId","time":"$context.requestTime","route":"$context.routeKey","status":"$context.status","latency":"$context.responseLatency","authorizer":"$context.authorizer.error","error":$context.error.messageString,"integration":"$context.integrationErrorMessage","integrationStatus":"$context.integration.status"}`, s.StackName)
}

type signer struct {
	function awslambda.Function
	api      awsapigatewayv2.HttpApi
	stage    awsapigatewayv2.CfnStage
	// throttles are the settings of routes that have a throttle of their own.
	throttles map[string]any
	apiLog    awslogs.LogGroup
	domain    *string // the API's own host, an origin of the distribution
}

// throttle gives routes a limit of their own, each: they neither use up what
// viewers may call by the others nor are refused because of these.
func (sg signer) throttle(routes []awsapigatewayv2.HttpRoute, requestsPerSecond, burst int) {
	for _, route := range routes {
		made := route.Node().DefaultChild().(awsapigatewayv2.CfnRoute)
		sg.throttles[*made.RouteKey()] = map[string]any{"ThrottlingRateLimit": requestsPerSecond, "ThrottlingBurstLimit": burst}
		// API Gateway rejects settings of a route that does not exist.
		sg.stage.AddResourceDependency(made, nil)
	}
	sg.stage.SetRouteSettings(sg.throttles)
}

// newSigner makes the signer's function and the API before it. The API has no
// routes until addRoutes adds them with an authorizer.
func newSigner(stack *premiumHLS, s settings.Settings, code string, keys *signingKeys) signer {
	function := newFunction(stack, s, "Signer", functionProps{
		pkg:         "signer",
		code:        code,
		description: "Issues cookies to signed-in, entitled viewers",
		memory:      256,
		timeout:     15, // reading keys takes at most 8 s, entitlements 4
		traced:      s.Tracing,
	})
	names := signingkey.Of(s.StackName)
	read := []*string{
		namedParameterArn(stack, names.Signer()),
		namedParameterArn(stack, names.State()),
		namedParameterArn(stack, names.OriginSecret()),
		// Not the keys' own ARNs: policy and function change one after the
		// other, and one name without permission fails the whole call.
		namedParameterArn(stack, names.PrivateKeys()+"*"),
	}
	if s.HashViewers() {
		read = append(read, namedParameterArn(stack, names.ViewerHashKey()))
	}
	function.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("ReadSigningKeys"),
		Actions:   jsii.Strings("ssm:GetParameters"),
		Resources: &read,
	}))

	for _, key := range keys.keys {
		key.allow(stack, function)
	}

	props := &awsapigatewayv2.HttpApiProps{
		ApiName:            jsii.String(s.StackName),
		Description:        jsii.String("Signer of " + s.StackName + ", behind its distribution"),
		CreateDefaultStage: jsii.Bool(false),
	}
	if len(s.AllowedOrigins) > 0 {
		// A preflight has no token: API Gateway answers it itself, and adds
		// these headers to what the signer returns, errors included. It lists
		// what the routes accept and no more.
		props.CorsPreflight = &awsapigatewayv2.CorsPreflightOptions{
			AllowCredentials: jsii.Bool(true),
			AllowOrigins:     jsii.Strings(s.AllowedOrigins...),
			AllowHeaders:     jsii.Strings("Authorization", "Content-Type"),
			ExposeHeaders:    jsii.Strings("Retry-After"),
			AllowMethods:     &[]awsapigatewayv2.CorsHttpMethod{awsapigatewayv2.CorsHttpMethod_GET, awsapigatewayv2.CorsHttpMethod_POST, awsapigatewayv2.CorsHttpMethod_DELETE},
			MaxAge:           awscdk.Duration_Hours(jsii.Number(1)),
		}
	}
	api := awsapigatewayv2.NewHttpApi(stack, jsii.String("Api"), props)
	// The permission of API Gateway to write to log groups is in one resource
	// policy for the region, of 5,120 characters. It has one entry for all groups
	// below /aws/vendedlogs/ and one for each other group, so that accounts with
	// many APIs run out of room (CloudWatch Logs user guide, "Log group resource
	// policy size limit considerations").
	apiLog := newNamedLogGroup(stack, s, "ApiLog", jsii.String("/aws/vendedlogs/apis/"+s.StackName))
	stage := api.AddStage(jsii.String("Stage"), &awsapigatewayv2.HttpStageOptions{
		AutoDeploy: jsii.Bool(true),
		Throttle: &awsapigatewayv2.ThrottleSettings{
			RateLimit:  jsii.Number(s.RequestsPerSecond),
			BurstLimit: jsii.Number(s.RequestBurst),
		},
	})
	cfnStage := stage.Node().DefaultChild().(awsapigatewayv2.CfnStage)
	cfnStage.SetAccessLogSettings(&awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
		DestinationArn: apiLog.LogGroupArn(),
		Format:         accessLogFormat(s),
	})
	return signer{
		function:  function,
		api:       api,
		stage:     cfnStage,
		throttles: map[string]any{},
		apiLog:    apiLog,
		domain:    jsii.Sprintf("%s.execute-api.%s.%s", *api.ApiId(), *stack.Region(), *stack.UrlSuffix()),
	}
}

// configure gives the signer its settings, as one document: the rule of who may
// watch, which may name resources of the stack, and what the settings have.
func (sg signer) configure(stack *premiumHLS, s settings.Settings, rule map[string]any) {
	document := s.SignerDocument()
	text, err := json.Marshal(document)
	if err != nil {
		panic(fmt.Sprintf("the signer's settings have no JSON: %v", err))
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		panic(fmt.Sprintf("the signer's settings are no object: %v", err))
	}
	if rule != nil {
		members["entitlements"] = rule
	}
	sg.function.AddEnvironment(jsii.String(signersettings.Variable), stack.ToJsonString(members, nil), nil)
}

// addRoutes adds the API's routes, for requests with a token of the issuer. It
// returns what checks the token.
func (sg signer) addRoutes(s settings.Settings, c client) awsapigatewayv2.IHttpRouteAuthorizer {
	authorizer := awsapigatewayv2authorizers.NewHttpJwtAuthorizer(jsii.String("Authorizer"), c.issuer, &awsapigatewayv2authorizers.HttpJwtAuthorizerProps{
		JwtAudience: &c.audience,
	})
	integration := awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Integration"), sg.function, nil)
	add := func(path string, methods ...awsapigatewayv2.HttpMethod) {
		sg.api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{Path: &path, Methods: &methods, Integration: integration, Authorizer: authorizer})
	}
	add("/api/cookies", awsapigatewayv2.HttpMethod_POST, awsapigatewayv2.HttpMethod_DELETE)
	add("/api/entitlements", awsapigatewayv2.HttpMethod_GET)
	if s.Links {
		add("/api/links", awsapigatewayv2.HttpMethod_POST)
	}
	return authorizer
}
