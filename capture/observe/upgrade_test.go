package observe_test

import (
	"testing"
	"time"

	"llmtap/capture/observe"
)

// endings keeps the ends of an exchange.
type endings struct{ got [2]observe.End }

func (*endings) Head(*observe.Head, time.Time)                           {}
func (*endings) Body(observe.Direction, []byte, time.Time)               {}
func (e *endings) End(d observe.Direction, end observe.End, _ time.Time) { e.got[d] = end }

// TestUpgradeCountsWhatWasHTTP: what another protocol moved is the rest, however
// the bytes were cut.
func TestUpgradeCountsWhatWasHTTP(t *testing.T) {
	const (
		request = "GET /v1/realtime HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
		answer  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
		frames  = "\x81\x05hello\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
	)
	at := time.Unix(1, 0)
	for cut := 1; cut <= len(answer+frames); cut++ {
		e := &endings{}
		c := observe.New(observe.Config{Open: func(bool) observe.Exchange { return e }})
		c.Push(observe.Request, []byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok"), at)
		c.Push(observe.Response, []byte("HTTP/1.1 204 No Content\r\n\r\n"), at)
		c.Push(observe.Request, []byte(request), at)
		for rest := answer + frames; rest != ""; {
			n := min(cut, len(rest))
			c.Push(observe.Response, []byte(rest[:n]), at)
			rest = rest[n:]
			c.Push(observe.Request, []byte("frame"), at)
		}
		end := e.got[observe.Response]
		if end.Kind != observe.EndOpaque || end.Reason != "upgrade" || c.Opaque() != "upgrade" || c.Open() != 0 {
			t.Fatalf("cut %d: end %+v, opaque %q, open %d", cut, end, c.Opaque(), c.Open())
		}
		sent, received := end.Moved[observe.Request], end.Moved[observe.Response]
		if want := int64(len("HTTP/1.1 204 No Content\r\n\r\n" + answer)); received != want {
			t.Fatalf("cut %d: %d bytes of the answers, want %d", cut, received, want)
		}
		if least := int64(len("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok" + request)); sent != least {
			t.Fatalf("cut %d: %d bytes of the requests, want %d", cut, sent, least)
		}
	}
}
