package main

import (
	"bytes"
	"fmt"
)

// chunked undoes the transfer coding incrementally. Its own: a reader of the
// standard library would hide which bytes came with which read.
type chunked struct {
	left int  // bytes of the current chunk, its CRLF included
	last bool // the chunk of size 0 was seen
	line []byte
}

// decode appends the data in b to text; whole says that the body is over.
func (c *chunked) decode(text, b []byte) (_ []byte, whole bool, err error) {
	for len(b) > 0 {
		if c.left > 0 {
			n := min(c.left, len(b))
			if data := min(n, c.left-2); data > 0 {
				text = append(text, b[:data]...)
			}
			c.left -= n
			b = b[n:]
			continue
		}
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			c.line = append(c.line, b...)
			break
		}
		c.line = append(c.line, b[:i]...)
		b = b[i+1:]
		line := bytes.TrimSuffix(c.line, []byte("\r"))
		c.line = c.line[:0]
		switch {
		case c.last && len(line) == 0:
			return text, true, nil
		case c.last: // a trailer
		default:
			if c.left, err = sizeOf(line); err != nil {
				return text, false, err
			}
			c.last = c.left == 0
			if !c.last {
				c.left += 2
			}
		}
	}
	return text, false, nil
}

// sizeOf reads the hexadecimal size of a chunk.
func sizeOf(line []byte) (n int, err error) {
	for i, d := range line {
		switch {
		case d >= '0' && d <= '9':
			d -= '0'
		case d|0x20 >= 'a' && d|0x20 <= 'f':
			d = d | 0x20 - 'a' + 10
		case d == ';' && i > 0:
			return n, nil
		default:
			return 0, fmt.Errorf("bench: read chunk size: %q", line)
		}
		if n = n<<4 | int(d); n > 1<<30 {
			return 0, fmt.Errorf("bench: read chunk size: %q is too large", line)
		}
	}
	if len(line) == 0 {
		return 0, fmt.Errorf("bench: read chunk size: empty")
	}
	return n, nil
}
