package cloudfront

import (
	"fmt"
	"testing"

	"premiumhls/signedcookie"
)

func BenchmarkDecide(b *testing.B) {
	for _, c := range []struct {
		name   string
		grant  grant
		cached bool
	}{
		{"cached", courseOne(), true},
		{"RSA", courseOne(), false},
		{"ECDSA", grant{ecdsaKey, signedcookie.SHA1, courseOne().Policy}, false},
	} {
		for _, n := range []int{1, 10, 75} {
			b.Run(fmt.Sprintf("%s/behaviors=%d", c.name, n), func(b *testing.B) {
				d := distribution()
				signed := d.Behaviors[0]
				d.Behaviors = nil
				for i := range n - 1 {
					d.Behaviors = append(d.Behaviors, Behavior{PathPattern: fmt.Sprintf("/premium-%d/*.ts", i)})
				}
				d.Behaviors = append(d.Behaviors, signed)
				r := asked(segment, c.grant.cookies())
				var cache *Cache
				if c.cached {
					cache = NewCache(16)
				}
				b.ReportAllocs()
				for b.Loop() {
					if d := d.Decide(d.Route(segment), r, cache); !d.Allowed {
						b.Fatal(d.Reason)
					}
				}
			})
		}
	}
}

// BenchmarkDecideKeys is the check of a signed behavior by how many keys its
// key groups hold, as many as CloudFront lets them: four groups of five.
func BenchmarkDecideKeys(b *testing.B) {
	for _, c := range []struct {
		name string
		keys int
	}{
		{"groups=1/keys=1", 1},
		{"groups=1/keys=5", 5},
		{"groups=4/keys=5", 20},
	} {
		for _, cached := range []bool{true, false} {
			name := c.name + "/new"
			var cache *Cache
			if cached {
				name, cache = c.name+"/cached", NewCache(16)
			}
			b.Run(name, func(b *testing.B) {
				d := distribution()
				keys := map[string]PublicKey{ecdsaKey.id: ecdsaKey.public}
				for i := range c.keys - 1 {
					key := newKey(fmt.Sprintf("KECDSA%d", i), signedcookie.ECDSAP256)
					keys[key.id] = key.public
				}
				d.Behaviors[0].PublicKeys = keys
				r := asked(segment, grant{ecdsaKey, signedcookie.SHA1, courseOne().Policy}.cookies())
				b.ReportAllocs()
				for b.Loop() {
					if d := d.Decide(d.Route(segment), r, cache); !d.Allowed {
						b.Fatal(d.Reason)
					}
				}
			})
		}
	}
}
