package capture

import (
	"sync"
	"sync/atomic"
	"time"

	"llmtap/capture/observe"
	"llmtap/capture/relay"
	"llmtap/internal/call"
)

// tunnel is one CONNECT from its answer to its end: the relay's tap on one
// side, the observer on the other.
type tunnel struct {
	p     *Proxy
	conn  *connection
	relay *relay.Tunnel
	obs   atomic.Pointer[observe.Conn]
	// moved counts the bytes of each direction, gone the directions that ended.
	moved [2]atomic.Int64
	gone  atomic.Int32
	// draining asks for the end as soon as no exchange is open.
	draining atomic.Bool
	// counted guards the one count of a tunnel that became opaque.
	counted sync.Once
}

// start is called by the relay when both handshakes are done.
func (t *tunnel) start(s relay.Session) relay.Tap {
	t.conn.timing.TLS = s.UpstreamDone
	t.p.b.stats.tunnel("relay", "")
	obs := observe.New(observe.Config{
		H2:     s.ALPN == "h2",
		Open:   func(reused bool) observe.Exchange { return t.p.b.lend(t.conn, reused) },
		Limits: observe.Limits{Outstanding: t.p.cfg.Limits.Exchange},
	})
	t.obs.Store(obs)
	return relay.Tap{
		Forwarding: t.forwarding,
		Forwarded:  t.forwarded,
		Ended:      t.ended,
	}
}

// forwarding is called between a Read and its Write.
func (t *tunnel) forwarding(d relay.Direction) {
	obs := t.obs.Load()
	defer t.recovered(obs)
	obs.Forwarding(observe.Direction(d))
}

// forwarded observes bytes that the receiver already has.
func (t *tunnel) forwarded(d relay.Direction, p []byte, at relay.Times) {
	t.conn.cost.note(observe.Direction(d), at.Read, at.Writing, at.Wrote)
	t.moved[d].Add(int64(len(p)))
	obs := t.obs.Load()
	defer t.recovered(obs)
	obs.Push(observe.Direction(d), p, at.Read)
	t.afterPush(obs)
}

// recovered keeps a fault of the observation away from the bytes.
func (t *tunnel) recovered(obs *observe.Conn) {
	if recover() != nil {
		obs.Stop("panic", time.Now())
	}
}

func (t *tunnel) afterPush(obs *observe.Conn) {
	if why := obs.Opaque(); why != "" {
		t.counted.Do(func() { t.p.b.stats.stop(why) })
	}
	if t.draining.Load() && obs.Open() == 0 && obs.Opaque() == "" {
		t.relay.Shutdown()
	}
}

// ended learns how one direction ended. The first end decides whose it was.
func (t *tunnel) ended(d relay.Direction, e relay.Ending) {
	if e.First {
		t.conn.firstEnd.CompareAndSwap(nil, whoEnded(d, e))
	}
	obs := t.obs.Load()
	defer t.recovered(obs)
	obs.Close(observe.Direction(d), closing(e.Kind), e.At)
	t.afterPush(obs)
	if x := t.conn.upgraded.Load(); t.gone.Add(1) == 2 && x != nil {
		hangUp(x, [2]int64{t.moved[relay.Up].Load(), t.moved[relay.Down].Load()}, e.At)
	}
}

func whoEnded(d relay.Direction, e relay.Ending) *firstEnd {
	if e.Kind == relay.Stopped {
		return &firstEnd{side: call.SideAgent, kind: call.EndClosed, why: "shutdown"}
	}
	side := call.SideUpstream
	if (d == relay.Up) != (e.Kind == relay.WriteFailed) {
		side = call.SideClient
	}
	kind := call.EndClosed
	switch e.Kind {
	case relay.RST, relay.BrokenRecord:
		kind = call.EndReset
	case relay.FINInside:
		kind = call.EndShort
	}
	return &firstEnd{side: side, kind: kind, at: e.At}
}

func closing(k relay.EndKind) observe.Closing {
	switch k {
	case relay.CloseNotify, relay.FIN:
		return observe.ClosedOrderly
	case relay.WriteFailed:
		return observe.ClosedByPeer
	case relay.Stopped:
		return observe.ClosedByAgent
	}
	return observe.ClosedReset // and FIN inside a record: what came is not whole
}

// busy says that an exchange is open: such a tunnel may be silent for long.
func (t *tunnel) busy() bool {
	obs := t.obs.Load()
	return obs != nil && obs.Open() > 0
}

// drain ends the tunnel now if nothing is in flight, else after the last byte
// of its exchange. Opaque and blind tunnels wait for the deadline.
func (t *tunnel) drain() {
	t.draining.Store(true)
	if obs := t.obs.Load(); obs != nil && obs.Open() == 0 && obs.Opaque() == "" {
		t.relay.Shutdown()
	}
}
