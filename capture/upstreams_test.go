package capture_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"llmtap/internal/call"
)

// forgetful answers the first request of a connection and promises to keep it,
// then closes it when the second one begins: a keep-alive that has run out.
type forgetful struct{ conns, asked atomic.Int64 }

func (f *forgetful) serve(c net.Conn) {
	f.conns.Add(1)
	br := bufio.NewReader(c)
	if _, _, err := readRequest(br); err != nil {
		return
	}
	f.asked.Add(1)
	_, _ = io.WriteString(c, response("200 OK", "application/json", answerBody))
	_, _ = br.ReadByte()
}

// secondWays are the ways to a service through net/http.
func secondWays() []string { return []string{"plain", "base-URL", secureRoute} }

// secureRoute is the way to a service that speaks TLS.
const secureRoute = "base-URL to https"

// second runs a service on one of secondWays and returns what to ask, and the
// client.
func (r *rig) second(way string, serve func(net.Conn)) (string, *http.Client) {
	r.t.Helper()
	if way == secureRoute {
		r.route("svc", "https://"+r.origin(r.secure("http/1.1"), serve))
		r.start()
		return "http://" + r.routes + "/svc", r.clientOf("base-URL")
	}
	return r.way(way, serve), r.clientOf(way)
}

func postOnce(t *testing.T, client *http.Client, url string) *http.Response {
	t.Helper()
	resp, err := client.Post(url, "application/json", strings.NewReader(plainBody))
	check(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	check(t, err)
	check(t, resp.Body.Close())
	return resp
}

// TestNewClientConnectionMeetsNoStaleOne: whoever connects anew is not sent to
// the service on a connection that another call left, which the service may be
// closing just then.
func TestNewClientConnectionMeetsNoStaleOne(t *testing.T) {
	for _, way := range secondWays() {
		t.Run(way, func(t *testing.T) {
			r := newRig(t)
			var f forgetful
			base, client := r.second(way, f.serve)
			client.Transport.(*http.Transport).DisableKeepAlives = true
			const calls = 20
			for range calls {
				if resp := postOnce(t, client, base+chatPath); resp.StatusCode != http.StatusOK {
					t.Errorf("answer %s, %v", resp.Status, resp.Header)
				}
				if rec := r.next(); rec.Request.Hints.ReusedConn || rec.End.Kind != call.EndEOF {
					t.Errorf("reused %v, end %+v", rec.Request.Hints.ReusedConn, rec.End)
				}
			}
			if f.conns.Load() != calls || f.asked.Load() != calls {
				t.Errorf("%d connections, %d requests at the service, want %d of each", f.conns.Load(), f.asked.Load(), calls)
			}
		})
	}
}

// TestStaleConnectionIsTold: a client that uses its own connection again takes
// the risk that it takes without the agent. The request may have been taken, so
// that it is not sent again; the answer and the record say what happened.
func TestStaleConnectionIsTold(t *testing.T) {
	for _, way := range secondWays() {
		t.Run(way, func(t *testing.T) {
			r := newRig(t)
			var f forgetful
			base, client := r.second(way, f.serve)
			postOnce(t, client, base+chatPath)
			r.next()
			resp := postOnce(t, client, base+chatPath)
			rec := r.next()
			if resp.StatusCode != http.StatusBadGateway || resp.Header.Get("Llmtap-Error") != rec.End.Kind.String() {
				t.Errorf("answer %s, %q, record %v", resp.Status, resp.Header.Get("Llmtap-Error"), rec.End.Kind)
			}
			if !rec.Request.Hints.ReusedConn || rec.End.Side != call.SideUpstream || rec.End.Kind != call.EndClosed && rec.End.Kind != call.EndReset {
				t.Errorf("reused %v, end %+v", rec.Request.Hints.ReusedConn, rec.End)
			}
			if f.asked.Load() != 1 {
				t.Errorf("the service took %d requests, want the first alone", f.asked.Load())
			}
			if resp := postOnce(t, client, base+chatPath); resp.StatusCode != http.StatusOK {
				t.Errorf("the call after that: %s", resp.Status)
			}
		})
	}
}

// TestUpstreamConnectionFollowsTheClients: it is kept while the client keeps
// its own, replaced if the service has closed it meanwhile, and closed with it.
func TestUpstreamConnectionFollowsTheClients(t *testing.T) {
	for _, way := range secondWays() {
		t.Run(way, func(t *testing.T) {
			r := newRig(t)
			var conns, gone atomic.Int64
			serve := func(c net.Conn) {
				if conns.Add(1); conns.Load() == 2 {
					answers(response("200 OK", "application/json", answerBody, "Connection: close"))(c)
					return
				}
				answers(response("200 OK", "application/json", answerBody))(c)
				gone.Add(1)
			}
			base, client := r.second(way, serve)
			for i, want := range []string{"1 0", "1 0"} {
				postOnce(t, client, base+chatPath)
				if got := fmt.Sprint(conns.Load(), gone.Load()); got != want {
					t.Errorf("call %d: %s connections made and gone, want %s", i+1, got, want)
				}
			}
			client.CloseIdleConnections()
			eventually(t, "the upstream connection is gone", func() bool { return gone.Load() == 1 })
			postOnce(t, client, base+chatPath) // closed by the service after it
			postOnce(t, client, base+chatPath)
			if n := conns.Load(); n != 3 {
				t.Errorf("%d connections made, want 3", n)
			}
		})
	}
}

// TestUpstreamSessionsAreResumed: a connection of its own for each client
// connection costs no full TLS handshake each.
func TestUpstreamSessionsAreResumed(t *testing.T) {
	r := newRig(t)
	var resumed atomic.Int64
	base, _ := r.second(secureRoute, func(c net.Conn) {
		if s := c.(*tls.Conn); s.Handshake() == nil && s.ConnectionState().DidResume {
			resumed.Add(1)
		}
		answers(response("200 OK", "application/json", answerBody))(c)
	})
	for range 3 {
		client := r.clientOf("base-URL")
		postOnce(t, client, base+chatPath)
		client.CloseIdleConnections()
	}
	if n := resumed.Load(); n != 2 {
		t.Errorf("%d of 3 handshakes resumed a session, want 2", n)
	}
}
