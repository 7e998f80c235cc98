package cloud

import (
	"context"
	"fmt"
	"strings"

	"premiumhls/local/cloudformation"
	"premiumhls/local/iam"
)

// managedPolicies are the policies of AWS that roles of the template name, as
// AWS documents them (AWS managed policy reference).
var managedPolicies = map[string]map[string]any{
	"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": {"Statement": []any{map[string]any{
		"Effect":   "Allow",
		"Action":   []any{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"},
		"Resource": "*",
	}}},
}

// policyProvider makes resources that contain policies, and adds the statements
// to the local IAM.
type policyProvider struct {
	cloudformation.Provider
	authority *iam.Authority
	read      func(r cloudformation.Resource, state cloudformation.State) ([]iam.Statement, error)
}

func (p policyProvider) Create(ctx context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	state, err := p.Provider.Create(ctx, r)
	if err != nil {
		return state, err
	}
	return state, p.put(r, state)
}

func (p policyProvider) Update(ctx context.Context, r cloudformation.Resource, state cloudformation.State) (cloudformation.State, error) {
	state, err := p.Provider.Update(ctx, r, state)
	if err != nil {
		return state, err
	}
	return state, p.put(r, state)
}

func (p policyProvider) put(r cloudformation.Resource, state cloudformation.State) error {
	statements, err := p.read(r, state)
	if err != nil {
		return err
	}
	p.authority.Put(policyID(r, state), statements)
	if r.Type == "AWS::IAM::Role" {
		p.authority.PutRole(state.PhysicalID, arn(state))
	}
	return nil
}

func (p policyProvider) Delete(ctx context.Context, r cloudformation.Resource, state cloudformation.State) error {
	if err := p.Provider.Delete(ctx, r, state); err != nil {
		return err
	}
	p.authority.Delete(policyID(r, state))
	if r.Type == "AWS::IAM::Role" {
		p.authority.DeleteRole(state.PhysicalID)
	}
	return nil
}

func policyID(r cloudformation.Resource, state cloudformation.State) string {
	return r.LogicalID + " " + state.PhysicalID
}

// policies returns the providers of the types that contain policies. They wrap
// the provider that makes the resource, if any.
func (c *Cloud) policies(providers map[string]cloudformation.Provider, generic cloudformation.Generic) {
	for kind, read := range map[string]func(cloudformation.Resource, cloudformation.State) ([]iam.Statement, error){
		"AWS::IAM::Role":          rolePolicies,
		"AWS::IAM::Policy":        identityPolicy,
		"AWS::S3::BucketPolicy":   bucketPolicy,
		"AWS::KMS::Key":           keyPolicy,
		"AWS::Lambda::Permission": c.permission,
		"AWS::SQS::QueuePolicy":   c.queuePolicy,
	} {
		made := providers[kind]
		if made == nil {
			made = generic
		}
		providers[kind] = policyProvider{made, c.authority, read}
	}
}

// rolePolicies returns a role's trust policy, its inline policies and its AWS
// managed policies.
func rolePolicies(r cloudformation.Resource, state cloudformation.State) ([]iam.Statement, error) {
	all, err := iam.Parse(r.LogicalID+".AssumeRolePolicyDocument", r.Properties["AssumeRolePolicyDocument"])
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].On = arn(state)
	}
	add := func(source string, document any) error {
		statements, err := iam.Parse(source, document)
		for _, s := range statements {
			s.Role = state.PhysicalID
			all = append(all, s)
		}
		return err
	}
	for _, name := range list(r.Properties["ManagedPolicyArns"]) {
		policy, ok := managedPolicies[fmt.Sprint(name)]
		if !ok {
			return nil, fmt.Errorf("ManagedPolicyArns of %s: the local run does not know the policy %v", r.LogicalID, name)
		}
		if err := add(fmt.Sprint(name), policy); err != nil {
			return nil, err
		}
	}
	for _, item := range list(r.Properties["Policies"]) {
		policy, _ := item.(map[string]any)
		if err := add(r.LogicalID+"."+fmt.Sprint(policy["PolicyName"]), policy["PolicyDocument"]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func identityPolicy(r cloudformation.Resource, _ cloudformation.State) ([]iam.Statement, error) {
	statements, err := iam.Parse(r.LogicalID, r.Properties["PolicyDocument"])
	if err != nil {
		return nil, err
	}
	var all []iam.Statement
	for _, role := range list(r.Properties["Roles"]) {
		for _, s := range statements {
			s.Role = fmt.Sprint(role)
			all = append(all, s)
		}
	}
	return all, nil
}

func bucketPolicy(r cloudformation.Resource, _ cloudformation.State) ([]iam.Statement, error) {
	statements, err := iam.Parse(r.LogicalID, r.Properties["PolicyDocument"])
	for i := range statements {
		statements[i].On = fmt.Sprintf("arn:aws:s3:::%v", r.Properties["Bucket"])
	}
	return statements, err
}

func keyPolicy(r cloudformation.Resource, state cloudformation.State) ([]iam.Statement, error) {
	statements, err := iam.Parse(r.LogicalID+".KeyPolicy", r.Properties["KeyPolicy"])
	for i := range statements {
		statements[i].On = arn(state)
	}
	return statements, err
}

// permission returns the statement that a permission adds to a function's policy.
func (c *Cloud) permission(r cloudformation.Resource, _ cloudformation.State) ([]iam.Statement, error) {
	statement := iam.Statement{Source: r.LogicalID, Actions: []string{fmt.Sprint(r.Properties["Action"])}}
	for name, value := range r.Properties {
		text := fmt.Sprint(value)
		switch name {
		case "Action":
		case "FunctionName":
			statement.On = c.functionARN(text)
		case "Principal":
			if !strings.HasSuffix(text, ".amazonaws.com") {
				return nil, fmt.Errorf("permission %s: Principal: invalid value %s: must be a service", r.LogicalID, text)
			}
			statement.Principals = []iam.Principal{{Kind: "Service", Value: text}}
		case "SourceArn":
			statement.Conditions = append(statement.Conditions, iam.Condition{Operator: "ArnLike", Key: "aws:SourceArn", Values: []string{text}})
		case "SourceAccount":
			statement.Conditions = append(statement.Conditions, iam.Condition{Operator: "StringEquals", Key: "aws:SourceAccount", Values: []string{text}})
		default:
			return nil, fmt.Errorf("%s of %s: not supported by the local run", name, r.LogicalID)
		}
	}
	return []iam.Statement{statement}, nil
}

// list returns a value as a list; nil if it is none.
func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// IAM is the local IAM with the stack's roles and policies.
func (c *Cloud) IAM() *iam.Authority { return c.authority }

// serviceMay decides an action of an AWS service on behalf of a resource of this
// account.
func (c *Cloud) serviceMay(service, source, action, resource string) error {
	d := c.authority.Judge(iam.Call{
		Caller:   iam.Caller{Service: service},
		Action:   action,
		Resource: resource,
		Context:  iam.Secure(map[string]string{"aws:SourceArn": source, "aws:SourceAccount": c.where().AccountID}),
	})
	if !d.Allowed {
		return d
	}
	return nil
}
