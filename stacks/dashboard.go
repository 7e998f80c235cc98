package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/metric"
	"premiumhls/stacks/settings"
)

const sum = "Sum"

func fiveMinutes() awscdk.Duration { return awscdk.Duration_Minutes(jsii.Number(5)) }

// metrics makes the metrics of a site.
type metrics struct {
	s            settings.Settings
	signer       signer
	links        awslambda.Function // nil without links
	distribution awscloudfront.Distribution
}

// signed is a metric that the signer, or the metric filter, counts for this
// stack.
func (m metrics) signed(name, statistic string, period awscdk.Duration) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String(metric.Namespace),
		MetricName:    &name,
		DimensionsMap: &map[string]*string{metric.Stack: &m.s.StackName},
		Statistic:     &statistic,
		Period:        period,
	})
}

// lambda is one of Lambda's metrics of the signer.
func (m metrics) lambda(name string, period awscdk.Duration) awscloudwatch.Metric {
	return metricOf(m.signer.function, name, sum, period)
}

func metricOf(function awslambda.Function, name, statistic string, period awscdk.Duration) awscloudwatch.Metric {
	return function.Metric(&name, &awscloudwatch.MetricOptions{Statistic: &statistic, Period: period})
}

// api is one of API Gateway's metrics of the API.
func (m metrics) api(name string) awscloudwatch.Metric {
	return m.signer.api.Metric(&name, &awscloudwatch.MetricOptions{Statistic: jsii.String(sum), Period: fiveMinutes()})
}

// edge is one of CloudFront's metrics of the distribution, in us-east-1.
func (m metrics) edge(name, statistic string, period awscdk.Duration) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String("AWS/CloudFront"),
		MetricName:    &name,
		DimensionsMap: &map[string]*string{"DistributionId": m.distribution.DistributionId(), "Region": jsii.String("Global")},
		Statistic:     &statistic,
		Period:        period,
	})
}

// newDashboard makes the dashboard: responses at the edge, the signer's
// decisions, and failures.
func newDashboard(stack *premiumHLS, s settings.Settings, m metrics) *string {
	home := jsii.String("us-east-1") // where CloudFront's metrics are
	dashboard := awscloudwatch.NewDashboard(stack, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DashboardName:   name(s, "dashboard"),
		DefaultInterval: awscdk.Duration_Days(jsii.Number(1)),
	})
	graph := func(title string, props awscloudwatch.GraphWidgetProps, left ...awscloudwatch.IMetric) awscloudwatch.IWidget {
		props.Title, props.Left, props.Width = &title, &left, jsii.Number(8)
		return awscloudwatch.NewGraphWidget(&props)
	}
	fromZero := func(unit string) *awscloudwatch.YAxisProps {
		return &awscloudwatch.YAxisProps{Min: jsii.Number(0), Label: &unit, ShowUnits: jsii.Bool(false)}
	}
	line := func(at float64, name string) *[]*awscloudwatch.HorizontalAnnotation {
		return &[]*awscloudwatch.HorizontalAnnotation{{Value: &at, Label: &name}}
	}
	days := awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression:   jsii.String("age / 86400"),
		UsingMetrics: &map[string]awscloudwatch.IMetric{"age": m.signed(metric.KeyAge, "Maximum", awscdk.Duration_Hours(jsii.Number(1)))},
		Period:       awscdk.Duration_Hours(jsii.Number(1)),
		Label:        jsii.String("Age of the signing key"),
	})
	latency := func(percentile string) awscloudwatch.IMetric {
		return m.signed(metric.Latency, percentile, fiveMinutes()).With(&awscloudwatch.MetricOptions{Label: &percentile})
	}
	// A search, because a reason has a metric only after its first refusal.
	reasons := awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.Sprintf(`SEARCH('{%s,%s,%s} MetricName="%s" AND %s="%s"', 'Sum', 300)`,
			metric.Namespace, metric.Stack, metric.Reason, metric.Refused, metric.Stack, s.StackName),
		UsingMetrics: &map[string]awscloudwatch.IMetric{},
		Period:       fiveMinutes(),
		Label:        jsii.String(""),
	})

	dashboard.AddWidgets(
		graph("Requests at the edge", awscloudwatch.GraphWidgetProps{Region: home, LeftYAxis: fromZero("requests")},
			m.edge("Requests", sum, fiveMinutes())),
		graph("Errors at the edge", awscloudwatch.GraphWidgetProps{Region: home, LeftYAxis: fromZero("percent"), LeftAnnotations: line(float64(s.RefusedPercent), "refusedPercent")},
			m.edge("4xxErrorRate", "Average", fiveMinutes()), m.edge("5xxErrorRate", "Average", fiveMinutes())),
		graph("API requests", awscloudwatch.GraphWidgetProps{LeftYAxis: fromZero("requests")},
			m.api("Count"), m.api("4xx"), m.api("5xx")),
	)
	dashboard.AddWidgets(
		graph("Cookies", awscloudwatch.GraphWidgetProps{LeftYAxis: fromZero("responses")},
			m.signed(metric.Issued, sum, fiveMinutes()), m.signed(metric.Refused, sum, fiveMinutes()), m.signed(metric.Failed, sum, fiveMinutes())),
		graph("Refused by reason", awscloudwatch.GraphWidgetProps{LeftYAxis: fromZero("responses"), Stacked: jsii.Bool(true)},
			reasons),
		graph("Signer latency", awscloudwatch.GraphWidgetProps{LeftYAxis: fromZero("milliseconds")},
			latency("p50"), latency("p99")),
	)
	dashboard.AddWidgets(
		graph("Signing key", awscloudwatch.GraphWidgetProps{LeftYAxis: fromZero("days"), LeftAnnotations: line(float64(s.KeyMaxDays), "keyMaxDays")},
			days),
		graph("Throttled", awscloudwatch.GraphWidgetProps{LeftYAxis: fromZero("requests")},
			m.signed(throttled, sum, fiveMinutes()), m.lambda("Throttles", fiveMinutes())),
		graph("Failures", awscloudwatch.GraphWidgetProps{LeftYAxis: fromZero("failures")},
			m.lambda("Errors", fiveMinutes()), m.signed(metric.KeyFetchFailures, sum, fiveMinutes())),
	)
	if s.Stripe.On() {
		dashboard.AddWidgets(graph("Payment events", awscloudwatch.GraphWidgetProps{LeftYAxis: fromZero("events")},
			m.signed(metric.StripeRecorded, sum, fiveMinutes()), m.signed(metric.StripeKept, sum, fiveMinutes()),
			m.signed(metric.StripeRefused, sum, fiveMinutes()), m.signed(metric.StripeFailed, sum, fiveMinutes()),
			m.signed(metric.Purchases, sum, fiveMinutes())))
	}
	if m.links != nil {
		dashboard.AddWidgets(
			graph("Playlists for links", awscloudwatch.GraphWidgetProps{LeftYAxis: fromZero("playlists")},
				metricOf(m.links, "Invocations", sum, fiveMinutes()), m.signed(failedPlaylists, sum, fiveMinutes()), metricOf(m.links, "Throttles", sum, fiveMinutes())),
			graph("Links function duration", awscloudwatch.GraphWidgetProps{LeftYAxis: fromZero("milliseconds")},
				metricOf(m.links, "Duration", "p50", fiveMinutes()), metricOf(m.links, "Duration", "p99", fiveMinutes())),
		)
	}
	return dashboard.DashboardName()
}
