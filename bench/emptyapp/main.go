// Command emptyapp is a CDK app without a stack. It measures the time to load the
// CDK's code, which no app can save.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	_ "premiumhls/stacks/quiet"
)

func main() {
	defer jsii.Close()
	awscdk.NewApp(nil).Synth(nil)
}
