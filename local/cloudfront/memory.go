package cloudfront

import (
	"crypto"
	"strings"
	"sync"

	"premiumhls/signedcookie"
)

// A claim is all that decides whether a signature verifies, as the viewer sent
// it: the policy, or the canned policy that was made of its end, and the
// signature still encoded. It is itself the key of the memory, so that no two
// can be taken for one another.
type claim struct {
	key       crypto.PublicKey
	hash      signedcookie.Hash
	policy    string
	signature string
	canned    bool
}

// clone frees the claim of the request whose headers it is part of.
func (c claim) clone() claim {
	c.policy, c.signature = strings.Clone(c.policy), strings.Clone(c.signature)
	return c
}

// A proof is what a claim that verified said.
type proof struct {
	policy    signedcookie.Policy
	raw       string // the policy's bytes
	signature int    // its length in bytes
	end       string // of the policy, in words
}

// A Memory remembers signatures that verified, and what their policies said,
// so that the second segment costs less than the first. It holds nothing else:
// time, address and resource are looked at on every request. It is bounded,
// and safe for concurrent use. A nil Memory remembers nothing.
type Memory struct {
	size int // of a generation

	mu sync.RWMutex
	// Two generations: when the young one is full it becomes the old one, and
	// the old one is forgotten.
	young, old map[claim]*proof
}

// NewMemory makes a memory of at most size signatures.
func NewMemory(size int) *Memory {
	return &Memory{size: max(size/2, 1), young: map[claim]*proof{}}
}

func (m *Memory) recall(c claim) *proof {
	if m == nil {
		return nil
	}
	m.mu.RLock()
	young, old := m.young[c], m.old[c]
	m.mu.RUnlock()
	if young == nil && old != nil {
		m.remember(c, old)
		return old
	}
	return young
}

// remember keeps a claim without the request that it is part of.
func (m *Memory) remember(c claim, p *proof) {
	if m == nil {
		return
	}
	c = c.clone()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.young) >= m.size {
		m.old, m.young = m.young, make(map[claim]*proof, m.size)
	}
	m.young[c] = p
}
