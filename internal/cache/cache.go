// Package cache caches results that are expensive to compute, in bounded memory.
package cache

import (
	"context"
	"errors"
	"sync"
)

// errAbandoned is what others that wait for a value get when making it
// panicked; the panic itself goes to the one that made it.
var errAbandoned = errors.New("making the value was abandoned")

// A Cache holds between size and twice size of the values used last, in two
// generations: when the young one is full it becomes the old one, and what
// was in the old one and not used since is forgotten. A hit costs a lock and
// one or two map look-ups, without a list to keep in order.
//
// A Cache may be used by several goroutines at once.
type Cache[K comparable, V any] struct {
	size int

	mu         sync.Mutex
	young, old map[K]entry[K, V]
	making     map[K]*making[V]
}

// An entry has the key that was put, because the key of a later Get may share
// memory with something large, such as a request.
type entry[K comparable, V any] struct {
	key   K
	value V
}

type making[V any] struct {
	done  chan struct{} // closed when value and err are set
	value V
	err   error
}

// New returns an empty cache for generations of size values.
func New[K comparable, V any](size int) *Cache[K, V] {
	return &Cache[K, V]{size: size, young: make(map[K]entry[K, V]), making: make(map[K]*making[V])}
}

// Get returns the value kept for key.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(key)
}

// Put caches a value for key.
func (c *Cache[K, V]) Put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, value)
}

// Len returns the number of cached values.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.young) + len(c.old)
}

func (c *Cache[K, V]) get(key K) (V, bool) {
	e, ok := c.young[key]
	if ok {
		return e.value, true
	}
	if e, ok = c.old[key]; ok {
		c.put(e.key, e.value)
	}
	return e.value, ok
}

func (c *Cache[K, V]) put(key K, value V) {
	if len(c.young) >= c.size {
		c.old, c.young = c.young, make(map[K]entry[K, V])
	}
	c.young[key] = entry[K, V]{key, value}
}

// Make returns the value kept for key, and makes and keeps it where there is
// none. Concurrent calls for the same key share one call of produce, which runs
// in the goroutine of the first and with a context that has the deadline of the
// first's but is not cancelled with it, because others may wait for the value.
// An error is not kept. A call that only waits gives up when its context ends.
func (c *Cache[K, V]) Make(ctx context.Context, key K, produce func(context.Context) (V, error)) (V, error) {
	c.mu.Lock()
	if value, ok := c.get(key); ok {
		c.mu.Unlock()
		return value, nil
	}
	if m, ok := c.making[key]; ok {
		c.mu.Unlock()
		select {
		case <-m.done:
			return m.value, m.err
		case <-ctx.Done():
			var none V
			return none, context.Cause(ctx)
		}
	}
	m := &making[V]{done: make(chan struct{}), err: errAbandoned}
	c.making[key] = m
	c.mu.Unlock()

	defer func() {
		c.mu.Lock()
		delete(c.making, key)
		if m.err == nil {
			c.put(key, m.value)
		}
		c.mu.Unlock()
		close(m.done)
	}()
	detached := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		detached, cancel = context.WithDeadline(detached, deadline)
		defer cancel()
	}
	m.value, m.err = produce(detached)
	return m.value, m.err
}
