package main

import "testing"

// TestBurstIsOver: pages are given back once after each burst, not in it and not
// for a handshake now and then.
func TestBurstIsOver(t *testing.T) {
	var b burst
	for i, step := range []struct {
		name string
		n    uint64 // handshakes so far
		want bool
	}{
		{"nothing yet", 0, false},
		{"some", 20, false},
		{"a burst in two periods", 40, true},
		{"nothing since", 40, false},
		{"a burst begins", 140, false},
		{"it goes on", 180, false},
		{"it is over", 185, true},
		{"now and then", 190, false},
	} {
		if got := b.over(step.n); got != step.want {
			t.Errorf("%d %s: over %v, want %v", i, step.name, got, step.want)
		}
	}
}
