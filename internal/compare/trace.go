package compare

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"strings"

	"llmtap/internal/call"
)

// place gives attempt r of c its logical id and its position in a trace:
//
//	sampled traceparent            child of that span
//	later attempt                  child of the first attempt
//	none, malformed or unsampled   root, by our own sampler
//
// An unsampled parent stays in Remote, so that exporters can link to it.
func (j *Joiner) place(c *chain, r *call.Record) {
	id := &r.Identity
	if c.logical == "" {
		c.logical = id.ID
		if c.logical == "" {
			c.logical = j.id(8)
		}
	}
	id.Logical = c.logical
	id.Span = call.SpanContext{Span: j.id(8)}
	later := c.attempts > 1
	switch {
	case usable(id.Remote) && (id.Remote.Sampled || j.cfg.HonourUnsampledParent):
		id.Parent = id.Remote
		id.Span.Trace, id.Span.Sampled = id.Remote.Trace, id.Remote.Sampled
	case later:
		id.Parent = c.first
		id.Span.Trace, id.Span.Sampled = c.first.Trace, c.first.Sampled
	default:
		id.Span.Trace = j.id(16)
		id.Span.Sampled = j.cfg.Sample(id.Span.Trace)
	}
	if later {
		id.First = c.first
	} else {
		c.first = id.Span
	}
}

// usable reports whether c can be a parent: both ids are of W3C form.
func usable(c call.SpanContext) bool { return hexID(c.Trace, 32) && hexID(c.Span, 16) }

func hexID(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" && strings.Trim(s, "0") != ""
}

// id returns n random bytes in hex, never all zero. A source that runs dry is
// replaced by the system's, which cannot.
func (j *Joiner) id(n int) string {
	b := make([]byte, n)
	for {
		if _, err := io.ReadFull(j.cfg.Rand, b); err != nil {
			j.cfg.Rand = rand.Reader
			continue
		}
		for _, x := range b {
			if x != 0 {
				return hex.EncodeToString(b)
			}
		}
		j.cfg.Rand = rand.Reader
	}
}
