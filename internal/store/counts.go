package store

import (
	"maps"
	"sync"
)

// Reasons for which something was not kept; the keys of Store.Dropped.
const (
	dropQueueFull   = "queue_full"  // the writer did not keep up
	dropRingFull    = "ring_full"   // the disk refused for too long
	dropContent     = "content"     // the record was kept, its content was not
	dropTooBig      = "too_big"     // a record was kept without its long texts, a finding was not
	dropEncode      = "encode"      // the record has no JSON form or no id
	dropUnreadable  = "unreadable"  // a stored row that this build cannot decode
	dropUnfinished  = "unfinished"  // the start was kept, the end never came
	dropAfterClose  = "after_close" // offered to a closed store
	dropAtClose     = "at_close"    // still in memory when Close could not write
	maxRowBytes     = 1 << 20       // beyond it a record loses its content
	maxRetention    = 10_000        // findings, and rows of one answer
	defaultAnswer   = 100           // rows of an answer without limit
	corruptFileKept = 3             // files moved aside that are kept
)

// counts counts what was lost, by reason.
type counts struct {
	mu sync.Mutex
	// by has one key per reason of the list above, so it is bounded.
	by map[string]uint64
}

func (c *counts) add(reason string, n int) {
	if n <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]uint64{}
	}
	c.by[reason] += uint64(n)
}

func (c *counts) snapshot() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]uint64{}
	maps.Copy(out, c.by)
	return out
}
