package stacks

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/catalog"
	"premiumhls/internal/linksettings"
	"premiumhls/internal/metric"
	"premiumhls/internal/signingkey"
	"premiumhls/stacks/settings"
)

// failedPlaylists counts the links function's responses with 5xx.
const failedPlaylists = "FailedPlaylists"

// newLinks makes the function that rewrites playlists for viewers who hold a
// link, behind a route of the API. The route has no authorizer: the function
// accepts requests of the distribution only, which has checked their signatures.
func newLinks(site *premiumHLS, s settings.Settings, code string) awslambda.Function {
	function := newFunction(site, s, "Links", functionProps{
		pkg: "links", code: code, description: "Rewrites playlists for viewers who hold a link",
		memory: 512, timeout: 10, traced: s.Tracing,
	})
	names := signingkey.Of(s.StackName)
	bucket := site.storage.bucket
	function.AddEnvironment(jsii.String(linksettings.Variable), linksDocument(site, s, names), nil)
	role := function.Role()
	statement(role, "ReadOriginSecret", jsii.Strings("ssm:GetParameters"), &[]*string{namedParameterArn(site, names.OriginSecret())})
	statement(role, "ReadPlaylists", jsii.Strings("s3:GetObject"), objects(bucket, s.PremiumPath+"/*.m3u8", s.PremiumPath+"/*/"+catalog.LessonName))
	// Without it, S3 returns 403 for an object that does not exist.
	statement(role, "ListVideos", jsii.Strings("s3:ListBucket"), &[]*string{bucket.BucketArn()})
	routes := site.signer.api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{
		Path:        jsii.String("/" + s.PremiumPath + "/{proxy+}"),
		Methods:     &[]awsapigatewayv2.HttpMethod{awsapigatewayv2.HttpMethod_GET, awsapigatewayv2.HttpMethod_HEAD},
		Integration: awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("LinksIntegration"), function, nil),
	})
	// Whoever has a link can ask for its playlists as often as they like: that
	// must not take the API from viewers who ask for cookies.
	site.signer.throttle(*routes, s.RequestsPerSecond, s.RequestBurst)
	if s.Monitoring {
		watchLinks(site, s)
	}
	return function
}

// linksDocument is the function's settings. The bucket's name is known when the
// stack is deployed.
func linksDocument(site *premiumHLS, s settings.Settings, names signingkey.Parameters) *string {
	text, err := json.Marshal(linksettings.Document{
		PremiumPath: s.PremiumPath, ParameterPrefix: string(names), AllowedOrigins: s.AllowedOrigins,
	})
	if err != nil {
		panic(fmt.Sprintf("the links function's settings have no JSON: %v", err))
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		panic(fmt.Sprintf("the links function's settings are no object: %v", err))
	}
	members["bucket"] = site.storage.bucket.BucketName()
	return site.ToJsonString(members, nil)
}

// watchLinks makes the alarm. The API's log has the name of the stack, and the
// failures of Lambda as well as those of the function.
func watchLinks(site *premiumHLS, s settings.Settings) {
	awslogs.NewMetricFilter(site, jsii.String("FailedPlaylistsFilter"), &awslogs.MetricFilterProps{
		LogGroup:        site.signer.apiLog,
		FilterPattern:   awslogs.FilterPattern_Literal(jsii.Sprintf(`{ $.route = "GET /%s/*" && $.status = "5*" }`, s.PremiumPath)),
		MetricNamespace: jsii.String(metric.Namespace),
		MetricName:      jsii.String(failedPlaylists),
		MetricValue:     jsii.String("1"),
		Dimensions:      &map[string]*string{metric.Stack: jsii.String("$.stack")},
		Unit:            awscloudwatch.Unit_COUNT,
	})
	newAlarm(site, s, alarm{
		id:     "FailedPlaylistsAlarm",
		means:  "Playlists for links returned 5xx: viewers with a link cannot begin to play.",
		do:     "Read the field cause in the links function's log: the bucket or the origin secret could not be read, or the function has a defect. If there is no such line, look for timeouts and throttles of the function.",
		metric: metrics{s: s}.signed(failedPlaylists, sum, fiveMinutes()), from: 5, periods: datapoints{1, 1},
		missing: awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
}
