package relay_test

import (
	"crypto/tls"
	"net"
	"testing"
)

// TestOneRecordInOneRecordOut sends records of sizes around those of the relay's
// buffers, each after the one before has come back, and two at once.
func TestOneRecordInOneRecordOut(t *testing.T) {
	got := make(chan int, 1)
	r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
		defer raw.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := c.Read(buf) // never more than one record
			if err != nil {
				close(got)
				return
			}
			got <- n
			if _, err := c.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	cfg := r.client()
	cfg.DynamicRecordSizingDisabled = true
	_, c := r.tls(true, cfg)
	buf := make([]byte, 32<<10)
	answer := func(size int) {
		t.Helper()
		if n := <-got; n != size {
			t.Errorf("a record of %d bytes arrived with %d", size, n)
		}
		if n, err := c.Read(buf); n != size || err != nil {
			t.Errorf("a record of %d bytes came back with %d, %v", size, n, err)
		}
	}
	for _, size := range []int{1, 1020, 1021, 1022, 2042, 4096, 16383, 16384} {
		_, err := c.Write(make([]byte, size))
		check(t, err)
		answer(size)
	}
	for _, size := range []int{3000, 500} { // both may lie in the socket by now
		_, err := c.Write(make([]byte, size))
		check(t, err)
	}
	answer(3000)
	answer(500)
	check(t, c.Close())
	if _, open := <-got; open {
		t.Error("more came than was sent")
	}
}
