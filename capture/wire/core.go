package wire

import "hash"

// core feeds a hash with a JSON object less its members stream and
// stream_options and less insignificant blanks, so that the same question
// asked plain and streamed has one digest. What is no object is fed as it is.
type core struct {
	hash  hash.Hash
	out   []byte
	key   []byte // the member name at hand, raw, while it is undecided
	depth int
	at    coreAt
	esc   bool
	text  bool // inside a string
	some  bool // a member was written
	skip  bool // the member at hand is left out
	long  bool // … has a longer name than those
	one   [1]byte
}

// coreAt is where the outermost object stands.
type coreAt uint8

const (
	coreStart coreAt = iota
	coreName         // before or inside a member name
	coreValue
	coreRaw // no object, or behind it
)

func (c *core) push(p []byte) {
	if c.hash == nil {
		return
	}
	for i := 0; i < len(p); {
		switch {
		case c.at == coreRaw:
			c.write(p[i:])
			i = len(p)
		case c.text:
			i = c.string(p, i)
		default:
			c.outside(p[i])
			i++
		}
	}
}

// string takes the part of a string that lies in p.
func (c *core) string(p []byte, i int) int {
	j := i
	for j < len(p) && c.text {
		if c.esc {
			c.esc = false
			j++
			continue
		}
		if j += plain(p[j:]); j < len(p) {
			c.esc = p[j] == '\\'
			c.text = p[j] != '"'
			j++
		}
	}
	c.put(p[i:j])
	if !c.text && c.at == coreName {
		c.named()
	}
	return j
}

// outside takes a byte between strings.
func (c *core) outside(b byte) {
	if blank(b) {
		return
	}
	c.one[0] = b
	switch b {
	case '"':
		c.text = true
	case '{', '[':
		c.depth++
	case '}', ']':
		c.depth--
	}
	switch {
	case c.at == coreStart:
		c.at = coreName
		if b != '{' {
			c.at = coreRaw
		}
		c.write(c.one[:])
	case c.depth == 0:
		c.flushName()
		c.at = coreRaw
		c.write(c.one[:])
	case c.depth == 1 && b == ',':
		c.flushName()
		c.at, c.skip, c.long = coreName, false, false
	default:
		c.put(c.one[:])
	}
}

// put takes bytes of a member: held while its name is undecided.
func (c *core) put(p []byte) {
	switch {
	case c.skip:
	case c.at == coreName && !c.long && len(c.key)+len(p) <= maxShort:
		c.key = append(c.key, p...)
	case c.at == coreName && !c.long:
		c.long = true
		c.key = append(c.key, p[0])
		c.flushName()
		c.write(p[1:])
	default:
		c.write(p)
	}
}

// named decides at the end of a member name.
func (c *core) named() {
	c.at = coreValue
	if name := string(c.key); name == `"stream"` || name == `"stream_options"` {
		c.skip, c.key = true, c.key[:0]
		return
	}
	c.flushName()
}

func (c *core) flushName() {
	if len(c.key) == 0 {
		return
	}
	if c.some {
		c.out = append(c.out, ',')
	}
	c.some = true
	c.write(c.key)
	c.key = c.key[:0]
}

// write gathers small pieces.
func (c *core) write(p []byte) {
	if len(c.out)+len(p) > 1024 {
		c.flush()
	}
	if len(p) > 1024 {
		c.hash.Write(p)
		return
	}
	c.out = append(c.out, p...)
}

func (c *core) flush() {
	if c.hash != nil {
		c.hash.Write(c.out)
	}
	c.out = c.out[:0]
}
