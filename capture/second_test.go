package capture_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"llmtap/capture"
	"llmtap/internal/call"
)

// TestSecondPathHeads: nothing is invented and hop-by-hop lines go.
func TestSecondPathHeads(t *testing.T) {
	for _, path := range []string{"plain", "base-URL"} {
		t.Run(path, func(t *testing.T) {
			r := newRig(t)
			got := make(chan *http.Request, 1)
			base := r.way(path, func(c net.Conn) {
				req, body, err := readRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				req.Body = io.NopCloser(bytes.NewReader(body))
				got <- req
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-One: a\r\nX-One: b\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
			})
			c := r.raw(path, base)
			target := strings.TrimPrefix(base, "http://"+c.RemoteAddr().String())
			write(t, c, "POST "+target+chatPath+"?a=b%2Fc&api-key=s HTTP/1.1\r\nHost: "+host+"\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nProxy-Authorization: Basic dTpw\r\nProxy-Connection: keep-alive\r\nTE: trailers, deflate\r\nAccept-Encoding: identity\r\nX-Keep: 1\r\nX-Keep: 2\r\nContent-Length: 2\r\n\r\n{}")
			req := <-got
			for _, h := range []string{"X-Hop", "Proxy-Authorization", "Proxy-Connection", "User-Agent", "Via", "X-Forwarded-For", "Forwarded", "Traceparent", "Connection"} {
				if v, there := req.Header[h]; there {
					t.Errorf("the service got %s: %q", h, v)
				}
			}
			if req.Header.Get("Te") != "trailers" || req.Header.Get("Accept-Encoding") != "identity" || strings.Join(req.Header["X-Keep"], ",") != "1,2" {
				t.Errorf("head %v", req.Header)
			}
			if req.URL.RawQuery != "a=b%2Fc&api-key=s" || req.URL.Path != chatPath {
				t.Errorf("target %s", req.URL)
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			check(t, err)
			for _, h := range []string{"Content-Type", "Date", "Via", "Server", "Llmtap-Error"} {
				if v, there := resp.Header[h]; there {
					t.Errorf("the client got an invented %s: %q", h, v)
				}
			}
			if strings.Join(resp.Header["X-One"], ",") != "a,b" || resp.ContentLength != 2 {
				t.Errorf("answer head %v, length %d", resp.Header, resp.ContentLength)
			}
			rec := r.next()
			if strings.Contains(rec.Request.URL, "api-key=s") || !strings.Contains(rec.Request.URL, "REDACTED") {
				t.Errorf("URL %q", rec.Request.URL)
			}
			if want := map[string]call.CaptureMode{"plain": call.CapturePlain, "base-URL": call.CaptureReverse}[path]; rec.Agent.Mode != want || rec.Target.Scheme != "http" || rec.Response.Origin != "upstream" {
				t.Errorf("mode %v, scheme %q, origin %q", rec.Agent.Mode, rec.Target.Scheme, rec.Response.Origin)
			}
		})
	}
}

// raw opens the connection on which a client of that way sends its requests.
func (r *rig) raw(path, base string) *net.TCPConn {
	r.t.Helper()
	if path == "base-URL" {
		addr, _, _ := strings.Cut(strings.TrimPrefix(base, "http://"), "/")
		c, err := net.Dial("tcp", addr)
		check(r.t, err)
		check(r.t, c.SetDeadline(time.Now().Add(limit)))
		r.t.Cleanup(func() { _ = c.Close() })
		return c.(*net.TCPConn)
	}
	return r.dial()
}

// TestSecondPathErrors: what the agent answers itself is marked, machine
// readable, and recorded as what it was.
func TestSecondPathErrors(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	refused := host + ":" + port(closed)
	check(t, closed.Close())
	for _, c := range []struct {
		name, to string
		origin   func(net.Conn)
		secure   bool
		status   int
		side     call.Side
		kind     call.EndKind
	}{
		{"refused", "http://" + refused, nil, false, 502, call.SideUpstream, call.EndRefused},
		{"dns", "http://nowhere.example:80", nil, false, 502, call.SideUpstream, call.EndDNS},
		{"dns timeout", "http://slow.example:80", nil, false, 502, call.SideUpstream, call.EndTimeout},
		{"policy", "http://169.254.169.254:80", nil, false, 403, call.SideAgent, call.EndPolicy},
		{"closed before the head", "", func(c net.Conn) { _, _, _ = readRequest(bufio.NewReader(c)) }, false, 502, call.SideUpstream, call.EndClosed},
		{"reset before the head", "", reset, false, 502, call.SideUpstream, call.EndReset},
		{"garbage", "", func(c net.Conn) {
			_, _, _ = readRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, "owl owl owl\r\n\r\n")
		}, false, 502, call.SideUpstream, call.EndReset},
		{"certificate of somebody else", "https", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, true, 502, call.SideUpstream, call.EndTLS},
	} {
		for _, path := range []string{"plain", "base-URL"} {
			if c.secure && path == "plain" {
				continue // there is no https:// without CONNECT
			}
			t.Run(path+"/"+c.name, func(t *testing.T) {
				r := newRig(t, func(cfg *capture.Config) {
					cfg.Limits.Dial = 300 * time.Millisecond
					if c.secure {
						cfg.Roots = nil
					}
				})
				to := c.to
				if c.origin != nil && !c.secure {
					to = "http://" + r.origin(nil, c.origin)
				} else if c.secure {
					to = "https://" + r.origin(r.secure(), c.origin)
				}
				base := to
				if path == "base-URL" {
					r.route("svc", to)
					r.start()
					base = "http://" + r.routes + "/svc"
				}
				resp, err := r.clientOf(path).Post(base+chatPath, "application/json", strings.NewReader(streamBody))
				check(t, err)
				var body struct {
					Error struct {
						Message, Type, Code string
						Param               *string
					}
				}
				check(t, json.NewDecoder(resp.Body).Decode(&body))
				check(t, resp.Body.Close())
				if resp.StatusCode != c.status || resp.Header.Get("Llmtap-Error") != c.kind.String() || body.Error.Code != c.kind.String() ||
					body.Error.Type != "llmtap_upstream_error" || !strings.HasPrefix(body.Error.Message, "llmtap: ") {
					t.Errorf("answer %d %v %+v", resp.StatusCode, resp.Header, body.Error)
				}
				rec := r.next()
				if rec.End.Side != c.side || rec.End.Kind != c.kind || rec.Response.Origin != "agent" || rec.Response.Status != c.status || rec.End.Detail == "" || rec.End.Terminal {
					t.Errorf("end %+v, origin %q, status %d", rec.End, rec.Response.Origin, rec.Response.Status)
				}
				if s, _ := r.proxy.Stats(); s.Active != 0 || len(r.proxy.Live()) != 0 {
					t.Errorf("active %d, live %d", s.Active, len(r.proxy.Live()))
				}
			})
		}
	}
}

// reset reads a request and resets the connection.
func reset(c net.Conn) {
	_, _, _ = readRequest(bufio.NewReader(c))
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// TestBodilessAnswers: HEAD, 204 and 304 end whole on every way.
func TestBodilessAnswers(t *testing.T) {
	for _, path := range []string{"relay", "plain", "base-URL"} {
		for _, c := range []struct{ method, answer string }{
			{"HEAD", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4711\r\n\r\n"},
			{"POST", "HTTP/1.1 204 No Content\r\n\r\n"},
			{"POST", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 12\r\n\r\n"},
			{"POST", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		} {
			t.Run(path+"/"+c.method+" "+c.answer[9:12], func(t *testing.T) {
				r := newRig(t)
				base := r.way(path, answers(c.answer))
				client := r.clientOf(path)
				for range 2 {
					req, err := http.NewRequest(c.method, base+chatPath, nil)
					check(t, err)
					resp, err := client.Do(req)
					check(t, err)
					body, err := io.ReadAll(resp.Body)
					check(t, err)
					check(t, resp.Body.Close())
					if len(body) != 0 || fmt.Sprint(resp.StatusCode) != c.answer[9:12] {
						t.Errorf("answer %d %q", resp.StatusCode, body)
					}
					if c.method == "HEAD" && resp.ContentLength != 4711 {
						t.Errorf("Content-Length %d", resp.ContentLength)
					}
				}
				eventually(t, "no exchange in flight", func() bool { s, _ := r.proxy.Stats(); return s.Active == 0 })
				if c.method == "POST" {
					for range 2 {
						if rec := r.next(); rec.End.Side != call.SideUpstream || rec.End.Kind != call.EndEOF {
							t.Errorf("end %+v", rec.End)
						}
					}
				}
			})
		}
	}
}

// TestInterim: 103, 100-continue and an early 413 reach the client when they
// were sent, and are counted.
func TestInterim(t *testing.T) {
	for _, path := range []string{"relay", "plain", "base-URL"} {
		t.Run(path+"/103", func(t *testing.T) {
			r := newRig(t)
			seen := make(chan struct{})
			base := r.way(path, func(c net.Conn) {
				if _, _, err := readRequest(bufio.NewReader(c)); err != nil {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </owl.css>\r\n\r\n")
				if await(seen) {
					_, _ = io.WriteString(c, response("200 OK", "application/json", answerBody))
				}
			})
			var link string
			trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				link = fmt.Sprint(code, h.Get("Link"))
				close(seen)
				return nil
			}}
			req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", base+chatPath, strings.NewReader(plainBody))
			check(t, err)
			resp, err := r.clientOf(path).Do(req)
			check(t, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			check(t, resp.Body.Close())
			if link != "103</owl.css>" || resp.Header.Get("Link") != "" {
				t.Errorf("hint %q, final head %v", link, resp.Header)
			}
			if rec := r.next(); rec.Response.Interim != 1 || rec.Response.Status != 200 {
				t.Errorf("interim %d, status %d", rec.Response.Interim, rec.Response.Status)
			}
		})
		t.Run(path+"/100-continue", func(t *testing.T) {
			r := newRig(t)
			base := r.way(path, func(c net.Conn) {
				br := bufio.NewReader(c)
				req, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				if req.Header.Get("Expect") == "100-continue" {
					_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
				}
				body, _ := io.ReadAll(req.Body)
				_, _ = io.WriteString(c, response("200 OK", "text/plain", fmt.Sprint(len(body))))
			})
			client := r.clientOf(path)
			client.Transport.(*http.Transport).ExpectContinueTimeout = limit
			req, err := http.NewRequest("POST", base+chatPath, strings.NewReader(plainBody))
			check(t, err)
			req.Header.Set("Expect", "100-continue")
			resp, err := client.Do(req)
			check(t, err)
			got, err := io.ReadAll(resp.Body)
			check(t, err)
			check(t, resp.Body.Close())
			if string(got) != fmt.Sprint(len(plainBody)) {
				t.Errorf("the service read %s bytes", got)
			}
			if rec := r.next(); rec.Response.Interim != 1 || rec.Request.Bytes != int64(len(plainBody)) {
				t.Errorf("interim %d, bytes %d", rec.Response.Interim, rec.Request.Bytes)
			}
		})
		t.Run(path+"/early 413", func(t *testing.T) {
			r := newRig(t)
			base := r.way(path, func(c net.Conn) {
				br := bufio.NewReader(c)
				if _, err := http.ReadRequest(br); err == nil {
					_, _ = io.WriteString(c, response("413 Too Large", "application/json", `{"error":{"message":"big","type":"t","code":"c"}}`))
				}
				_, _ = io.Copy(io.Discard, br)
			})
			raw, in := r.halfSent(path, base)
			resp, err := http.ReadResponse(bufio.NewReader(in), nil)
			check(t, err)
			if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 413 || !strings.Contains(string(body), "big") {
				t.Fatalf("answer %d %q %v", resp.StatusCode, body, err)
			}
			check(t, raw.Close())
			if rec := r.next(); rec.Response.Status != 413 || rec.Response.Error.Code != "c" || rec.End.Side != call.SideUpstream {
				t.Errorf("status %d error %+v end %+v", rec.Response.Status, rec.Response.Error, rec.End)
			}
		})
	}
}

// halfSent sends a request that announces more than it brings.
func (r *rig) halfSent(path, base string) (raw *net.TCPConn, in net.Conn) {
	r.t.Helper()
	head := "POST %s HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n\r\n" + `{"model":"gpt-4o",`
	if path == "relay" {
		s := r.tls(strings.TrimPrefix(base, "https://"), "http/1.1")
		write(r.t, s, fmt.Sprintf(head, chatPath))
		return s.NetConn().(*net.TCPConn), s
	}
	c := r.raw(path, base)
	write(r.t, c, fmt.Sprintf(head, strings.TrimPrefix(base, "http://"+c.RemoteAddr().String())+chatPath))
	return c, c
}

// TestClientLeaves: the service learns at once that the client has gone, before
// the head and in a silence of the stream, and the record says who left.
func TestClientLeaves(t *testing.T) {
	for _, path := range []string{"relay", "plain", "base-URL"} {
		for _, when := range []string{"before the head", "in the stream"} {
			t.Run(path+"/"+when, func(t *testing.T) {
				r := newRig(t)
				started, gone := make(chan struct{}, 1), make(chan error, 1)
				base := r.way(path, func(c net.Conn) {
					br := bufio.NewReader(c)
					if _, _, err := readRequest(br); err != nil {
						return
					}
					if when == "in the stream" {
						_, _ = io.WriteString(c, sseHead+chunk(event)+chunk(event))
					}
					started <- struct{}{}
					_, err := br.ReadByte()
					gone <- err
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, "POST", base+chatPath, strings.NewReader(streamBody))
				check(t, err)
				done := make(chan error, 1)
				go func() {
					resp, err := r.clientOf(path).Do(req)
					if err == nil {
						b := make([]byte, 2*len(event))
						if _, err = io.ReadFull(resp.Body, b); err == nil {
							cancel()
							_, err = resp.Body.Read(b)
						}
						_ = resp.Body.Close()
					}
					done <- err
				}()
				<-started
				if when == "before the head" {
					cancel()
				}
				left := time.Now()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("the client's error is %v", err)
				}
				if err := <-gone; err == nil {
					t.Error("the service read on")
				}
				if d := time.Since(left); d > time.Second {
					t.Errorf("the service noticed after %v", d)
				}
				rec := r.next()
				want := map[string]int{"before the head": 0, "in the stream": 2}[when]
				if rec.End.Side != call.SideClient || rec.End.Kind != call.EndClosed || rec.End.Terminal || rec.Stream.Events != want || rec.Outcome() != call.OutcomeCancelled {
					t.Errorf("end %+v, %d events, outcome %v", rec.End, rec.Stream.Events, rec.Outcome())
				}
			})
		}
	}
}
