package relay_test

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"llmtap/capture/relay"
)

// bubble is a blind tunnel over in-memory connections and virtual time.
type bubble struct {
	t              *testing.T
	client, origin net.Conn
	result         chan relay.Result
	start          time.Time
}

func newBubble(t *testing.T, busy func() bool) *bubble {
	client, far := net.Pipe()
	up, origin := net.Pipe()
	b := &bubble{t, client, origin, make(chan relay.Result, 1), time.Now()}
	r := relay.New(relay.Config{})
	go func() {
		b.result <- r.Blind(t.Context(), &relay.Tunnel{Client: far, Upstream: up, Host: host, Busy: busy})
	}()
	return b
}

// say sends one byte to the origin.
func (b *bubble) say() {
	b.t.Helper()
	_, err := b.client.Write([]byte("x"))
	check(b.t, err)
	_, err = b.origin.Read(make([]byte, 1))
	check(b.t, err)
}

// end waits for the end of the tunnel and returns how long it lived.
func (b *bubble) end() (relay.Result, time.Duration) {
	res := <-b.result
	lived := time.Since(b.start)
	_, _ = b.client.Close(), b.origin.Close()
	return res, lived
}

func TestIdleTunnelEndsAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil)
		b.say()
		res, lived := b.end()
		if lived != time.Hour || res.End.Kind != relay.Stopped {
			t.Errorf("ended after %v: %+v", lived, res)
		}
	})
}

// No wall clock ends a stream that lives, however long: 10 h of a byte every
// 59 minutes.
func TestLiveTunnelHasNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil)
		for range 10 {
			<-time.After(59 * time.Minute)
			b.say()
		}
		if _, lived := b.end(); lived != 10*59*time.Minute+time.Hour {
			t.Errorf("ended after %v", lived)
		}
	})
}

// An open exchange may be silent for ever (2 h here); when it is over, the
// idle limit holds again.
func TestBusyTunnelMayBeSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Bool
		busy.Store(true)
		b := newBubble(t, busy.Load)
		<-time.After(150 * time.Minute)
		b.say()
		busy.Store(false)
		if _, lived := b.end(); lived != 210*time.Minute {
			t.Errorf("ended after %v", lived)
		}
	})
}

// What is left of a half-open tunnel is reset after ten minutes of silence.
func TestHalfOpenTunnelIsReset(t *testing.T) {
	stay := make(chan struct{})
	r := newRig(t, func(c *net.TCPConn) { <-stay; _ = c.Close() })
	r.config.Limits.HalfOpen = 50 * time.Millisecond
	raw := r.dial(true)
	_, err := raw.Write([]byte("no TLS"))
	check(t, err)
	check(t, raw.CloseWrite())
	got, err := io.ReadAll(raw)
	if len(got) != 0 || class(err) != "connection reset by peer" {
		t.Errorf("got %q, %v", got, err)
	}
	close(stay)
	if res := r.result(); res.First != relay.Up || res.End.Kind != relay.FIN {
		t.Errorf("result %+v", res)
	}
}
