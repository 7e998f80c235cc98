package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/metric"
	"premiumhls/stacks/settings"
)

// throttled counts the API's 429. An HTTP API has no metric of them, only of
// all 4xx, so a filter on its log makes one.
const throttled = "Throttled"

// edgeMinimum is how many requests the edge must have had for a share of them
// to mean something.
const edgeMinimum = 100

// newMonitoring makes the alarms and a dashboard, whose name it returns. In a
// stack that nobody uses every alarm is quiet.
func newMonitoring(stack *premiumHLS, s settings.Settings, sg signer, d delivery) *string {
	awslogs.NewMetricFilter(stack, jsii.String("ApiThrottledFilter"), &awslogs.MetricFilterProps{
		LogGroup:        sg.apiLog,
		FilterPattern:   awslogs.FilterPattern_Literal(jsii.String(`{ $.status = "429" }`)),
		MetricNamespace: jsii.String(metric.Namespace),
		MetricName:      jsii.String(throttled),
		MetricValue:     jsii.String("1"),
		Dimensions:      &map[string]*string{metric.Stack: jsii.String("$.stack")},
		Unit:            awscloudwatch.Unit_COUNT,
	})
	m := metrics{s: s, signer: sg, distribution: d.distribution}
	for _, a := range m.alarms() {
		newAlarm(stack, s, a)
	}
	// CloudFront's metrics are in us-east-1, and an alarm sees the metrics of
	// its own region only.
	home := awscdk.NewCfnCondition(stack, jsii.String("MetricsOfTheEdgeAreHere"), &awscdk.CfnConditionProps{
		Expression: awscdk.Fn_ConditionEquals(awscdk.Aws_REGION(), jsii.String("us-east-1")),
	})
	newAlarm(stack, s, m.edgeAlarm()).CfnOptions().SetCondition(home)
	return newDashboard(stack, s, m)
}

// An alarm goes off when its metric is at its threshold, or above, in some of
// the last periods.
type alarm struct {
	id      string
	means   string // what has happened
	do      string // what to do about it
	metric  awscloudwatch.IMetric
	from    float64 // the threshold
	periods datapoints
	// missing is what a period without data counts as. There is none without
	// requests, which is why no alarm takes it for a fault.
	missing awscloudwatch.TreatMissingData
}

// datapoints are how many periods are too many, of the last so many.
type datapoints struct{ tooMany, of float64 }

// alarms returns those that can be made in every region.
func (m metrics) alarms() []alarm {
	const quiet = awscloudwatch.TreatMissingData_NOT_BREACHING
	once := datapoints{1, 1}
	return []alarm{
		{
			id:     "SignerErrorsAlarm",
			means:  "The signer ended without an answer: it crashed or ran out of time.",
			do:     "Look for the panic or the timeout in the signer's log. If it began with a deploy, deploy the version before.",
			metric: m.lambda("Errors", fiveMinutes()), from: 1, periods: once, missing: quiet,
		},
		{
			id:     "SignerFailedAlarm",
			means:  "The signer answered with 5xx: viewers who may watch get no cookies.",
			do:     "The signer's log says why in cause: keys or entitlements that cannot be read, KMS, or a fault of its own.",
			metric: m.signed(metric.Failed, sum, fiveMinutes()), from: 5, periods: once, missing: quiet,
		},
		{
			id:     "SignerThrottledAlarm",
			means:  "Lambda refused to run the signer, and viewers got 5xx: the account's concurrent executions are used up.",
			do:     "See which function uses them, and ask for a higher quota.",
			metric: m.lambda("Throttles", fiveMinutes()), from: 1, periods: once, missing: quiet,
		},
		{
			id:     "ApiThrottledAlarm",
			means:  "The API answered 429: more requests came than requestsPerSecond and requestBurst let through.",
			do:     "If the API's log shows many viewers, raise the two settings. If it shows one client that repeats itself, block it with a web ACL (webAclArn).",
			metric: m.signed(throttled, sum, fiveMinutes()), from: 10, periods: once, missing: quiet,
		},
		{
			id:    "KeyFetchAlarm",
			means: "The signer could not read its keys again and again. It signs with those that it has; a new instance has none.",
			do:    "The signer's log says why. Look whether the parameters below /" + m.s.StackName + "/ are there, and whether its role may read them.",
			// One that fails is tried again in minutes, and nobody notices.
			metric: m.signed(metric.KeyFetchFailures, sum, fiveMinutes()), from: 1, periods: datapoints{2, 3}, missing: quiet,
		},
		{
			id:     "KeyAgeAlarm",
			means:  "The signing key is older than keyMaxDays.",
			do:     "Rotate it: see Rotate a key in the README.",
			metric: m.signed(metric.KeyAge, "Maximum", awscdk.Duration_Hours(jsii.Number(1))),
			from:   float64(m.s.KeyMaxDays) * 24 * 60 * 60, periods: once,
			// A key does not become younger while nobody asks for cookies.
			missing: awscloudwatch.TreatMissingData_IGNORE,
		},
	}
}

// edgeAlarm tells of more refusals than viewers' own mistakes explain.
func (m metrics) edgeAlarm() alarm {
	period := awscdk.Duration_Minutes(jsii.Number(15))
	return alarm{
		id:    "EdgeRefusedAlarm",
		means: "Of the requests at the edge refusedPercent or more were answered 4xx.",
		do:    "Ask why with the explain command of the README. After a deploy it may be the keys; without one, somebody who tries addresses or cookies.",
		metric: awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
			Expression: jsii.Sprintf("IF(requests >= %d, refused, 0)", edgeMinimum),
			UsingMetrics: &map[string]awscloudwatch.IMetric{
				"requests": m.edge("Requests", sum, period),
				"refused":  m.edge("4xxErrorRate", "Average", period),
			},
			Period: period,
			Label:  jsii.String("Percent of requests answered 4xx"),
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
