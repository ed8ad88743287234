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
// turn comes, and shown any time before the next one of its direction.
type late struct {
	c       *observe.Conn
	rnd     *rand.Rand
	pending [2]*step
}

func (l *late) show(d observe.Direction) {
	if s := l.pending[d]; s != nil {
		l.pending[d] = nil
		s.play(l.c, false)
	}
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
		l.show(s.d)
		if s.do == "close" {
			s.play(l.c, false)
			continue
		}
		l.c.Forwarding(s.d)
		l.pending[s.d] = s
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
