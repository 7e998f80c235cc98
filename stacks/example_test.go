package stacks_test

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks"
	"premiumhls/stacks/settings"
)

// Two sites in one app: courses that a shop sells by writing grants, and films
// for every viewer who signed in.
func ExampleNewPremiumHLS() {
	out, err := os.MkdirTemp("", "premiumhls-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(out)
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: &out, AnalyticsReporting: jsii.Bool(false)})

	stack := awscdk.NewStack(app, jsii.String("Courses"), nil)
	courses := stacks.NewPremiumHLS(stack, jsii.String("Site"), &stacks.PremiumHLSProps{
		CookieMinutes: jsii.Number(30),
		Entitlements:  &settings.Entitlements{Table: true},
	})
	shop := awsiam.NewRole(stack, jsii.String("Shop"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	courses.Table().GrantWriteData(shop)

	films := stacks.NewPremiumHLS(awscdk.NewStack(app, jsii.String("Films"), nil), jsii.String("Site"), nil)

	assembly := app.Synth(nil)
	fmt.Println(*courses.Node().Path(), *films.Node().Path(), len(*assembly.Stacks()), films.Table() == nil)
	// Output: Courses/Site Films/Site 2 true
}
