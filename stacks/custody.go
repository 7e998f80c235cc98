package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/settings"
)

// make has the keymaker make the pair and keep the private half in a
// SecureString, which CloudFormation cannot write.
func (k *signingKey) make(scope constructs.Construct, s settings.Settings, keymaker awslambda.Function) {
	k.pair = newCustomResource(scope, keymaker, "Pair-"+k.Custody+"-"+k.Name, "SigningKey", map[string]any{
		"ParameterName": parameter(s, "signing-keys/"+k.Name),
		"KeyType":       k.Type,
	})
}

// keepInKMS makes a key that nobody can ever read; the signer asks KMS to sign.
func (k *signingKey) keepInKMS(scope constructs.Construct, keymaker awslambda.Function) {
	k.kms = awskms.NewKey(scope, jsii.String("Kms-"+k.Name), &awskms.KeyProps{
		Description:   jsii.String("Signs cookies for premium videos"),
		KeySpec:       awskms.KeySpec_RSA_2048,
		KeyUsage:      awskms.KeyUsage_SIGN_VERIFY,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY, // after the pending window
		PendingWindow: awscdk.Duration_Days(jsii.Number(7)),
	})
	keymaker.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("kms:GetPublicKey"),
		Resources: &[]*string{k.kms.KeyArn()},
	}))
	k.pair = newCustomResource(scope, keymaker, "Pair-"+k.Custody+"-"+k.Name, "KMSPublicKey", map[string]any{
		"KeyId": k.kms.KeyArn(),
	})
}

// bring takes a pair that is there already. The keymaker compares the halves,
// so that a mismatch fails the deploy and not the viewers.
func (k *signingKey) bring(stack *premiumHLS, scope constructs.Construct, publicKey string, keymaker awslambda.Function) {
	keymaker.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("ssm:GetParameter"),
		Resources: &[]*string{k.parameterArn(stack)},
	}))
	k.pair = newCustomResource(scope, keymaker, "Pair-"+k.Custody+"-"+k.Name, "ExternalKey", map[string]any{
		"ParameterName": k.Parameter,
		"PublicKey":     publicKey,
		"KeyType":       k.Type,
	})
}

// allow lets the signer use the private half, where it is not with the stack's
// own secrets.
func (k *signingKey) allow(stack *premiumHLS, signer awslambda.Function) {
	switch k.Custody {
	case settings.CustodyKMS:
		signer.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("kms:Sign", "kms:GetPublicKey"),
			Resources: &[]*string{k.kms.KeyArn()},
		}))
	case settings.CustodyExternal:
		signer.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("ssm:GetParameters"),
			Resources: &[]*string{k.parameterArn(stack)},
		}))
	}
}

func (k *signingKey) parameterArn(stack *premiumHLS) *string {
	return stack.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("ssm"),
		Resource:     jsii.String("parameter"),
		ResourceName: jsii.String(k.Parameter[1:]),
	})
}
