package relay_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"

	"llmtap/capture/relay"
)

// corked writes what came since the last push as one segment.
type corked struct {
	net.Conn
	held []byte
	cork bool
}

func (c *corked) Write(p []byte) (int, error) {
	if c.cork {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *corked) push() error {
	p := c.held
	c.held = nil
	_, err := c.Conn.Write(p)
	return err
}

// forwards notes what the tap is told of one direction.
type forwards struct {
	mu   sync.Mutex
	out  []byte
	open int // forwarded, not shown
	// most is the longest series that was forwarded before the tap saw any.
	most int
}

func (f *forwards) tap(d relay.Direction) relay.Tap {
	return relay.Tap{
		Forwarding: func(at relay.Direction) {
			if at == d {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.open++
				f.most = max(f.most, f.open)
			}
		},
		Forwarded: func(at relay.Direction, p []byte, _ relay.Times) {
			if at == d {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.open--
				f.out = append(f.out, p...)
			}
		},
	}
}

// shown reports whether the tap has seen everything, and begins anew then.
func (f *forwards) shown() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == 0 {
		f.most = 0
	}
	return f.open == 0
}

// Records that are there together are forwarded before the first of them is
// shown, and shown as they were.
func TestWaitingRecordsAreForwardedFirst(t *testing.T) {
	cases := map[string]struct {
		sizes []int
		want  int // forwarded before the tap saw any; 0: not said
	}{
		"head and event":     {[]int{200, 150}, 2},
		"three":              {[]int{90, 100, 110}, 3},
		"no more than eight": {slices.Repeat([]int{10}, 30), 8},
		"no more than fits":  {[]int{600, 600, 600}, 2},
		"a large one last":   {[]int{100, 5000}, 0},
		"a large one first":  {[]int{16 << 10, 10, 10}, 0},
		"just not large":     {[]int{1020, 1021, 1022, 1}, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r, _ := newTLSRig(t, echo)
			var f forwards
			r.edit = func(tn *relay.Tunnel) {
				tn.Start = func(relay.Session) relay.Tap { return f.tap(relay.Up) }
			}
			way := &corked{Conn: r.dial(true)}
			c := tls.Client(way, r.client())
			check(t, c.Handshake())
			rnd := rand.New(rand.NewPCG(1, 2))
			var sent []byte
			for range 20 {
				burst(t, c, way, rnd, []int{30}, &sent)
				eventually(t, "the tap sees it during the next Read", f.shown)
				burst(t, c, way, rnd, tc.sizes, &sent)
				f.mu.Lock()
				if tc.want > 0 && f.most != tc.want {
					t.Errorf("%d records were forwarded before the tap saw one, want %d", f.most, tc.want)
				}
				f.mu.Unlock()
			}
			check(t, c.CloseWrite())
			_, err := io.Copy(io.Discard, c)
			check(t, err)
			check(t, way.Close())
			r.result()
			if !bytes.Equal(f.out, sent) {
				t.Error("the tap saw other bytes than were sent")
			}
		})
	}
}

// burst sends records in one segment and waits for their echo.
func burst(t *testing.T, c *tls.Conn, way *corked, rnd *rand.Rand, sizes []int, sent *[]byte) {
	t.Helper()
	way.cork = true
	n := len(*sent)
	for _, size := range sizes {
		p := make([]byte, size)
		for i := range p {
			p[i] = byte(rnd.Uint32())
		}
		*sent = append(*sent, p...)
		_, err := c.Write(p)
		check(t, err)
	}
	way.cork = false
	check(t, way.push())
	back := make([]byte, len(*sent)-n)
	_, err := io.ReadFull(c, back)
	check(t, err)
	if !bytes.Equal(back, (*sent)[n:]) {
		t.Fatal("the echo differs")
	}
}
