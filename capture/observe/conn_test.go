package observe_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"llmtap/capture/observe"
)

// answered is an exchange that must see everything of one instant answer.
type answered struct {
	method, target string
	status         int
	body           [2]int
	ends           [2]observe.EndKind
	order          string
}

func (a *answered) Head(h *observe.Head, _ time.Time) {
	if h.Direction == observe.Request {
		a.method, a.target = h.Method, h.Target
	} else {
		a.status = h.Status
	}
	a.order += [...]string{"Q", "A"}[h.Direction]
}

func (a *answered) Body(d observe.Direction, p []byte, _ time.Time) { a.body[d] += len(p) }

func (a *answered) End(d observe.Direction, e observe.End, _ time.Time) {
	a.ends[d] = e.Kind
	a.order += [...]string{"q", "a"}[d]
}

// The relay's two goroutines run freely: the service answers as soon as it has
// the request, which is before the request's observation.
func TestResponseOvertakes(t *testing.T) {
	const calls = 10_000
	all := make([]*answered, 0, calls)
	c := observe.New(observe.Config{Open: func(bool) observe.Exchange {
		a := &answered{}
		all = append(all, a)
		return a
	}})
	method := func(i int) string { return [...]string{"HEAD", "POST"}[i%2] }
	// sent: the service has the request; gone: the client has the answer.
	sent, gone := make(chan int, 1), make(chan struct{}, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(sent)
		for i := range calls {
			c.Forwarding(observe.Request)
			sent <- i
			c.Push(observe.Request, fmt.Appendf(nil, "%s /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", method(i), i), time.Unix(int64(i), 0))
			<-gone
		}
	})
	wg.Go(func() {
		for i := range sent {
			gone <- struct{}{}
			answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
			if method(i) == "POST" {
				answer += "ok"
			}
			c.Push(observe.Response, []byte(answer), time.Unix(int64(i), 1))
		}
	})
	wg.Wait()
	if len(all) != calls || c.Opaque() != "" || c.Open() != 0 {
		t.Fatalf("%d exchanges, opaque %q, %d open; want %d, none, 0", len(all), c.Opaque(), c.Open(), calls)
	}
	for i, a := range all {
		want := answered{
			method: method(i), target: fmt.Sprintf("/%d", i), status: 200, body: [2]int{3, 2 * (i % 2)},
			ends: [2]observe.EndKind{observe.EndComplete, observe.EndComplete}, order: "QqAa",
		}
		if *a != want {
			t.Fatalf("exchange %d is %+v, want %+v", i, *a, want)
		}
	}
}

// faulty panics in one of its methods.
type faulty struct {
	*taped
	in string
}

func (f faulty) Head(h *observe.Head, at time.Time) {
	f.taped.Head(h, at)
	if f.in == "head" {
		panic("injected")
	}
}

func (f faulty) Body(d observe.Direction, p []byte, at time.Time) {
	f.taped.Body(d, p, at)
	if f.in == "body" {
		panic("injected")
	}
}

func (f faulty) End(d observe.Direction, e observe.End, at time.Time) {
	f.taped.End(d, e, at)
	if f.in == "end" || f.in == "opaque end" && e.Kind == observe.EndOpaque {
		panic("injected")
	}
}

func TestPanicEndsTheObservationOnly(t *testing.T) {
	for _, in := range []string{"head", "body", "end", "open"} {
		for _, h2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s h2=%v", in, h2), func(t *testing.T) {
				tp := newTape()
				c := observe.New(observe.Config{H2: h2, Open: func(reused bool) observe.Exchange {
					if in == "open" {
						panic("injected")
					}
					return faulty{tp.open(reused).(*taped), in}
				}})
				text := push(request, "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")
				if h2 {
					p := newPeer(t, request)
					p.post(1, "x")
					text = p.take()
				}
				text.play(c, false)
				if got := c.Opaque(); got != "panic" {
					t.Errorf("opaque %q, want panic", got)
				}
				// Whatever comes now is taken and forgotten.
				text.play(c, false)
				push(response, "HTTP/1.1 200 OK\r\n\r\n").play(c, false)
				c.Forwarding(request)
				c.Close(request, observe.ClosedOrderly, time.Unix(0, 0))
				c.Close(response, observe.ClosedOrderly, time.Unix(0, 0))
				tp.check(t, c, true)
			})
		}
	}
}

func TestPanicInCloseAndStop(t *testing.T) {
	at := time.Unix(0, 0)
	cases := []struct {
		name string
		in   string
		do   func(c *observe.Conn)
		want string
	}{
		{"in the end at a close", "end", func(c *observe.Conn) { c.Close(response, observe.ClosedReset, at) }, "panic"},
		{"in the ends at a stop", "opaque end", func(c *observe.Conn) { c.Stop("budget", at) }, "budget"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			tp := newTape()
			n := 0
			c := observe.New(observe.Config{Open: func(reused bool) observe.Exchange {
				if n++; n == 1 {
					return faulty{tp.open(reused).(*taped), tc.in}
				}
				return tp.open(reused)
			}})
			post := "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n"
			push(request, post).play(c, false)
			tc.do(c)
			if got := c.Opaque(); got != tc.want {
				t.Errorf("opaque %q, want %q", got, tc.want)
			}
			tp.check(t, c, true)
		})
	}
}

// A stop from inside an Exchange neither blocks nor interrupts the event, and
// nothing but the ends comes after it.
func TestStopFromInsideAnExchange(t *testing.T) {
	var c *observe.Conn
	var events []string
	ex := funcs{
		head: func(*observe.Head) { events = append(events, "head") },
		body: func(observe.Direction, []byte, time.Time) {
			c.Stop("budget", time.Unix(0, 0))
			events = append(events, fmt.Sprintf("body, opaque=%s open=%d", c.Opaque(), c.Open()))
		},
		end: func(d observe.Direction, e observe.End) {
			events = append(events, fmt.Sprintf("%s end %s %s", directionName(d), kindName(e.Kind), e.Reason))
		},
	}
	c = observe.New(observe.Config{Open: func(bool) observe.Exchange { return ex }})
	push(request, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"+get).play(c, false)
	want := "[head body, opaque=budget open=0 request end opaque budget response end opaque budget]"
	if got := fmt.Sprint(events); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Pushes, closes, stops and counts from several goroutines leave every exchange
// ended once.
func TestConcurrentStop(t *testing.T) {
	for range 200 {
		tp := newTape()
		c := newConn(tp, observe.Config{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 20 {
				c.Forwarding(request)
				c.Push(request, []byte(get), time.Unix(0, 0))
			}
			c.Close(request, observe.ClosedOrderly, time.Unix(0, 0))
		})
		wg.Go(func() {
			for range 20 {
				c.Push(response, []byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), time.Unix(0, 0))
			}
			c.Close(response, observe.ClosedReset, time.Unix(0, 0))
		})
		wg.Go(func() {
			c.Open()
			c.Stop("budget", time.Unix(0, 0))
		})
		wg.Wait()
		tp.check(t, c, true)
		if c.Opaque() == "" {
			t.Fatal("stopped, and not opaque")
		}
	}
}
