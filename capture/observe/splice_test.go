package observe_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/capture/observe"
)

// seen sums up one exchange.
type seen struct {
	call     string // method and target
	status   int
	interim  int
	body     [2]strings.Builder
	trailers string
	ends     [2]observe.End
	over     int
}

// String is one line: what was asked, what came back, how both ended.
func (s *seen) String() string {
	line := fmt.Sprintf("%s %dB %s -> %d %dB %s", s.call, s.body[0].Len(), endName(s.ends[0]), s.status, s.body[1].Len(), endName(s.ends[1]))
	if s.interim > 0 {
		line += fmt.Sprintf(" interim=%d", s.interim)
	}
	return line + s.trailers
}

func endName(e observe.End) string {
	name := kindName(e.Kind)
	if e.Kind == observe.EndH2RST {
		name += fmt.Sprintf("(%d %s)", e.Code, e.Reason)
	}
	return name
}

func (s *seen) Head(h *observe.Head, _ time.Time) {
	switch {
	case h.Trailers:
		for _, f := range h.Fields {
			s.trailers += fmt.Sprintf(" %s=%s", strings.ToLower(string(f.Name)), f.Value)
		}
	case h.Direction == observe.Request:
		s.call = h.Method + " " + h.Target
	case h.Interim:
		s.interim++
	default:
		s.status = h.Status
	}
}

func (s *seen) Body(d observe.Direction, p []byte, _ time.Time) { s.body[d].Write(p) }

func (s *seen) End(d observe.Direction, e observe.End, _ time.Time) {
	s.ends[d] = e
	s.over++
}

// tap sits between a real client and a real service as the relay does: one
// read, one write, then the observer, each direction on its own goroutine.
type tap struct {
	t      *testing.T
	h2     bool
	server *httptest.Server
	front  net.Listener
	client *http.Transport

	wg    sync.WaitGroup
	mu    sync.Mutex // protects what follows
	conns []*observe.Conn
	seen  []*seen
}

func newTap(t *testing.T, h2 bool, h http.Handler) *tap {
	t.Helper()
	p := new(http.Protocols)
	p.SetHTTP1(!h2)
	p.SetUnencryptedHTTP2(h2)
	tp := &tap{t: t, h2: h2, server: httptest.NewUnstartedServer(h)}
	tp.server.Config.Protocols = p
	tp.server.Start()
	var err error
	if tp.front, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	tp.client = &http.Transport{Protocols: p, ExpectContinueTimeout: time.Minute, DisableCompression: true}
	tp.wg.Go(tp.accept)
	t.Cleanup(tp.stop)
	return tp
}

func (tp *tap) url(path string) string { return "http://" + tp.front.Addr().String() + path }

func (tp *tap) accept() {
	for {
		down, err := tp.front.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", tp.server.Listener.Addr().String())
		if err != nil { // a spare connection, made while the service stops
			down.Close()
			continue
		}
		c := observe.New(observe.Config{H2: tp.h2, Open: tp.open})
		tp.mu.Lock()
		tp.conns = append(tp.conns, c)
		tp.mu.Unlock()
		var pair sync.WaitGroup
		for _, way := range []struct {
			d        observe.Direction
			src, dst net.Conn
		}{{observe.Request, down, up}, {observe.Response, up, down}} {
			pair.Add(1)
			tp.wg.Go(func() {
				defer pair.Done()
				forward(c, way.d, way.src, way.dst)
			})
		}
		tp.wg.Go(func() {
			pair.Wait()
			down.Close()
			up.Close()
		})
	}
}

func forward(c *observe.Conn, d observe.Direction, src, dst net.Conn) {
	buf := make([]byte, 16<<10)
	how := observe.ClosedOrderly
	for {
		n, err := src.Read(buf)
		if n > 0 {
			at := time.Now()
			c.Forwarding(d)
			if _, werr := dst.Write(buf[:n]); werr != nil {
				how = observe.ClosedByPeer
				break
			}
			c.Push(d, buf[:n], at)
		}
		if err != nil {
			break
		}
	}
	c.Close(d, how, time.Now())
	dst.(*net.TCPConn).CloseWrite()
	src.(*net.TCPConn).CloseRead()
}

func (tp *tap) open(bool) observe.Exchange {
	s := &seen{}
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.seen = append(tp.seen, s)
	return s
}

// stop ends everything, waits for it, and checks that nothing stayed open.
func (tp *tap) stop() {
	tp.client.CloseIdleConnections()
	tp.server.Close()
	tp.front.Close()
	tp.wg.Wait()
	for i, c := range tp.conns {
		if c.Opaque() != "" || c.Open() != 0 {
			tp.t.Errorf("connection %d: opaque %q, %d open", i, c.Opaque(), c.Open())
		}
	}
	for _, s := range tp.seen {
		if s.over != 2 {
			tp.t.Errorf("%v: %d ends", s, s.over)
		}
	}
}

// calls stops the tap and returns what was observed, one line an exchange,
// sorted: exchanges of two connections begin in no order.
func (tp *tap) calls() []string {
	tp.stop()
	var out []string
	for _, s := range tp.seen {
		out = append(out, s.String())
	}
	slices.Sort(out)
	return out
}
