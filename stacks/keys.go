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

	"premiumhls/internal/rotation"
	"premiumhls/internal/signingkey"
	"premiumhls/stacks/settings"
)

// newKeymaker makes the function behind the stack's custom resources.
func newKeymaker(stack *premiumHLS, s settings.Settings, code string) awslambda.Function {
	keymaker := newFunction(stack, s, "Keymaker", functionProps{
		pkg:         "keymaker",
		code:        code,
		description: "Makes signing keys at deploy time",
		memory:      256, // an RSA key takes a second or two
		timeout:     60,
	})
	names := signingkey.Of(s.StackName)
	made := []*string{
		// Not the keys' own ARNs: when a key is dropped, CloudFormation
		// narrows this policy before it deletes the key.
		namedParameterArn(stack, names.PrivateKeys()+"*"),
		namedParameterArn(stack, names.State()),
		namedParameterArn(stack, names.OriginSecret()),
	}
	keymaker.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("WriteKeysAndSecrets"),
		Actions:   jsii.Strings("ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"),
		Resources: &made,
	}))
	keymaker.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("ReadDeployedKeys"),
		Actions:   jsii.Strings("ssm:GetParameter"),
		Resources: &[]*string{namedParameterArn(stack, names.Signer())},
	}))
	keymaker.AddToRolePolicy(describeStackStatus(stack))
	return keymaker
}

// describeStackStatus lets a custom resource's function distinguish a rollback
// from an update.
func describeStackStatus(stack *premiumHLS) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("DescribeStackStatus"),
		Actions:   jsii.Strings("cloudformation:DescribeStacks"),
		Resources: &[]*string{stack.StackId()},
	})
}

// namedParameterArn is the ARN of a parameter by its full name.
func namedParameterArn(stack *premiumHLS, name string) *string {
	return stack.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("ssm"),
		Resource:     jsii.String("parameter"),
		ResourceName: jsii.String(name[1:]),
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

// newOriginSecret makes the secret by which the signer knows the distribution,
// and returns what the distribution sends.
func newOriginSecret(stack *premiumHLS, s settings.Settings, keymaker awslambda.Function) *string {
	return newCustomResource(stack, keymaker, "OriginSecret", "OriginSecret", map[string]any{
		"ParameterName": signingkey.Of(s.StackName).OriginSecret(),
		"Generation":    s.OriginSecretGeneration,
	}).GetAttString(jsii.String("Value"))
}

// newViewerHashKey makes the key of the viewers' digests in the signer's log,
// before the signer starts.
func newViewerHashKey(stack *premiumHLS, s settings.Settings, keymaker awslambda.Function, sg signer) {
	if !s.HashViewers() {
		return
	}
	addDependency(sg.function, newRandomKey(stack, keymaker, "ViewerHashKey", signingkey.Of(s.StackName).ViewerHashKey()))
}

// newRandomKey makes a key that comes and goes with a setting. The keymaker may
// write it by a policy of its own, which goes after the key: when the setting is
// turned off, CloudFormation narrows the role's other policy before it deletes
// the key.
func newRandomKey(stack *premiumHLS, keymaker awslambda.Function, id, parameter string) awscdk.CustomResource {
	policy := awsiam.NewPolicy(stack, jsii.String(id+"Policy"), &awsiam.PolicyProps{
		Roles: &[]awsiam.IRole{keymaker.Role()},
		Statements: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:       jsii.String("Write" + id),
			Actions:   jsii.Strings("ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"),
			Resources: &[]*string{namedParameterArn(stack, parameter)},
		})},
	})
	key := newCustomResource(stack, keymaker, id, id, map[string]any{"ParameterName": parameter})
	addDependency(key, policy)
	return key
}

// addDependency makes the one resource of a construct, without its role,
// depend on another construct's.
func addDependency(of constructs.Construct, on constructs.Construct) {
	of.Node().DefaultChild().(awscdk.CfnResource).AddResourceDependency(on.Node().DefaultChild().(awscdk.CfnResource), nil)
}

type signingKeys struct {
	group  awscloudfront.KeyGroup
	change awscdk.CustomResource
	keys   []signingKey // oldest first
	// published is the signer's parameter, once there is one.
	published awsssm.StringParameter
}

// A signingKey is one key pair. Its public half is all that the stack sees.
type signingKey struct {
	settings.SigningKey
	// anyType: the entry names no type, so an existing key keeps its own.
	anyType      bool
	pair         awscdk.CustomResource // attributes: PublicKey, in PEM, Fingerprint and KeyType
	kms          awskms.Key            // nil if the private half is in Parameter Store
	id           *string               // CloudFront's, which goes into the cookie
	trustedSince *string               // when the key group had taken it in
}

// stackKeys are the signing keys of the settings.
func stackKeys(s settings.Settings) []signingKey {
	var keys []signingKey
	for i, entry := range s.Keys() {
		// A key in KMS is made by the template, which must say of what type.
		anyType := s.SigningKeys[i].Type == "" && entry.Custody == signingkey.CustodySSM
		keys = append(keys, signingKey{SigningKey: entry, anyType: anyType})
	}
	return keys
}

// keyType is the type of the pair that was made.
func (k *signingKey) keyType() *string { return k.pair.GetAttString(jsii.String("KeyType")) }

// rotationKey is the key as the check of a change needs it.
func (k *signingKey) rotationKey() rotation.Key {
	key := rotation.Key{Name: k.Name, Custody: k.Custody, Type: k.Type}
	if k.anyType {
		key.Type = ""
	}
	return key
}

// newSigningKeys makes each key pair, and a key group of all.
//
// A public key's material cannot be changed, so a key's logical ids come from
// its own name, in a scope of their own so that they contain a hash of it:
// another name is another resource, even if names differ in a hyphen only.
// When a name is removed, CloudFormation first takes the key out of the group
// and then deletes it, which is the order that CloudFront accepts.
func newSigningKeys(stack *premiumHLS, s settings.Settings, publicKeys map[string]string, keymaker awslambda.Function) *signingKeys {
	scope := constructs.NewConstruct(stack, jsii.String("SigningKeys"))
	made := &signingKeys{keys: stackKeys(s)}
	made.change = newKeyChange(stack, scope, s, made.keys, keymaker)
	var items []interfacesawscloudfront.IPublicKeyRef
	for i := range made.keys {
		key := &made.keys[i]
		switch key.Custody {
		case signingkey.CustodyKMS:
			key.keepInKMS(scope, keymaker)
		case signingkey.CustodyExternal:
			key.bring(scope, publicKeys[key.Name], stack, keymaker)
		default:
			key.make(scope, s, keymaker)
		}
		public := awscloudfront.NewCfnPublicKey(scope, jsii.String("Public-"+key.Name), &awscloudfront.CfnPublicKeyProps{
			PublicKeyConfig: &awscloudfront.CfnPublicKey_PublicKeyConfigProperty{
				Name:       name(s, key.Name),
				EncodedKey: key.pair.GetAttString(jsii.String("PublicKey")),
				// A new stack of the same name must not seem to repeat the
				// request of the one before.
				CallerReference: jsii.Sprintf("%s/%s", key.Name, *stack.StackId()),
				Comment:         jsii.String("Signing key " + key.Name + " of " + s.StackName),
			},
		})
		public.Node().AddDependency(made.change)
		key.id = public.AttrId()
		items = append(items, public)
	}
	made.group = awscloudfront.NewKeyGroup(stack, jsii.String("KeyGroup"), &awscloudfront.KeyGroupProps{
		KeyGroupName: name(s, "keys"),
		Comment:      jsii.String("Keys whose cookies open premium videos of " + s.StackName),
		Items:        &items,
	})
	for i, key := range made.keys {
		// Depends on the group, so the time is one at which the group had the key.
		made.keys[i].trustedSince = newCustomResource(scope, keymaker, "Trust-"+key.Name, "KeyTrust", map[string]any{
			"KeyName":     key.Name,
			"PublicKeyId": key.id,
			"KeyGroupId":  made.group.KeyGroupId(),
		}).GetAttString(jsii.String("Since"))
	}
	return made
}

// newKeyChange makes what stops a deploy that would refuse viewers who are
// playing. Public keys, and with them the key group, depend on it.
func newKeyChange(stack *premiumHLS, scope constructs.Construct, s settings.Settings, keys []signingKey, keymaker awslambda.Function) awscdk.CustomResource {
	if s.EndAllCookies {
		awscdk.Annotations_Of(stack).AddWarning(jsii.String("endAllCookies is true: this deploy may drop keys that viewers use, and a failed deploy check does not roll it back. Change nothing else in it, and remove the setting afterwards."))
	}
	var list []map[string]any
	for _, key := range keys {
		entry := map[string]any{"Name": key.Name, "Custody": key.Custody}
		if typ := key.rotationKey().Type; typ != "" {
			entry["Type"] = typ
		}
		list = append(list, entry)
	}
	names := signingkey.Of(s.StackName)
	return newCustomResource(scope, keymaker, "Change", "KeyChange", map[string]any{
		"SignerParameter": names.Signer(),
		"StateParameter":  names.State(),
		"Keys":            list,
		"Wait":            rotationTimes(s).Wait.String(),
		"Lifetime":        rotationTimes(s).Lifetime.String(),
		"EndAllCookies":   s.EndAllCookies,
	})
}

// recordBefore has the lifetime of cookies recorded before the signer gets the
// settings that say so, also if that deploy fails afterwards.
func (k *signingKeys) recordBefore(sg signer) { addDependency(sg.function, k.change) }

// publish gives the signer its keys and the host of its policies.
func (k *signingKeys) publish(stack *premiumHLS, s settings.Settings, host *string, keymaker awslambda.Function) {
	names := signingkey.Of(s.StackName)
	var keys []map[string]any
	for _, key := range k.keys {
		entry := map[string]any{
			"name":         key.Name,
			"custody":      key.Custody,
			"type":         key.keyType(),
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
	k.published = awsssm.NewStringParameter(stack, jsii.String("SignerParameter"), &awsssm.StringParameterProps{
		ParameterName: jsii.String(names.Signer()),
		Description:   jsii.String("Host and keys of the signer of " + s.StackName),
		StringValue:   stack.ToJsonString(map[string]any{"host": host, "keys": keys}, nil),
	})
	if s.EndAllCookies {
		var kept []map[string]any
		for _, key := range k.keys {
			kept = append(kept, map[string]any{"Name": key.Name})
		}
		revocation := newCustomResource(stack, keymaker, "KeyRevocation", "KeyRevocation", map[string]any{
			"SignerParameter": names.Signer(),
			"StateParameter":  names.State(),
			"Keys":            kept,
		})
		// After the key group and before the parameter, which still has the
		// keys that are dropped.
		addDependency(revocation, k.group)
		addDependency(k.published, revocation)
	}
}

// activate lets the signer use the keys, after what shows that they work: the
// deploy check, or the signer's parameter if there is no check.
func (k *signingKeys) activate(stack *premiumHLS, s settings.Settings, keymaker awslambda.Function, after constructs.Construct) {
	var keys []map[string]any
	for _, key := range k.keys {
		keys = append(keys, map[string]any{"Name": key.Name, "PublicKeyId": key.id, "TrustedSince": key.trustedSince})
	}
	activation := newCustomResource(stack, keymaker, "KeyActivation", "KeyActivation", map[string]any{
		"StateParameter": signingkey.Of(s.StackName).State(),
		"Keys":           keys,
		"Wait":           rotationTimes(s).Wait.String(),
	})
	addDependency(activation, after)
}
