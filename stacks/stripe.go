package stacks

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/metric"
	sale "premiumhls/internal/sales"
	"premiumhls/internal/signingkey"
	"premiumhls/internal/stripesettings"
	"premiumhls/stacks/settings"
)

// The routes of the stripe function.
const (
	stripePath    = "/api/stripe"
	purchasesPath = "/api/purchases"
)

// The throttle of Stripe's route, which anyone can call. Stripe sends an event
// again that gets 429.
const (
	stripeRate  = 50 // requests a second
	stripeBurst = 100
)

// sales are what turns purchases into grants.
type sales struct {
	function awslambda.Function
	table    awsdynamodb.ITable
}

// newStripe makes the table of sales and the function, with its routes.
func newStripe(site *premiumHLS, s settings.Settings, code string, keymaker awslambda.Function, authorizer awsapigatewayv2.IHttpRouteAuthorizer) sales {
	made := sales{
		function: newFunction(site, s, "Stripe", functionProps{
			pkg: "stripe", code: code, description: "Turns purchases into grants", memory: 256,
			// Stripe waits longer, but then sends the event again.
			timeout: 20,
		}),
		table: newSalesTable(site, s),
	}
	made.function.AddEnvironment(jsii.String(stripesettings.Variable), stripeDocument(site, s, made.table), nil)
	made.allow(site, s)
	addDependency(made.function, newRandomKey(site, keymaker, "PurchaseKey", signingkey.Of(s.StackName).PurchaseKey()))
	made.addRoutes(site.signer, authorizer)
	return made
}

// newSalesTable makes the table of sales. Its items are facts of purchases,
// from which the grants can be computed again.
func newSalesTable(site *premiumHLS, s settings.Settings) awsdynamodb.ITable {
	if site.existing.sales != nil {
		return site.existing.sales
	}
	return awsdynamodb.NewTable(site, jsii.String("Sales"), &awsdynamodb.TableProps{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String(sale.PartitionKey), Type: awsdynamodb.AttributeType_STRING},
		SortKey:      &awsdynamodb.Attribute{Name: jsii.String(sale.SortKey), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:  awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:   awsdynamodb.TableEncryption_AWS_MANAGED,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		DeletionProtection: &s.KeepData,
		RemovalPolicy:      removal(s),
	})
}

// stripeDocument is the function's settings.
func stripeDocument(site *premiumHLS, s settings.Settings, table awsdynamodb.ITable) *string {
	document := stripesettings.Document{
		Choices: s.Stripe.Choices(), ParameterPrefix: "/" + s.StackName, HashViewers: s.HashViewers(),
		GrantsTable: *site.entitlements.table.TableName(), SalesTable: *table.TableName(),
	}
	if s.Monitoring {
		document.MetricsStack = s.StackName
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // a type without JSON
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		panic(err)
	}
	return site.ToJsonString(members, nil)
}

// allow lets the function read its secrets and write sales and grants.
func (m sales) allow(site *premiumHLS, s settings.Settings) {
	names := signingkey.Of(s.StackName)
	secrets := []*string{
		namedParameterArn(site, s.Stripe.SecretParameter),
		namedParameterArn(site, names.OriginSecret()),
		namedParameterArn(site, names.PurchaseKey()),
	}
	if s.HashViewers() {
		secrets = append(secrets, namedParameterArn(site, names.ViewerHashKey()))
	}
	role := m.function.Role()
	statement(role, "ReadSecrets", jsii.Strings("ssm:GetParameters"), &secrets)
	statement(role, "WriteSales", jsii.Strings("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"), &[]*string{m.table.TableArn()})
	statement(role, "WriteGrants", jsii.Strings("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:UpdateItem"),
		&[]*string{site.entitlements.table.TableArn()})
}

// addRoutes adds the function's routes to the signer's API: Stripe's events are
// known by their signature, and viewers by their token.
func (m sales) addRoutes(sg signer, authorizer awsapigatewayv2.IHttpRouteAuthorizer) {
	integration := awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("StripeIntegration"), m.function, nil)
	post := &[]awsapigatewayv2.HttpMethod{awsapigatewayv2.HttpMethod_POST}
	events := sg.api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{Path: jsii.String(stripePath), Methods: post, Integration: integration})
	sg.api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{Path: jsii.String(purchasesPath), Methods: post, Integration: integration, Authorizer: authorizer})
	sg.throttle(*events, stripeRate, stripeBurst)
}

// salesAlarms are the alarms of the stripe function.
func (m metrics) salesAlarms(made sales) []alarm {
	const quiet = awscloudwatch.TreatMissingData_NOT_BREACHING
	once := datapoints{1, 1}
	return []alarm{
		{
			id:     "StripeKeptAlarm",
			means:  "A payment event could not be used: somebody may have paid and cannot watch.",
			do:     "Run premium stripe events: it says why. Fix the cause, such as a payment link without the metadata path, then run premium stripe replay.",
			metric: m.signed(metric.StripeKept, sum, fiveMinutes()), from: 1, periods: once, missing: quiet,
		},
		{
			id:     "StripeRefusedAlarm",
			means:  "Requests to /api/stripe had no valid signature, or were events of the other mode.",
			do:     "If Stripe's dashboard shows failed deliveries, the signing secret in secretParameter or the mode is wrong: see docs/sales.md. Stripe sends the events again for three days. If it shows none, somebody else is trying: such requests change nothing.",
			metric: m.signed(metric.StripeRefused, sum, fiveMinutes()), from: 3, periods: once, missing: quiet,
		},
		{
			id:     "StripeFailedAlarm",
			means:  "Payment events could not be stored. Stripe sends them again for three days.",
			do:     "Read the field cause in the stripe function's log: secrets could not be read, or a table could not be written.",
			metric: m.signed(metric.StripeFailed, sum, fiveMinutes()), from: 1, periods: datapoints{2, 3}, missing: quiet,
		},
		{
			id:     "StripeErrorsAlarm",
			means:  "The stripe function failed or timed out before it returned a response. Stripe sends the events again for three days.",
			do:     "Look for a panic or a timeout in its log. If it began with a deploy, deploy the previous version.",
			metric: made.function.Metric(jsii.String("Errors"), &awscloudwatch.MetricOptions{Statistic: jsii.String(sum), Period: fiveMinutes()}), from: 1, periods: once, missing: quiet,
		},
	}
}
