package main

import (
	"runtime/debug"
	"time"
)

// settle gives back what only the start needed: heap and program pages.
func settle() {
	debug.FreeOSMemory()
	giveBack()
}

// burstWait is how often run looks whether a burst of handshakes is over, and
// burstSize how many make one. A handshake needs four times the pages that
// streaming needs; to give them back costs a few hundred page faults.
const (
	burstWait = time.Second / 2
	burstSize = 32
)

// burst counts handshakes since pages were given back last.
type burst struct{ before, seen uint64 }

// over reports whether a burst has ended: enough handshakes since the last one,
// and fewer in the last period than a burst has. n is how many there were in all.
func (b *burst) over(n uint64) bool {
	quiet := n-b.seen < burstSize
	b.seen = n
	if !quiet || n-b.before < burstSize {
		return false
	}
	b.before = n
	return true
}
