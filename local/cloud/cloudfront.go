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

// dropWebACL removes the web ACL from the distribution: there is no firewall on
// this machine, and the edge rejects properties that it does not support.
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

// proofProvider makes the edge serve the distribution, and the API if the check
// requests a link, before the deploy check runs: everything that the check depends
// on is deployed by then.
type proofProvider struct {
	cloudformation.Provider
	cloud *Cloud
}

func (p proofProvider) Create(ctx context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	if err := p.serve(r); err != nil {
		return cloudformation.State{}, err
	}
	return p.Provider.Create(ctx, r)
}

func (p proofProvider) Update(ctx context.Context, r cloudformation.Resource, state cloudformation.State) (cloudformation.State, error) {
	if err := p.serve(r); err != nil {
		return cloudformation.State{}, err
	}
	return p.Provider.Update(ctx, r, state)
}

func (p proofProvider) serve(r cloudformation.Resource) error {
	if r.Properties["Links"] != nil {
		if err := p.cloud.serveAPI(); err != nil {
			return err
		}
	}
	return p.cloud.serveDistribution()
}

// publicKeyProvider rejects what CloudFront rejects: a change of a public key,
// and its deletion while a key group names it.
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
