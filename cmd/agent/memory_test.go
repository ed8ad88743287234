package main

import (
	"strconv"
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

// TestMemoryKeepsTheNewest: the oldest go, the order stays.
func TestMemoryKeepsTheNewest(t *testing.T) {
	m := &memory{}
	for i := range maxMemory + 3 {
		m.add(call.Record{Identity: call.Identity{Attempt: 1, ID: strconv.Itoa(i)}})
	}
	list := m.list()
	if first, last := list[0].Identity.ID, list[len(list)-1].Identity.ID; len(list) != maxMemory || first != "3" || last != strconv.Itoa(maxMemory+2) {
		t.Errorf("%d records from %s to %s, want %d from 3 to %d", len(list), first, last, maxMemory, maxMemory+2)
	}
}
