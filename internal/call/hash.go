package call

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
)

// Hasher makes keyed digests (HMAC-SHA-256 with the install's secret). It is
// safe for concurrent use; its zero value keys with nothing and is for tests.
type Hasher struct{ key []byte }

// NewHasher returns a Hasher that owns a copy of key.
func NewHasher(key []byte) Hasher { return Hasher{key: append([]byte(nil), key...)} }

// Body starts an incremental body digest; finish it with SumBody.
func (h Hasher) Body() hash.Hash { return hmac.New(sha256.New, h.key) }

// SumBody returns the 16 hex digits of a body digest started with Body.
func SumBody(b hash.Hash) Digest { return Digest{hex.EncodeToString(b.Sum(nil)[:8])} }

// Secret digests a credential to 12 hex digits; the empty string has none.
func (h Hasher) Secret(s string) Digest {
	if s == "" {
		return Digest{}
	}
	m := hmac.New(sha256.New, h.key)
	m.Write([]byte(strings.TrimSpace(s)))
	return Digest{hex.EncodeToString(m.Sum(nil)[:6])}
}
