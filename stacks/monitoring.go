package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/metric"
	"premiumhls/stacks/settings"
)

// throttled counts the API's responses with 429. An HTTP API has a metric for
// all 4xx only, so a metric filter on its log counts them.
const throttled = "Throttled"

// edgeMinimum is the number of requests from which a percentage of them counts.
const edgeMinimum = 100

// newMonitoring makes the alarms and a dashboard, whose name it returns. Without
// requests no alarm goes off.
func newMonitoring(stack *premiumHLS, s settings.Settings, sg signer, links awslambda.Function, d delivery) *string {
	awslogs.NewMetricFilter(stack, jsii.String("ApiThrottledFilter"), &awslogs.MetricFilterProps{
		LogGroup:        sg.apiLog,
		FilterPattern:   awslogs.FilterPattern_Literal(jsii.String(`{ $.status = "429" && $.integrationStatus != "429" }`)),
		MetricNamespace: jsii.String(metric.Namespace),
		MetricName:      jsii.String(throttled),
		MetricValue:     jsii.String("1"),
		Dimensions:      &map[string]*string{metric.Stack: jsii.String("$.stack")},
		Unit:            awscloudwatch.Unit_COUNT,
	})
	m := metrics{s: s, signer: sg, links: links, distribution: d.distribution}
	for _, a := range m.alarms() {
		newAlarm(stack, s, a)
	}
	if s.Stripe.On() {
		for _, a := range m.salesAlarms(stack.sales) {
			newAlarm(stack, s, a)
		}
	}
	// CloudFront's metrics are in us-east-1, and an alarm can only use metrics of
	// its own region.
	newAlarm(stack, s, m.edgeAlarm()).CfnOptions().SetCondition(stack.isUsEast1())
	return newDashboard(stack, s, m)
}

// An alarm goes off when its metric reaches its threshold in some of the last
// periods.
type alarm struct {
	id      string
	means   string // what happened
	do      string // what to do about it
	metric  awscloudwatch.IMetric
	from    float64 // the threshold
	periods datapoints
	// missing is how a period without data counts. Without requests there are no
	// data, so no alarm takes that as breaching.
	missing awscloudwatch.TreatMissingData
}

// datapoints are how many of the last periods must breach.
type datapoints struct{ tooMany, of float64 }

// alarms returns the alarms that exist in every region.
func (m metrics) alarms() []alarm {
	const quiet = awscloudwatch.TreatMissingData_NOT_BREACHING
	once := datapoints{1, 1}
	return []alarm{
		{
			id:     "SignerErrorsAlarm",
			means:  "The signer failed or timed out before it returned a response.",
			do:     "Look for a panic or a timeout in the signer's log. If it began with a deploy, deploy the previous version.",
			metric: m.lambda("Errors", fiveMinutes()), from: 1, periods: once, missing: quiet,
		},
		{
			id:     "SignerFailedAlarm",
			means:  "The signer returned 5xx: entitled viewers get no cookies.",
			do:     "Read the field cause in the signer's log: keys or entitlements could not be read, KMS failed, or the signer has a defect.",
			metric: m.signed(metric.Failed, sum, fiveMinutes()), from: 5, periods: once, missing: quiet,
		},
		{
			id:     "SignerThrottledAlarm",
			means:  "Lambda throttled the signer, and viewers got 5xx: the account's concurrent executions are used up.",
			do:     "Find the function that uses them, and request a higher quota.",
			metric: m.lambda("Throttles", fiveMinutes()), from: 1, periods: once, missing: quiet,
		},
		{
			id:     "ApiThrottledAlarm",
			means:  "The API returned 429: there were more requests than requestsPerSecond and requestBurst allow.",
			do:     "If the API's log shows many viewers, raise the two settings. If it shows one client that repeats requests, block it with a web ACL (webAclArn).",
			metric: m.signed(throttled, sum, fiveMinutes()), from: 10, periods: once, missing: quiet,
		},
		{
			id:    "KeyFetchAlarm",
			means: "The signer failed to read its keys repeatedly. It signs with the keys that it has cached; a new instance has none.",
			do:    "Read the cause in the signer's log. Check that the parameters below /" + m.s.StackName + "/ exist and that the signer's role may read them.",
			// After one failure the next attempt follows in minutes.
			metric: m.signed(metric.KeyFetchFailures, sum, fiveMinutes()), from: 1, periods: datapoints{2, 3}, missing: quiet,
		},
		{
			id:     "KeyAgeAlarm",
			means:  "The signing key is older than keyMaxDays.",
			do:     "Rotate it as docs/keys.md describes.",
			metric: m.signed(metric.KeyAge, "Maximum", awscdk.Duration_Hours(jsii.Number(1))),
			from:   float64(m.s.KeyMaxDays) * 24 * 60 * 60, periods: once,
			// Without requests the key still has its age.
			missing: awscloudwatch.TreatMissingData_IGNORE,
		},
	}
}

// edgeAlarm goes off at more refusals than viewers' own mistakes explain.
func (m metrics) edgeAlarm() alarm {
	period := awscdk.Duration_Minutes(jsii.Number(15))
	return alarm{
		id:    "EdgeRefusedAlarm",
		means: "CloudFront returned 4xx for refusedPercent of the requests or more.",
		do:    "Explain a refused request with premium explain. After a deploy the keys may be the cause; otherwise somebody may be trying URLs or cookies.",
		metric: awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
			Expression: jsii.Sprintf("IF(requests >= %d, refused, 0)", edgeMinimum),
			UsingMetrics: &map[string]awscloudwatch.IMetric{
				"requests": m.edge("Requests", sum, period),
				"refused":  m.edge("4xxErrorRate", "Average", period),
			},
			Period: period,
			Label:  jsii.String("Percentage of requests that returned 4xx"),
		}),
		from: float64(m.s.RefusedPercent), periods: datapoints{1, 1}, missing: awscloudwatch.TreatMissingData_NOT_BREACHING,
	}
}

func newAlarm(stack *premiumHLS, s settings.Settings, a alarm) awscloudwatch.CfnAlarm {
	made := awscloudwatch.NewAlarm(stack, &a.id, &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String(a.means + " " + a.do),
		Metric:             a.metric,
		Threshold:          &a.from,
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		DatapointsToAlarm:  &a.periods.tooMany,
		EvaluationPeriods:  &a.periods.of,
		TreatMissingData:   a.missing,
	}).Node().DefaultChild().(awscloudwatch.CfnAlarm)
	if s.AlarmTopicArn != "" {
		made.SetAlarmActions(&[]*string{&s.AlarmTopicArn})
	}
	return made
}
