package prom

// maxMemo bounds a memo; beyond it everything is looked up anew.
const maxMemo = 1024

// memo remembers what was found for a key: looking up a series by its label
// values hashes all of them. The zero value is empty. It belongs to the sink's
// mutex.
type memo[K comparable, V any] struct{ m map[K]V }

// get returns the value of key, made by find the first time.
func (m *memo[K, V]) get(key K, find func() V) V {
	if v, ok := m.m[key]; ok {
		return v
	}
	if m.m == nil || len(m.m) >= maxMemo {
		m.m = map[K]V{}
	}
	v := find()
	m.m[key] = v
	return v
}

// forget drops everything: series were deleted.
func (m *memo[K, V]) forget() { m.m = nil }
