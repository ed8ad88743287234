package relay_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"llmtap/capture/relay"
)

// Both ends of an idle tunnel get close_notify and FIN at once.
func TestShutdownEndsBothLegs(t *testing.T) {
	for name, how := range map[string]func(*relay.Tunnel){
		"once":  func(tn *relay.Tunnel) { tn.Shutdown() },
		"twice": func(tn *relay.Tunnel) { tn.Shutdown(); tn.Shutdown() },
	} {
		t.Run(name, func(t *testing.T) {
			atOrigin := make(chan string, 1)
			r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
				defer raw.Close()
				atOrigin <- quietEnd(raw, c)
			})
			watches, started := make(chan *watcher, 1), make(chan *relay.Tunnel, 1)
			r.edit = func(tn *relay.Tunnel) {
				tn.Start = func(s relay.Session) relay.Tap {
					watch := newWatcher()
					watches <- watch
					started <- tn
					return watch.start(s)
				}
			}
			within(t, 50*time.Millisecond, func() time.Duration {
				raw, c := r.tls(true, r.client())
				defer raw.Close()
				tn := receive(t, started)
				began := time.Now()
				how(tn)
				if got := quietEnd(raw, c); got != "" {
					t.Errorf("client: %s", got)
				}
				if got := receive(t, atOrigin); got != "" {
					t.Errorf("origin: %s", got)
				}
				res, took := r.result(), time.Since(began)
				if res.View != relay.Relayed || res.End.Kind != relay.Stopped {
					t.Errorf("result %+v", res)
				}
				for d, e := range receive(t, watches).endings {
					// The peer may have answered the FIN of the first one by then.
					if len(e) != 1 || e[0].Kind != relay.Stopped && (e[0].First || e[0].Kind != relay.FIN && e[0].Kind != relay.CloseNotify) {
						t.Errorf("direction %d: %+v", d, e)
					}
				}
				return took
			})
		})
	}
}

// quietEnd is empty if the connection ends in order.
func quietEnd(raw *net.TCPConn, c *tls.Conn) string {
	n, err := c.Read(make([]byte, 1))
	if n != 0 || err != io.EOF {
		return fmt.Sprintf("%d bytes, then %v", n, err)
	}
	if _, err = io.Copy(io.Discard, raw); err != nil {
		return err.Error()
	}
	return ""
}

// capture shuts down from the tap, after the last byte of an exchange.
func TestShutdownFromTheTapComesAfterTheLastByte(t *testing.T) {
	r, _ := newTLSRig(t, echo)
	r.edit = func(tn *relay.Tunnel) {
		tn.Start = func(relay.Session) relay.Tap {
			return relay.Tap{Forwarded: func(d relay.Direction, _ []byte, _ relay.Times) {
				if d == relay.Down {
					tn.Shutdown()
				}
			}}
		}
	}
	raw, c := r.tls(true, r.client())
	defer raw.Close()
	_, err := c.Write([]byte("ping"))
	check(t, err)
	if got, err := io.ReadAll(c); string(got) != "ping" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	r.result()
}

func TestShutdownDoesNotWaitForAStalledPeer(t *testing.T) {
	r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
		defer raw.Close()
		_, _ = io.Copy(c, zeros{})
	})
	started := make(chan *relay.Tunnel, 1)
	r.edit = func(tn *relay.Tunnel) {
		tn.Start = func(relay.Session) relay.Tap { started <- tn; return relay.Tap{} }
	}
	r.tls(true, r.client()) // never reads
	tn := receive(t, started)
	eventually(t, "the stall", r.stalled(func(s relay.Stats) int64 { return s.Relayed.Down }))
	tn.Shutdown()
	if res := r.result(); res.View != relay.Relayed {
		t.Errorf("result %+v", res)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestShutdownBeforeAndDuringTheHandshake(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		r, _ := newTLSRig(t, echo)
		r.edit = func(tn *relay.Tunnel) { tn.Shutdown() }
		_ = tls.Client(r.dial(true), r.client()).Handshake()
		if res := r.result(); res.View != relay.Failed || res.Reason != relay.ReasonStopped {
			t.Errorf("result %+v", res)
		}
	})
	t.Run("waiting for the hello", func(t *testing.T) {
		r, _ := newTLSRig(t, echo)
		tunnels := make(chan *relay.Tunnel, 1)
		r.edit = func(tn *relay.Tunnel) { tunnels <- tn }
		r.dial(true)
		receive(t, tunnels).Shutdown()
		if res := r.result(); res.View != relay.Failed || res.Reason != relay.ReasonStopped {
			t.Errorf("result %+v", res)
		}
	})
	t.Run("in the upstream handshake", func(t *testing.T) {
		reached, silent := make(chan struct{}), make(chan struct{})
		r := newRig(t, func(c *net.TCPConn) { close(reached); <-silent; _ = c.Close() })
		var failed failures
		r.config.HandshakeFailed = failed.add
		tunnels := make(chan *relay.Tunnel, 1)
		r.edit = func(tn *relay.Tunnel) { tunnels <- tn }
		raw := r.dial(true)
		done := make(chan error, 1)
		go func() { done <- tls.Client(raw, r.client()).Handshake() }()
		receive(t, reached)
		receive(t, tunnels).Shutdown()
		if res := r.result(); res.View != relay.Failed || res.Reason != relay.ReasonStopped {
			t.Errorf("result %+v", res)
		}
		close(silent)
		if receive(t, done) == nil {
			t.Error("the client shook hands")
		}
		failed.want(t)
	})
}

func TestEndOfContextIsAShutdown(t *testing.T) {
	near, far := net.Pipe()
	up, origin := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan relay.Result, 1)
	r := relay.New(relay.Config{})
	go func() { done <- r.Blind(ctx, &relay.Tunnel{Client: far, Upstream: up, Host: host}) }()
	_, err := near.Write([]byte("x"))
	check(t, err)
	_, err = origin.Read(make([]byte, 1))
	check(t, err)
	cancel()
	for _, c := range []net.Conn{near, origin} {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("still open")
		}
	}
	if res := receive(t, done); res.End.Kind != relay.Stopped || res.Up != 1 {
		t.Errorf("result %+v", res)
	}
}

// Both directions of a tunnel that is shut down end at the same time; the tap
// learns of the first before the second.
func TestEndsComeOneAfterTheOther(t *testing.T) {
	r, _ := newTLSRig(t, echo)
	var inside atomic.Int32
	tunnels, firsts := make(chan *relay.Tunnel, 1), make(chan bool, 2)
	r.edit = func(tn *relay.Tunnel) {
		tunnels <- tn
		tn.Start = func(relay.Session) relay.Tap {
			return relay.Tap{Ended: func(_ relay.Direction, e relay.Ending) {
				if inside.Add(1) > 1 {
					t.Error("the tap is told of both ends at once")
				}
				for range 100 {
					runtime.Gosched()
				}
				firsts <- e.First
				inside.Add(-1)
			}}
		}
	}
	for range 50 {
		raw, c := r.tls(true, r.client())
		_, err := c.Write([]byte("ping"))
		check(t, err)
		_, err = io.ReadFull(c, make([]byte, 4))
		check(t, err)
		receive(t, tunnels).Shutdown()
		_ = raw.Close()
		r.result()
		if !receive(t, firsts) || receive(t, firsts) {
			t.Fatal("the end that came first was not told first")
		}
	}
}
