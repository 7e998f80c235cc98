package cloud

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"premiumhls/internal/cfn"
	"premiumhls/local/cloudformation"
)

// dropWebACL takes a web ACL off the distribution: there is no firewall on
// this machine, and the edge serves no distribution of which it would leave
// out a part.
func dropWebACL(resources []cfn.Resolved) {
	for i, r := range resources {
		config, ok := r.Properties["DistributionConfig"].(map[string]any)
		if !ok || config["WebACLId"] == nil {
			continue
		}
		config = maps.Clone(config)
		delete(config, "WebACLId")
		resources[i].Properties = maps.Clone(r.Properties)
		resources[i].Properties["DistributionConfig"] = config
	}
}

// proofProvider has the edge serve the distribution before it is proven: what
// is deployed by then is all that it depends on.
type proofProvider struct {
	cloudformation.Provider
	cloud *Cloud
}

func (p proofProvider) Create(ctx context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	if err := p.cloud.serveDistribution(); err != nil {
		return cloudformation.State{}, err
	}
	return p.Provider.Create(ctx, r)
}

func (p proofProvider) Update(ctx context.Context, r cloudformation.Resource, state cloudformation.State) (cloudformation.State, error) {
	if err := p.cloud.serveDistribution(); err != nil {
		return cloudformation.State{}, err
	}
	return p.Provider.Update(ctx, r, state)
}

// publicKeyProvider refuses what CloudFront refuses of a public key: another
// material, and its deletion while a key group names it.
type publicKeyProvider struct {
	cloudformation.Generic
	cloud *Cloud
}

func (p publicKeyProvider) Update(ctx context.Context, r cloudformation.Resource, state cloudformation.State) (cloudformation.State, error) {
	material := func(properties map[string]any) any {
		config, _ := properties["PublicKeyConfig"].(map[string]any)
		return []any{config["EncodedKey"], config["CallerReference"], config["Name"]}
	}
	if !reflect.DeepEqual(material(r.Properties), material(r.Old)) {
		return state, fmt.Errorf("CannotChangeImmutablePublicKeyFields: the public key %s cannot be changed", state.PhysicalID)
	}
	return state, nil
}

func (p publicKeyProvider) Delete(_ context.Context, _ cloudformation.Resource, state cloudformation.State) error {
	for _, group := range p.cloud.stack.Resources("AWS::CloudFront::KeyGroup") {
		if config, _ := group.Properties["KeyGroupConfig"].(map[string]any); strings.Contains(fmt.Sprint(config["Items"]), state.PhysicalID) {
			return fmt.Errorf("PublicKeyInUse: the key group %s names the public key %s", group.State.PhysicalID, state.PhysicalID)
		}
	}
	return nil
}
