package cloudfront

import (
	"container/list"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Limits of the cache, in bytes. CloudFront caches objects up to 50 GB; here a
// larger object is not cached, so that a folder of videos does not fill the
// memory.
const (
	maxCached = 256 << 20
	maxObject = 16 << 20
)

// An objectCache caches responses of origins by cache key, and evicts the least
// recently used ones. It is safe for concurrent use.
type objectCache struct {
	mu     sync.Mutex
	size   int
	byKey  map[string]*list.Element
	recent *list.List // of *cached, the most recently used first
}

// A cached is an origin's response in the cache. It is immutable.
type cached struct {
	key, path string
	status    int
	header    http.Header
	body      []byte
	stored    time.Time
	ttl       time.Duration
}

func newObjectCache() *objectCache {
	return &objectCache{byKey: map[string]*list.Element{}, recent: list.New()}
}

func (c *objectCache) get(key string) *cached {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*cached)
}

func (c *objectCache) put(entry *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(c.byKey[entry.key])
	c.byKey[entry.key] = c.recent.PushFront(entry)
	c.size += len(entry.body)
	for c.size > maxCached {
		c.drop(c.recent.Back())
	}
}

func (c *objectCache) remove(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(c.byKey[key])
}

func (c *objectCache) drop(e *list.Element) {
	if e == nil {
		return
	}
	entry := c.recent.Remove(e).(*cached)
	delete(c.byKey, entry.key)
	c.size -= len(entry.body)
}

// invalidate removes the objects of a path, or of all paths that begin with one
// that ends in * (CloudFront developer guide, "Specify the objects to
// invalidate").
func (c *objectCache) invalidate(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	prefix, all := strings.CutSuffix(path, "*")
	for e := c.recent.Front(); e != nil; {
		next := e.Next()
		if entry := e.Value.(*cached); entry.path == path || all && strings.HasPrefix(entry.path, prefix) {
			c.drop(e)
		}
		e = next
	}
}

// fresh reports whether an entry may be served without asking the origin.
func (e *cached) fresh(now time.Time) bool { return now.Sub(e.stored) < e.ttl }
