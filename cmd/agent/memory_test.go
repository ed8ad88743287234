package main

import (
	"testing"

	"llmtap/internal/call"
)

// TestCountsAreOfCalls: three attempts are one call; it failed if the last did.
func TestCountsAreOfCalls(t *testing.T) {
	tried := func(attempt, status int) call.Record {
		return call.Record{
			Identity: call.Identity{Attempt: attempt}, Response: call.Response{Status: status},
			End: call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		}
	}
	m := &memory{}
	for _, r := range []call.Record{
		tried(1, 500), tried(2, 500), tried(3, 500), // never got through
		tried(1, 200),
		tried(1, 429), tried(2, 200), // got through in the end
	} {
		m.add(r)
	}
	if got, want := m.total(), (counts{calls: 3, failures: 1, attempts: 6}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
