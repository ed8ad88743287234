package local

// cache keeps a bounded number of values. Not safe for concurrent use.
type cache[K comparable, V any] struct {
	entries map[K]*entry[V]
	limit   int
	clock   uint64
}

type entry[V any] struct {
	value V
	used  uint64
}

func newCache[K comparable, V any](limit int) cache[K, V] {
	return cache[K, V]{entries: map[K]*entry[V]{}, limit: limit}
}

func (c *cache[K, V]) get(k K) (V, bool) {
	e, ok := c.entries[k]
	if !ok {
		var none V
		return none, false
	}
	c.clock++
	e.used = c.clock
	return e.value, true
}

// put keeps a value; the one that was used longest ago makes room.
func (c *cache[K, V]) put(k K, v V) {
	if len(c.entries) >= c.limit {
		var oldest K
		at := ^uint64(0)
		for k, e := range c.entries {
			if e.used < at {
				oldest, at = k, e.used
			}
		}
		delete(c.entries, oldest)
	}
	c.clock++
	c.entries[k] = &entry[V]{v, c.clock}
}
