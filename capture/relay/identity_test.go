package relay_test

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/capture/relay"
)

// plan is a payload and the sizes it is written in.
type plan struct {
	data  []byte
	sizes []int
}

func newPlan(seed uint64, kind string, size int) plan {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := plan{data: make([]byte, 0, size)}
	for len(p.data) < size {
		switch kind {
		case "http":
			p.data = fmt.Appendf(p.data, "POST /v1/chat HTTP/1.1\r\nhOsT: %s\r\n X-Odd :1\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
				host, 40, strings.Repeat("é", 20))
		default:
			p.data = append(p.data, byte(rng.Uint32()))
		}
	}
	for left := len(p.data); left > 0; {
		n := min(left, 1+rng.IntN(40_000))
		if rng.IntN(2) == 0 {
			n = min(left, 1+rng.IntN(64))
		}
		p.sizes = append(p.sizes, n)
		left -= n
	}
	return p
}

func (p plan) write(w io.Writer) error {
	data := p.data
	for _, n := range p.sizes {
		if _, err := w.Write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// pump writes its plan and reads to the end; half-close ends each direction.
func pump(c *tls.Conn, p plan) (sum string, err error) {
	var wg sync.WaitGroup
	wg.Go(func() {
		if err = p.write(c); err == nil {
			err = c.CloseWrite()
		}
	})
	h := sha256.New()
	_, rerr := io.Copy(h, c)
	wg.Wait()
	if rerr != nil {
		err = rerr
	}
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

func TestByteIdentity(t *testing.T) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, kind := range []string{"http", "garbage"} {
			t.Run(tls.VersionName(v)+" "+kind, func(t *testing.T) {
				up, down := newPlan(1, kind, 3<<20), newPlan(2, kind, 3<<20)
				atOrigin := make(chan string, 1)
				r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
					defer raw.Close()
					sum, err := pump(c, down)
					atOrigin <- fmt.Sprint(sum, err)
				})
				watch := newWatcher()
				r.edit = func(tn *relay.Tunnel) { tn.Start = watch.start }
				cfg := r.client()
				cfg.MinVersion, cfg.MaxVersion = v, v
				raw, c := r.tls(true, cfg)
				sum, err := pump(c, up)
				check(t, err)
				check(t, raw.Close())
				if want := digest(down.data); sum != want {
					t.Errorf("client got %s, want %s", sum, want)
				}
				if got, want := receive(t, atOrigin), digest(up.data)+"<nil>"; got != want {
					t.Errorf("origin got %s, want %s", got, want)
				}
				res := r.result()
				if res.View != relay.Relayed || res.Up != int64(len(up.data)) || res.Down != int64(len(down.data)) {
					t.Errorf("result %+v", res)
				}
				watch.compare(t, up, down)
				if n := r.accepted(); n != 1 {
					t.Errorf("%d upstream connections, want 1", n)
				}
			})
		}
	}
}

// watcher is a tap that keeps a digest and the end of each direction.
type watcher struct {
	mu      sync.Mutex
	session relay.Session
	sums    [2]hash.Hash
	pending [2]int
	last    [2]time.Time
	faults  []string
	endings [2][]relay.Ending
}

func newWatcher() *watcher {
	return &watcher{sums: [2]hash.Hash{sha256.New(), sha256.New()}}
}

func (w *watcher) start(s relay.Session) relay.Tap {
	w.session = s
	return relay.Tap{Forwarding: w.forwarding, Forwarded: w.forwarded, Ended: w.ended}
}

func (w *watcher) forwarding(d relay.Direction) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending[d]++
}

func (w *watcher) forwarded(d relay.Direction, p []byte, at relay.Times) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending[d]--
	if w.pending[d] < 0 || at.Wrote.Before(at.Writing) || at.Writing.Before(at.Read) || at.Read.Before(w.last[d]) || at.Read.Before(w.session.UpstreamDone) {
		w.faults = append(w.faults, fmt.Sprint("order of calls or times in direction ", d))
	}
	w.last[d] = at.Wrote
	w.sums[d].Write(p)
}

func (w *watcher) ended(d relay.Direction, e relay.Ending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending[d] != 0 {
		w.faults = append(w.faults, fmt.Sprint(w.pending[d], " reads were not shown before the end of direction ", d))
	}
	w.endings[d] = append(w.endings[d], e)
}

func (w *watcher) compare(t *testing.T, up, down plan) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for d, p := range []plan{up, down} {
		if got := fmt.Sprintf("%x", w.sums[d].Sum(nil)); got != digest(p.data) {
			t.Errorf("direction %d: the tap saw other bytes", d)
		}
		if n := len(w.endings[d]); n != 1 || w.endings[d][0].Kind != relay.CloseNotify || w.endings[d][0].Err != nil {
			t.Errorf("direction %d: endings %+v, want one close_notify", d, w.endings[d])
		}
	}
	if w.endings[0][0].First == w.endings[1][0].First {
		t.Error("exactly one direction ends first")
	}
	for _, f := range w.faults {
		t.Error(f)
	}
}

func digest(p []byte) string { return fmt.Sprintf("%x", sha256.Sum256(p)) }

// One record in is one record out, both ways.
func TestReadsAreSends(t *testing.T) {
	sizes := []int{1, 5, 100, 1300, 9000, 16384, 3, 16384, 2}
	send := func(c *tls.Conn, ack <-chan struct{}) {
		for _, n := range sizes {
			if _, err := c.Write(make([]byte, n)); err != nil {
				return
			}
			<-ack
		}
	}
	recv := func(who string, c *tls.Conn, ack chan<- struct{}) {
		buf := make([]byte, 32<<10)
		for i, want := range sizes {
			if n, err := c.Read(buf); err != nil || n != want {
				t.Errorf("%s, read %d: %d bytes, %v; want %d in one piece", who, i, n, err, want)
			}
			ack <- struct{}{}
		}
	}
	up, down, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
		defer raw.Close()
		defer close(done)
		send(c, down)
		recv("origin", c, up)
	})
	_, c := r.tls(true, r.client())
	recv("client", c, down)
	send(c, up)
	<-done
}

func TestManyTunnelsShareNothing(t *testing.T) {
	r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
		defer raw.Close()
		_, _ = io.Copy(c, c)
		_ = c.CloseWrite()
	})
	var wg sync.WaitGroup
	for i := range 16 {
		_, c := r.tls(true, r.client())
		wg.Go(func() {
			p := newPlan(uint64(i+10), "garbage", 200_000)
			if sum, err := pump(c, p); err != nil || sum != digest(p.data) {
				t.Errorf("tunnel %d: %v, digest equal: %v", i, err, sum == digest(p.data))
			}
			_ = c.NetConn().Close()
		})
	}
	wg.Wait()
	for range 16 {
		r.result()
	}
	if s := r.relay.Stats(); s.OpenRelayed != 0 || s.Relayed.Up != 16*200_000 || s.Relayed.Down != 16*200_000 {
		t.Errorf("stats %+v", s)
	}
	if n := r.accepted(); n != 16 {
		t.Errorf("%d upstream connections for 16 tunnels", n)
	}
}
