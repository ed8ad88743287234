package capture_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// names is the DNS of a test: a server on in-memory connections. A name without
// addresses does not exist; the name "slow.example" is never answered.
type names struct {
	mu    sync.Mutex
	table map[string][]string
	open  []net.Conn
	over  bool
	asked map[string]int
	wg    sync.WaitGroup
}

func newNames() *names { return &names{table: map[string][]string{}, asked: map[string]int{}} }

func (n *names) set(name string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.table[name] = addrs
}

// queries counts the A questions for name.
func (n *names) queries(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[name]
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.over {
			return nil, net.ErrClosed
		}
		client, server := net.Pipe()
		n.open = append(n.open, server)
		n.wg.Go(func() { defer server.Close(); n.serve(server) })
		return client, nil
	}}
}

func (n *names) close() {
	n.mu.Lock()
	n.over = true
	for _, c := range n.open {
		_ = c.Close()
	}
	n.mu.Unlock()
	n.wg.Wait()
}

// serve speaks DNS over a stream: each message has its length in front.
func (n *names) serve(c net.Conn) {
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, q); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(q) != nil || len(m.Questions) != 1 {
			return
		}
		out, silent := n.answer(m)
		if silent {
			continue
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)); err != nil {
			return
		}
	}
}

func (n *names) answer(m dnsmessage.Message) (packed []byte, silent bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	q := m.Questions[0]
	name := strings.TrimSuffix(q.Name.String(), ".")
	addrs, known := n.table[name]
	if name == "slow.example" {
		return nil, true
	}
	if q.Type == dnsmessage.TypeA {
		n.asked[name]++
	}
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true}
	m.Additionals = nil
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, a := range addrs {
		ip, head := netip.MustParseAddr(a), dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
		switch {
		case ip.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: ip.As4()}})
		case ip.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
	packed, err := m.Pack()
	return packed, err != nil
}
