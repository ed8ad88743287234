package capture_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"llmtap/capture"
	"llmtap/internal/call"
)

// TestIdleTunnelEnds: a tunnel in which nothing moves ends for both sides after
// the idle limit, in order; whether there was a call before, or ever will be.
func TestIdleTunnelEnds(t *testing.T) {
	const idle = 60 * time.Millisecond
	for _, c := range []struct {
		name  string
		blind bool
		calls int
	}{
		{"after a call", false, 1},
		{"before any call", false, 0},
		{"blind", true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(cfg *capture.Config) {
				cfg.Limits.Idle = idle
				if c.blind {
					cfg.Policy.Intercept = nil
				}
			})
			gone := make(chan error, 1)
			target := r.origin(r.secure("http/1.1"), func(s net.Conn) {
				answers(response("200 OK", "application/json", answerBody))(s)
				_, err := s.Read(make([]byte, 1))
				gone <- err
			})
			s := r.tls(target, "http/1.1")
			for range c.calls {
				r.overTLS(s)
			}
			began := time.Now()
			if n, err := s.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
				t.Errorf("the client met %d bytes, %v", n, err)
			}
			if lived := time.Since(began); lived < idle/2 {
				t.Errorf("ended after %v, before the limit of %v", lived, idle)
			}
			select {
			case err := <-gone:
				if !errors.Is(err, io.EOF) {
					t.Errorf("the service met %v", err)
				}
			case <-time.After(limit):
				t.Fatal("the service was not told")
			}
			if c.calls == 1 && !c.blind {
				if rec := r.next(); rec.End.Side != call.SideUpstream || rec.End.Kind != call.EndEOF {
					t.Errorf("the call before it: end %+v", rec.End)
				}
			}
			r.none() // an idle connection that ends is no call
		})
	}
}

// TestSilentCallIsNotIdle: while an answer is awaited or under way, however
// long nothing moves, the tunnel stays; after it the limit holds again.
func TestSilentCallIsNotIdle(t *testing.T) {
	const idle = 40 * time.Millisecond
	for _, place := range []string{"before the head", "in the stream"} {
		t.Run(place, func(t *testing.T) {
			r := newRig(t, func(cfg *capture.Config) { cfg.Limits.Idle = idle })
			more := make(chan struct{})
			target := r.origin(r.secure("http/1.1"), func(s net.Conn) {
				before, after := "", sseHead+chunk(event)
				if place == "in the stream" {
					before, after = after, before
				}
				b := make([]byte, len(post(chatPath, streamBody)))
				if _, err := io.ReadFull(s, b); err != nil {
					return
				}
				_, _ = io.WriteString(s, before)
				if await(more) {
					_, _ = io.WriteString(s, after+chunk(lastEvent)+chunk(doneEvent)+"0\r\n\r\n")
				}
				_, _ = io.Copy(io.Discard, s)
			})
			s := r.tls(target, "http/1.1")
			write(t, s, post(chatPath, streamBody))
			answer := sseHead + chunk(event)
			if place == "in the stream" {
				_, err := io.ReadFull(s, make([]byte, len(answer)))
				check(t, err)
				answer = ""
			}
			check(t, s.SetReadDeadline(time.Now().Add(8*idle)))
			if n, err := s.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("in the silence: %d bytes, %v", n, err)
			}
			check(t, s.SetReadDeadline(time.Now().Add(limit)))
			close(more)
			rest, err := io.ReadAll(s) // up to the idle limit
			if want := answer + whole3[len(chunk(event)):]; string(rest) != want || err != nil {
				t.Errorf("the rest: %q, %v; want %q", rest, err, want)
			}
			if rec := r.next(); rec.End.Side != call.SideUpstream || rec.End.Kind != call.EndEOF || !rec.End.Terminal {
				t.Errorf("end %+v", rec.End)
			}
		})
	}
}

// TestHalfCloseOnTheSecondPathIsLeaving: net/http takes a client's FIN for its
// leaving, so that the service is told and the record says so; inside a tunnel
// the answer still comes (TestHalfClose).
func TestHalfCloseOnTheSecondPathIsLeaving(t *testing.T) {
	for _, way := range []string{"plain", "base-URL"} {
		t.Run(way, func(t *testing.T) {
			r := newRig(t)
			told := make(chan error, 1)
			base := r.way(way, func(s net.Conn) {
				b := make([]byte, 4096)
				_, err := s.Read(b)
				for err == nil { // what is left of the request, then the end
					_, err = s.Read(b)
				}
				told <- err
			})
			c := r.raw(way, base)
			target := base + chatPath
			if way == "base-URL" {
				target = "/svc" + chatPath
			}
			write(t, c, post(target, plainBody))
			check(t, c.CloseWrite())
			if got, err := io.ReadAll(c); err != nil || len(got) != 0 {
				t.Errorf("the client got %q, %v", got, err)
			}
			select {
			case <-told:
			case <-time.After(limit):
				t.Fatal("the service was not told")
			}
			if rec := r.next(); rec.End.Side != call.SideClient || rec.End.Kind != call.EndClosed || rec.Response.Status != 0 {
				t.Errorf("end %+v, status %d", rec.End, rec.Response.Status)
			}
		})
	}
}
