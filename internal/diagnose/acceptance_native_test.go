package diagnose_test

import (
	"slices"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// geminiSSE, geminiArray, textGen and llama are healthy streams of those
// dialects. Gemini has no marker in server-sent events, TGI and llama.cpp one of
// their own.
func geminiSSE(r *call.Record) {
	streamOK(r)
	dialect("gemini.generate", "gemini")(r)
	r.Target.Provider, r.Target.Operation, r.Request.StreamFlag = "gcp.gemini", "generate_content", call.StreamAbsent
	r.Response.FinishReasons, r.Stream.Done = []string{"STOP"}, false
}

func geminiArray(r *call.Record) {
	geminiSSE(r)
	dialect("vertex.gemini", "gemini")(r)
	framing(call.FramingJSONArray, "application/json")(r)
	r.Stream.Done = true
}

func textGen(r *call.Record) {
	streamOK(r)
	dialect("tgi.generate", "tgi")(r)
	r.Target.Provider, r.Target.Operation, r.Request.StreamFlag = "tgi", "text_completion", call.StreamAbsent
	r.Response.FinishReasons = []string{"eos_token"}
}

func llama(r *call.Record) {
	streamOK(r)
	dialect("llamacpp.completion", "llamacpp")(r)
	r.Target.Operation, r.Response.FinishReasons = "text_completion", []string{"eos"}
}

// brokeOff is an error inside a stream after some content.
func brokeOff(shape call.ErrorShape, code, message string) option {
	return func(r *call.Record) {
		only(false, false, 3)(r)
		r.Stream.Errored, r.Response.Error = true, call.Error{Shape: shape, Code: code, Message: message}
	}
}

// TestEndsOfNativeDialects plays the termination verdict for those that stream
// in events or in an array.
func TestEndsOfNativeDialects(t *testing.T) {
	short, leave := ends(call.SideUpstream, call.EndShort), ends(call.SideClient, call.EndClosed)
	for name, healthy := range map[string]option{"gemini-sse": geminiSSE, "gemini-array": geminiArray, "tgi": textGen, "llamacpp": llama} {
		marked := name != "gemini-sse"
		run(t, []scenario{
			{"ok-" + name, []option{healthy}, "ok", "", ok, nil},
			{"cut-chunk " + name, []option{healthy, only(false, false, 38), short}, "stream_truncated", "", failed, nil},
			{"cut-zero " + name, []option{healthy, only(false, false, 0), short, bytes(0)}, "stream_truncated", "", failed, nil},
			{"unclean-finish " + name, []option{healthy, only(false, true, 38), short}, "unclean_close", "after_finish", ok, nil},
			{"client leaves after the reason " + name, []option{healthy, only(false, true, 38), leave}, "ok", "", ok, nil},
			{"client leaves before " + name, []option{healthy, only(false, false, 5), leaves(2)}, "client_cancelled", "", cancelled, nil},
			{"length without content " + name, []option{healthy, only(marked, true, 0), reason("length")}, "ok", "", ok, []string{"output_limit"}},
			{"empty-stop " + name, []option{healthy, only(marked, true, 0), reason("STOP")}, "empty_stream", "no_output_stop", ok, nil},
			{"unlabelled " + name, []option{healthy, func(r *call.Record) { r.Response.Body.ContentType = "" }}, "content_type_mismatch", "missing", ok, nil},
			{"JSON for a stream " + name, []option{healthy, only(false, true, 0), framing(call.FramingJSON, "application/json")}, "stream_downgraded", "", failed, nil},
		})
	}
	for name, healthy := range map[string]option{"gemini-sse": geminiSSE, "tgi": textGen, "llamacpp": llama} {
		run(t, []scenario{
			{"inc-eof " + name, []option{healthy, only(false, false, 38)}, "stream_incomplete", "", failed, nil},
			{"empty-0 " + name, []option{healthy, only(false, false, 0), bytes(0)}, "empty_stream", "zero_bytes", failed, nil},
			{"empty " + name, []option{healthy, only(false, false, 0)}, "empty_stream", "no_terminal", failed, nil},
			{"one bad event " + name, []option{healthy, oddity("bad_json", 1)}, "sse_malformed", "", failed, nil},
		})
	}
	run(t, []scenario{
		{"cut-array", []option{geminiArray, only(false, false, 3)}, "stream_truncated", "", failed, nil},
		{"cut-array before the first element", []option{geminiArray, only(false, false, 0)}, "stream_truncated", "", failed, nil},
		{"array without its bracket", []option{geminiArray, only(false, true, 38)}, "unclean_close", "after_finish", ok, nil},
		{"array without a reason", []option{geminiArray, only(true, false, 38)}, "ok", "", ok, []string{"finish_missing"}},
		{"tgi without details", []option{textGen, only(true, false, 38)}, "ok", "", ok, []string{"finish_missing"}},
		{"a special token only", []option{textGen, only(true, true, 0), reason("eos_token")}, "empty_stream", "no_output_stop", ok, nil},
	})
}

// TestGeminiNeedsNoMarker: what is missing elsewhere is not missing there.
func TestGeminiNeedsNoMarker(t *testing.T) {
	for _, tt := range []struct {
		name    string
		healthy option
		want    bool
	}{{"gemini", geminiSSE, false}, {"tgi", textGen, true}, {"llama.cpp", llama, true}} {
		tags := diagnose.Classify(record(tt.healthy, only(false, true, 38))).Tags
		if got := slices.Contains(tags, "done_missing"); got != tt.want {
			t.Errorf("%s: done_missing is %v", tt.name, got)
		}
	}
}

// TestErrorsOfNativeDialects: by the codes and words that each of them uses.
func TestErrorsOfNativeDialects(t *testing.T) {
	google := func(status int, code, message string) []option {
		return []option{geminiSSE, fails(status, call.Error{Shape: call.ShapeGoogle, Code: code, Message: message})}
	}
	hf := func(status int, code, message string) []option {
		return []option{textGen, fails(status, call.Error{Shape: call.ShapeString, Code: code, Message: message})}
	}
	run(t, []scenario{
		{"serr gemini", []option{geminiSSE, brokeOff(call.ShapeGoogle, "UNAVAILABLE", "The model is overloaded.")}, "error_in_stream", "server_error", failed, nil},
		{"serr gemini rate", []option{geminiArray, brokeOff(call.ShapeGoogle, "RESOURCE_EXHAUSTED", "Resource exhausted")}, "error_in_stream", "rate_limited", failed, nil},
		{"serr gemini argument", []option{geminiSSE, brokeOff(call.ShapeGoogle, "INVALID_ARGUMENT", "Request contains an invalid argument.")}, "error_in_stream", "validation", failed, nil},
		{"serr tgi", []option{textGen, brokeOff(call.ShapeString, "generation", "Request failed during generation")}, "error_in_stream", "server_error", failed, nil},
		{"serr tgi validation", []option{textGen, brokeOff(call.ShapeString, "validation", "Input validation error: `temperature` must be strictly positive")}, "error_in_stream", "validation", failed, nil},
		{"serr-field llamacpp", []option{llama, brokeOff(call.ShapeFlat, "500", "context shift is disabled"), oddity("unknown_field", 1)}, "error_in_stream", "server_error", failed, nil},
		{"serr sglang", []option{streamOK, brokeOff(call.ShapeOpenAI, "400", "The input (5000 tokens) is longer than the model's context length (4096 tokens).")}, "error_in_stream", "context_length", failed, nil},
		{"serr-done vllm", []option{streamOK, brokeOff(call.ShapeOpenAI, "500", "EngineCore encountered an issue"), func(r *call.Record) { r.Stream.Done = true }}, "error_in_stream", "server_error", failed, nil},
		{"body-err gemini", []option{geminiSSE, brokeOff(call.ShapeGoogle, "INTERNAL", "m"), framing(call.FramingJSON, "application/json")}, "error_in_body", "", failed, nil},
		{"rate-429 gemini", google(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."), "rate_limited", "rate", failed, nil},
		{"500 gemini", google(500, "INTERNAL", "An internal error has occurred."), "provider_error", "internal", failed, nil},
		{"503 gemini", google(503, "UNAVAILABLE", "The model is overloaded. Please try again later."), "provider_error", "overloaded", failed, nil},
		{"504 gemini", google(504, "DEADLINE_EXCEEDED", "The request timed out."), "provider_error", "timeout", failed, nil},
		{"403 gemini", google(403, "PERMISSION_DENIED", "Your API key was reported as leaked."), "auth_rejected", "permission", failed, nil},
		{"nf-model gemini", google(404, "NOT_FOUND", "models/gem-x is not found for API version v1beta, or is not supported for generateContent."), "endpoint_not_found", "model_unknown", failed, nil},
		{"ctx-400 gemini", google(400, "INVALID_ARGUMENT", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."), "request_rejected", "context_length", failed, nil},
		{"param gemini", google(400, "INVALID_ARGUMENT", `Invalid JSON payload received. Unknown name "foo" at 'generation_config': Cannot find field.`), "parameter_unsupported", "", failed, nil},
		{"422 tgi", hf(422, "validation", "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000"), "request_rejected", "context_length", failed, nil},
		{"ctx-422 tgi, with the answer", hf(422, "validation", "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 200 `max_new_tokens`"), "request_rejected", "context_length", failed, nil},
		{"429 tgi", hf(429, "overloaded", "Model is overloaded"), "rate_limited", "rate", failed, nil},
		{"500 tgi", hf(500, "incomplete_generation", "Incomplete generation"), "provider_error", "internal", failed, nil},
		{"503 llamacpp", []option{llama, fails(503, call.Error{Shape: call.ShapeOpenAI, Code: "503", Type: "unavailable_error", Message: "Loading model"})}, "provider_error", "overloaded", failed, nil},
	})
}

// TestFinishesOfNativeDialects by what the catalogue calls them.
func TestFinishesOfNativeDialects(t *testing.T) {
	for _, raw := range []string{"SAFETY", "PROHIBITED_CONTENT", "SPII", "RECITATION", "MODEL_ARMOR", "JAILBREAK", "blockReason:OTHER", "blockReason:NEW"} {
		run(t, []scenario{
			{"filtered by " + raw, []option{geminiSSE, reason(raw)}, "content_filtered", "", ok, nil},
			{"blocked by " + raw, []option{geminiSSE, only(false, true, 0), reason(raw)}, "content_filtered", "", ok, nil},
		})
	}
	run(t, []scenario{
		{"limit of Gemini", []option{geminiSSE, reason("MAX_TOKENS")}, "ok", "", ok, []string{"output_limit"}},
		{"limit of llama.cpp", []option{llama, reason("limit")}, "ok", "", ok, []string{"output_limit"}},
		{"a word of llama.cpp", []option{llama, reason("word")}, "ok", "", ok, nil},
		{"an answer that ended for OTHER is not filtered", []option{geminiSSE, reason("OTHER")}, "ok", "", ok, nil},
		{"a call that failed", []option{geminiSSE, only(false, true, 0), reason("MALFORMED_FUNCTION_CALL")}, "error_in_stream", "server_error", failed, nil},
		{"a call that failed behind text", []option{geminiSSE, only(false, true, 3), reason("MALFORMED_FUNCTION_CALL")}, "ok", "", ok, nil},
	})
}

// TestFailedFinishIsNamed: where no error body says what failed, the finish
// reason does.
func TestFailedFinishIsNamed(t *testing.T) {
	d := diagnose.Classify(record(geminiSSE, only(false, true, 0), reason("MALFORMED_FUNCTION_CALL")))
	if want := "The answer failed after 200 was sent: MALFORMED_FUNCTION_CALL."; d.Text != want {
		t.Errorf("got %q, want %q", d.Text, want)
	}
}

// TestWebSockets: what is said there is not judged, only who ended it.
func TestWebSockets(t *testing.T) {
	socket := func(r *call.Record) {
		dialect("websocket", "unknown")(r)
		r.Request.Method, r.Request.Mode, r.Request.StreamFlag = "GET", call.ModeUnknown, call.StreamUnknown
		r.Response.Status, r.Agent.View = 101, call.ViewOpaque
		r.Response.Body = call.BodyFacts{Framing: call.FramingOther, Bytes: 900}
		r.End = call.End{Side: call.SideUpstream, Kind: call.EndEOF, Reason: "upgrade", Terminal: true}
		r.Timing.Headers, r.Timing.End = at(0.2), at(3000)
	}
	run(t, []scenario{
		{"the service ended it", []option{socket}, "ok", "", ok, nil},
		{"the client ended it", []option{socket, ends(call.SideClient, call.EndClosed)}, "ok", "", ok, nil},
		{"the agent ended it", []option{socket, func(r *call.Record) { r.End = call.End{Side: call.SideAgent, Kind: call.EndClosed, Reason: "shutdown"} }}, "agent_induced", "shutdown", failed, nil},
		{"the handshake was refused", []option{socket, fails(401, text("Incorrect API key provided"))}, "auth_rejected", "key", failed, nil},
	})
}
