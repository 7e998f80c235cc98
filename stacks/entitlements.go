package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/settings"
)

// entitlements is what the signer asks who may watch what.
type entitlements struct {
	table awsdynamodb.Table // nil where no table is asked
}

func newEntitlements(stack awscdk.Stack, s settings.Settings, sg signer) (e entitlements) {
	rule := s.Entitlements
	switch {
	case rule.Table:
		e.table = newGrants(stack, s)
		sg.ask(stack, map[string]any{"table": e.table.TableName()}, e.table.TableArn(), "dynamodb:BatchGetItem", "dynamodb:Query")
	case rule.Function != "":
		sg.ask(stack, map[string]any{"function": rule.Function}, &rule.Function, "lambda:InvokeFunction")
	case rule.Paths:
		sg.ask(stack, map[string]any{"claim": rule.Claim, "paths": true}, nil)
	case rule.Claim != "":
		sg.ask(stack, map[string]any{"claim": rule.Claim, "value": rule.Value}, nil)
	}
	return e
}

// ask tells the signer the rule, and lets it read what the rule needs.
func (sg signer) ask(stack awscdk.Stack, rule map[string]any, resource *string, actions ...string) {
	sg.function.AddEnvironment(jsii.String("ENTITLEMENTS"), stack.ToJsonString(rule, nil), nil)
	if resource == nil {
		return
	}
	sg.function.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("AskEntitlements"),
		Actions:   jsii.Strings(actions...),
		Resources: &[]*string{resource},
	}))
}

// newGrants makes the table of grants: a viewer, a path and, where the grant
// ends, until when.
func newGrants(stack awscdk.Stack, s settings.Settings) awsdynamodb.Table {
	return awsdynamodb.NewTable(stack, jsii.String("Grants"), &awsdynamodb.TableProps{
		PartitionKey:        &awsdynamodb.Attribute{Name: jsii.String("viewer"), Type: awsdynamodb.AttributeType_STRING},
		SortKey:             &awsdynamodb.Attribute{Name: jsii.String("path"), Type: awsdynamodb.AttributeType_STRING},
		TimeToLiveAttribute: jsii.String("until"),
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:          awsdynamodb.TableEncryption_AWS_MANAGED,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		DeletionProtection: &s.KeepData,
		RemovalPolicy:      removal(s),
	})
}
