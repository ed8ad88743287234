package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// serverName is the name in every certificate and CONNECT of the benchmark.
const serverName = "localhost"

// patience is the longest that one exchange may take.
const patience = time.Minute

// address says how a target is reached.
type address struct {
	dial    string         // TCP address of the proxy or server
	host    string         // authority of the requests: the upstream's
	connect bool           // ask dial for a tunnel to host first
	roots   *x509.CertPool // who signs what the client sees
}

// client is one warm HTTP/1.1 connection. It parses no more than it must: the
// clock is looked at once per TLS record, before anything else.
type client struct {
	conn *tls.Conn
	buf  []byte // one read
	text []byte // kept for the next answer
}

// dialTarget opens a connection whose certificate is verified.
func dialTarget(ctx context.Context, a address) (*client, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	raw, err := d.DialContext(ctx, "tcp", a.dial)
	if err != nil {
		return nil, fmt.Errorf("bench: dial %s: %w", a.dial, err)
	}
	if a.connect {
		if err := tunnelTo(raw, a.host); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
	}
	conn := tls.Client(raw, &tls.Config{
		ServerName: serverName, RootCAs: a.roots, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS13,
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("bench: shake hands through %s: %w", a.dial, err), raw.Close())
	}
	return &client{conn: conn, buf: make([]byte, 64<<10)}, nil
}

func tunnelTo(raw net.Conn, target string) error {
	if _, err := fmt.Fprintf(raw, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target); err != nil {
		return fmt.Errorf("bench: ask for tunnel: %w", err)
	}
	var head [4096]byte
	n := 0
	for !bytes.Contains(head[:n], []byte("\r\n\r\n")) {
		m, err := raw.Read(head[n:])
		if n += m; err != nil || n == len(head) {
			return fmt.Errorf("bench: tunnel to %s: %q %w", target, head[:n], err)
		}
	}
	if !bytes.Contains(head[:n], []byte(" 200 ")) {
		return fmt.Errorf("bench: tunnel to %s: %q", target, head[:n])
	}
	return nil
}

// request renders one POST. The authority has a port, because goproxy's MITM
// goes where it says.
func request(host, path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer bench\r\nContent-Type: application/json\r\n"+
		"User-Agent: bench\r\nContent-Length: %d\r\n\r\n%s", path, host, len(body), body)
}

// reply is what one exchange showed.
type reply struct {
	status int
	chunks int       // stamped events
	reads  int       // TLS records with at least one
	first  time.Time // when the first stamped event was there
	delays []time.Duration
	whole  bool
}

// do sends the request and reads its answer to the end. Delays are kept only
// if keep is set.
func (c *client) do(req []byte, keep bool) (reply, error) {
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	if _, err := c.conn.Write(req); err != nil {
		return reply{}, fmt.Errorf("bench: send: %w", err)
	}
	p := answer{keep: keep, text: c.text[:0]}
	for !p.whole {
		n, err := c.conn.Read(c.buf)
		now := time.Now()
		if perr := p.take(c.buf[:n], now); perr != nil {
			return p.reply, perr
		}
		if err != nil && !p.whole {
			return p.reply, fmt.Errorf("bench: read answer: %w", err)
		}
	}
	c.text = p.text
	return p.reply, nil
}

// answer parses one response incrementally.
type answer struct {
	reply
	keep    bool
	head    bool
	chunked chunked
	left    int // bytes of a body of known length; -1 is chunked
	epoch   int64
	text    []byte // of the body, from the last unfinished line on
}

// take parses what one read brought.
func (p *answer) take(b []byte, now time.Time) error {
	if !p.head {
		p.text = append(p.text, b...)
		i := bytes.Index(p.text, []byte("\r\n\r\n"))
		if i < 0 {
			return nil
		}
		p.parseHead(string(p.text[:i+2]))
		b = b[len(b)-(len(p.text)-i-4):]
		p.text = p.text[:0]
	}
	if p.left >= 0 {
		p.left -= len(b)
		p.whole = p.left <= 0
		return nil
	}
	var err error
	p.text, p.whole, err = p.chunked.decode(p.text, b)
	p.lines(now)
	return err
}

func (p *answer) parseHead(head string) {
	p.head, p.left = true, -1
	lines := strings.Split(head, "\r\n")
	if f := strings.Fields(lines[0]); len(f) > 1 {
		p.status, _ = strconv.Atoi(f[1])
	}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		switch value = strings.TrimSpace(value); strings.ToLower(name) {
		case "content-length":
			p.left, _ = strconv.Atoi(value)
		case "x-bench-epoch":
			p.epoch, _ = strconv.ParseInt(value, 10, 64)
		}
	}
}

// lines books the stamps of whole lines and keeps the unfinished one.
func (p *answer) lines(now time.Time) {
	seen, b := p.chunks, p.text
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		if t, ok := stampOf(b[:i]); ok {
			p.chunks++
			if p.chunks == 1 {
				p.first = now
			}
			if p.keep {
				p.delays = append(p.delays, time.Duration(now.UnixNano()-p.epoch-t))
			}
		}
		b = b[i+1:]
	}
	if p.chunks > seen {
		p.reads++
	}
	p.text = p.text[:copy(p.text, b)]
}

// stampOf reads the send time of an event, in ns since the epoch.
func stampOf(line []byte) (t int64, ok bool) {
	_, after, ok := bytes.Cut(line, []byte(`"t":`))
	if !ok {
		return 0, false
	}
	for _, c := range after {
		switch {
		case c >= '0' && c <= '9':
			t = t*10 + int64(c-'0')
		case c != ' ':
			return t, true
		}
	}
	return t, true
}

func (c *client) close() { _ = c.conn.Close() }
