package otlp_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/exporters"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestPassesTheSinkSuite(t *testing.T) {
	var m *memory
	sinktest.TestSink(t, func(t *testing.T) exporters.Sink {
		t.Helper()
		m = newMemory(t, nil)
		return m
	}, func(t *testing.T, _ exporters.Sink, records []call.Record) {
		t.Helper()
		got := map[string]bool{}
		for _, s := range m.flushed(t) {
			if v, ok := attrsOf(s)["llmtap.call.id"]; ok {
				got[v.AsString()] = true
			}
		}
		for _, r := range records {
			if id := r.Identity.Logical; id != "" && len(id) == len("log-000000") && !got[id] {
				t.Errorf("no span of call %q", id)
			}
		}
		if st := m.Stats(); st.Created != st.Exported+st.Pending || st.Created+uint64(len(sinktest.Hostile())) < uint64(len(records)) {
			t.Errorf("accounts %+v after %d records", st, len(records))
		}
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".span")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; rewrite with -update):\n%s", file, d)
	}
}

// fixtures are the records whose spans are kept as golden files.
func fixtures() map[string][]call.Record {
	change := func(r call.Record, f func(*call.Record)) []call.Record {
		f(&r)
		return []call.Record{r}
	}
	return map[string][]call.Record{
		"plain":      {plain(1)},
		"stream":     {sinktest.Record(1)},
		"triple-500": {attempt(1), attempt(2), attempt(3)},
		"cut": change(sinktest.Record(1), func(r *call.Record) {
			r.End = call.End{Side: call.SideUpstream, Kind: call.EndH2RST, H2Code: 2}
			r.Response.FinishReasons, r.Stream.Done, r.Stream.Finish = nil, false, false
			r.Diagnosis = call.Diagnosis{Class: call.ClassStreamTruncated, Severity: call.SeverityError, Fault: call.FaultProvider, Reason: "h2_rst"}
		}),
		"cancelled": change(sinktest.Record(1), func(r *call.Record) {
			r.End = call.End{Side: call.SideClient, Kind: call.EndClosed}
			r.Response.FinishReasons, r.Stream.Done, r.Stream.Finish = []string{"stop", ""}, false, false
			r.Diagnosis = call.Diagnosis{Class: call.ClassClientCancelled, Severity: call.SeverityInfo, Fault: call.FaultUser}
		}),
		"in-band-error": change(sinktest.Record(1), func(r *call.Record) {
			r.Stream.Errored, r.Response.FinishReasons = true, nil
			r.Response.Error = call.Error{Shape: call.ShapeOpenAI, Code: "server_error", Type: "server_error", Message: "The server had an error about: MY SECRET PROMPT"}
			r.Diagnosis = call.Diagnosis{Class: call.ClassErrorInStream, Severity: call.SeverityError, Fault: call.FaultProvider, Tags: []string{"empty_stream", "finish_missing"}}
		}),
		"azure-first-event": change(sinktest.Record(1), func(r *call.Record) {
			r.Stream.Oddities = []call.Oddity{{Name: "async_filter", Count: 3}, {Name: "choices_empty", Count: 1}}
			r.Timing.FirstContent = r.Timing.FirstData.Add(900 * time.Millisecond)
			r.Response.Headers = []call.Header{{Name: "apim-request-id", Value: "apim-1"}, {Name: "x-request-id", Value: "req-1"}}
		}),
		"embeddings": change(plain(1), func(r *call.Record) {
			r.Target.Operation, r.Target.Format, r.Target.Provider, r.Target.Model = "embeddings", "unknown", "openai", "text-embedding-3-small"
			r.Target.Deployment, r.Target.APIVersion = "", ""
			r.Request.Params = []call.Param{{Name: "dimensions", Value: "256"}, {Name: "encoding_format", Value: `"base64"`}}
			r.Response.FinishReasons, r.Usage = nil, call.Usage{Input: call.Some(8)}
		}),
	}
}

func TestGoldenSpans(t *testing.T) {
	for name, records := range fixtures() {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t, nil)
			m.take(t, records...)
			golden(t, name, dump(m.flushed(t)))
		})
	}
}

func TestGoldenVerdict(t *testing.T) {
	m := newMemory(t, nil)
	good, hidden := plain(7), plain(8)
	hidden.Identity.Span.Sampled = false
	m.take(t, attempt(1), attempt(2), attempt(3), good, hidden)
	f := sinktest.Finding(1, "confirmed")
	f.Client.Name, f.Client.Version = "jupyter-ai", "2.29.0"
	f.Evidence.Failing = []string{attempt(3).Identity.ID, attempt(1).Identity.ID, "gone"}
	f.Evidence.Working = []string{hidden.Identity.ID, good.Identity.ID}
	f.Difference = []call.Change{{Path: "body.stream", Failing: "true", Working: "absent"}}
	f.Remedy = []string{"Turn streaming off for this model."}
	if err := m.Finding(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	spans := m.flushed(t)
	v := spans[len(spans)-1:]
	if !v[0].SpanContext.IsValid() || v[0].Parent.IsValid() {
		t.Error("a verdict is a new root with ids of its own")
	}
	v[0].SpanContext = v[0].SpanContext.WithTraceID([16]byte{1}).WithSpanID([8]byte{1}) // random ones
	golden(t, "verdict", dump(v))
}
