// Command emptyapp is a CDK app without a stack: what loading the CDK's code
// takes is the floor of any other.
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
