package compare_test

import (
	"fmt"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// TestLogsAreNoEvidence: what a server's log says is kept out of the window,
// however often it says it and whatever else is in the record.
func TestLogsAreNoEvidence(t *testing.T) {
	w := compare.NewWindow(compare.WindowConfig{})
	at := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for i := range 200 {
		at = at.Add(time.Second)
		r := call.Record{
			Identity:  call.Identity{ID: fmt.Sprint(i), Logical: fmt.Sprint(i), Attempt: 1, Start: at},
			Client:    call.Client{Kind: call.ClientFramework, Name: "jupyter-ai", Version: fmt.Sprintf("2.%d.0", i%2), User: "ada"},
			Timing:    call.Timing{End: at.Add(time.Millisecond)},
			End:       call.End{Reason: "ValidationError"},
			Agent:     call.Agent{Mode: call.CaptureLog},
			Diagnosis: call.Diagnosis{Class: call.ClassFailedBeforeCall, Severity: call.SeverityError},
		}
		if found := w.Observe(r); len(found) != 0 {
			t.Fatalf("after %d lines of a log: %+v", i, found)
		}
	}
	if st := w.Stats(); st.Calls != 0 || st.Targets != 0 || st.Open != 0 {
		t.Errorf("it remembers hearsay: %+v", st)
	}
}
