package capture_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"llmtap/capture"
	"llmtap/internal/call"
)

// stream is a service that sends one event, waits for more, and ends.
func stream(more <-chan struct{}) func(net.Conn) {
	return func(c net.Conn) {
		if _, _, err := readRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = io.WriteString(c, sseHead+chunk(event))
		if await(more) {
			_, _ = io.WriteString(c, chunk(lastEvent)+chunk(doneEvent)+"0\r\n\r\n")
		}
		_, _ = io.Copy(io.Discard, c)
	}
}

// begin posts a stream on the way and reads its first event.
func (r *rig) begin(path, base string) *http.Response {
	r.t.Helper()
	resp, err := r.clientOf(path).Post(base+chatPath, "application/json", strings.NewReader(streamBody))
	check(r.t, err)
	r.t.Cleanup(func() { _ = resp.Body.Close() })
	_, err = io.ReadFull(resp.Body, make([]byte, len(event)))
	check(r.t, err)
	return resp
}

// TestDrain: idle tunnels end at once, busy ones after their exchange, the rest
// at the deadline as ended by the agent; new ones are refused.
func TestDrain(t *testing.T) {
	for _, path := range []string{"relay", "plain", "base-URL"} {
		t.Run(path+"/busy", func(t *testing.T) {
			r := newRig(t)
			more := make(chan struct{})
			base := r.way(path, stream(more))
			resp := r.begin(path, base)
			eventually(t, "the live call listed", func() bool { // it is observed after it was forwarded
				live := r.proxy.Live()
				return len(live) == 1 && live[0].Request.Mode == call.ModeStream && live[0].Target.Model == "gpt-4o"
			})
			drained := make(chan error, 1)
			go func() { drained <- r.proxy.Drain(t.Context()) }()
			eventually(t, "a refused connection", func() bool {
				c, err := net.Dial("tcp", r.addr)
				if err == nil {
					_ = c.Close()
				}
				return err != nil
			})
			select {
			case err := <-drained:
				t.Fatalf("drained with a call in flight: %v", err)
			default:
			}
			close(more)
			rest, err := io.ReadAll(resp.Body)
			if err != nil || string(rest) != lastEvent+doneEvent {
				t.Errorf("the rest of the stream: %q, %v", rest, err)
			}
			check(t, <-drained)
			if rec := r.next(); rec.End.Side != call.SideUpstream || rec.End.Kind != call.EndEOF || !rec.Stream.Done {
				t.Errorf("end %+v", rec.End)
			}
			check(t, r.proxy.Close())
		})
		t.Run(path+"/deadline", func(t *testing.T) {
			r := newRig(t)
			never := make(chan struct{})
			base := r.way(path, stream(never))
			t.Cleanup(func() { close(never) })
			resp := r.begin(path, base)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			if err := r.proxy.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("drain: %v", err)
			}
			_ = r.proxy.Close() // of what the drain left
			if _, err := io.ReadAll(resp.Body); err == nil {
				t.Error("the client met a clean end")
			}
			rec := r.next()
			if rec.End.Side != call.SideAgent || rec.End.Kind != call.EndClosed || rec.End.Reason != "shutdown" || rec.End.Terminal || rec.Stream.Events != 1 {
				t.Errorf("end %+v, %d events", rec.End, rec.Stream.Events)
			}
			check(t, r.proxy.Close())
		})
	}
	t.Run("idle", func(t *testing.T) {
		r := newRig(t)
		target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
		conns := make([]net.Conn, 10)
		for i := range conns {
			conns[i] = r.tls(target)
			r.overTLS(conns[i])
			r.next()
		}
		began := time.Now()
		check(t, r.proxy.Drain(t.Context()))
		if d := time.Since(began); d > time.Second {
			t.Errorf("ten idle tunnels took %v", d)
		}
		for _, c := range conns {
			if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
				t.Errorf("an idle client met %q, %v", rest, err)
			}
		}
		r.none()
	})
	t.Run("blind", func(t *testing.T) {
		r := newRig(t, func(c *capture.Config) { c.Policy.Intercept = nil })
		target := r.origin(nil, func(c net.Conn) { _, _ = io.Copy(c, c) })
		raw := r.tunnel(target)
		write(t, raw, "x")
		_, err := raw.Read(make([]byte, 1))
		check(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := r.proxy.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drain: %v", err)
		}
		_ = r.proxy.Close()
		if _, err := raw.Read(make([]byte, 1)); err == nil {
			t.Error("the tunnel lives on")
		}
	})
}

// TestDrainRefusesOnOpenConnections: a kept connection gets 503, as the
// listener is gone only for new ones.
func TestDrainRefusesOnOpenConnections(t *testing.T) {
	r := newRig(t)
	more := make(chan struct{})
	resp := r.begin("plain", r.way("plain", stream(more)))
	raw := r.dial()
	write(t, raw, "CON") // not idle: the server waits for the rest
	drained := make(chan error, 1)
	go func() { drained <- r.proxy.Drain(t.Context()) }()
	eventually(t, "listeners closed", func() bool {
		c, err := net.Dial("tcp", r.addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	write(t, raw, "NECT llm.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
	head := make([]byte, 64)
	n, _ := raw.Read(head)
	if s := string(head[:n]); s != "" && !strings.HasPrefix(s, "HTTP/1.1 503 llmtap: the agent is shutting down") {
		t.Errorf("answer %q", s)
	}
	close(more)
	_, _ = io.ReadAll(resp.Body)
	check(t, <-drained)
}

// TestServeAfterClose: a listener that comes too late is closed at once.
func TestServeAfterClose(t *testing.T) {
	r := newRig(t)
	p, err := capture.New(r.cfg)
	check(t, err)
	check(t, p.Close())
	for _, serve := range []func(net.Listener) error{p.Serve, p.ServeRoutes} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		check(t, serve(l))
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			_ = c.Close()
			t.Error("the listener is open")
		}
	}
	check(t, p.Close())
	check(t, p.Drain(t.Context()))
}

// TestObserverPanic: hostile hooks cost the observation, never the bytes, and
// nothing stays in flight.
func TestObserverPanic(t *testing.T) {
	for _, hook := range []string{"Started", "Emit"} {
		for _, path := range []string{"relay", "plain", "base-URL"} {
			t.Run(hook+"/"+path, func(t *testing.T) {
				var calls atomic.Int64
				boom := func(*call.Record) { calls.Add(1); panic("hostile") }
				r := newRig(t, func(c *capture.Config) {
					if hook == "Emit" {
						c.Hooks.Emit = boom
					} else {
						c.Hooks.Started = boom
					}
				})
				base := r.way(path, answers(sseHead+chunk(event)+chunk(lastEvent)+chunk(doneEvent)+"0\r\n\r\n"))
				client := r.clientOf(path)
				for i := range 3 {
					resp, err := client.Post(base+chatPath, "application/json", strings.NewReader(streamBody))
					check(t, err)
					body, err := io.ReadAll(resp.Body)
					_ = resp.Body.Close()
					if err != nil || string(body) != event+lastEvent+doneEvent {
						t.Fatalf("answer %d: %q, %v", i, body, err)
					}
				}
				eventually(t, "the panic counted and nothing in flight", func() bool {
					s, _ := r.proxy.Stats()
					return calls.Load() > 0 && s.Stopped["panic"] > 0 && s.Active == 0 && len(r.proxy.Live()) == 0
				})
			})
		}
	}
}

// TestUpgrade relays a WebSocket on every way: frames pass both ways, the end
// of one side ends the other, and the record counts bytes and tells who ended
// it, whatever was said.
func TestUpgrade(t *testing.T) {
	const ask = "GET %s HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	for _, path := range []string{"relay", "plain", "base-URL"} {
		for _, ender := range []string{"client", "service", "agent"} {
			t.Run(path+"/"+ender, func(t *testing.T) {
				r := newRig(t)
				serviceDone := make(chan struct{})
				base := r.way(path, func(c net.Conn) {
					defer close(serviceDone)
					br := bufio.NewReader(c)
					if req, err := http.ReadRequest(br); err != nil || req.Header.Get("Upgrade") != "websocket" || req.Header.Get("Connection") != "Upgrade" {
						return
					}
					_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello")
					b := make([]byte, 4)
					if _, err := io.ReadFull(br, b); err != nil || string(b) != "ping" {
						return
					}
					_, _ = io.WriteString(c, "pong")
					if ender != "service" {
						_, _ = io.Copy(io.Discard, br)
					}
				})
				target := "/v1/realtime?model=gpt-4o-realtime"
				var c net.Conn
				if path == "relay" {
					c = r.tls(strings.TrimPrefix(base, "https://"), "http/1.1")
				} else {
					raw := r.raw(path, base)
					c, target = raw, strings.TrimPrefix(base, "http://"+raw.RemoteAddr().String())+target
				}
				write(t, c, fmt.Sprintf(ask, target))
				if head := readHead(t, c); !strings.HasPrefix(head, "HTTP/1.1 101 ") || !strings.Contains(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
					t.Fatalf("answer %q", head)
				}
				asked := time.Now()
				write(t, c, "ping")
				b := make([]byte, 9)
				if _, err := io.ReadFull(c, b); err != nil || string(b) != "hellopong" {
					t.Fatalf("frames %q, %v", b, err)
				}
				switch ender {
				case "client":
					check(t, c.Close())
				case "agent":
					check(t, r.proxy.Close())
				}
				if ender != "client" {
					var late net.Error
					if n, err := c.Read(b); err == nil || errors.As(err, &late) && late.Timeout() {
						t.Errorf("%d more bytes, %v: the connection was left open", n, err)
					}
					_ = c.Close()
				}
				if !await(serviceDone) {
					t.Error("the service was not told of the end")
				}
				rec := r.next()
				want := map[string]call.End{
					"client":  {Side: call.SideClient, Kind: call.EndClosed, Reason: "upgrade", Terminal: true},
					"service": {Side: call.SideUpstream, Kind: call.EndEOF, Reason: "upgrade", Terminal: true},
					"agent":   {Side: call.SideAgent, Kind: call.EndClosed, Reason: "shutdown"},
				}[ender]
				if rec.End != want || rec.Agent.View != call.ViewOpaque {
					t.Errorf("view %v, end %+v, want %+v", rec.Agent.View, rec.End, want)
				}
				if rec.Request.Bytes != 4 || rec.Response.Body.Bytes != 9 || rec.Timing.End.Before(asked) {
					t.Errorf("%d bytes sent, %d received in %v", rec.Request.Bytes, rec.Response.Body.Bytes, rec.Duration())
				}
				got := fmt.Sprintf("%s %d %s %s %s %s %s", rec.Request.Method, rec.Response.Status, rec.Response.Body.Framing, rec.Target.API,
					rec.Target.Format, rec.Target.Model, rec.Request.Mode)
				if got != "GET 101 other websocket unknown gpt-4o-realtime unknown" {
					t.Errorf("record %s", got)
				}
				if rec.Stream.Events != 0 || rec.Response.Model != "" || len(rec.Response.FinishReasons) > 0 {
					t.Errorf("content was read: %+v", rec.Stream)
				}
				if s, _ := r.proxy.Stats(); s.Active != 0 {
					t.Errorf("%d in flight", s.Active)
				}
			})
		}
	}
}

// TestHalfClose: a client that has said all may still hear the answer.
func TestHalfClose(t *testing.T) {
	r := newRig(t)
	target := r.origin(r.secure("http/1.1"), func(c net.Conn) {
		br := bufio.NewReader(c)
		if _, _, err := readRequest(br); err != nil {
			return
		}
		if _, err := br.ReadByte(); errors.Is(err, io.EOF) {
			_, _ = io.WriteString(c, response("200 OK", "application/json", answerBody))
		}
	})
	c := r.tls(target, "http/1.1")
	write(t, c, post(chatPath, plainBody))
	check(t, c.CloseWrite())
	got, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(got), answerBody) {
		t.Errorf("answer %q, %v", got, err)
	}
	if rec := r.next(); rec.Response.Status != 200 || rec.End.Kind != call.EndEOF || rec.End.Side != call.SideUpstream || !rec.End.Terminal {
		t.Errorf("end %+v", rec.End)
	}
}

// TestUnaskedAnswer: a 408 to an idle connection is nobody's call.
func TestUnaskedAnswer(t *testing.T) {
	r := newRig(t)
	target := r.origin(r.secure("http/1.1"), func(c net.Conn) {
		if _, _, err := readRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, response("200 OK", "application/json", answerBody))
			_, _ = io.WriteString(c, response("408 Request Timeout", "text/plain", "idle"))
		}
	})
	c := r.tls(target, "http/1.1")
	write(t, c, post(chatPath, plainBody))
	got, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(got), "idle") {
		t.Errorf("the client got %q, %v", got, err)
	}
	if rec := r.next(); rec.Response.Status != 200 {
		t.Errorf("status %d", rec.Response.Status)
	}
	_ = c.Close()
	eventually(t, "the unasked answer counted", func() bool { s, _ := r.proxy.Stats(); return s.Dropped["unasked"] == 1 && s.Active == 0 })
	r.none()
}
