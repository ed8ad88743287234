package capture

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// upstreams gives each client connection of the second path upstream
// connections of its own, which end with it. A pool for all would send a POST
// of a client that has just connected on a connection that the service may be
// about to close; such a POST must not be sent again, so that the agent would
// have broken it. Now a connection is used again only where the client uses its
// own again, as it would without the agent.
type upstreams struct {
	make func() *http.Transport

	// mu guards pools.
	mu    sync.Mutex
	pools map[endpoints]*http.Transport
}

// sessionsKept bounds the TLS sessions kept for resumption on the second path.
const sessionsKept = 256

func newUpstreams(t *transport) *upstreams {
	sessions, cfg := tls.NewLRUClientSessionCache(sessionsKept), t.p.cfg
	return &upstreams{pools: map[endpoints]*http.Transport{}, make: func() *http.Transport {
		return &http.Transport{
			Proxy: nil, DisableCompression: true, ForceAttemptHTTP2: true,
			DialContext:         t.dial,
			TLSClientConfig:     &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12, ClientSessionCache: sessions},
			TLSHandshakeTimeout: cfg.Limits.Dial, ExpectContinueTimeout: time.Second,
			MaxIdleConnsPerHost: 2, MaxIdleConns: 16, IdleConnTimeout: 60 * time.Second, MaxResponseHeaderBytes: 1 << 20,
		}
	}}
}

// endpoints name a client connection while it lives.
type endpoints struct{ client, agent string }

// of returns the transport of the connection that a request came on.
func (u *upstreams) of(req *http.Request) *http.Transport {
	c := endpoints{client: req.RemoteAddr}
	if a, ok := req.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		c.agent = a.String()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	tr := u.pools[c]
	if tr == nil {
		tr = u.make()
		u.pools[c] = tr
	}
	return tr
}

// state is http.Server.ConnState: no request of a connection is served any more
// when it is closed, and none will follow the upgrade of one that is hijacked.
func (u *upstreams) state(c net.Conn, s http.ConnState) {
	if s != http.StateClosed && s != http.StateHijacked {
		return
	}
	name := endpoints{c.RemoteAddr().String(), c.LocalAddr().String()}
	u.mu.Lock()
	tr := u.pools[name]
	delete(u.pools, name)
	u.mu.Unlock()
	if tr != nil {
		tr.CloseIdleConnections()
	}
}

// close ends what is idle.
func (u *upstreams) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, tr := range u.pools {
		tr.CloseIdleConnections()
	}
	clear(u.pools)
}
