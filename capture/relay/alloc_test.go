package relay_test

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"llmtap/capture/relay"
)

// roundTrips returns a function that sends one record to an echo and waits for
// it to come back, through the relay or not.
func roundTrips(t testing.TB, relayed bool, size int) func() {
	r, _ := newTLSRig(t, echo)
	r.edit = func(tn *relay.Tunnel) {
		tn.Start = func(relay.Session) relay.Tap {
			return relay.Tap{
				Forwarding: func(relay.Direction) {},
				Forwarded:  func(relay.Direction, []byte, relay.Times) {},
			}
		}
	}
	raw, c := r.tls(relayed, r.client())
	check(t, raw.SetDeadline(time.Time{}))
	return turn(t, c, size)
}

func turn(t testing.TB, c io.ReadWriter, size int) func() {
	out, in := make([]byte, size), make([]byte, size)
	return func() {
		if _, err := c.Write(out); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, in); err != nil {
			t.Fatal(err)
		}
	}
}

func allocations(turn func()) float64 {
	for range 100 {
		turn()
	}
	return testing.AllocsPerRun(1000, turn)
}

// Nothing is allocated per record but what crypto/tls itself allocates in each
// Read that waits for one (24 bytes): two of them lie on the way.
func TestRecordsCostNoAllocation(t *testing.T) {
	if raceDetector {
		t.Skip("pools forget under the race detector")
	}
	direct, relayed := allocations(roundTrips(t, false, 300)), allocations(roundTrips(t, true, 300))
	if relayed-direct > 2 {
		t.Errorf("%v allocations per round trip, direct %v", relayed, direct)
	}
	r := newBlindRig(t, func(c *net.TCPConn) { _, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c}) })
	if n := allocations(turn(t, r.dial(true), 300)); n >= 1 {
		t.Errorf("%v allocations per blind round trip", n)
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	turn := roundTrips(b, true, 300)
	b.ReportAllocs()
	for b.Loop() {
		turn()
	}
}

func BenchmarkBulk(b *testing.B) {
	turn := roundTrips(b, true, 16<<10)
	b.SetBytes(16 << 10)
	b.ReportAllocs()
	for b.Loop() {
		turn()
	}
}

// A waiting tunnel is small. Client and origin share the process, so that the
// bound is for all three together.
func TestWaitingTunnelIsSmall(t *testing.T) {
	const tunnels = 50
	r, _ := newTLSRig(t, echo)
	use := func() {
		_, c := r.tls(true, r.client())
		_, err := c.Write(make([]byte, 300))
		check(t, err)
		_, err = io.ReadFull(c, make([]byte, 300))
		check(t, err)
	}
	use() // what is made once
	before := live()
	for range tunnels {
		use()
	}
	if each := (live() - before) / tunnels; each > 250<<10 {
		t.Errorf("%d KiB per tunnel with its client and origin", each>>10)
	} else {
		t.Logf("%d KiB per tunnel with its client and origin", each>>10)
	}
}

// live is what heap and stacks hold after a collection.
func live() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
