package observe_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/capture/observe"
)

// late plays steps as two copy goroutines may: each step is announced when its
// turn comes, and shown after it, in the order of its direction: the goroutine
// may forward more before it shows anything.
type late struct {
	c       *observe.Conn
	rnd     *rand.Rand
	pending [2][]*step
}

func (l *late) show(d observe.Direction) {
	for _, s := range l.pending[d] {
		s.play(l.c, false)
	}
	l.pending[d] = nil
}

func (l *late) showSome() {
	for _, d := range l.rnd.Perm(2) {
		if l.rnd.IntN(2) == 0 {
			l.show(observe.Direction(d))
		}
	}
}

func (l *late) play(steps []step) {
	for i := range steps {
		s := &steps[i]
		l.showSome()
		if s.do == "close" {
			l.show(s.d)
			s.play(l.c, false)
			continue
		}
		l.c.Forwarding(s.d)
		l.pending[s.d] = append(l.pending[s.d], s)
	}
	l.showSome()
	l.show(request)
	l.show(response)
}

// conversation is calls in turn, cut at random, and both ends.
func conversation(rnd *rand.Rand, h2 bool, tb testing.TB) []step {
	c, s := newPeer(tb, request), newPeer(tb, response)
	var out []step
	add := func(whole step) {
		for len(whole.p) > 0 {
			n := 1 + rnd.IntN(len(whole.p))
			out = append(out, step{do: "push", d: whole.d, p: whole.p[:n]})
			whole.p = whole.p[n:]
		}
	}
	for i := range 1 + rnd.IntN(4) {
		id := uint32(2*i + 1)
		switch {
		case h2 && rnd.IntN(3) == 0: // the client leaves in the middle
			c.post(id, "asked")
			add(c.take())
			s.headers(id, false, ":status", "200")
			s.data(id, false, "part")
			add(s.take())
			c.must(c.fr.WriteRSTStream(id, 8))
			add(c.take())
		case h2:
			c.post(id, "asked")
			add(c.take())
			s.headers(id, false, ":status", "200")
			s.data(id, true, "whole")
			add(s.take())
		default:
			method := [...]string{"HEAD", "POST"}[rnd.IntN(2)]
			add(push(request, method+" / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"))
			answer := "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
			if method == "POST" {
				answer += "ok"
			}
			add(push(response, answer))
		}
	}
	ends := []step{closing(request, observe.ClosedOrderly), closing(response, observe.ClosedReset)}
	rnd.Shuffle(2, func(i, j int) { ends[i], ends[j] = ends[j], ends[i] })
	return append(out, ends...)
}

// However late the goroutines show what they forwarded, the events are those of
// the order in which it happened.
func TestEffectsWaitForTheirCause(t *testing.T) {
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		h2 := seed%2 == 1
		steps := conversation(rnd, h2, t)
		want := play(t, observe.Config{H2: h2}, steps, false)

		tp := newTape()
		c := newConn(tp, observe.Config{H2: h2})
		(&late{c: c, rnd: rnd}).play(steps)
		tp.check(t, c, true)
		tp.add("open=%d opaque=%s", c.Open(), c.Opaque())
		if !slices.Equal(tp.lines, want) {
			t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, strings.Join(tp.lines, "\n"), strings.Join(want, "\n"))
		}
	}
}

// A direction does not wait for the observation of the other one: what it shows
// meanwhile is observed afterwards, by the goroutine that is at it.
func TestPushDoesNotWaitForTheOtherDirection(t *testing.T) {
	for name, size := range map[string]int{"kept": 100, "over the limit": 101} {
		t.Run(name, func(t *testing.T) {
			asked, answered := make(chan struct{}), make(chan struct{})
			var order []string
			c := observe.New(observe.Config{
				Limits: observe.Limits{Backlog: 100},
				Open: func(bool) observe.Exchange {
					return funcs{
						head: func(h *observe.Head) {
							if h.Direction == observe.Request {
								close(asked)
								<-answered
							}
							order = append(order, fmt.Sprint("head ", h.Direction))
						},
						end: func(d observe.Direction, _ observe.End) { order = append(order, fmt.Sprint("end ", d)) },
					}
				},
			})
			shown := make(chan struct{})
			go func() {
				defer close(shown)
				c.Forwarding(request)
				c.Push(request, []byte(get), time.Unix(1, 0))
			}()
			<-asked
			answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Filler: "
			answer += strings.Repeat("x", size-len(answer)-len("\r\n\r\nok")) + "\r\n\r\nok"
			if size > 100 { // there is no room: it waits
				time.AfterFunc(0, func() { close(answered) })
			}
			c.Forwarding(response)
			c.Push(response, []byte(answer), time.Unix(2, 0))
			if size <= 100 {
				if n := c.Open(); n != 1 {
					t.Errorf("%d exchanges open, want 1", n)
				}
				close(answered)
			}
			<-shown
			if want := []string{"head 0", "end 0", "head 1", "end 1"}; !slices.Equal(order, want) {
				t.Errorf("order %v, want %v", order, want)
			}
			if n := c.Open(); n != 0 {
				t.Errorf("%d exchanges open at the end", n)
			}
		})
	}
}

// Two goroutines that meet in any way leave nothing unobserved, and nothing out
// of order, although neither comes back: whoever holds the lock observes what
// the other one left.
func TestNothingIsLeftBehind(t *testing.T) {
	answer := []byte("HTTP/1.1 204 No Content\r\n\r\n")
	for range 30_000 {
		var order []byte
		c := observe.New(observe.Config{Open: func(bool) observe.Exchange {
			return funcs{
				head: func(h *observe.Head) { order = append(order, "Qa"[h.Direction]) },
				end:  func(d observe.Direction, _ observe.End) { order = append(order, "qA"[d]) },
			}
		}})
		written := make(chan struct{}, 2)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 2 {
				<-written
				c.Forwarding(response)
				c.Push(response, answer[:1], time.Time{})
				c.Push(response, answer[1:], time.Time{})
			}
		}()
		for range 2 {
			c.Forwarding(request)
			written <- struct{}{}
			c.Push(request, []byte(get), time.Time{})
		}
		<-done
		if got := string(order); c.Open() != 0 || c.Opaque() != "" || got != "QqaAQqaA" && got != "QqQqaAaA" {
			t.Fatalf("order %s, %d open, opaque %q", order, c.Open(), c.Opaque())
		}
	}
}

// Request bytes that wait for an answer's are bounded as well.
func TestRequestsWaitWithinTheLimit(t *testing.T) {
	tp := newTape()
	c := newConn(tp, observe.Config{Limits: observe.Limits{Backlog: 100}})
	push(request, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n").play(c, false)
	c.Forwarding(response)
	lines := len(tp.lines)
	push(request, strings.Repeat("a", 100)).play(c, false)
	if len(tp.lines) != lines {
		t.Errorf("%q was told before the answer was shown", tp.lines[lines:])
	}
	push(request, "b").play(c, false)
	want := fmt.Sprintf("1 request body %sb", strings.Repeat("a", 100))
	if got := tp.lines[len(tp.lines)-1]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.Push(response, []byte("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"), time.Unix(0, 0))
	if got := tp.lines[len(tp.lines)-1]; got != "1 response end complete" {
		t.Errorf("last event %q", got)
	}
}
