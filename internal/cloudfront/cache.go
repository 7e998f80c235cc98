package cloudfront

import (
	"crypto"
	"strings"

	"premiumhls/internal/cache"
	"premiumhls/signedcookie"
)

// A claim is everything that decides whether a signature verifies, as the
// viewer sent it: the policy, or the canned policy made from its expiry, and the
// encoded signature. The claim itself is the key of the cache, so that no two
// claims can collide.
type claim struct {
	key       crypto.PublicKey
	hash      signedcookie.Hash
	policy    string
	signature string
	canned    bool
}

// clone frees the claim from the memory of the request's headers.
func (c claim) clone() claim {
	c.policy, c.signature = strings.Clone(c.policy), strings.Clone(c.signature)
	return c
}

// verified is the content of a claim whose signature verified.
type verified struct {
	policy    signedcookie.Policy
	raw       string // the policy's bytes
	signature int    // its length in bytes
	expires   string // the policy's expiry, for people
}

// A Cache holds claims whose signatures verified, so that only the first
// request of a viewer costs a verification. Time, address and resource are
// checked for every request. It is bounded and safe for concurrent use. A nil
// Cache caches nothing.
type Cache struct {
	claims *cache.Cache[claim, *verified]
}

// NewCache returns a cache of at most size signatures.
func NewCache(size int) *Cache {
	return &Cache{cache.New[claim, *verified](max(size/2, 1))}
}

func (c *Cache) get(key claim) *verified {
	if c == nil {
		return nil
	}
	v, ok := c.claims.Get(key)
	if !ok {
		return nil
	}
	return v
}

func (c *Cache) put(key claim, v *verified) {
	if c != nil {
		c.claims.Put(key.clone(), v)
	}
}
