package capture_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"llmtap/internal/call"
)

// fault is one row of the matrix: what the service sends and how it ends, what
// the client meets and what the record says.
type fault struct {
	name   string
	answer string
	end    func(net.Conn) // nil: keeps the connection open until the client leaves
	// body is what the client reads, broken whether that ends in an error.
	body   string
	broken bool
	want   func(call.Record) string // "" or what is wrong
	// ways limits the row; empty means all.
	ways string
}

func closing(c net.Conn) { _ = c.Close() }

func resetting(c net.Conn) {
	if s, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = s.NetConn()
	}
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

func ended(side call.Side, kind call.EndKind, terminal bool) func(call.Record) string {
	return func(r call.Record) string {
		if r.End.Side != side || r.End.Kind != kind || r.End.Terminal != terminal {
			return fmt.Sprintf("end %+v, want %v %v terminal %v", r.End, side, kind, terminal)
		}
		return ""
	}
}

func all(checks ...func(call.Record) string) func(call.Record) string {
	return func(r call.Record) string {
		var bad []string
		for _, f := range checks {
			if s := f(r); s != "" {
				bad = append(bad, s)
			}
		}
		return strings.Join(bad, "; ")
	}
}

func framed(f call.Framing, t call.Transfer) func(call.Record) string {
	return func(r call.Record) string {
		if b := r.Response.Body; b.Framing != f || b.Transfer != t {
			return fmt.Sprintf("framing %v transfer %v, want %v %v", b.Framing, b.Transfer, f, t)
		}
		return ""
	}
}

func events(n int) func(call.Record) string {
	return func(r call.Record) string {
		if r.Stream.Events != n {
			return fmt.Sprintf("%d events, want %d", r.Stream.Events, n)
		}
		return ""
	}
}

func losing(what string) func(call.Record) string {
	return func(r call.Record) string {
		if !lost(r, what) {
			return fmt.Sprintf("lost %v, want %s", r.Agent.Lost, what)
		}
		return ""
	}
}

const whole = event + lastEvent + doneEvent

var whole3 = chunk(event) + chunk(lastEvent) + chunk(doneEvent) + "0\r\n\r\n"

func coded(coding string) string {
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "br":
		w = brotli.NewWriter(&b)
	case "zstd":
		w, _ = zstd.NewWriter(&b)
	}
	_, _ = io.WriteString(w, whole)
	_ = w.Close()
	return b.String()
}

func codedRows() (out []fault) {
	damage := strings.Repeat("\xff", 16)
	for _, c := range []string{"gzip", "deflate", "br", "zstd"} {
		body := coded(c)
		head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: " + c + "\r\n"
		out = append(out,
			fault{name: c, answer: head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body, body: body,
				want: all(ended(call.SideUpstream, call.EndEOF, true), events(3), framed(call.FramingSSE, call.TransferLength))},
			fault{name: c + " damaged", answer: head + "Content-Length: 16\r\n\r\n" + damage, body: damage, want: losing("decode_limit")},
		)
	}
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = w.Write(make([]byte, 64<<20))
	_ = w.Close()
	return append(out,
		fault{name: "bomb", answer: response("200 OK", "application/json", bomb.String(), "Content-Encoding: gzip"), body: bomb.String(),
			want: all(losing("decode_limit"), ended(call.SideUpstream, call.EndEOF, true))},
		fault{name: "unknown coding", answer: response("200 OK", "application/json", "xyz", "Content-Encoding: owl"), body: "xyz", want: losing("content_encoding")},
	)
}

// rows are the faults that all ways share.
func rows() []fault {
	short := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n" + answerBody
	until := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + whole
	giant := strings.Repeat("X-Padding: "+strings.Repeat("o", 8000)+"\r\n", 25)
	long := `data: {"id":"c1","choices":[{"index":0,"delta":{"content":"` + strings.Repeat("o", 64<<20) + `"}}]}` + "\n\n"
	return []fault{
		{name: "healthy stream", answer: sseHead + whole3, body: whole, want: all(ended(call.SideUpstream, call.EndEOF, true), events(3), framed(call.FramingSSE, call.TransferChunked))},
		{name: "healthy plain", answer: response("200 OK", "application/json", answerBody), body: answerBody, want: all(ended(call.SideUpstream, call.EndEOF, true), framed(call.FramingJSON, call.TransferLength))},
		{name: "short length", answer: short, end: closing, body: answerBody, broken: true, want: ended(call.SideUpstream, call.EndShort, false)},
		{name: "short chunked", answer: sseHead + chunk(event), end: closing, body: event, broken: true, want: all(ended(call.SideUpstream, call.EndShort, false), events(1))},
		{name: "short after done", answer: sseHead + chunk(whole), end: closing, body: whole, broken: true, want: all(ended(call.SideUpstream, call.EndShort, true), events(3))},
		{name: "reset", answer: sseHead + chunk(event), end: resetting, body: event, broken: true, want: all(ended(call.SideUpstream, call.EndReset, false), events(1))},
		{name: "until close", answer: until, end: closing, body: whole, want: all(ended(call.SideUpstream, call.EndEOF, true), events(3), framed(call.FramingSSE, call.TransferClose))},
		{name: "until close, cut", answer: strings.TrimSuffix(until, lastEvent+doneEvent), end: closing, body: event, want: all(ended(call.SideUpstream, call.EndEOF, false), events(1))},
		{name: "broken chunk", answer: sseHead + chunk(event) + "zz\r\n", end: closing, body: event, broken: true, want: func(r call.Record) string {
			if r.End.Terminal || r.End.Kind == call.EndEOF && r.Agent.View == call.ViewFull {
				return fmt.Sprintf("end %+v", r.End)
			}
			return ""
		}},
		{name: "giant head", answer: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + giant + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(answerBody)) + answerBody, body: answerBody, want: ended(call.SideUpstream, call.EndEOF, true)},
		{name: "no Content-Type", answer: response("200 OK", "", answerBody), body: answerBody, want: all(ended(call.SideUpstream, call.EndEOF, true), framed(call.FramingJSON, call.TransferLength))},
		{name: "mislabelled stream", answer: strings.Replace(sseHead, "text/event-stream", "application/json", 1) + whole3, body: whole, want: all(events(3), framed(call.FramingSSE, call.TransferChunked))},
		{name: "web page", answer: response("502 Bad Gateway", "text/html", "<html><body>502</body></html>"), body: "<html><body>502</body></html>", want: func(r call.Record) string {
			if r.Response.Status != 502 || r.Response.Error.Shape != call.ShapeHTML || r.Response.Origin != "upstream" {
				return fmt.Sprintf("status %d error %+v", r.Response.Status, r.Response.Error)
			}
			return ""
		}},
		{name: "empty", answer: response("200 OK", "text/event-stream", ""), body: "", want: all(ended(call.SideUpstream, call.EndEOF, true), framed(call.FramingEmpty, call.TransferLength))},
		{name: "64 MiB line", answer: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(long)) + long, body: long, want: func(r call.Record) string {
			if r.Response.Body.Bytes != int64(len(long)) || r.End.Kind != call.EndEOF {
				return fmt.Sprintf("%d bytes, end %+v", r.Response.Body.Bytes, r.End)
			}
			return ""
		}},
		{name: "trailers", answer: strings.TrimSuffix(sseHead, "\r\n") + "Trailer: X-T\r\n\r\n" + strings.TrimSuffix(whole3, "\r\n") + "X-T: 1\r\n\r\n", body: whole, want: all(ended(call.SideUpstream, call.EndEOF, true), events(3))},
	}
}

// TestFaultMatrix plays every row on every way through the agent.
func TestFaultMatrix(t *testing.T) {
	for _, f := range append(rows(), codedRows()...) {
		for _, path := range []string{"relay", "plain", "base-URL"} {
			if f.ways != "" && !strings.Contains(f.ways, path) {
				continue
			}
			if testing.Short() && len(f.answer) > 1<<20 {
				continue
			}
			t.Run(f.name+"/"+path, func(t *testing.T) {
				r := newRig(t)
				base := r.way(path, func(c net.Conn) {
					br := bufio.NewReader(c)
					if _, _, err := readRequest(br); err != nil {
						return
					}
					_, _ = io.WriteString(c, f.answer)
					if f.end == nil {
						_, _ = io.Copy(io.Discard, br)
						return
					}
					f.end(c)
				})
				resp, err := r.clientOf(path).Post(base+chatPath, "application/json", strings.NewReader(streamBody))
				check(t, err)
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if (err != nil) != f.broken {
					t.Errorf("the client's error is %v, broken %v", err, f.broken)
				}
				if same := string(body) == f.body; !same && (f.end == nil || len(body) > len(f.body) || !strings.HasPrefix(f.body, string(body))) {
					t.Errorf("the client read %d bytes, want %d", len(body), len(f.body))
				}
				rec := r.next()
				if why := f.want(rec); why != "" {
					t.Error(why)
				}
				if rec.Target.Model != "gpt-4o" || rec.Request.Mode != call.ModeStream {
					t.Errorf("request: model %q mode %v", rec.Target.Model, rec.Request.Mode)
				}
				eventually(t, "nothing in flight", func() bool { s, _ := r.proxy.Stats(); return s.Active == 0 && len(r.proxy.Live()) == 0 })
			})
		}
	}
}

// TestScenarios plays faults of the fault service over h1 and h2 and compares
// what the client meets with a direct call.
func TestScenarios(t *testing.T) {
	for _, proto := range []string{"http/1.1", "h2"} {
		for _, c := range []struct {
			id, only string
			side     call.Side
			kind     call.EndKind
			status   int
		}{
			{"healthy", "", call.SideUpstream, call.EndEOF, 200},
			{"stream-500-apim", "", call.SideUpstream, call.EndEOF, 500},
			{"rate-429", "", call.SideUpstream, call.EndEOF, 429},
			{"trailers", "", call.SideUpstream, call.EndEOF, 200},
			{"interim-103", "", call.SideUpstream, call.EndEOF, 200},
			{"flood-1xx", "http/1.1", call.SideUpstream, call.EndEOF, 200},
			{"giant-head", "", call.SideUpstream, call.EndEOF, 200},
			{"head-close", "http/1.1", call.SideUpstream, call.EndClosed, 0},
			{"head-reset", "http/1.1", call.SideUpstream, call.EndReset, 0},
			{"head-cut", "http/1.1", call.SideUpstream, call.EndShort, 0},
		} {
			if c.only != "" && c.only != proto {
				continue
			}
			t.Run(c.id+"/"+strings.TrimPrefix(proto, "http/"), func(t *testing.T) {
				r := newRig(t)
				target, _ := r.faults(proto)
				ask := func(client *http.Client) string {
					resp, err := client.Post("https://"+target+chatPath, "application/json", strings.NewReader(`{"model":"`+c.id+`","messages":[],"stream":true}`))
					if err != nil {
						return "error " + lastWords(err)
					}
					body, err := io.ReadAll(resp.Body)
					_ = resp.Body.Close()
					return fmt.Sprint(resp.Status, len(body), err, resp.Proto)
				}
				direct := r.client()
				direct.Transport.(*http.Transport).Proxy = nil
				_, number, _ := net.SplitHostPort(target)
				direct.Transport.(*http.Transport).DialContext = dialTo("127.0.0.1:" + number)
				if got, want := ask(r.client()), ask(direct); got != want {
					t.Errorf("through the agent: %s; directly: %s", got, want)
				}
				rec := r.next()
				if rec.End.Side != c.side || rec.End.Kind != c.kind || rec.Response.Status != c.status {
					t.Errorf("end %+v, status %d", rec.End, rec.Response.Status)
				}
			})
		}
	}
}

// TestSmuggling: heads that could mean two things pass byte for byte inside a
// tunnel, and become opaque or malformed, never a second request of somebody.
func TestSmuggling(t *testing.T) {
	for _, c := range []struct{ name, lines string }{
		{"two lengths", "Content-Length: 4\r\nContent-Length: 40\r\n"},
		{"length and chunked", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"},
		{"space before colon", "Content-Length : 4\r\n"},
		{"folded", "X-A: b\r\n c\r\nContent-Length: 4\r\n"},
		{"bare LF", "X-A: b\nContent-Length: 4\r\n"},
		{"other coding", "Transfer-Encoding: xchunked\r\n"},
		{"NUL", "X-A: \x00\r\nContent-Length: 4\r\n"},
		{"negative length", "Content-Length: -1\r\n"},
		{"plus length", "Content-Length: +4\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			got := make(chan string, 1)
			sent := "POST " + chatPath + " HTTP/1.1\r\nHost: " + host + "\r\n" + c.lines + "\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
			target := r.origin(r.secure("http/1.1"), func(s net.Conn) {
				b := make([]byte, len(sent))
				_, _ = io.ReadFull(s, b)
				got <- string(b)
				_, _ = io.WriteString(s, response("400 Bad Request", "text/plain", "no", "Connection: close"))
			})
			s := r.tls(target, "http/1.1")
			write(t, s, sent)
			if g := <-got; g != sent {
				t.Errorf("the service got %q", g)
			}
			answer, err := io.ReadAll(s)
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
				t.Errorf("the client got %q, %v", answer, err)
			}
			_ = s.Close()
			eventually(t, "nothing in flight", func() bool { st, _ := r.proxy.Stats(); return st.Active == 0 })
			// The second path re-serialises: the service never sees both readings.
			plain := r.origin(nil, func(s net.Conn) {
				n := 0
				br := bufio.NewReader(s)
				for {
					req, _, err := readRequest(br)
					if err != nil {
						return
					}
					if n++; n > 1 && req.URL.Path == "/admin" && req.Header.Get("Via-First") != "" {
						t.Errorf("smuggled request %d: %s", n, req.URL)
					}
					_, _ = io.WriteString(s, response("200 OK", "text/plain", "ok"))
				}
			})
			raw := r.dial()
			write(t, raw, strings.Replace(sent, "POST ", "POST http://"+plain, 1))
			line, err := bufio.NewReader(raw).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "HTTP/1.1 ") {
				t.Errorf("second path: %q %v", line, err)
			}
		})
	}
}
