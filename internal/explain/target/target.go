// Package target reads the distribution that a request is checked against: from
// a deployed stack, a local run, a synthesized template, or a public key alone.
package target

import (
	"crypto"
	"fmt"
	"slices"

	"premiumhls/internal/cfn"
	"premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

// A Target is a distribution and what is known about it.
type Target struct {
	cloudfront.Distribution
	// Keys are the public keys, by id. It has those of the distribution's
	// behaviors, and others only where they help to tell whose signature one
	// is.
	Keys map[string]crypto.PublicKey
	// KeysUnknown, where it is not empty, is why the behaviors' keys are not
	// known. Their ids and signatures cannot be checked then.
	KeysUnknown string
	// AnyKeyID says that the id of the key is not known, only the key.
	AnyKeyID bool
	// AnyHost says that the distribution's own host is not known: that of a
	// request is taken for it, unless the distribution has aliases and the host
	// is not below cloudfront.net.
	AnyHost bool
	// CountsAsHTTPS says that plain HTTP counts as HTTPS, because this distribution
	// is that of a local run.
	CountsAsHTTPS bool
	// Notes are sentences about what could not be looked at.
	Notes []string
	// Site is the address of the page; empty where it is not known.
	Site string
}

// A Key is a public key that somebody has at hand.
type Key struct {
	ID  string // as CloudFront knows it; empty where it is not known
	PEM []byte
}

// unknownID stands for the id of the only key, where it is not known.
const unknownID = "(not given)"

// trust makes keys those of every signed behavior.
func (t *Target) trust(keys []Key) error {
	t.Keys, t.KeysUnknown = map[string]crypto.PublicKey{}, ""
	public := map[string]cloudfront.PublicKey{}
	for _, k := range keys {
		if k.ID == "" {
			if len(keys) > 1 {
				return fmt.Errorf("with more than one public key, each needs an id: set --key-id as often as --public-key")
			}
			k.ID, t.AnyKeyID = unknownID, true
		}
		if _, twice := public[k.ID]; twice {
			return fmt.Errorf("the key id %s is given twice", k.ID)
		}
		key, err := cloudfront.ParsePublicKey(k.ID, k.PEM)
		if err != nil {
			return err
		}
		public[k.ID] = key
		if t.Keys[k.ID], err = signedcookie.ParsePublicKey(k.PEM); err != nil {
			return err
		}
	}
	t.Behaviors = slices.Clone(t.Behaviors)
	for i := range t.Behaviors {
		if t.Behaviors[i].Signed {
			t.Behaviors[i].PublicKeys = public
		}
	}
	return nil
}

// Identify returns the target with the only key under an id that a request
// names, where the key's own is not known.
func (t Target) Identify(id string) Target {
	if !t.AnyKeyID || id == "" {
		return t
	}
	t.Keys = map[string]crypto.PublicKey{id: t.Keys[unknownID]}
	t.Behaviors = slices.Clone(t.Behaviors)
	for i, b := range t.Behaviors {
		if key, ok := b.PublicKeys[unknownID]; ok {
			t.Behaviors[i].PublicKeys = map[string]cloudfront.PublicKey{id: key}
		}
	}
	return t
}

// FromResources is the distribution of a local run, from its resources.
func FromResources(resources []cfn.Resolved, site string) (Target, error) {
	t := Target{Site: site, CountsAsHTTPS: true, Keys: map[string]crypto.PublicKey{}}
	for i := range resources {
		t.Notes = append(t.Notes, setAside(&resources[i])...)
	}
	var err error
	if t.Distribution, err = cloudfront.Read(resources); err != nil {
		return Target{}, err
	}
	for _, r := range resources {
		config, _ := r.Properties["PublicKeyConfig"].(map[string]any)
		text, ok := config["EncodedKey"].(string)
		if !ok {
			continue
		}
		if t.Keys[r.PhysicalID], err = signedcookie.ParsePublicKey([]byte(text)); err != nil {
			return Target{}, fmt.Errorf("public key %s: %w", r.PhysicalID, err)
		}
	}
	return t, nil
}

// FromKeys is a distribution of which only public keys are known, and the
// pattern of the behavior that trusts them.
func FromKeys(host, pattern string, keys []Key) (Target, error) {
	t := Target{
		Distribution: cloudfront.Distribution{Domain: host, Enabled: true, IPv6: true},
		AnyHost:      host == "",
	}
	methods := []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
	t.Behaviors = []cloudfront.Behavior{{PathPattern: pattern, AllowedMethods: methods, ViewerProtocolPolicy: "allow-all", Signed: true}}
	if pattern != "*" {
		t.Behaviors = append(t.Behaviors, cloudfront.Behavior{PathPattern: "*", AllowedMethods: methods, ViewerProtocolPolicy: "allow-all"})
	}
	if err := t.trust(keys); err != nil {
		return Target{}, err
	}
	t.Notes = append(t.Notes, "Only the public key is known: methods, HTTPS, countries and other behaviors are not checked.")
	return t, nil
}
