package capture

import (
	"crypto/tls"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"time"

	"llmtap/internal/call"
)

// progress is what a tap learns from the transport before the head.
type progress struct {
	*bodyTap
	// since is when the request began to be ours to send on; zero while it waits
	// for a connection or is sent. The tap's mu guards it.
	since time.Time
}

// spent charges the exchange with the time that the request was ours.
func (t *progress) spent() {
	t.locked(func() {
		if t.x != nil && !t.since.IsZero() {
			t.x.own.request += time.Since(t.since)
		}
		t.since = time.Time{}
	})
}

// trace learns how the connection came about, and passes interim answers on.
func (t *progress) trace() *httptrace.ClientTrace {
	timing := func(set func(*call.Timing)) {
		t.locked(func() {
			if t.x != nil {
				set(&t.x.rec.Timing)
			}
		})
	}
	return &httptrace.ClientTrace{
		GetConn:          func(string) { t.spent() },
		WroteHeaders:     t.spent,
		ConnectStart:     func(string, string) { timing(func(c *call.Timing) { c.Dial = time.Now() }) },
		ConnectDone:      func(string, string, error) { timing(func(c *call.Timing) { c.Connect = time.Now() }) },
		TLSHandshakeDone: func(tls.ConnectionState, error) { timing(func(c *call.Timing) { c.TLS = time.Now() }) },
		GotConn: func(i httptrace.GotConnInfo) {
			t.locked(func() {
				t.since = time.Now()
				if t.x != nil {
					t.x.rec.Request.Hints.ReusedConn = i.Reused
					t.x.rec.Agent.PeerAddress = i.Conn.RemoteAddr().String()
				}
			})
		},
		Got1xxResponse: t.interim,
	}
}

func (t *progress) interim(code int, h textproto.MIMEHeader) error {
	if code == http.StatusContinue || t.mode == call.CaptureReverse {
		t.locked(func() { t.countInterim() })
		return nil // the server, or ReverseProxy, answers it
	}
	t.locked(func() { t.countInterim() })
	head := t.out.Header()
	maps.Copy(head, h)
	t.out.WriteHeader(code)
	clear(head)
	return nil
}

func (t *progress) countInterim() {
	if t.x != nil {
		t.x.rec.Response.Interim++
	}
}
