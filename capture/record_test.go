package capture_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"llmtap/capture"
	"llmtap/internal/call"
)

// TestContent: off by default; redacted and capped when switched on.
func TestContent(t *testing.T) {
	const canary = "sk-canary0123456789abcdefghijklmnop"
	ask := `{"model":"gpt-4o","messages":[{"role":"user","content":"my key is ` + canary + `"}]}`
	answer := strings.Replace(answerBody, `"content":"owl"`, `"content":"owl `+canary+`"`, 1)
	for _, path := range []string{"relay", "plain", "base-URL"} {
		for _, c := range []struct {
			name  string
			on    bool
			limit int64
			state call.CaptureState
		}{{"off", false, 0, call.CaptureOff}, {"on", true, 0, call.CaptureFull}, {"cut", true, 64, call.CaptureTruncated}} {
			t.Run(path+"/"+c.name, func(t *testing.T) {
				r := newRig(t, func(cfg *capture.Config) { cfg.StoreContent, cfg.Limits.Content = c.on, c.limit })
				base := r.way(path, answers(response("200 OK", "application/json", answer)))
				resp, err := r.clientOf(path).Post(base+chatPath+"?api-key="+canary, "application/json", strings.NewReader(ask))
				check(t, err)
				got, err := io.ReadAll(resp.Body)
				check(t, err)
				check(t, resp.Body.Close())
				if string(got) != answer {
					t.Errorf("the client got %q", got)
				}
				rec := r.next()
				raw, err := json.Marshal(rec)
				check(t, err)
				if strings.Contains(string(raw), "canary0123") {
					t.Errorf("a secret in the record: %s", raw)
				}
				if rec.Agent.Capture != c.state || rec.Content.Truncated != (c.state == call.CaptureTruncated) {
					t.Errorf("capture %v, content %+v", rec.Agent.Capture, rec.Content)
				}
				if has := strings.Contains(rec.Content.Request, "messages") || strings.Contains(rec.Content.Request, "model"); has != c.on {
					t.Errorf("request content %q", rec.Content.Request)
				}
				if !c.on && rec.Content != (call.Content{}) {
					t.Errorf("content %+v", rec.Content)
				}
				if c.state == call.CaptureFull && !strings.Contains(rec.Content.Response, "owl") {
					t.Errorf("response content %q", rec.Content.Response)
				}
			})
		}
	}
}

// TestCanaryStaysOut puts a secret everywhere a client or service can.
func TestCanaryStaysOut(t *testing.T) {
	const canary = "sk-canary0123456789abcdefghijklmnop"
	for _, path := range []string{"relay", "plain", "base-URL"} {
		t.Run(path, func(t *testing.T) {
			r := newRig(t)
			body := `{"error":{"message":"Incorrect API key provided: ` + canary + `","type":"invalid_request_error","code":"invalid_api_key"}}`
			base := r.way(path, answers(response("401 Unauthorized", "application/json", body, "Set-Cookie: s="+canary, "X-Request-Id: "+canary, "WWW-Authenticate: Bearer "+canary)))
			req, err := http.NewRequest("POST", base+chatPath+"?key="+canary+"&access_token="+canary, strings.NewReader(plainBody))
			check(t, err)
			for _, h := range []string{"Authorization", "Api-Key", "X-Api-Key", "Cookie", "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key", "X-Amz-Security-Token", "X-Something-Token"} {
				req.Header.Set(h, canary)
			}
			resp, err := r.clientOf(path).Do(req)
			check(t, err)
			got, _ := io.ReadAll(resp.Body)
			check(t, resp.Body.Close())
			if string(got) != body || resp.Header.Get("Set-Cookie") != "s="+canary {
				t.Errorf("the client got %q %v", got, resp.Header)
			}
			rec := r.next()
			raw, err := json.Marshal(rec)
			check(t, err)
			if strings.Contains(fmt.Sprintf("%s %+v", raw, rec), "canary0123") {
				t.Errorf("a secret in the record: %s", raw)
			}
			if rec.Response.Error.Code != "invalid_api_key" || rec.Response.Error.Message == "" || rec.Target.Auth.Digest.IsZero() {
				t.Errorf("error %+v auth %v", rec.Response.Error, rec.Target.Auth)
			}
		})
	}
}

// TestH2Ends: who reset a stream, while another of the connection goes on.
func TestH2Ends(t *testing.T) {
	for _, c := range []struct {
		name string
		side call.Side
		code http2.ErrCode
	}{{"client", call.SideClient, http2.ErrCodeCancel}, {"service", call.SideUpstream, http2.ErrCodeInternal}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			target := r.origin(r.secure("h2"), func(s net.Conn) { h2Service(s, c.side == call.SideUpstream) })
			s := r.tls(target, "h2")
			write(t, s, h2Request(t))
			f := http2.NewFramer(s, s)
			if c.side == call.SideClient {
				until(t, f, func(fr http2.Frame) bool { _, ok := fr.(*http2.DataFrame); return ok })
				check(t, f.WriteRSTStream(1, http2.ErrCodeCancel))
			} else {
				until(t, f, func(fr http2.Frame) bool { _, ok := fr.(*http2.RSTStreamFrame); return ok })
			}
			rec := r.next()
			if rec.End.Side != c.side || rec.End.Kind != call.EndH2RST || rec.End.H2Code != uint32(c.code) || rec.End.Terminal || rec.Stream.Events != 1 {
				t.Errorf("end %+v, %d events", rec.End, rec.Stream.Events)
			}
			if rec.Request.HTTP != "2" || rec.Response.Status != 200 || rec.Target.Model != "gpt-4o" {
				t.Errorf("record %+v", rec.Request)
			}
			if s, _ := r.proxy.Stats(); s.Active != 0 {
				t.Errorf("%d in flight", s.Active)
			}
			check(t, f.WritePing(false, [8]byte{1}))
			until(t, f, func(fr http2.Frame) bool { p, ok := fr.(*http2.PingFrame); return ok && p.IsAck() })
		})
	}
}

// h2Service answers stream 1 with a head and one event, and resets it if told;
// it acknowledges pings.
func h2Service(c net.Conn, resets bool) {
	br := bufio.NewReader(c)
	if _, err := io.ReadFull(br, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c, br)
	_ = f.WriteSettings()
	for {
		fr, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch fr := fr.(type) {
		case *http2.DataFrame:
			_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, BlockFragment: h2Block(":status", "200", "content-type", "text/event-stream")})
			_ = f.WriteData(1, false, []byte(event))
			if resets {
				_ = f.WriteRSTStream(1, http2.ErrCodeInternal)
			}
		case *http2.PingFrame:
			_ = f.WritePing(true, fr.Data)
		}
	}
}

func until(t *testing.T, f *http2.Framer, ok func(http2.Frame) bool) {
	t.Helper()
	for {
		fr, err := f.ReadFrame()
		check(t, err)
		if ok(fr) {
			return
		}
	}
}

// TestH2HostMismatch: :authority of another host is relayed and noted.
func TestH2HostMismatch(t *testing.T) {
	r := newRig(t)
	target, _ := r.faults("h2")
	for _, c := range []struct {
		host string
		want bool
	}{{"", false}, {"LLM.example.:1", false}, {"other.example", true}} {
		req, err := http.NewRequest("POST", "https://"+target+chatPath, strings.NewReader(plainBody))
		check(t, err)
		req.Host = c.host
		resp, err := r.client().Do(req)
		check(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		check(t, resp.Body.Close())
		if rec := r.next(); rec.Request.Hints.HostMismatch != c.want || rec.Target.Host != host || rec.Request.HTTP != "2" {
			t.Errorf("authority %q: mismatch %v, target %s, http %s", c.host, rec.Request.Hints.HostMismatch, rec.Target.Host, rec.Request.HTTP)
		}
	}
}

// TestPipelining: answers belong to requests in order, also when the client
// does not wait.
func TestPipelining(t *testing.T) {
	r := newRig(t)
	const n = 30
	target := r.origin(r.secure("http/1.1"), func(c net.Conn) {
		br := bufio.NewReader(c)
		for i := range n {
			if _, _, err := readRequest(br); err != nil {
				return
			}
			_, _ = io.WriteString(c, response(fmt.Sprintf("%d X", 230+i), "application/json", answerBody))
		}
	})
	c := r.tls(target, "http/1.1")
	var all strings.Builder
	for i := range n {
		all.WriteString(post(chatPath, fmt.Sprintf(`{"model":"m%d","messages":[]}`, i)))
	}
	write(t, c, all.String())
	_, err := io.ReadAll(c)
	check(t, err)
	for i := range n {
		rec := r.next()
		if rec.Target.Model != fmt.Sprintf("m%d", i) || rec.Response.Status != 230+i {
			t.Errorf("answer %d: model %s status %d", i, rec.Target.Model, rec.Response.Status)
		}
	}
}

// TestLiveTellsModesApart is what the gauge of active calls is made of.
func TestLiveTellsModesApart(t *testing.T) {
	var started []call.Record
	seen := make(chan call.Record, 4)
	r := newRig(t, func(c *capture.Config) { c.Hooks.Started = func(rec *call.Record) { seen <- *rec } })
	hold := make(chan struct{})
	target := r.origin(r.secure("http/1.1"), func(c net.Conn) {
		if _, _, err := readRequest(bufio.NewReader(c)); err == nil && await(hold) {
			_, _ = io.WriteString(c, response("200 OK", "application/json", answerBody))
		}
	})
	t.Cleanup(func() { close(hold) })
	for _, body := range []string{streamBody, plainBody} {
		write(t, r.tls(target, "http/1.1"), post(chatPath, body))
		started = append(started, <-seen)
	}
	live := r.proxy.Live()
	if len(live) != 2 || live[0].Request.Mode != call.ModePlain || live[1].Request.Mode != call.ModeStream || live[0].Streamed() || !live[1].Streamed() {
		t.Errorf("live, newest first: %+v", live)
	}
	for i, s := range started {
		if s.Identity.ID != live[1-i].Identity.ID || s.Response.Status != 0 || s.Timing.RequestSent.IsZero() {
			t.Errorf("started %d: %+v", i, s.Identity)
		}
	}
	if s, _ := r.proxy.Stats(); s.Active != 2 {
		t.Errorf("active %d", s.Active)
	}
}

// TestOtherTraffic: what is no LLM call leaves no record, on any way; a POST to
// an intercepted host may be one and does, unless its path is known to ask no model.
func TestOtherTraffic(t *testing.T) {
	for _, c := range []struct {
		path, method, target, body string
		want                       bool
	}{
		{"relay", "GET", "/v1/models-of-owls", "", false}, {"relay", "POST", "/any/thing", `{"a":1}`, true},
		{"plain", "GET", "/index.html", "", false}, {"plain", "POST", "/any/thing", `{"a":1}`, false},
		{"plain", "POST", "/any/thing", plainBody, true}, {"plain", "POST", chatPath, plainBody, true},
		{"base-URL", "POST", "/any/thing", `{"a":1}`, true}, {"base-URL", "GET", "/x", "", false},
		{"relay", "POST", "/api/show", `{"model":"m"}`, false}, {"relay", "POST", "/v1/messages/count_tokens", plainBody, false},
		{"plain", "POST", "/apply-template", plainBody, false}, {"base-URL", "POST", "/v1/files", `{"a":1}`, false},
	} {
		t.Run(c.path+"/"+c.method+c.target, func(t *testing.T) {
			r := newRig(t)
			base := r.way(c.path, answers(response("200 OK", "text/plain", "ok")))
			req, err := http.NewRequest(c.method, base+c.target, strings.NewReader(c.body))
			check(t, err)
			resp, err := r.clientOf(c.path).Do(req)
			check(t, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			check(t, resp.Body.Close())
			eventually(t, "nothing in flight", func() bool { s, _ := r.proxy.Stats(); return s.Active == 0 })
			if c.want {
				r.next()
			}
			r.none()
		})
	}
}

// TestCompressedRequest: the copy of a gzip request is decoded for the record,
// the service gets the bytes as they were.
func TestCompressedRequest(t *testing.T) {
	for _, path := range []string{"relay", "plain", "base-URL"} {
		t.Run(path, func(t *testing.T) {
			r := newRig(t)
			packed := gzipped(plainBody)
			got := make(chan string, 1)
			base := r.way(path, func(c net.Conn) {
				if _, body, err := readRequest(bufio.NewReader(c)); err == nil {
					got <- string(body)
					_, _ = io.WriteString(c, response("200 OK", "application/json", answerBody))
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "POST", base+chatPath, strings.NewReader(packed))
			check(t, err)
			req.Header.Set("Content-Encoding", "gzip")
			resp, err := r.clientOf(path).Do(req)
			check(t, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			check(t, resp.Body.Close())
			if <-got != packed {
				t.Error("the service got other bytes")
			}
			if rec := r.next(); rec.Target.Model != "gpt-4o" || rec.Request.Messages != 1 || rec.Request.Bytes != int64(len(packed)) {
				t.Errorf("model %q, %d messages, %d bytes", rec.Target.Model, rec.Request.Messages, rec.Request.Bytes)
			}
		})
	}
}

// TestClientLeavesLate measures how long the service was read on after the
// client had gone: nothing, if it ends at once.
func TestClientLeavesLate(t *testing.T) {
	r := newRig(t)
	gone := make(chan struct{})
	target := r.origin(r.secure("http/1.1"), func(c net.Conn) {
		br := bufio.NewReader(c)
		if _, _, err := readRequest(br); err != nil {
			return
		}
		_, _ = io.WriteString(c, sseHead+chunk(event))
		_, _ = br.ReadByte() // the client's half-close or end
		close(gone)
		_, _ = io.WriteString(c, chunk(event))
	})
	c := r.tls(target, "http/1.1")
	write(t, c, post(chatPath, streamBody))
	_, err := io.ReadFull(c, make([]byte, len(sseHead)+len(chunk(event))))
	check(t, err)
	check(t, c.CloseWrite())
	if !await(gone) {
		t.Fatal("the service was not told")
	}
	_, _ = io.ReadAll(c)
	rec := r.next()
	if rec.End.Kind == call.EndEOF || rec.End.Terminal || rec.Stream.Events < 1 || rec.Agent.Overrun > time.Second {
		t.Errorf("end %+v, %d events, overrun %v", rec.End, rec.Stream.Events, rec.Agent.Overrun)
	}
}
