package target

import (
	"crypto"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"premiumhls/internal/cfn"
	"premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

// keysAfterDeploy is why a template does not tell the keys.
const keysAfterDeploy = "the public key is known only after a deploy; set --public-key or --stack"

// FromTemplate reads the distribution of a synthesized template, a file or a
// cdk.out folder with only one. Ids that CloudFormation would make are made
// up. Keys may be empty; then they are not known.
func FromTemplate(path string, keys []Key) (Target, error) {
	path, err := findTemplate(path)
	if err != nil {
		return Target{}, err
	}
	t, err := cfn.Read(path)
	if err != nil {
		return Target{}, err
	}
	key, err := standIn()
	if err != nil {
		return Target{}, err
	}
	resources, err := resolve(t, key)
	if err != nil {
		return Target{}, fmt.Errorf("reading the template %s: %w", path, err)
	}
	target := Target{KeysUnknown: keysAfterDeploy}
	for i := range resources {
		target.Notes = append(target.Notes, setAside(&resources[i])...)
	}
	if target.Distribution, err = cloudfront.Read(resources); err != nil {
		return Target{}, err
	}
	target.Domain, target.AnyHost = "", true // what was read is made up
	if len(keys) > 0 {
		return target, target.trust(keys)
	}
	target.Keys = map[string]crypto.PublicKey{}
	return target, nil
}

// Needs are what a synthesized template needs of an account: the number of its
// resources by type, and the ARN of the SES identity that sends the user pool's
// emails, empty if Cognito sends them.
func Needs(path string) (counts map[string]int, sender string, err error) {
	if path, err = findTemplate(path); err != nil {
		return nil, "", err
	}
	t, err := cfn.Read(path)
	if err != nil {
		return nil, "", err
	}
	counts = map[string]int{}
	for _, r := range t.Resources {
		counts[r.Type]++
		if r.Type == "AWS::Cognito::UserPool" {
			email, _ := r.Properties["EmailConfiguration"].(map[string]any)
			sender, _ = email["SourceArn"].(string)
		}
	}
	return counts, sender, nil
}

func findTemplate(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("finding the template: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	found, err := filepath.Glob(filepath.Join(path, "*.template.json"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("the folder %s has %d files *.template.json, not one: name the file", path, len(found))
	}
	return found[0], nil
}

// standIn is a public key in the place of one that a deploy makes.
func standIn() (string, error) {
	key, err := signedcookie.GenerateKey(signedcookie.ECDSAP256)
	if err != nil {
		return "", fmt.Errorf("making a key to stand in: %w", err)
	}
	pem, err := signedcookie.MarshalPublicKey(key.Public())
	return string(pem), err
}

// resolve resolves what a distribution is made of.
func resolve(t *cfn.Template, publicKey string) ([]cfn.Resolved, error) {
	env := cfn.Environment{
		Region: "us-east-1", AccountID: "111122223333", StackName: "Stack",
		StackID:   "arn:aws:cloudformation:us-east-1:111122223333:stack/Stack/00000000-0000-4000-8000-000000000000",
		Partition: "aws", URLSuffix: "amazonaws.com",
	}
	values := placeholders{t, env, publicKey}
	resolver, err := cfn.NewResolver(t, env, values)
	if err != nil {
		return nil, err
	}
	var resources []cfn.Resolved
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		kind := t.Resources[id].Type
		if !strings.HasPrefix(kind, "AWS::CloudFront::") || !resolver.Included(id) {
			continue
		}
		properties, err := resolver.Properties(id)
		if err != nil {
			return nil, err
		}
		physicalID, attributes := values.of(id)
		resources = append(resources, cfn.Resolved{LogicalID: id, PhysicalID: physicalID, Type: kind, Properties: properties, Attributes: attributes})
	}
	return resources, nil
}

// placeholders gives a resolver ids and attributes in the form of a deploy's.
type placeholders struct {
	template  *cfn.Template
	env       cfn.Environment
	publicKey string
}

func (p placeholders) of(id string) (physicalID string, attributes map[string]any) {
	return cfn.Placeholder(p.env, id, p.template.Resources[id].Type, nil)
}

func (p placeholders) Ref(id string) (string, error) {
	physicalID, _ := p.of(id)
	return physicalID, nil
}

func (p placeholders) Attribute(id, name string) (any, error) {
	_, attributes := p.of(id)
	if value, ok := attributes[name]; ok {
		return value, nil
	}
	if name == "PublicKey" && strings.HasPrefix(p.template.Resources[id].Type, "Custom::") {
		return p.publicKey, nil
	}
	return id + "." + name, nil
}

// setAside takes off a distribution what the edge does not enforce and what
// says nothing about signatures, and tells so.
func setAside(r *cfn.Resolved) (notes []string) {
	config, ok := r.Properties["DistributionConfig"].(map[string]any)
	if !ok {
		return nil
	}
	config = maps.Clone(config)
	r.Properties = maps.Clone(r.Properties)
	r.Properties["DistributionConfig"] = config
	if config["WebACLId"] != nil {
		delete(config, "WebACLId")
		notes = append(notes, webACLNote)
	}
	behaviors := []any{config["DefaultCacheBehavior"]}
	if list, ok := config["CacheBehaviors"].([]any); ok {
		behaviors = append(behaviors, list...)
	}
	for _, b := range behaviors {
		behavior, ok := b.(map[string]any)
		if !ok {
			continue
		}
		pattern := behavior["PathPattern"]
		if pattern == nil {
			pattern = "*"
		}
		const lambda = "LambdaFunctionAssociations"
		if list, ok := behavior[lambda].([]any); ok && len(list) > 0 {
			delete(behavior, lambda)
			notes = append(notes, fmt.Sprintf(functionsNote, pattern))
		}
	}
	return notes
}

const (
	webACLNote    = "The distribution has a web ACL (AWS WAF), which is not checked here: it can block requests with a 403 too."
	functionsNote = "Behavior %v has functions, which are not checked here: they can change or answer a request."
)
