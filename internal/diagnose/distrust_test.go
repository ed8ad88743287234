package diagnose_test

import (
	"slices"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// TestDistrustIsNoCancel: a client that refused our certificate sent nothing
// it could have given up.
func TestDistrustIsNoCancel(t *testing.T) {
	d := diagnose.Classify(call.Record{
		Target: call.Target{Scheme: "https", Host: "api.openai.com", Port: 443},
		End:    call.End{Side: call.SideClient, Kind: call.EndTLS, Detail: "unknown_ca"},
		Agent:  call.Agent{View: call.ViewOpaque, Mode: call.CaptureMITM},
	})
	if d.Class != call.ClassTLSUntrusted || slices.Contains(d.Tags, "client_cancelled") {
		t.Errorf("class %v, tags %v", d.Class, d.Tags)
	}
}
