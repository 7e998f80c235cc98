// Command shop is a CDK app of another module with two sites. A test builds it
// in a module of its own.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks"
	"premiumhls/stacks/settings"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)

	// A site with resources of its own.
	courses := awscdk.NewStack(app, jsii.String("Courses"), nil)
	stacks.NewPremiumHLS(courses, jsii.String("Site"), &stacks.PremiumHLSProps{
		CookieMinutes: jsii.Number(30),
		Entitlements:  &settings.Entitlements{Table: true},
		AccessLogs:    jsii.Bool(true),
	}).AddOutputs()

	// A site with resources that exist.
	films := awscdk.NewStack(app, jsii.String("Films"), nil)
	key := &awsdynamodb.Attribute{Name: jsii.String("viewer"), Type: awsdynamodb.AttributeType_STRING}
	site := stacks.NewPremiumHLS(films, jsii.String("Site"), &stacks.PremiumHLSProps{
		PremiumPath:    jsii.String("films"),
		Entitlements:   &settings.Entitlements{Table: true},
		DomainNames:    jsii.Strings("films.example.com"),
		CertificateArn: awscdk.Fn_ImportValue(jsii.String("FilmsCertificate")),
		Bucket:         awss3.NewBucket(films, jsii.String("Films"), nil),
		LogBucket:      awss3.Bucket_FromBucketName(films, jsii.String("Logs"), jsii.String("company-logs")),
		Table:          awsdynamodb.NewTable(films, jsii.String("Sold"), &awsdynamodb.TableProps{PartitionKey: key, SortKey: &awsdynamodb.Attribute{Name: jsii.String("path"), Type: awsdynamodb.AttributeType_STRING}}),
		UserPool:       awscognito.UserPool_FromUserPoolId(films, jsii.String("Viewers"), jsii.String("eu-central-1_abcdefghi")),
		AllowedOrigins: jsii.Strings("https://www.example.com"),
		Sample:         jsii.Bool(false),
	})
	site.AddOutputs()
	awscdk.NewCfnOutput(films, jsii.String("SignerName"), &awscdk.CfnOutputProps{Value: site.SignerFunction().FunctionName()})

	app.Synth(nil)
}
