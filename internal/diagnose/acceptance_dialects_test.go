package diagnose_test

import (
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// converse, invoke and ollama are healthy streams of those dialects.
func converse(r *call.Record) {
	streamOK(r)
	dialect("bedrock.converse_stream", "bedrock.converse")(r)
	framing(call.FramingEventStream, "application/vnd.amazon.eventstream")(r)
	r.Target.Provider, r.Request.StreamFlag, r.Response.FinishReasons = "aws.bedrock", call.StreamAbsent, []string{"end_turn"}
}

func invoke(r *call.Record) {
	converse(r)
	dialect("bedrock.invoke_stream", "bedrock.invoke")(r)
}

func ollama(r *call.Record) {
	streamOK(r)
	dialect("ollama.chat", "ollama")(r)
	framing(call.FramingNDJSON, "application/x-ndjson")(r)
	r.Target.Provider = "ollama"
}

// only leaves the stream with some of its marks and content events.
func only(done, finish bool, content int) option {
	return func(r *call.Record) {
		broken(r)
		r.Stream.Done, r.Stream.Finish, r.End.Terminal, r.Stream.ContentEvents = done, finish, done || finish, content
	}
}

func reason(raw string) option {
	return func(r *call.Record) { r.Response.FinishReasons = []string{raw} }
}

// TestEndsOfFramedDialects plays the termination verdict for lines and
// messages: marker, finish, error, and where the transport ended.
func TestEndsOfFramedDialects(t *testing.T) {
	short := ends(call.SideUpstream, call.EndShort)
	for name, healthy := range map[string]option{"converse": converse, "invoke": invoke, "ollama": ollama} {
		run(t, []scenario{
			{"ok-" + name, []option{healthy}, "ok", "", ok, nil},
			{name + " without marker", []option{healthy, only(false, true, 38)}, "ok", "", ok, []string{"done_missing"}},
			{name + " without finish", []option{healthy, only(true, false, 38)}, "ok", "", ok, []string{"finish_missing"}},
			{"inc-eof " + name, []option{healthy, only(false, false, 38)}, "stream_incomplete", "", failed, nil},
			{"cut-chunk " + name, []option{healthy, only(false, false, 38), short}, "stream_truncated", "", failed, nil},
			{"cut-zero " + name, []option{healthy, only(false, false, 0), short, func(r *call.Record) { r.Stream.Events = 0 }}, "stream_truncated", "", failed, nil},
			{"unclean-done " + name, []option{healthy, short}, "unclean_close", "after_marker", ok, nil},
			{"unclean-finish " + name, []option{healthy, only(false, true, 38), short}, "unclean_close", "after_finish", ok, []string{"done_missing"}},
			{"empty-0 " + name, []option{healthy, only(false, false, 0), bytes(0)}, "empty_stream", "zero_bytes", failed, nil},
			{"empty-stop " + name, []option{healthy, only(true, true, 0), reason("stop")}, "empty_stream", "no_output_stop", ok, nil},
			{"empty-done " + name, []option{healthy, only(true, false, 0)}, "empty_stream", "done_only", failed, nil},
			{"length without content " + name, []option{healthy, only(true, true, 0), reason("length")}, "ok", "", ok, []string{"output_limit"}},
			{"error wins over the marker " + name, []option{healthy, func(r *call.Record) { r.Stream.Errored = true }}, "error_in_stream", "server_error", failed, nil},
			{"client leaves after the marker " + name, []option{healthy, ends(call.SideClient, call.EndClosed)}, "ok", "", ok, nil},
			{"client leaves before " + name, []option{healthy, only(false, false, 5), leaves(2)}, "client_cancelled", "", cancelled, nil},
			{"unlabelled " + name, []option{healthy, func(r *call.Record) { r.Response.Body.ContentType = "" }}, "content_type_mismatch", "missing", ok, nil},
			{"one bad document " + name, []option{healthy, oddity("bad_json", 1)}, "sse_malformed", "", failed, nil},
			{"events behind the marker " + name, []option{healthy, oddity("after_terminal", 1)}, "ok", "", ok, []string{"late_events"}},
		})
	}
}

// TestEndsInsideAFrame: the transport ended well, the framing did not.
func TestEndsInsideAFrame(t *testing.T) {
	inLine, inFrame := oddity("value_truncated", 1), oddity("eventstream_truncated", 1)
	array := []option{streamOK, dialect("gemini.generate", "gemini"), framing(call.FramingJSONArray, "application/json")}
	run(t, []scenario{
		{"cut inside a line", []option{ollama, only(false, false, 3), inLine}, "stream_truncated", "", failed, nil},
		{"cut inside a line after the reason", []option{ollama, only(false, true, 3), inLine}, "unclean_close", "after_finish", ok, nil},
		{"cut inside a line after the end", []option{ollama, only(true, false, 3), inLine}, "unclean_close", "after_marker", ok, nil},
		{"cut inside a frame", []option{converse, only(false, false, 3), inFrame}, "stream_truncated", "", failed, nil},
		{"cut inside a frame after the marker", []option{converse, only(true, false, 3), inFrame}, "unclean_close", "after_marker", ok, nil},
		{"cut inside the first frame", []option{invoke, only(false, false, 0), inFrame}, "stream_truncated", "", failed, nil},
		{"client left inside a line", []option{ollama, only(false, false, 3), inLine, leaves(2)}, "client_cancelled", "", cancelled, nil},
		{"cut-array", append(array, only(false, false, 3)), "stream_truncated", "", failed, nil},
		{"cut-array after the reason", append(array, only(false, true, 3)), "unclean_close", "after_finish", ok, nil},
		{"array with a bad element", append(array, only(false, false, 3), oddity("bad_json", 1)), "sse_malformed", "", failed, []string{"decode_limit"}},
	})
}

// TestSpoiltMessages: behind a bad checksum nothing is known to be missing.
func TestSpoiltMessages(t *testing.T) {
	crc := oddity("eventstream_crc", 1)
	run(t, []scenario{
		{"es-crc", []option{converse, only(false, false, 3), crc}, "framing_invalid", "eventstream_crc", failed, []string{"decode_limit"}},
		{"es-crc in the first message", []option{invoke, only(false, false, 0), crc}, "framing_invalid", "eventstream_crc", failed, []string{"decode_limit"}},
		{"es-crc, then cut", []option{converse, only(false, false, 3), crc, ends(call.SideUpstream, call.EndShort)}, "framing_invalid", "eventstream_crc", failed, []string{"stream_truncated"}},
		{"es-crc, the client leaves", []option{converse, only(false, false, 3), crc, leaves(2)}, "framing_invalid", "eventstream_crc", failed, nil},
	})
	r := record(converse, only(false, false, 3), crc)
	if got := diagnose.Classify(r).Tags; len(got) != 1 {
		t.Errorf("tags %v: missing marks are said to be missing", got)
	}
}

// TestErrorsOfAWSAndOllama: codes are names of exceptions, Ollama has texts only.
func TestErrorsOfAWSAndOllama(t *testing.T) {
	exception := func(code, message string) option {
		return func(r *call.Record) {
			only(false, false, 3)(r)
			r.Stream.Errored = true
			r.Response.Error = call.Error{Shape: call.ShapeAWS, Code: code, Message: message}
		}
	}
	aws := func(status int, code, message string) []option {
		return []option{converse, fails(status, call.Error{Shape: call.ShapeAWS, Code: code, Message: message})}
	}
	text := func(status int, message string) []option {
		return []option{ollama, fails(status, call.Error{Shape: call.ShapeString, Message: message})}
	}
	run(t, []scenario{
		{"serr-aws", []option{converse, exception("throttlingException", "Too many requests")}, "error_in_stream", "rate_limited", failed, nil},
		{"serr-aws model", []option{invoke, exception("modelStreamErrorException", "stream broke")}, "error_in_stream", "server_error", failed, nil},
		{"serr-aws timeout", []option{invoke, exception("modelTimeoutException", "Model has timed out")}, "error_in_stream", "server_error", failed, nil},
		{"serr-aws validation", []option{converse, exception("validationException", "The input is bad")}, "error_in_stream", "validation", failed, nil},
		{"serr-aws unavailable", []option{converse, exception("serviceUnavailableException", "later")}, "error_in_stream", "server_error", failed, nil},
		{"serr-ndjson", []option{ollama, func(r *call.Record) {
			only(false, false, 3)(r)
			r.Stream.Errored, r.Response.Error = true, call.Error{Shape: call.ShapeString, Message: "model runner has unexpectedly stopped"}
		}}, "error_in_stream", "server_error", failed, nil},
		{"rate-429 aws", aws(429, "ThrottlingException", "Too many tokens"), "rate_limited", "rate", failed, nil},
		{"500 aws", aws(500, "InternalServerException", "Internal failure"), "provider_error", "internal", failed, nil},
		{"503 aws", aws(503, "ServiceUnavailableException", "later"), "provider_error", "overloaded", failed, nil},
		{"auth-iam", aws(403, "AccessDeniedException", "User is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource"), "auth_rejected", "stream_permission", failed, nil},
		{"403 aws", aws(403, "AccessDeniedException", "You don't have access to the model with the specified model ID."), "auth_rejected", "permission", failed, nil},
		{"nf-model aws", aws(404, "ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier."), "endpoint_not_found", "", failed, nil},
		{"ctx-400 aws", aws(400, "ValidationException", "Input is too long for requested model."), "request_rejected", "context_length", failed, nil},
		{"refuse-400 aws", aws(400, "ValidationException", "The model is unsupported for streaming"), "stream_unsupported", "model", failed, nil},
		{"500 ollama", text(500, "llama runner process has terminated"), "provider_error", "internal", failed, nil},
		{"nf-model ollama", text(404, "model 'tiny' not found"), "endpoint_not_found", "model_unknown", failed, nil},
		{"auth-401 ollama", text(401, "unauthorized"), "auth_rejected", "key", failed, nil},
		{"refuse-tools ollama", text(400, "registry.ollama.ai/library/tiny:latest does not support tools"), "parameter_unsupported", "", failed, nil},
	})
}

// TestFinishesOfFramedDialects by what the catalogue calls them.
func TestFinishesOfFramedDialects(t *testing.T) {
	run(t, []scenario{
		{"guardrail", []option{converse, reason("guardrail_intervened")}, "content_filtered", "", ok, nil},
		{"filtered", []option{converse, reason("content_filtered")}, "content_filtered", "", ok, nil},
		{"Titan filtered", []option{invoke, reason("CONTENT_FILTERED")}, "content_filtered", "", ok, nil},
		{"limit", []option{converse, reason("max_tokens")}, "ok", "", ok, []string{"output_limit"}},
		{"window", []option{converse, reason("model_context_window_exceeded")}, "ok", "", ok, []string{"output_limit"}},
		{"Titan limit", []option{invoke, reason("LENGTH")}, "ok", "", ok, []string{"output_limit"}},
		{"tool without text", []option{converse, only(true, true, 0), reason("tool_use")}, "ok", "", ok, nil},
		{"model loaded", []option{ollama, only(true, true, 0), reason("load")}, "ok", "", ok, nil},
		{"model unloaded", []option{ollama, only(true, true, 0), reason("unload")}, "ok", "", ok, nil},
		{"a call that failed", []option{converse, only(true, true, 0), reason("malformed_tool_use")}, "error_in_stream", "server_error", failed, nil},
		{"a call that failed behind text", []option{converse, reason("malformed_tool_use")}, "ok", "", ok, nil},
		{"aborted without text", []option{streamOK, only(true, true, 0), reason("abort")}, "error_in_stream", "server_error", failed, nil},
		{"no room, the client left at the marker", []option{streamOK, only(true, true, 0), reason("insufficient_system_resource"), ends(call.SideClient, call.EndClosed)}, "error_in_stream", "server_error", failed, nil},
		{"a new reason without text", []option{converse, only(true, true, 0), reason("new_reason")}, "empty_stream", "no_output_stop", ok, nil},
		{"Titan without text", []option{invoke, only(true, true, 0), reason("FINISH")}, "empty_stream", "no_output_stop", ok, nil},
	})
}

// TestUnreadStreams: nothing is missing in a stream that no decoder reads.
func TestUnreadStreams(t *testing.T) {
	sagemaker := func(r *call.Record) {
		converse(r)
		dialect("sagemaker.invoke", "unknown")(r)
		only(false, false, 0)(r)
	}
	run(t, []scenario{
		{"healthy", []option{sagemaker}, "ok", "", ok, nil},
		{"cut", []option{sagemaker, ends(call.SideUpstream, call.EndShort)}, "stream_truncated", "", failed, nil},
		{"exception", []option{sagemaker, func(r *call.Record) {
			r.Stream.Errored, r.Response.Error = true, call.Error{Shape: call.ShapeAWS, Code: "ModelStreamError", Message: "container died"}
		}}, "error_in_stream", "server_error", failed, nil},
		{"plain text", []option{plainOK, dialect("sagemaker.invoke", "unknown"), framing(call.FramingText, "text/plain")}, "ok", "", ok, nil},
		{"bad checksum", []option{sagemaker, oddity("eventstream_crc", 1)}, "framing_invalid", "eventstream_crc", failed, nil},
	})
}
