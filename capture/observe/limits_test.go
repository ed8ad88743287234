package observe_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/capture/observe"
)

var request, response = observe.Request, observe.Response

func push(d observe.Direction, text string) step { return step{do: "push", d: d, p: []byte(text)} }

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

func TestLimits(t *testing.T) {
	pad := func(n int) string { return strings.Repeat("x", n) }
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	small := observe.Limits{Head: 100, Trailers: 50, ChunkLine: 20, Outstanding: 2}
	head := func(total int) string {
		const frame = "GET / HTTP/1.1\r\nX: \r\n\r\n"
		return "GET / HTTP/1.1\r\nX: " + pad(total-len(frame)) + "\r\n\r\n"
	}
	cases := []struct {
		name   string
		limits observe.Limits
		steps  []step
		want   string // Opaque
	}{
		{"head at the limit", small, []step{push(request, head(100))}, ""},
		{"head beyond the limit", small, []step{push(request, head(101))}, "head_too_big"},
		{"head without an end", small, []step{push(request, "GET / HTTP/1.1\r\n"), push(request, "X: "+pad(100))}, "head_too_big"},
		{"answer's head beyond the limit", small, []step{push(request, get), push(response, "HTTP/1.1 200 OK\r\nX: "+pad(100))}, "head_too_big"},
		{"default head limit", observe.Limits{}, []step{push(request, head(256<<10))}, ""},
		{"beyond the default head limit", observe.Limits{}, []step{push(request, head(256<<10+1))}, "head_too_big"},
		{"trailers at the limit", small, []step{push(request, get), push(response, chunked+"0\r\nA: "+pad(43)+"\r\n\r\n")}, ""},
		{"trailers beyond the limit", small, []step{push(request, get), push(response, chunked+"0\r\nA: "+pad(44)+"\r\n\r\n")}, "head_too_big"},
		{"chunk line at the limit", small, []step{push(request, get), push(response, chunked+"1;"+pad(17)+"\r\nx\r\n")}, ""},
		{"chunk line beyond the limit", small, []step{push(request, get), push(response, chunked+"1;"+pad(18)+"\r\nx\r\n")}, "malformed"},
		{"chunk lines are counted one by one", small, []step{push(request, get), push(response, chunked+strings.Repeat("1;"+pad(17)+"\r\nx\r\n", 9))}, ""},
		{"outstanding at the limit", small, []step{push(request, get+get)}, ""},
		{"outstanding beyond the limit", small, []step{push(request, get+get+get)}, "budget"},
		{"answered ones do not count", small, []step{
			push(request, get+get), push(response, "HTTP/1.1 204 No\r\n\r\n"), push(request, get),
		}, ""},
		{"default outstanding limit", observe.Limits{}, []step{push(request, strings.Repeat(get, 1024))}, ""},
		{"beyond the default outstanding limit", observe.Limits{}, []step{push(request, strings.Repeat(get, 1025))}, "budget"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			for _, split := range []bool{false, true} {
				lines := play(t, observe.Config{Limits: tc.limits}, tc.steps, split)
				if last := lines[len(lines)-1]; !strings.HasSuffix(last, "opaque="+tc.want) {
					t.Errorf("split %v: %s, want opaque=%s", split, last, tc.want)
				}
			}
		})
	}
}

func TestH2Limits(t *testing.T) {
	small := observe.Limits{Head: 200, Streams: 2}
	cases := []struct {
		name   string
		limits observe.Limits
		build  func(c *peer)
		want   string
	}{
		{"streams at the limit", small, func(c *peer) { c.post(1, ""); c.post(3, "") }, ""},
		{"streams beyond the limit", small, func(c *peer) { c.post(1, ""); c.post(3, ""); c.post(5, "") }, "budget"},
		{"one long block", small, func(c *peer) {
			c.headers(1, true, ":method", "GET", "x", strings.Repeat("\x00", 300))
		}, "head_too_big"},
		{"continuation without end", small, func(c *peer) {
			b := c.block(":method", "GET")
			c.must(c.fr.WriteRawFrame(1, 0, 1, b))
			for range 5 {
				c.must(c.fr.WriteContinuation(1, false, make([]byte, 50)))
			}
		}, "head_too_big"},
		{"hpack bomb", small, func(c *peer) {
			b := c.block("x", strings.Repeat("y", 60))
			for range 5 {
				b = append(b, 0x80|62) // the entry just made, again
			}
			c.must(c.fr.WriteRawFrame(1, 4, 1, b))
		}, "head_too_big"},
		{"string beyond the limit", small, func(c *peer) {
			c.must(c.fr.WriteRawFrame(1, 4, 1, []byte{0x40, 1, 'x', 0x7f, 0xff, 0x7f}))
		}, "hpack"},
		{"table beyond a megabyte", small, func(c *peer) {
			c.enc.SetMaxDynamicTableSizeLimit(2 << 20)
			c.enc.SetMaxDynamicTableSize(1<<20 + 1)
			c.post(1, "")
		}, "hpack"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := newPeer(t, request)
			tc.build(c)
			steps := []step{c.take()}
			for _, split := range []bool{false, true} {
				lines := play(t, observe.Config{H2: true, Limits: tc.limits}, steps, split)
				if last := lines[len(lines)-1]; !strings.HasSuffix(last, "opaque="+tc.want) {
					t.Errorf("split %v: %s, want opaque=%s", split, last, tc.want)
				}
			}
		})
	}
}

// Beyond its limit the backlog is observed at once, in order, and goes on.
func TestBacklogIsBounded(t *testing.T) {
	body := strings.Repeat("b", 50)
	steps := []step{
		push(request, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"),
		{do: "forward", d: request},
		push(response, "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"),
		push(response, body), push(response, body),
	}
	tp := newTape()
	c := newConn(tp, observe.Config{Limits: observe.Limits{Backlog: 100}})
	for _, s := range steps {
		s.play(c, false)
	}
	if last := tp.lines[len(tp.lines)-1]; last != "1 response body "+body+body {
		t.Errorf("last event %q, want 100 bytes of body observed", last)
	}
	push(response, body).play(c, false)
	if last := tp.lines[len(tp.lines)-1]; last != "1 response body "+body+body {
		t.Errorf("last event %q: the next read waits again", last)
	}
	push(request, "cde").play(c, false)
	push(response, body).play(c, false)
	want := []string{
		"1 response body " + body + body,
		"1 request body cde", "1 request end complete",
		"1 response body " + body + body, "1 response end complete",
	}
	if got := tp.lines[len(tp.lines)-len(want):]; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBacklogBoundsTheNumberOfReads(t *testing.T) {
	tp := newTape()
	c := newConn(tp, observe.Config{})
	push(request, get).play(c, false)
	c.Forwarding(request)
	push(response, "HTTP/1.1 200 OK\r\n\r\n").play(c, false)
	for range 3000 {
		push(response, "x").play(c, false)
	}
	body := tp.lines[len(tp.lines)-1]
	if n := len(body) - len("1 response body "); n < 1000 || n >= 3000 {
		t.Errorf("%d bytes observed before the request, want most of 3000 and not all", n)
	}
}

// A goroutine that stalls between writing a request and showing it does not
// make its answer one that nobody asked for, until the answer is very long.
func TestBacklogWaitsLongerForAnUnknownRequest(t *testing.T) {
	answer := "HTTP/1.1 200 OK\r\n\r\n"
	cases := []struct {
		name    string
		limit   int
		reads   int
		size    int
		unasked bool
	}{
		{"beyond the limit", 1000, 5, 1000, false},
		{"many small reads", 1000, 5000, 1, false},
		{"up to 64 times the limit", 1000, 63, 1000, false},
		{"beyond that", 1000, 65, 1000, true},
		{"too many reads", 100_000, 65 * 1024, 1, true},
		{"empty reads do not count", 1000, 17 * 1024, 0, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			tp := newTape()
			c := newConn(tp, observe.Config{Limits: observe.Limits{Backlog: tc.limit}})
			c.Forwarding(request)
			push(response, answer).play(c, false)
			for range tc.reads {
				push(response, strings.Repeat("x", tc.size)).play(c, false)
			}
			if early := tp.opened > 0; early != tc.unasked {
				t.Errorf("%d exchanges open before the request is seen", tp.opened)
			}
			push(request, get).play(c, false)
			if unasked := strings.HasSuffix(tp.lines[1], "unasked"); unasked != tc.unasked {
				t.Errorf("unasked %v, want %v: %q", unasked, tc.unasked, tp.lines[1])
			}
		})
	}
}

// What was kept keeps its own times.
func TestBacklogKeepsTheTimes(t *testing.T) {
	var times []time.Time
	c := observe.New(observe.Config{Open: func(bool) observe.Exchange {
		return funcs{body: func(_ observe.Direction, _ []byte, at time.Time) { times = append(times, at) }}
	}})
	c.Forwarding(request)
	c.Push(response, []byte("HTTP/1.1 200 OK\r\n\r\na"), time.Unix(2, 0))
	c.Push(response, []byte("b"), time.Unix(3, 0))
	c.Push(request, []byte(get), time.Unix(1, 0))
	c.Push(response, []byte("c"), time.Unix(4, 0))
	want := []time.Time{time.Unix(2, 0), time.Unix(3, 0), time.Unix(4, 0)}
	if !slices.Equal(times, want) {
		t.Errorf("times %v, want %v", times, want)
	}
}

// funcs is an Exchange of functions; nil ones do nothing.
type funcs struct {
	head func(h *observe.Head)
	body func(d observe.Direction, p []byte, at time.Time)
	end  func(d observe.Direction, e observe.End)
}

func (f funcs) Head(h *observe.Head, _ time.Time) {
	if f.head != nil {
		f.head(h)
	}
}

func (f funcs) Body(d observe.Direction, p []byte, at time.Time) {
	if f.body != nil {
		f.body(d, p, at)
	}
}

func (f funcs) End(d observe.Direction, e observe.End, _ time.Time) {
	if f.end != nil {
		f.end(d, e)
	}
}

func TestOpenCountsExchangesInFlight(t *testing.T) {
	tp := newTape()
	c := newConn(tp, observe.Config{})
	counts := func(want int) {
		t.Helper()
		if got := c.Open(); got != want {
			t.Errorf("after %s: open %d, want %d", fmt.Sprint(tp.lines), got, want)
		}
	}
	counts(0)
	push(request, get+get+"POST").play(c, false)
	counts(3)
	push(response, "HTTP/1.1 204 No\r\n\r\n").play(c, false)
	counts(2)
	c.Forwarding(request)
	counts(2)
	push(request, " / HTTP/1.1\r\nContent-Length: 1\r\n\r\n").play(c, false)
	counts(2)
	push(response, "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 204 No\r\n\r\n").play(c, false)
	counts(1)
	push(request, "x").play(c, false)
	counts(0)
	c.Stop("budget", time.Unix(0, 0))
	counts(0)
}
