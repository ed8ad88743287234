package otlp_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"llmtap/exporters/otlp"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

func TestEveryParameter(t *testing.T) {
	for _, tc := range []struct{ name, value, key, want string }{
		{"n", "3", "gen_ai.request.choice.count", "3"},
		{"seed", "42", "gen_ai.request.seed", "42"},
		{"seed", "4.5", "gen_ai.request.seed", ""},
		{"top_k", "40", "gen_ai.request.top_k", "40"},
		{"max_tokens", "100", "gen_ai.request.max_tokens", "100"},
		{"max_completion_tokens", "101", "gen_ai.request.max_tokens", "101"},
		{"max_output_tokens", "102", "gen_ai.request.max_tokens", "102"},
		{"max_tokens", `"many"`, "gen_ai.request.max_tokens", ""},
		{"temperature", "0", "gen_ai.request.temperature", "0"},
		{"top_p", "1e0", "gen_ai.request.top_p", "1"},
		{"frequency_penalty", "-2", "gen_ai.request.frequency_penalty", "-2"},
		{"presence_penalty", "0.5", "gen_ai.request.presence_penalty", "0.5"},
		{"stop", `["\n","END"]`, "gen_ai.request.stop_sequences", `["\n","END"]`},
		{"stop_sequences", `["x"]`, "gen_ai.request.stop_sequences", `["x"]`},
		{"stop", "7", "gen_ai.request.stop_sequences", ""},
		{"stop", `""`, "gen_ai.request.stop_sequences", ""},
		{"encoding_format", `"base64"`, "gen_ai.request.encoding_formats", `["base64"]`},
		{"previous_response_id", `"resp_1"`, "gen_ai.request.previous_response.id", "resp_1"},
		{"previous_response_id", "null", "gen_ai.request.previous_response.id", ""},
		{"reasoning_effort", `"low"`, "gen_ai.request.reasoning.level", "low"},
		{"reasoning.effort", `"high"`, "gen_ai.request.reasoning.level", "high"},
		{"output_config.effort", `"max"`, "gen_ai.request.reasoning.level", "max"},
		{"k", "40", "gen_ai.request.top_k", "40"},
		{"p", "0.75", "gen_ai.request.top_p", "0.75"},
		{"dimensions", "256", "gen_ai.embeddings.dimension.count", "256"},
		{"service_tier", `"flex"`, "openai.request.service_tier", "flex"},
		{"conversation", `"conv_1"`, "gen_ai.conversation.id", "conv_1"},
		{"conversation", `{"id":"conv_1"}`, "gen_ai.conversation.id", ""},
	} {
		r := sinktest.Record(1)
		r.Request.Params = param(tc.name, tc.value)
		got := ""
		if v, ok := attrsOf(only(t, r))[tc.key]; ok {
			got = v.String()
		}
		if got != tc.want {
			t.Errorf("%s: %s gives %s = %q, want %q", tc.name, tc.value, tc.key, got, tc.want)
		}
	}
}

func TestFinishReasonsOfAllDialects(t *testing.T) {
	for want, raw := range map[string][]string{
		"stop":           {"stop", "end_turn", "stop_sequence", "STOP", "COMPLETE", "eos", "eos_token", "completed", "word"},
		"length":         {"length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length", "model_context_window_exceeded", "limit"},
		"tool_calls":     {"tool_calls", "function_call", "tool_use", "TOOL_CALL"},
		"content_filter": {"content_filter", "SAFETY", "refusal", "guardrail_intervened", "PROHIBITED_CONTENT", "content_filtered", "RECITATION", "IMAGE_SAFETY", "blockReason:OTHER"},
		"pause":          {"pause_turn", "CONTINUATION"},
		"error":          {"error", "ERROR", "ERROR_TOXIC", "TIMEOUT", "failed", "abort", "MALFORMED_FUNCTION_CALL"},
		"other":          {"LANGUAGE", "cancelled", "something new"},
	} {
		for _, reason := range raw {
			r := sinktest.Record(1)
			r.Response.FinishReasons = []string{reason, "stop"}
			a := attrsOf(only(t, r))
			if got := a["llmtap.response.finish"].AsString(); got != want {
				t.Errorf("%s reads %s, want %s", reason, got, want)
			}
			if got := a["gen_ai.response.finish_reasons"].AsStringSlice(); len(got) != 2 || got[0] != reason {
				t.Errorf("%s: reasons %v, want them raw and in order", reason, got)
			}
		}
	}
}

func TestOutputTypes(t *testing.T) {
	for in, want := range map[string]string{"text": "text", "json": "json", "json_object": "json", "json_schema": "json", "image": "image", "audio": "speech", "speech": "speech", "": "", "xml": ""} {
		r := sinktest.Record(1)
		r.Request.Hints.OutputType = in
		if got := attrsOf(only(t, r))["gen_ai.output.type"].AsString(); got != want {
			t.Errorf("%q reads %q, want %q", in, got, want)
		}
	}
}

// An instant that lies before the start (clocks) is 0, one that did not happen
// is absent.
func TestInstants(t *testing.T) {
	r := sinktest.Record(1)
	r.Timing.FirstByte = r.Identity.Start.Add(-time.Second)
	r.Timing.LastData = time.Time{}
	a := attrsOf(only(t, r))
	if got, ok := a["llmtap.stream.first_byte_s"]; !ok || got.AsFloat64() != 0 {
		t.Errorf("first byte before the start: %v (%v), want 0", got.String(), ok)
	}
	if got, ok := a["llmtap.stream.last_data_s"]; ok {
		t.Errorf("an instant that did not happen is %v", got.String())
	}
}

// The span is as long as the metric says, and its first chunk is the metric's
// to the bit.
func TestTimesAreTheRecords(t *testing.T) {
	r := sinktest.Record(1)
	r.Timing.FirstContent = r.Identity.Start.Add(123456789 * time.Nanosecond)
	span := only(t, r)
	if got := span.EndTime.Sub(span.StartTime); got != r.Duration() {
		t.Errorf("span of %v, record of %v", got, r.Duration())
	}
	first, _ := r.TimeToFirstChunk()
	for _, key := range []string{"gen_ai.response.time_to_first_chunk", "llmtap.stream.first_content_s"} {
		if got := attrsOf(span)[key].AsFloat64(); got != first.Seconds() {
			t.Errorf("%s = %v, want %v", key, got, first.Seconds())
		}
	}
	r.Timing.End = time.Time{} // its agent was killed
	if span := only(t, r); span.EndTime.Before(span.StartTime) {
		t.Error("a span that ends before it starts")
	}
}

// moody is an exporter that fails in every way there is, by chance.
type moody struct {
	mu    sync.Mutex
	rnd   *rand.Rand
	spans int // accepted
}

func (m *moody) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.rnd.IntN(8) {
	case 0:
		return errors.New("connection refused")
	case 1:
		return context.DeadlineExceeded
	case 2:
		m.spans += len(spans) - 1
		return errors.New("OTLP partial success: no (1 spans rejected)")
	case 3:
		return status.Error(codes.InvalidArgument, "no")
	case 4:
		return status.Error(codes.ResourceExhausted, "grpc: received message larger than max")
	case 5:
		m.spans += len(spans)
		return errors.New("OTLP partial success: just a warning (0 spans rejected)")
	}
	m.spans += len(spans)
	return nil
}

func (*moody) Shutdown(context.Context) error { return nil }

// created = exported + failures + pending, at every moment, whatever happens;
// and exported is what the receiver took.
func TestAccountsAlwaysAddUp(t *testing.T) {
	for seed := range uint64(10) {
		m := &moody{rnd: rand.New(rand.NewPCG(seed, 1))}
		s, err := otlp.New(t.Context(), otlp.Config{
			Exporter: m, Getenv: env{"OTEL_BSP_MAX_QUEUE_SIZE": "40", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "7"}.get,
		})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for w := range 3 {
			wg.Go(func() {
				for i := range 100 {
					_ = s.Record(t.Context(), sinktest.Record(w*1000+i))
					_ = s.Finding(t.Context(), sinktest.Finding(w*1000+i, "confirmed"))
				}
			})
		}
		for range 50 {
			balanced(t, s.Stats())
		}
		wg.Wait()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		st := s.Stats()
		balanced(t, st)
		if st.Created != 600 || st.Pending != 0 || st.Exported != uint64(m.spans) {
			t.Errorf("seed %d: %+v, the receiver took %d", seed, st, m.spans)
		}
	}
}

func TestLostReasonsOfGRPC(t *testing.T) {
	for code, want := range map[codes.Code]string{
		codes.InvalidArgument: "rejected", codes.Unimplemented: "rejected", codes.PermissionDenied: "rejected", codes.Unauthenticated: "rejected",
		codes.NotFound: "rejected", codes.FailedPrecondition: "rejected", codes.DeadlineExceeded: "timeout", codes.Unavailable: "unavailable",
		codes.Aborted: "unavailable", codes.ResourceExhausted: "unavailable", codes.Internal: "unavailable",
	} {
		s, err := otlp.New(t.Context(), otlp.Config{Getenv: env{}.get, Exporter: failing{err: status.Error(code, "no")}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Record(t.Context(), sinktest.Record(1)), s.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
		if st := s.Stats(); st.Failures[want] != 1 {
			t.Errorf("%v: %+v, want %s", code, st, want)
		}
	}
}

// Any record may come; its span has valid text and fits the limit.
func FuzzRecord(f *testing.F) {
	f.Add("m", "https://x/?a=b", "ua", "stop", `"x"`, uint8(3))
	f.Add("\xff", "\x00", "\n", "", "{", uint8(255))
	m := newMemory(f, func(c *otlp.Config) { c.Headers = true })
	f.Fuzz(func(t *testing.T, model, url, agent, finish, value string, n uint8) {
		m.spans.Reset()
		r := fullest()
		r.Target.Model, r.Request.URL, r.Client.UserAgent, r.Response.FinishReasons = model, url, agent, []string{finish}
		r.Request.Keys = []string{value, model}
		for i := range r.Request.Params {
			r.Request.Params[i].Value = value
		}
		r.Response.Headers = header("x-ratelimit-"+agent, value)
		r.Diagnosis.Class, r.End.Kind, r.Diagnosis.Tags = call.Class(n), call.EndKind(n), []string{finish, value}
		m.take(t, r)
		for _, s := range m.flushed(t) {
			for k, v := range attrsOf(s) {
				if text := v.String(); !valid(text) || !valid(k) || len(text) > 64*300*2 {
					t.Errorf("%q = %.100q", k, text)
				}
			}
			if !valid(s.Name) || s.DroppedAttributes > 0 {
				t.Errorf("span %q, %d attributes dropped", s.Name, s.DroppedAttributes)
			}
		}
	})
}

// TestTiersOfOthersAreNotOpenAIs: the attributes are OpenAI's own.
func TestTiersOfOthersAreNotOpenAIs(t *testing.T) {
	for format, want := range map[string]string{"openai.chat": "flex", "openai.responses": "flex", "anthropic": ""} {
		r := sinktest.Record(1)
		r.Target.Format, r.Response.ServiceTier = format, "flex"
		a := attrsOf(only(t, r))
		if got := a["openai.response.service_tier"].AsString(); got != want {
			t.Errorf("%s: tier %q, want %q", format, got, want)
		}
	}
}
