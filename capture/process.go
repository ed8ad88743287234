package capture

import (
	"context"
	"net"
	"net/netip"

	"llmtap/internal/client/local"
)

// searchKey finds the search for a connection's process in the contexts of its
// requests.
type searchKey struct{}

// accepted begins the search for the process behind a connection while it
// still lives; records read the answer when they are sealed.
func (p *Proxy) accepted(ctx context.Context, c net.Conn) context.Context {
	find := p.cfg.Hooks.Process
	if find == nil {
		return ctx
	}
	client, server := addrPort(c.RemoteAddr()), addrPort(c.LocalAddr())
	if !client.IsValid() || !server.IsValid() {
		return ctx
	}
	return context.WithValue(ctx, searchKey{}, find(client, server))
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

// searchOf returns the search that accepted began, nil if there is none.
func searchOf(ctx context.Context) *local.Search {
	s, _ := ctx.Value(searchKey{}).(*local.Search)
	return s
}
