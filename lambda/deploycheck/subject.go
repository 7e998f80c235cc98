package main

import (
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/signedcookie"
)

// A subject is what is checked: the properties of Custom::DeployCheck
// {SignerFunction, DomainName, Host, PremiumPath, Keys: [{Name, PublicKeyId,
// Type, Hash}], Patience, ReportOnly, Links}. It has others, which make CloudFormation
// request another check when they change.
type subject struct {
	signer   string        // the signer's ARN
	domain   string        // the distribution's own domain name
	host     string        // the viewers' host, the same or an alias
	premium  string        // the premium path, as in premium
	patience time.Duration // how long a change may take to reach every edge location
	// reportOnly: a failed check does not fail the deploy.
	reportOnly bool
	links      bool // there are links
	keys       []key
}

// A key is one that the premium behavior trusts.
type key struct {
	name, id string
	kind     signedcookie.KeyType
	hash     signedcookie.Hash
}

func parseSubject(event cfn.Event) (subject, error) {
	var s subject
	var patience string
	if err := texts(event.ResourceProperties, map[string]*string{
		"SignerFunction": &s.signer, "DomainName": &s.domain, "Host": &s.host, "PremiumPath": &s.premium, "Patience": &patience,
	}); err != nil {
		return subject{}, err
	}
	var err error
	if s.patience, err = time.ParseDuration(patience); err != nil || s.patience < 0 {
		return subject{}, fmt.Errorf("property Patience: invalid value %q: must be a duration such as 10m0s", patience)
	}
	s.reportOnly = event.ResourceProperties["ReportOnly"] == "true"
	s.links = event.ResourceProperties["Links"] == "true"
	list, _ := event.ResourceProperties["Keys"].([]any)
	for _, element := range list {
		properties, _ := element.(map[string]any)
		var k key
		var kind, hash string
		if err := texts(properties, map[string]*string{"Name": &k.name, "PublicKeyId": &k.id, "Type": &kind, "Hash": &hash}); err != nil {
			return subject{}, fmt.Errorf("property Keys: %w", err)
		}
		if k.kind, err = signedcookie.ParseKeyType(kind); err != nil {
			return subject{}, fmt.Errorf("property Keys: %w", err)
		}
		if k.hash, err = signedcookie.ParseHash(hash); err != nil {
			return subject{}, fmt.Errorf("property Keys: %w", err)
		}
		s.keys = append(s.keys, k)
	}
	if len(s.keys) == 0 {
		return subject{}, fmt.Errorf("property Keys: must be a list that is not empty")
	}
	return s, nil
}

// texts reads required properties.
func texts(properties map[string]any, into map[string]*string) error {
	for name, value := range into {
		text, ok := properties[name].(string)
		if !ok || text == "" {
			return fmt.Errorf("property %s: must be a string that is not empty", name)
		}
		*value = text
	}
	return nil
}
