package capture

import (
	"net"
	"strconv"
	"strings"
	"unicode/utf8"

	"llmtap/internal/redact"
)

// mask takes keys out of names that either side chose: who mixes up two
// settings sends a key as the model, and names become labels.
func mask(names ...*string) {
	for _, n := range names {
		*n = redact.Known(*n)
	}
}

// originForm reduces an absolute-form target to path and query.
func originForm(target string) string {
	_, rest, ok := strings.Cut(target, "://")
	if !ok || strings.HasPrefix(target, "/") {
		return target
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return "/"
}

// authority writes host:port without the scheme's own port.
func authority(host string, port int, scheme string) string {
	if port == 0 || (scheme == "https" && port == 443) || (scheme == "http" && port == 80) {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// clip cuts s to n bytes on a rune boundary.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cappedText keeps the head and the tail of a body: three quarters of max from
// the start, one from the end.
type cappedText struct {
	max   int64
	head  []byte
	tail  []byte
	total int64
}

func (c *cappedText) add(p []byte) {
	c.total += int64(len(p))
	if room := int(c.max*3/4) - len(c.head); room > 0 {
		n := min(room, len(p))
		c.head = append(c.head, p[:n]...)
		p = p[n:]
	}
	keep := int(c.max / 4)
	if len(p) >= keep {
		c.tail = append(c.tail[:0], p[len(p)-keep:]...)
		return
	}
	if over := len(c.tail) + len(p) - keep; over > 0 {
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
	c.tail = append(c.tail, p...)
}

// text returns what was kept, and whether something is missing between.
func (c *cappedText) text() (string, bool) {
	cut := c.total > int64(len(c.head)+len(c.tail))
	sep := ""
	if cut {
		sep = "\n…[" + strconv.FormatInt(c.total-int64(len(c.head)+len(c.tail)), 10) + " bytes left out]…\n"
	}
	return strings.ToValidUTF8(string(c.head)+sep+string(c.tail), "\uFFFD"), cut
}
