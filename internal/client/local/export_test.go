package local

import (
	"bytes"
	"net/netip"
	"time"
)

// Searcher searches without a Finder's queue and rests, for measurements.
type Searcher struct{ s *searcher }

// NewSearcher returns a Searcher with empty caches.
func NewSearcher(c Config) Searcher { return Searcher{newSearcher(c.withDefaults())} }

// Close gives back what the Searcher has open.
func (s Searcher) Close() { s.s.close() }

// Search looks one connection up.
func (s Searcher) Search(client, server netip.AddrPort) (Info, error) {
	b := &Search{client: client, server: server, done: make(chan struct{})}
	s.s.search([]*Search{b})
	return b.Result()
}

// ScanTable shows the table parser to the fuzzer.
func ScanTable(text []byte, client, server netip.AddrPort) (inode uint64, uid int, ok bool) {
	p := newPairs([][]string{tableKeys(client, server)})
	_ = p.scan(bytes.NewReader(text), time.Now().Add(time.Hour))
	s, ok := p.found[0]
	return s.inode, s.uid, ok
}

// ParseStat shows the stat parser to the fuzzer.
func ParseStat(b []byte) (comm string, start uint64, err error) { return parseStat(b) }
