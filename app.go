// Command premiumhls is the CDK app: it synthesizes the stack with the settings
// of cdk.json. The CDK's command line runs it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	if _, err := stacks.Add(context.Background(), app, app.Node().GetAllContext(nil)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	app.Synth(nil)
}
