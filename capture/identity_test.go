package capture_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"llmtap/internal/call"
)

// TestByteIdentity sends bytes of every kind both ways through the proxy, in
// pieces of random size: what arrives is what was sent.
func TestByteIdentity(t *testing.T) {
	head := "POST /v1/chat/completions HTTP/1.1\r\nhOsT: LLM.example\r\nX-B: 2\r\nx-a:1\r\nX-B:  3 \r\n"
	for _, c := range []struct{ name, alpn, up, down string }{
		{"h1 odd heads", "http/1.1", head + "content-length: 2\r\n\r\n{}", "HTTP/1.1 200 Sure Thing\r\nx-Second: b\r\nA: 1\r\nTransfer-Encoding: chunked\r\n\r\n00004;ext=\"1\"\r\nowls\r\n0\r\nT: r\r\n\r\n"},
		{"h1 pipelined", "http/1.1", strings.Repeat(post(chatPath, plainBody), 50), strings.Repeat(response("200 OK", "application/json", answerBody), 50)},
		{"h1 large", "http/1.1", post(chatPath, strings.Repeat("x", 1<<20)), response("200 OK", "text/plain", strings.Repeat("owl ", 1<<19))},
		{"garbage", "http/1.1", noise(1, 300<<10), noise(2, 300<<10)},
		{"smuggling", "http/1.1", head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"},
		{"h2 frames", "h2", h2Request(t), noise(3, 5000)},
		{"no alpn", "", noise(4, 5000), noise(5, 5000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			got := make(chan string, 1)
			var protos []string
			if c.alpn != "" {
				protos = []string{c.alpn}
			}
			target := r.origin(r.secure(protos...), func(s net.Conn) {
				b := make([]byte, len(c.up))
				_, _ = io.ReadFull(s, b)
				got <- string(b)
				pieces(s, c.down)
				_ = s.(interface{ CloseWrite() error }).CloseWrite()
				_, _ = io.Copy(io.Discard, s)
			})
			s := r.tls(target, protos...)
			if p := s.ConnectionState().NegotiatedProtocol; p != c.alpn {
				t.Errorf("negotiated %q, want %q", p, c.alpn)
			}
			go pieces(s, c.up)
			back, err := io.ReadAll(s)
			check(t, err)
			if sha256.Sum256([]byte(<-got)) != sha256.Sum256([]byte(c.up)) {
				t.Error("the service got other bytes than the client sent")
			}
			if !bytes.Equal(back, []byte(c.down)) {
				t.Errorf("the client got other bytes than the service sent: %d of %d", len(back), len(c.down))
			}
		})
	}
}

func pieces(w io.Writer, s string) {
	rnd := rand.New(rand.NewPCG(7, 11))
	for len(s) > 0 {
		n := min(len(s), 1+rnd.IntN(20_000))
		if _, err := io.WriteString(w, s[:n]); err != nil {
			return
		}
		s = s[n:]
	}
}

func noise(seed uint64, n int) string {
	rnd, b := rand.New(rand.NewPCG(seed, seed)), make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return string(b)
}

// h2Request is a client's side of one h2 call, as bytes.
func h2Request(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(http2.ClientPreface)
	f := http2.NewFramer(&b, nil)
	check(t, f.WriteSettings())
	check(t, f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, BlockFragment: h2Block(
		":method", "POST", ":scheme", "https", ":authority", host, ":path", chatPath, "content-type", "application/json")}))
	check(t, f.WriteData(1, true, []byte(streamBody)))
	return b.String()
}

func h2Block(pairs ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(pairs); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return b.Bytes()
}

// TestTrailersAndGRPC relays an h2 exchange like gRPC's: trailers after the data.
func TestTrailersAndGRPC(t *testing.T) {
	r := newRig(t)
	target, _ := r.faults("h2")
	req, err := http.NewRequest("POST", "https://"+target+chatPath, strings.NewReader(`{"model":"trailers","messages":[],"stream":true}`))
	check(t, err)
	resp, err := r.client().Do(req)
	check(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	check(t, err)
	check(t, resp.Body.Close())
	if resp.Trailer.Get("X-Answer-Status") != "complete" || resp.ProtoMajor != 2 {
		t.Errorf("trailers %v over %s", resp.Trailer, resp.Proto)
	}
	rec := r.next()
	if rec.Request.HTTP != "2" || rec.Response.Body.Transfer != call.TransferH2 || !rec.End.Terminal || rec.End.Kind != call.EndEOF {
		t.Errorf("record: http %s transfer %v end %+v", rec.Request.HTTP, rec.Response.Body.Transfer, rec.End)
	}
}

// TestInstantAnswers posts to a service that answers as soon as it sees the
// head: no stream is cut, and every record is complete.
func TestInstantAnswers(t *testing.T) {
	n := 10_000
	if testing.Short() || raceEnabled {
		n = 2_000
	}
	answer := sseHead + chunk(event) + chunk(lastEvent) + chunk(doneEvent) + "0\r\n\r\n"
	for _, path := range []string{"relay", "plain", "base-URL"} {
		t.Run(path, func(t *testing.T) {
			r := newRig(t)
			instant := func(c net.Conn) {
				br := bufio.NewReader(c)
				for {
					req, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					if _, err := io.WriteString(c, answer); err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, req.Body); err != nil {
						return
					}
				}
			}
			url := r.way(path, instant) + chatPath
			client := r.clientOf(path)
			for i := range n {
				resp, err := client.Post(url, "application/json", strings.NewReader(streamBody))
				check(t, err)
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || string(body) != event+lastEvent+doneEvent {
					t.Fatalf("answer %d is broken: %v, %d bytes", i, err, len(body))
				}
				rec := r.next()
				if rec.Target.Model != "gpt-4o" || rec.Request.Mode != call.ModeStream || rec.Request.StreamFlag != call.StreamTrue ||
					rec.Stream.Events != 3 || !rec.Stream.Done || rec.End.Kind != call.EndEOF || rec.Request.Hints.Body.IsZero() {
					t.Fatalf("record %d is incomplete: %+v %+v %+v", i, rec.Request, rec.Stream, rec.End)
				}
			}
			r.none()
		})
	}
}

// way runs serve behind one of the three ways through the agent and returns
// the URL prefix under which a client of the rig reaches it.
func (r *rig) way(path string, serve func(net.Conn)) string {
	r.t.Helper()
	switch path {
	case "relay":
		return "https://" + r.origin(r.secure("http/1.1"), serve)
	case "plain":
		return "http://" + r.origin(nil, serve)
	}
	target := r.origin(nil, serve)
	r.route("svc", "http://"+target)
	r.start()
	return "http://" + r.routes + "/svc"
}

// TestEveryReadIsForwarded drips a body: each piece reaches the client before
// the service sends the next, head first.
func TestEveryReadIsForwarded(t *testing.T) {
	const n = 20
	for _, path := range []string{"relay", "plain", "base-URL"} {
		for _, framing := range []string{"length", "chunked", "close"} {
			t.Run(path+"/"+framing, func(t *testing.T) {
				r := newRig(t)
				seen := make(chan struct{})
				piece := func(i int) string { return fmt.Sprintf("piece %02d ", i) }
				base := r.way(path, func(c net.Conn) {
					br := bufio.NewReader(c)
					if _, _, err := readRequest(br); err != nil {
						return
					}
					lines := map[string]string{"length": fmt.Sprintf("Content-Length: %d\r\n", n*len(piece(0))), "chunked": "Transfer-Encoding: chunked\r\n", "close": "Connection: close\r\n"}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"+lines[framing]+"\r\n")
					for i := range n {
						if !await(seen) {
							return
						}
						s := piece(i)
						if framing == "chunked" {
							s = chunk(s)
						}
						_, _ = io.WriteString(c, s)
					}
					if framing == "chunked" {
						_, _ = io.WriteString(c, "0\r\n\r\n")
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, "POST", base+chatPath, strings.NewReader(plainBody))
				check(t, err)
				resp, err := r.clientOf(path).Do(req)
				check(t, err)
				defer resp.Body.Close()
				b := make([]byte, len(piece(0)))
				for i := range n {
					select {
					case seen <- struct{}{}:
					case <-ctx.Done():
						t.Fatalf("the service does not take turn %d", i)
					}
					if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != piece(i) {
						t.Fatalf("piece %d: %q, %v", i, b, err)
					}
				}
				rest, err := io.ReadAll(resp.Body)
				if err != nil || len(rest) != 0 {
					t.Errorf("rest %q, %v", rest, err)
				}
				if rec := r.next(); rec.Response.Body.Bytes != int64(n*len(piece(0))) || rec.End.Kind != call.EndEOF {
					t.Errorf("record: %d bytes, end %+v", rec.Response.Body.Bytes, rec.End)
				}
			})
		}
	}
}

func await(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-time.After(limit):
		return false
	}
}
