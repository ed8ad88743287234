// Package sinktest is the conformance suite that every exporters.Sink passes.
// Each case names the rule it holds and why the rule exists, so that a failing
// sink explains itself.
package sinktest

import (
	"context"
	"testing"
	"time"

	"llmtap/exporters"
	"llmtap/internal/call"
)

// Check looks into a sink after it took records, before it is closed, and
// reports through t what is missing. Records arrive in any order.
type Check func(t *testing.T, s exporters.Sink, records []call.Record)

// Patience bounds every wait of the suite.
const Patience = 20 * time.Second

// TestSink runs the suite. open returns a fresh sink per case and registers
// its own clean-up; check, which may be nil, says whether records were kept.
func TestSink(t *testing.T, open func(t *testing.T) exporters.Sink, check Check) {
	t.Helper()
	if check == nil {
		check = func(*testing.T, exporters.Sink, []call.Record) {}
	}
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("rule: %s", c.rule)
				}
			}()
			c.run(t, open(t), check)
		})
	}
}

// testCase is one rule of the suite.
type testCase struct {
	name string
	rule string
	run  func(*testing.T, exporters.Sink, Check)
}

func cases() []testCase {
	return []testCase{
		{"keeps a record", "what Record took without an error is kept", keepsRecord},
		{"concurrent records", "the verbs may be called concurrently: nothing is lost, nothing races", concurrentRecords},
		{"cancelled context", "a cancelled context only says that nobody waits: the record is kept all the same", cancelledContext},
		{"zero record", "every field may be unknown; an unknown is shown as unknown, never a panic", zeroRecord},
		{"hostile strings", "clients control most strings of a record: none may panic or be refused", hostileStrings},
		{"finding life", "a finding comes again under its ID, from suspected to closed, in any number", findingLife},
		{"start notice", "a start notice may come without record, twice, or after the record", startNotice},
		{"after close", "calls live at shutdown are sealed late: Record after Close returns, it does not panic", afterClose},
		{"close twice", "Close is safe twice and without any record", closeTwice},
		{"shared slices", "a record's slices are shared with the other sinks: read-only", sharedSlices},
	}
}

// must fails the test if err is not nil.
func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// closeSink closes s if it can be closed.
func closeSink(t *testing.T, s exporters.Sink) {
	t.Helper()
	c, ok := s.(exporters.Closer)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), Patience)
	defer cancel()
	must(t, "close", c.Close(ctx))
}
