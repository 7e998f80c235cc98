package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/grantitem"
	"premiumhls/stacks/settings"
)

// entitlements are the resources that the rule of who may watch needs.
type entitlements struct {
	table awsdynamodb.ITable // nil unless the rule reads a table
}

func newEntitlements(stack *premiumHLS, s settings.Settings, sg signer) (e entitlements) {
	var rule map[string]any
	switch setting := s.Entitlements; {
	case setting.Table:
		e.table = newGrants(stack, s)
		rule = map[string]any{"table": e.table.TableName()}
		sg.allowRule(e.table.TableArn(), "dynamodb:BatchGetItem", "dynamodb:Query")
		if s.EmailGrants {
			rule["emails"] = true
			sg.allowClaims(e.table.TableArn())
		}
	case setting.Function != "":
		rule = map[string]any{"function": setting.Function}
		sg.allowRule(&setting.Function, "lambda:InvokeFunction")
	case setting.Paths:
		rule = map[string]any{"claim": setting.Claim, "paths": true}
	case setting.Claim != "":
		rule = map[string]any{"claim": setting.Claim, "value": setting.Value}
	}
	sg.configure(stack, s, rule)
	return e
}

// allowRule lets the signer call what a rule needs.
func (sg signer) allowRule(resource *string, actions ...string) {
	sg.function.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("CheckEntitlements"),
		Actions:   jsii.Strings(actions...),
		Resources: &[]*string{resource},
	}))
}

// allowClaims lets the signer move the grants of an address to a viewer, in a
// transaction: a put for the viewer, a delete for the address. A transaction
// needs the permissions of its actions and none of its own (DynamoDB developer
// guide, "Using IAM with DynamoDB transactions"); both condition keys apply to
// both actions (Service Authorization Reference, "Actions, resources, and
// condition keys for Amazon DynamoDB").
func (sg signer) allowClaims(table *string) {
	inTransaction := map[string]any{"dynamodb:EnclosingOperation": "TransactWriteItems"}
	sg.function.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("ClaimGrants"),
		Actions:    jsii.Strings("dynamodb:PutItem"),
		Resources:  &[]*string{table},
		Conditions: &map[string]any{"ForAnyValue:StringEquals": inTransaction},
	}))
	sg.function.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("RemoveClaimedGrants"),
		Actions:   jsii.Strings("dynamodb:DeleteItem"),
		Resources: &[]*string{table},
		Conditions: &map[string]any{
			"ForAnyValue:StringEquals": inTransaction,
			"ForAllValues:StringLike":  map[string]any{"dynamodb:LeadingKeys": grantitem.EmailKeys},
		},
	}))
}

// newGrants makes the table of grants. An item has a viewer, a path and, if the
// grant expires, until when it is valid.
func newGrants(stack *premiumHLS, s settings.Settings) awsdynamodb.ITable {
	if stack.existing.table != nil {
		return stack.existing.table
	}
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
