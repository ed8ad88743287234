package wire

import "encoding/base64"

// chunkTree finds the document in a chunk of Bedrock's InvokeModel.
var chunkTree = compile([]path{{path: "bytes", slot: firstOwn, keep: keepPour}})

// chunks takes documents out of {"bytes":"<base64>","p":"…"} and feeds them to
// a decoder. It keeps less than a KiB, whatever their size.
type chunks struct {
	dec   *decoder
	scan  scanner
	quad  [4]byte // base64 characters that are no whole group yet
	n     int
	plain [3 << 8]byte
	// padded: the last group was not full, so that no other may follow.
	padded bool
	found  bool
	bad    bool
}

func newChunks(d *decoder) *chunks {
	c := &chunks{dec: d}
	c.scan.root, c.scan.sink, c.scan.pour = chunkTree, c, c.pour
	return c
}

// begin prepares for a new wrapper.
func (c *chunks) begin() {
	c.scan.reset()
	c.n, c.padded, c.found, c.bad = 0, false, false, false
}

func (c *chunks) push(p []byte) {
	if c.scan.push(p) < len(p) {
		c.bad = true
	}
}

// end ends the wrapper; empty tells that nothing was in it. The decoder learns
// here whether the wrapper was in order.
func (c *chunks) end() (empty bool) {
	if !c.scan.finish() || c.n > 0 {
		c.bad = true
	}
	if c.bad {
		c.dec.trailed = true
		return false
	}
	return !c.found
}

// value is for the scanner only: what matters is poured.
func (c *chunks) value(slot, *value) {}

// pour takes characters of the string. Of a member that stands there twice the
// last counts.
func (c *chunks) pour(p []byte, begin bool) {
	if begin {
		c.dec.begin()
		c.n, c.padded, c.found, c.bad = 0, false, true, false
	}
	if c.bad {
		return
	}
	if c.n > 0 {
		n := copy(c.quad[c.n:], p)
		p = p[n:]
		if c.n += n; c.n < len(c.quad) {
			return
		}
		c.n = 0
		c.decode(c.quad[:])
	}
	for len(p) >= len(c.quad) {
		n := min(len(p)&^3, len(c.plain)/3*4)
		c.decode(p[:n])
		p = p[n:]
	}
	c.n = copy(c.quad[:], p)
}

// decode takes whole groups of four characters. One that is padded is the last.
func (c *chunks) decode(p []byte) {
	if c.padded {
		c.bad = true
		return
	}
	groups := base64Groups(c.plain[:], p)
	n := 3 * groups
	if p = p[4*groups:]; len(p) > 0 {
		last, err := base64.StdEncoding.Decode(c.plain[n:], p[:4])
		n += last
		c.padded = true
		c.bad = c.bad || err != nil || len(p) > 4
	}
	c.feed(n)
}

func (c *chunks) feed(n int) {
	if c.dec.feed(c.plain[:n]) < n {
		c.bad = true
	}
}
