package call

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
	"sync"
)

// Hasher makes keyed digests (HMAC-SHA-256 with the install's secret). It is
// safe for concurrent use; its zero value keys with nothing and is for tests.
type Hasher struct {
	key   []byte
	spare *sync.Pool // of hash.Hash keyed with key; nil for none
}

// NewHasher returns a Hasher that owns a copy of key. Its copies share spare
// digests.
func NewHasher(key []byte) Hasher {
	return Hasher{key: append([]byte(nil), key...), spare: new(sync.Pool)}
}

// Body starts an incremental body digest; finish it with SumBody.
func (h Hasher) Body() hash.Hash {
	if h.spare != nil {
		if m, ok := h.spare.Get().(hash.Hash); ok {
			m.Reset()
			return m
		}
	}
	return hmac.New(sha256.New, h.key)
}

// SumBody ends a body digest started with Body, which must not be used any more,
// and returns its 16 hex digits.
func (h Hasher) SumBody(b hash.Hash) Digest { return h.sum(b, 8) }

// sum returns the first n bytes in hex and keeps m for the next digest.
func (h Hasher) sum(m hash.Hash, n int) Digest {
	var raw [sha256.Size]byte
	out := Digest{hex.EncodeToString(m.Sum(raw[:0])[:n])}
	if h.spare != nil {
		h.spare.Put(m)
	}
	return out
}

// Secret digests a credential to 12 hex digits; the empty string has none.
func (h Hasher) Secret(s string) Digest {
	if s == "" {
		return Digest{}
	}
	m := h.Body()
	m.Write([]byte(strings.TrimSpace(s)))
	return h.sum(m, 6)
}
