package observe_test

import (
	"fmt"
	"time"

	"llmtap/capture/observe"
)

// printer is the smallest useful Exchange.
type printer struct{ method, target string }

func (p *printer) Head(h *observe.Head, _ time.Time) {
	if h.Direction == observe.Request {
		p.method, p.target = h.Method, h.Target
		return
	}
	fmt.Println(p.method, p.target, "->", h.Status)
}

func (p *printer) Body(d observe.Direction, b []byte, _ time.Time) {
	if d == observe.Response {
		fmt.Printf("%q\n", b)
	}
}

func (p *printer) End(observe.Direction, observe.End, time.Time) {}

func ExampleConn() {
	c := observe.New(observe.Config{Open: func(bool) observe.Exchange { return &printer{} }})
	now := time.Now()
	// The relay announces, writes, and shows what it wrote.
	c.Forwarding(observe.Request)
	c.Push(observe.Request, []byte("GET /v1/models HTTP/1.1\r\nHost: api.example\r\n\r\n"), now)
	c.Push(observe.Response, []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"), now)
	c.Push(observe.Response, []byte("llo\r\n0\r\n\r\n"), now)
	fmt.Println("open:", c.Open())
	// Output:
	// GET /v1/models -> 200
	// "he"
	// "llo"
	// open: 0
}
