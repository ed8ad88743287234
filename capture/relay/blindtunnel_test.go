package relay_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"llmtap/capture/relay"
)

// newBlindRig tunnels raw bytes, as for hosts that are not intercepted.
func newBlindRig(t *testing.T, serve func(*net.TCPConn)) *rig {
	t.Helper()
	r := newRig(t, serve)
	r.blind = true
	return r
}

func TestBlindTunnelMirrorsEndings(t *testing.T) {
	ends := []struct {
		name string
		end  func(*net.TCPConn)
		kind relay.EndKind
	}{
		{"FIN", func(c *net.TCPConn) { _ = c.Close() }, relay.FIN},
		{"half-close", func(c *net.TCPConn) { _ = c.CloseWrite(); _, _ = io.Copy(io.Discard, c); _ = c.Close() }, relay.FIN},
		{"RST", func(c *net.TCPConn) { settle(c); _ = c.SetLinger(0); _ = c.Close() }, relay.RST},
	}
	for _, size := range []int{0, 1000, 10 << 20} {
		for _, e := range ends {
			t.Run(fmt.Sprintf("%s after %d bytes", e.name, size), func(t *testing.T) {
				payload := bytes.Repeat([]byte("x"), size)
				r := newBlindRig(t, func(c *net.TCPConn) {
					_, _ = io.ReadFull(c, make([]byte, 4))
					_, _ = c.Write(payload)
					e.end(c)
				})
				var views [2]string
				for i, relayed := range []bool{false, true} {
					c := r.dial(relayed)
					_, err := c.Write([]byte("ping"))
					check(t, err)
					got, err := io.ReadAll(c)
					_ = c.Close()
					views[i] = fmt.Sprintf("%d bytes %.8s, then %q", len(got), digest(got), class(err))
				}
				if views[0] != views[1] {
					t.Errorf("relayed: %s\n direct: %s", views[1], views[0])
				}
				res := r.result()
				if res.View != relay.Blinded || res.Reason != "" || res.First != relay.Down || res.End.Kind != e.kind {
					t.Errorf("result %+v", res)
				}
				if res.Up != 4 || res.Down != int64(size) {
					t.Errorf("%d up, %d down", res.Up, res.Down)
				}
			})
		}
	}
}

func TestStatsCountTunnelsAndBytes(t *testing.T) {
	hold := make(chan struct{})
	r := newBlindRig(t, func(c *net.TCPConn) {
		_, _ = io.CopyN(c, c, 1000)
		<-hold
		_ = c.Close()
	})
	c := r.dial(true)
	_, err := c.Write(make([]byte, 1000))
	check(t, err)
	_, err = io.ReadFull(c, make([]byte, 1000))
	check(t, err)
	if s := r.relay.Stats(); s.OpenBlind != 1 || s.OpenRelayed != 0 {
		t.Errorf("open: %+v", s)
	}
	close(hold)
	_ = c.Close()
	r.result()
	s := r.relay.Stats()
	if s.OpenBlind != 0 || s.Blind != (relay.Bytes{Up: 1000, Down: 1000}) || s.Relayed != (relay.Bytes{}) || s.Lag.Count() != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestStatsTimeEveryRead(t *testing.T) {
	r, _ := newTLSRig(t, echo)
	ping(r, true, r.client())
	r.result()
	s := r.relay.Stats()
	if s.Lag.Count() != 2 || s.Lag.Sum <= 0 || s.Handshake.Count() != 1 {
		t.Errorf("lag %+v, handshake %+v", s.Lag, s.Handshake)
	}
	if n := len(relay.Bounds()); n != len(s.Lag.Counts)-1 || relay.Bounds()[0] != 0.0001 || relay.Bounds()[n-1] != 2.5 {
		t.Errorf("bounds %v", relay.Bounds())
	}
}

// The time that writes stood still is told by direction.
func TestBlockedReceiverShows(t *testing.T) {
	r := newBlindRig(t, func(c *net.TCPConn) {
		_, _ = c.Write(make([]byte, 16<<20))
		_ = c.Close()
	})
	c := r.dial(true)
	eventually(t, "the stall", r.stalled(func(s relay.Stats) int64 { return s.Blind.Down }))
	n, err := io.Copy(io.Discard, c)
	check(t, err)
	_ = c.Close()
	res := r.result()
	if n != 16<<20 || res.BlockedDown == 0 || res.BlockedUp != 0 || res.LagMax == 0 || res.LagMax > res.BlockedDown {
		t.Errorf("%d bytes, result %+v", n, res)
	}
}

// net/http leaves deadlines on the connections that it gives away.
func TestLeftOverDeadlinesAreCleared(t *testing.T) {
	r := newBlindRig(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c); _ = c.Close() })
	r.edit = func(tn *relay.Tunnel) {
		_ = tn.Client.SetDeadline(time.Unix(1, 0))
		_ = tn.Upstream.SetDeadline(time.Unix(1, 0))
	}
	c := r.dial(true)
	_, err := c.Write([]byte("ping"))
	check(t, err)
	check(t, c.CloseWrite())
	if got, err := io.ReadAll(c); string(got) != "ping" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	r.result()
}
