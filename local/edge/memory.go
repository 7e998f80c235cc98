package edge

import (
	"crypto"
	"sync"

	"premiumhls/signedcookie"
)

// A signed policy is all that decides whether a signature verifies. It is
// itself the key of the memory, so that no two can be taken for one another.
type signed struct {
	key       crypto.PublicKey
	hash      signedcookie.Hash
	policy    string
	signature string
}

// A Memory remembers signatures that verified, and what their policies said,
// so that the second segment costs less than the first. It holds nothing else:
// time, address and resource are looked at on every request. It is bounded,
// and safe for concurrent use. A nil Memory remembers nothing.
type Memory struct {
	size int

	mu sync.RWMutex
	// Two generations: when the young one is full it becomes the old one, and
	// the old one is forgotten.
	young, old map[signed]signedcookie.Policy
}

// NewMemory makes a memory of at most size signatures.
func NewMemory(size int) *Memory {
	return &Memory{size: max(size/2, 1), young: map[signed]signedcookie.Policy{}}
}

func (m *Memory) recall(key crypto.PublicKey, hash signedcookie.Hash, policy, signature []byte) (signedcookie.Policy, bool) {
	if m == nil {
		return signedcookie.Policy{}, false
	}
	m.mu.RLock()
	p, ok := m.young[signed{key, hash, string(policy), string(signature)}]
	if ok {
		m.mu.RUnlock()
		return p, true
	}
	p, ok = m.old[signed{key, hash, string(policy), string(signature)}]
	m.mu.RUnlock()
	if ok {
		m.remember(key, hash, policy, signature, p)
	}
	return p, ok
}

func (m *Memory) remember(key crypto.PublicKey, hash signedcookie.Hash, policy, signature []byte, p signedcookie.Policy) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.young) >= m.size {
		m.old, m.young = m.young, make(map[signed]signedcookie.Policy, m.size)
	}
	m.young[signed{key, hash, string(policy), string(signature)}] = p
}
