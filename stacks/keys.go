package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudfront"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/settings"
)

// newKeymaker makes the function behind the stack's custom resources.
func newKeymaker(stack *premiumHLS, s settings.Settings, code string) awslambda.Function {
	keymaker := newFunction(stack, s, "Keymaker", functionProps{
		pkg:         "keymaker",
		code:        code,
		description: "Makes signing keys at deploy time",
		memory:      256, // an RSA key is found in a second or two
		timeout:     60,
	})
	keymaker.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:     jsii.String("KeepSecrets"),
		Actions: jsii.Strings("ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"),
		Resources: &[]*string{
			// Not the keys' own ARNs: when a key is dropped, CloudFormation
			// narrows this policy before it asks for the key's deletion.
			parameterArn(stack, s, "signing-keys/*"),
			parameterArn(stack, s, "origin-secret"),
		},
	}))
	keymaker.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("ReadDeployedKeys"),
		Actions:   jsii.Strings("ssm:GetParameter"),
		Resources: &[]*string{parameterArn(stack, s, "signer")},
	}))
	keymaker.AddToRolePolicy(tellARollback(stack))
	return keymaker
}

// tellARollback lets a custom resource's function tell one from an update.
func tellARollback(stack *premiumHLS) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("TellARollback"),
		Actions:   jsii.Strings("cloudformation:DescribeStacks"),
		Resources: &[]*string{stack.StackId()},
	})
}

// newCustomResource makes a resource of the keymaker's.
func newCustomResource(scope constructs.Construct, keymaker awslambda.Function, id, resourceType string, properties map[string]any) awscdk.CustomResource {
	return awscdk.NewCustomResource(scope, &id, &awscdk.CustomResourceProps{
		ServiceToken:   keymaker.FunctionArn(),
		ResourceType:   jsii.String("Custom::" + resourceType),
		Properties:     &properties,
		ServiceTimeout: awscdk.Duration_Minutes(jsii.Number(3)),
	})
}

// newOriginSecret makes the secret by which the signer knows the distribution.
func newOriginSecret(stack *premiumHLS, s settings.Settings, keymaker awslambda.Function) *string {
	return newCustomResource(stack, keymaker, "OriginSecret", "OriginSecret", map[string]any{
		"ParameterName": parameter(s, "origin-secret"),
	}).GetAttString(jsii.String("Value"))
}

type signingKeys struct {
	group awscloudfront.KeyGroup
	keys  []signingKey // oldest first
}

// A signingKey is one key pair. Its public half is all that the stack sees.
type signingKey struct {
	settings.SigningKey
	pair         awscdk.CustomResource // attributes: PublicKey, in PEM, and Fingerprint
	kms          awskms.Key            // nil where the private half is in Parameter Store
	id           *string               // CloudFront's, which goes into the cookie
	trustedSince *string               // when the key group had taken it in
}

// newSigningKeys makes each key pair, and a key group of all.
//
// A public key's material cannot be changed, so a key's logical ids come from
// its own name, in a scope of their own so that they hold a hash of it:
// another name is another resource, even where names differ in a hyphen only.
// When a name goes, CloudFormation first takes the key out of the group and
// then deletes it, which is the order that CloudFront accepts.
func newSigningKeys(stack *premiumHLS, s settings.Settings, publicKeys map[string]string, keymaker awslambda.Function) *signingKeys {
	scope := constructs.NewConstruct(stack, jsii.String("SigningKeys"))
	change := newKeyChange(stack, scope, s, keymaker)
	var made signingKeys
	var items []interfacesawscloudfront.IPublicKeyRef
	for _, entry := range s.Keys() {
		key := signingKey{SigningKey: entry}
		switch entry.Custody {
		case settings.CustodyKMS:
			key.keepInKMS(scope, keymaker)
		case settings.CustodyExternal:
			key.bring(stack, scope, publicKeys[entry.Name], keymaker)
		default:
			key.make(scope, s, keymaker)
		}
		public := awscloudfront.NewCfnPublicKey(scope, jsii.String("Public-"+key.Name), &awscloudfront.CfnPublicKeyProps{
			PublicKeyConfig: &awscloudfront.CfnPublicKey_PublicKeyConfigProperty{
				Name:       name(s, key.Name),
				EncodedKey: key.pair.GetAttString(jsii.String("PublicKey")),
				// Made anew, a stack of the same name must not seem to repeat
				// the request of the one before.
				CallerReference: jsii.Sprintf("%s/%s", key.Name, *stack.StackId()),
				Comment:         jsii.String("Signing key " + key.Name + " of " + s.StackName),
			},
		})
		public.Node().AddDependency(change)
		key.id = public.AttrId()
		items = append(items, public)
		made.keys = append(made.keys, key)
	}
	made.group = awscloudfront.NewKeyGroup(stack, jsii.String("KeyGroup"), &awscloudfront.KeyGroupProps{
		KeyGroupName: name(s, "keys"),
		Comment:      jsii.String("Keys whose cookies open premium videos of " + s.StackName),
		Items:        &items,
	})
	for i, key := range made.keys {
		// Needs the group, so it notes a time at which the group had the key.
		made.keys[i].trustedSince = newCustomResource(scope, keymaker, "Trust-"+key.Name, "KeyTrust", map[string]any{
			"KeyName":     key.Name,
			"PublicKeyId": key.id,
			"KeyGroupId":  made.group.KeyGroupId(),
		}).GetAttString(jsii.String("Since"))
	}
	return &made
}

// newKeyChange makes what stops a deploy that would refuse viewers who are
// playing, before public keys and with them the key group change: they depend
// on it.
func newKeyChange(stack *premiumHLS, scope constructs.Construct, s settings.Settings, keymaker awslambda.Function) awscdk.CustomResource {
	if s.EndAllCookies {
		awscdk.Annotations_Of(stack).AddWarning(jsii.String("endAllCookies is true: this deploy may drop keys that viewers watch with. Take it out of cdk.json afterwards."))
	}
	var keys []map[string]any
	for _, key := range s.Keys() {
		keys = append(keys, map[string]any{"Name": key.Name, "Custody": key.Custody, "Type": key.Type})
	}
	return newCustomResource(scope, keymaker, "Change", "KeyChange", map[string]any{
		"SignerParameter": parameter(s, "signer"),
		"Keys":            keys,
		"Wait":            minutes(s.KeyWaitMinutes),
		"Live":            minutes(s.CookieLiveMinutes()),
		"EndAllCookies":   s.EndAllCookies,
	})
}

// publish tells the signer what it signs with and for which host.
func (k *signingKeys) publish(stack *premiumHLS, s settings.Settings, host *string) {
	var keys []map[string]any
	for _, key := range k.keys {
		entry := map[string]any{
			"name":         key.Name,
			"custody":      key.Custody,
			"type":         key.Type,
			"hash":         key.Hash,
			"id":           key.id,
			"fingerprint":  key.pair.GetAttString(jsii.String("Fingerprint")),
			"trustedSince": key.trustedSince,
		}
		if key.kms != nil {
			entry["kmsKey"] = key.kms.KeyArn()
		}
		keys = append(keys, entry)
	}
	awsssm.NewStringParameter(stack, jsii.String("SignerParameter"), &awsssm.StringParameterProps{
		ParameterName: jsii.String(parameter(s, "signer")),
		Description:   jsii.String("Host and keys of the signer of " + s.StackName),
		StringValue:   stack.ToJsonString(map[string]any{"host": host, "keys": keys}, nil),
	})
}
