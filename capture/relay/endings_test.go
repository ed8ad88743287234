package relay_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"llmtap/capture/relay"
)

// ender ends a connection in one of the ways of the table.
type ender struct {
	name string
	end  func(raw *net.TCPConn, c *tls.Conn)
	kind relay.EndKind // what the tap is told
}

func enders() []ender {
	return []ender{
		{"close_notify then FIN", func(_ *net.TCPConn, c *tls.Conn) { _ = c.Close() }, relay.CloseNotify},
		{"close_notify then RST", func(raw *net.TCPConn, c *tls.Conn) {
			_ = c.CloseWrite()
			settle(raw)
			_ = raw.SetLinger(0)
			_ = raw.Close()
		}, relay.CloseNotify},
		{"bare FIN", func(raw *net.TCPConn, _ *tls.Conn) { _ = raw.Close() }, relay.FIN},
		{"FIN inside a record head", func(raw *net.TCPConn, _ *tls.Conn) {
			_, _ = raw.Write([]byte{0x17, 3})
			_ = raw.Close()
		}, relay.FINInside},
		{"FIN inside a record", func(raw *net.TCPConn, _ *tls.Conn) {
			_, _ = raw.Write(append([]byte{0x17, 3, 3, 0x02, 0}, make([]byte, 100)...))
			_ = raw.Close()
		}, relay.FINInside},
		{"broken record", func(raw *net.TCPConn, _ *tls.Conn) {
			_, _ = raw.Write([]byte("HTTP/1.1 502 Bad Gateway\r\n\r\n"))
			settle(raw)
			_ = raw.SetLinger(0)
			_ = raw.Close()
		}, relay.BrokenRecord},
		{"RST", func(raw *net.TCPConn, _ *tls.Conn) {
			settle(raw)
			_ = raw.SetLinger(0)
			_ = raw.Close()
		}, relay.RST},
	}
}

// settle waits until the peer has what was sent: a reset afterwards loses nothing.
func settle(raw *net.TCPConn) { awaitAcked(raw) }

func TestEndingsAreMirrored(t *testing.T) {
	for _, size := range []int{0, 1000, 10 << 20} {
		for _, e := range enders() {
			for _, v := range []uint16{tls.VersionTLS13, tls.VersionTLS12} {
				if size > 1<<20 && v == tls.VersionTLS12 {
					continue // slow, and nothing new
				}
				t.Run(fmt.Sprintf("%s after %d bytes, %s", e.name, size, tls.VersionName(v)), func(t *testing.T) {
					payload := bytes.Repeat([]byte("data: {}\n\n"), size/10)
					r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
						var request [4]byte
						_, _ = io.ReadFull(c, request[:])
						_, _ = c.Write(payload)
						e.end(raw, c)
					})
					r.config.Limits.Drain = 2 * time.Second // a busy machine may stall the reader
					cfg := r.client()
					cfg.MinVersion, cfg.MaxVersion = v, v
					look := view
					if e.kind == relay.BrokenRecord {
						look = withoutRaw // our alert and the reset cross: either way, also direct
					}
					direct, relayed := look(r, false, cfg), look(r, true, cfg)
					if direct != relayed {
						t.Errorf("relayed: %s\n direct: %s", relayed, direct)
					}
					res := r.result()
					if res.First != relay.Down || res.End.Kind != e.kind {
						t.Errorf("first end %v of direction %d, want %v of Down", res.End.Kind, res.First, e.kind)
					}
				})
			}
		}
	}
}

func withoutRaw(r *rig, relayed bool, cfg *tls.Config) string {
	seen, _, _ := strings.Cut(view(r, relayed, cfg), ", raw")
	return seen
}

// view is all that a client can see of an answer and its end.
func view(r *rig, relayed bool, cfg *tls.Config) string {
	raw := r.dial(relayed)
	defer raw.Close()
	tail := &tailed{Conn: raw}
	c := tls.Client(tail, cfg)
	_, err := c.Write([]byte("ping"))
	check(r.t, err)
	got, rerr := io.ReadAll(c)
	fin := tail.eof // crypto/tls says EOF for both
	_, again := c.Read(make([]byte, 1))
	return fmt.Sprintf("%d bytes %.8s, then %q, FIN %v, then %q, raw %q", len(got), digest(got), class(rerr), fin, class(again), after(raw))
}

// tailed tells a bare FIN from a close_notify: it notes the raw EOF.
type tailed struct {
	net.Conn
	eof bool
}

func (t *tailed) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.eof = t.eof || err == io.EOF
	return n, err
}

// after is what the raw connection still shows.
func after(raw *net.TCPConn) string {
	_, err := io.Copy(io.Discard, raw)
	return class(err)
}

// The client's end as the origin sees it, in the same ways.
func TestEndingsOfTheClientAreMirrored(t *testing.T) {
	for _, e := range enders() {
		t.Run(e.name, func(t *testing.T) {
			seen := make(chan string, 1)
			r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
				defer raw.Close()
				got, err := io.ReadAll(c)
				view := fmt.Sprintf("%d bytes %.8s, then %q", len(got), digest(got), class(err))
				if e.kind != relay.BrokenRecord {
					view += after(raw)
				}
				seen <- view
			})
			var views [2]string
			for i, relayed := range []bool{false, true} {
				raw, c := r.tls(relayed, r.client())
				_, err := c.Write(bytes.Repeat([]byte("x"), 100_000))
				check(t, err)
				e.end(raw, c)
				views[i] = receive(t, seen)
			}
			if views[0] != views[1] {
				t.Errorf("relayed: %s\n direct: %s", views[1], views[0])
			}
			if res := r.result(); res.First != relay.Up || res.End.Kind != e.kind {
				t.Errorf("first end %v of direction %d, want %v of Up", res.End.Kind, res.First, e.kind)
			}
		})
	}
}

func TestHalfClose(t *testing.T) {
	for _, clientFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("client first %v", clientFirst), func(t *testing.T) {
			atOrigin := make(chan string, 1)
			r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
				defer raw.Close()
				atOrigin <- oneSide(raw, c, !clientFirst)
			})
			raw, c := r.tls(true, r.client())
			if got := oneSide(raw, c, clientFirst); got != "heard: hello" {
				t.Errorf("client %s", got)
			}
			_ = raw.Close()
			if got := receive(t, atOrigin); got != "heard: hello" {
				t.Errorf("origin %s", got)
			}
			if res := r.result(); res.Up != 5 || res.Down != 5 {
				t.Errorf("result %+v", res)
			}
		})
	}
}

// oneSide says hello and half-closes, before or after it heard the peer's.
func oneSide(raw *net.TCPConn, c *tls.Conn, first bool) string {
	say := func() {
		_, _ = c.Write([]byte("hello"))
		_, _ = c.CloseWrite(), raw.CloseWrite()
	}
	if first {
		say()
	}
	got, err := io.ReadAll(c)
	if !first {
		say()
	}
	if err != nil {
		return err.Error()
	}
	return "heard: " + string(got)
}

func TestClientLeaves(t *testing.T) {
	ways := map[string]func(*net.TCPConn, *tls.Conn){
		"close_notify": func(_ *net.TCPConn, c *tls.Conn) { _ = c.Close() },
		"FIN":          func(raw *net.TCPConn, _ *tls.Conn) { _ = raw.Close() },
		"RST": func(raw *net.TCPConn, _ *tls.Conn) {
			_ = raw.SetLinger(0)
			_ = raw.Close()
		},
	}
	for name, leave := range ways {
		for _, streaming := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, streaming %v", name, streaming), func(t *testing.T) {
				noticed := make(chan time.Time, 1)
				r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
					defer raw.Close()
					var request [4]byte
					_, _ = io.ReadFull(c, request[:])
					if streaming {
						_, _ = c.Write([]byte("data: 1\n\n"))
					}
					_, _ = c.Read(request[:])
					noticed <- time.Now()
				})
				within(t, 100*time.Millisecond, func() time.Duration {
					raw, c := r.tls(true, r.client())
					_, err := c.Write([]byte("ping"))
					check(t, err)
					if streaming {
						_, err = io.ReadFull(c, make([]byte, 9))
						check(t, err)
					}
					left := time.Now()
					leave(raw, c)
					took := receive(t, noticed).Sub(left)
					if res := r.result(); res.First != relay.Up || res.End.Kind == relay.WriteFailed {
						t.Errorf("first end %+v of %d, want the client's", res.End, res.First)
					}
					return took
				})
			})
		}
	}
}

// A service may refuse an upload by an answer and a reset. Our own write fails
// first, and takes the kernel's only report of the reset; the answer reaches
// the client all the same, and then the reset.
func TestAnswerBeforeResetArrives(t *testing.T) {
	const records = 200
	r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
		_, _ = c.Read(make([]byte, 100))
		for range records {
			_, _ = c.Write([]byte("x"))
		}
		settle(raw)
		_ = raw.Close() // with unread bytes: a reset follows
	})
	r.config.Limits.Drain = 2 * time.Second
	watch, failed := newWatcher(), make(chan struct{})
	r.edit = func(tn *relay.Tunnel) {
		tn.Start = func(s relay.Session) relay.Tap {
			tap := watch.start(s)
			tap.Forwarding = func(d relay.Direction) {
				if watch.forwarding(d); d == relay.Down {
					<-failed
				}
			}
			tap.Ended = func(d relay.Direction, e relay.Ending) {
				if watch.ended(d, e); d == relay.Up {
					close(failed)
				}
			}
			return tap
		}
	}
	raw, c := r.tls(true, r.client())
	defer raw.Close()
	broke := make(chan error, 1)
	go func() {
		for {
			if _, err := c.Write(make([]byte, 16<<10)); err != nil {
				broke <- err
				return
			}
		}
	}()
	if n, err := io.ReadFull(c, make([]byte, records)); err != nil {
		t.Errorf("got %d of %d bytes, %v", n, records, err)
	}
	if err := receive(t, broke); err == nil {
		t.Error("the upload goes on")
	}
	r.result()
	up, down := watch.endings[relay.Up][0], watch.endings[relay.Down][0]
	if up.Kind != relay.WriteFailed || !up.First || down.Kind != relay.RST {
		t.Errorf("up %+v, down %+v", up, down)
	}
}

// The same with a client that only writes: it must not wait for ever.
func TestDeadServiceResetsAClientThatDoesNotRead(t *testing.T) {
	stalled := make(chan struct{})
	r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
		go func() { _, _ = io.Copy(c, zeros{}) }()
		<-stalled
		_ = raw.SetLinger(0)
		_ = raw.Close()
	})
	_, c := r.tls(true, r.client())
	eventually(t, "the stall", r.stalled(func(s relay.Stats) int64 { return s.Relayed.Down }))
	close(stalled)
	for {
		if _, err := c.Write(make([]byte, 16<<10)); err != nil {
			if text := class(err); text != "connection reset by peer" && text != "broken pipe" {
				t.Error(text)
			}
			break
		}
	}
	r.result()
}

// A client that stops reading and leaves: our write fails, the origin is reset.
func TestWriteFailureResetsTheSource(t *testing.T) {
	broke := make(chan error, 1)
	r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
		defer raw.Close()
		for {
			if _, err := c.Write(make([]byte, 16<<10)); err != nil {
				broke <- err
				return
			}
		}
	})
	raw, c := r.tls(true, r.client())
	_, err := c.Read(make([]byte, 10))
	check(t, err)
	_ = raw.CloseRead()
	_ = raw.Close()
	if err := receive(t, broke); err == nil {
		t.Error("the origin writes on")
	}
	res := r.result()
	if res.End.Err == nil && res.End.Kind != relay.FIN {
		t.Errorf("end %+v", res.End)
	}
}
