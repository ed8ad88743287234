package capture_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"llmtap/internal/call"
)

// ending is how a service ends its connection, and what the record says of an
// answer that it cut.
type ending struct {
	name string
	end  func(raw *net.TCPConn, c *tls.Conn)
	kind call.EndKind // EndUnknown: an orderly end, whose meaning depends on the place
}

func endings() []ending {
	rst := func(raw *net.TCPConn) {
		awaitAcked(raw) // else the reset takes bytes with it
		_ = raw.SetLinger(0)
		_ = raw.Close()
	}
	return []ending{
		{"close_notify and FIN", func(_ *net.TCPConn, c *tls.Conn) { _ = c.Close() }, call.EndUnknown},
		{"close_notify and RST", func(raw *net.TCPConn, c *tls.Conn) { _ = c.CloseWrite(); rst(raw) }, call.EndUnknown},
		{"bare FIN", func(raw *net.TCPConn, _ *tls.Conn) { _ = raw.Close() }, call.EndUnknown},
		{"FIN inside a record", func(raw *net.TCPConn, _ *tls.Conn) {
			_, _ = raw.Write([]byte{0x17, 3, 3, 2, 0, 1, 2, 3})
			_ = raw.Close()
		}, call.EndShort},
		{"broken record", func(raw *net.TCPConn, _ *tls.Conn) {
			_, _ = raw.Write([]byte("HTTP/1.1 502 Bad Gateway\r\n\r\n"))
			rst(raw)
		}, call.EndReset},
		{"RST", func(raw *net.TCPConn, _ *tls.Conn) { rst(raw) }, call.EndReset},
	}
}

// place is where in the answer the connection ends.
type place struct {
	name    string
	answer  string       // what was sent until then
	orderly call.EndKind // what an orderly end means there
	status  int
}

func h1Places() []place {
	until := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	return []place{
		{"before the head", "", call.EndClosed, 0},
		{"in the head", "HTTP/1.1 200 OK\r\nContent-Ty", call.EndShort, 0},
		{"after the head", sseHead, call.EndShort, 200},
		{"between chunks", sseHead + chunk(event), call.EndShort, 200},
		{"mid chunk", sseHead + chunk(event) + "fff\r\ndata: {", call.EndShort, 200},
		{"until close", until + event, call.EndEOF, 200},
		{"short length", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n" + answerBody, call.EndShort, 200},
		{"after 10 MiB to a slow reader", sseHead + strings.Repeat(chunk(strings.Repeat(event, 100)), 10<<20/(100*len(event))), call.EndShort, 200},
	}
}

// frames is a piece of an h2 answer.
func frames(write func(*http2.Framer)) string {
	var b bytes.Buffer
	write(http2.NewFramer(&b, nil))
	return b.String()
}

func h2Head(f *http2.Framer, fields ...string) {
	var b bytes.Buffer
	enc := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b.Bytes(), EndHeaders: true})
}

func h2Places() []place {
	settings := frames(func(f *http2.Framer) { _, _ = f.WriteSettings(), f.WriteSettingsAck() })
	head := settings + frames(func(f *http2.Framer) { h2Head(f, ":status", "200", "content-type", "text/event-stream") })
	short := settings + frames(func(f *http2.Framer) {
		h2Head(f, ":status", "200", "content-type", "application/json", "content-length", "4000")
		_ = f.WriteData(1, false, []byte(answerBody))
	})
	data := frames(func(f *http2.Framer) { _ = f.WriteData(1, false, []byte(event)) })
	big := frames(func(f *http2.Framer) { _ = f.WriteData(1, false, bytes.Repeat([]byte(event), 100)) })
	return []place{
		{"before the head", settings, call.EndClosed, 0},
		{"in the head", head[:len(head)-4], call.EndClosed, 0},
		{"after the head", head, call.EndShort, 200},
		{"between frames", head + data, call.EndShort, 200},
		{"mid frame", head + data + data[:len(data)/2], call.EndShort, 200},
		{"short length", short, call.EndShort, 200},
		{"after 10 MiB to a slow reader", head + strings.Repeat(big, 10<<20/len(big)), call.EndShort, 200},
		{"RST_STREAM", head + data + frames(func(f *http2.Framer) { _ = f.WriteRSTStream(1, http2.ErrCodeInternal) }), call.EndH2RST, 200},
		{"GOAWAY", settings + frames(func(f *http2.Framer) { _ = f.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, nil) }), call.EndH2RST, 0},
	}
}

// h2Ask is a client's whole side of a connection with one streamed call.
func h2Ask() string {
	return http2.ClientPreface + frames(func(f *http2.Framer) {
		_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
		_ = f.WriteWindowUpdate(0, 1<<30)
		h2Head(f, ":method", "POST", ":scheme", "https", ":authority", host, ":path", chatPath, "content-type", "application/json")
		_ = f.WriteData(1, true, []byte(streamBody))
	})
}

// TestEndingsAreMirroredAndRecorded plays every end of a service at every place
// of an answer, over HTTP/1.1 and h2: the client's view equals that of a direct
// connection, and the record says who ended the call and how.
func TestEndingsAreMirroredAndRecorded(t *testing.T) {
	for _, proto := range []struct {
		name, ask string
		places    []place
	}{{"http/1.1", post(chatPath, streamBody), h1Places()}, {"h2", h2Ask(), h2Places()}} {
		for _, p := range proto.places {
			for _, e := range endings() {
				t.Run(strings.Join([]string{proto.name, p.name, e.name}, "/"), func(t *testing.T) {
					r := newRig(t)
					target := r.origin(r.secure(proto.name), func(s net.Conn) {
						c := s.(*tls.Conn)
						if _, err := io.ReadFull(c, make([]byte, len(proto.ask))); err != nil {
							return
						}
						_, _ = io.WriteString(c, p.answer)
						e.end(c.NetConn().(*net.TCPConn), c)
					})
					direct := endView(t, r.directly(target), proto.name, proto.ask, r.trust)
					if got := endView(t, r.tunnel(target), proto.name, proto.ask, r.trust); got != direct {
						t.Errorf("relayed: %s\n direct: %s", got, direct)
					}
					want := e.kind
					if want == call.EndUnknown || p.orderly == call.EndH2RST {
						want = p.orderly
					}
					rec := r.next()
					if rec.End.Side != call.SideUpstream || rec.End.Kind != want || rec.End.Terminal || rec.Response.Status != p.status {
						t.Errorf("end %+v, status %d; want upstream %v, status %d", rec.End, rec.Response.Status, want, p.status)
					}
				})
			}
		}
	}
}

// directly dials a service of the rig without the agent.
func (r *rig) directly(target string) *net.TCPConn {
	r.t.Helper()
	_, number, _ := net.SplitHostPort(target)
	c, err := net.Dial("tcp", "127.0.0.1:"+number)
	check(r.t, err)
	check(r.t, c.SetDeadline(time.Now().Add(limit)))
	r.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// endView is all that a client sees of an answer and its end.
func endView(t *testing.T, raw *net.TCPConn, proto, ask string, trust *x509.CertPool) string {
	t.Helper()
	defer raw.Close()
	tail := &rawEOF{Conn: raw}
	c := tls.Client(tail, &tls.Config{RootCAs: trust, ServerName: host, NextProtos: []string{proto}})
	_, err := io.WriteString(c, ask)
	check(t, err)
	sum, n, err := sha256.New(), int64(0), error(nil)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for err == nil {
		var got int64
		if got, err = io.CopyN(sum, c, 128<<10); got == 128<<10 {
			<-tick.C // a reader that is slower than the service
		}
		n += got
	}
	seen := fmt.Sprintf("%d bytes %.4x, then %s, raw EOF %v", n, sum.Sum(nil), errorClass(err), tail.seen)
	if _, broken := errors.AsType[tls.RecordHeaderError](err); !broken { // else our alert and the reset cross, also directly
		_, err = io.Copy(io.Discard, raw)
		seen += ", then " + errorClass(err)
	}
	return seen
}

// rawEOF tells a bare FIN from a close_notify: crypto/tls says EOF for both.
type rawEOF struct {
	net.Conn
	seen bool
}

func (r *rawEOF) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.seen = r.seen || errors.Is(err, io.EOF)
	return n, err
}

// errorClass is an error without addresses.
func errorClass(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "the end"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return err.Error()
}
