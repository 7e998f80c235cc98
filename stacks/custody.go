package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/signingkey"
	"premiumhls/signedcookie"
	"premiumhls/stacks/settings"
)

// make has the keymaker make the pair and keep the private half in a
// SecureString, which CloudFormation cannot write.
func (k *signingKey) make(scope constructs.Construct, s settings.Settings, keymaker awslambda.Function) {
	k.pair = newCustomResource(scope, keymaker, "Pair-"+k.Custody+"-"+k.Name, "SigningKey", map[string]any{
		"ParameterName": signingkey.Of(s.StackName).PrivateKey(k.Name),
		"KeyType":       k.Type,
		"AnyType":       k.anyType,
	})
}

// keepInKMS makes a key that nobody can read; the signer calls KMS to sign.
func (k *signingKey) keepInKMS(scope constructs.Construct, keymaker awslambda.Function) {
	k.kms = awskms.NewKey(scope, jsii.String("Kms-"+k.Name), &awskms.KeyProps{
		Description:   jsii.String("Signs cookies for premium videos"),
		KeySpec:       kmsKeySpec(k.Type),
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

// kmsKeySpec is KMS's name of a key type (KMS developer guide, "Key spec
// reference").
func kmsKeySpec(keyType string) awskms.KeySpec {
	if keyType == string(signedcookie.RSA2048) {
		return awskms.KeySpec_RSA_2048
	}
	return awskms.KeySpec_ECC_NIST_P256
}

// bring uses a pair that somebody else made. The keymaker compares the halves,
// so that a mismatch fails the deploy and refuses no viewer.
func (k *signingKey) bring(scope constructs.Construct, publicKey string, stack *premiumHLS, keymaker awslambda.Function) {
	keymaker.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("ssm:GetParameter"),
		Resources: &[]*string{namedParameterArn(stack, k.Parameter)},
	}))
	k.pair = newCustomResource(scope, keymaker, "Pair-"+k.Custody+"-"+k.Name, "ExternalKey", map[string]any{
		"ParameterName": k.Parameter,
		"PublicKey":     publicKey,
		"KeyType":       k.Type,
	})
}

// allow lets the signer use a private half that is not among the stack's own
// secrets.
func (k *signingKey) allow(stack *premiumHLS, signer awslambda.Function) {
	switch k.Custody {
	case signingkey.CustodyKMS:
		signer.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("kms:Sign", "kms:GetPublicKey"),
			Resources: &[]*string{k.kms.KeyArn()},
		}))
	case signingkey.CustodyExternal:
		signer.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("ssm:GetParameters"),
			Resources: &[]*string{namedParameterArn(stack, k.Parameter)},
		}))
	}
}
