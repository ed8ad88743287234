package diagnose_test

import (
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// Records as the decoders of Messages, Responses and Cohere make them.
var (
	messages  = dialect("anthropic.messages", "anthropic")
	responses = dialect("openai.responses", "openai.responses")
	cohere    = dialect("cohere.chat", "cohere")
)

func inBand(shape call.ErrorShape, code, message string) option {
	return func(r *call.Record) {
		broken(r)
		r.Stream.Errored = true
		r.Response.Error = call.Error{Shape: shape, Code: code, Message: message}
	}
}

// finished ends with a reason, after so many events with content.
func finished(reason string, content int) option {
	return func(r *call.Record) {
		r.Response.FinishReasons, r.Stream.ContentEvents = []string{reason}, content
	}
}

func TestErrorsInsideStreamsOfDialects(t *testing.T) {
	const long = "prompt is too long: 210000 tokens > 200000 maximum"
	ended := func(r *call.Record) {
		r.Stream.Done, r.Stream.Finish, r.Response.FinishReasons = true, true, []string{"error"}
	}
	for _, tt := range []struct {
		name    string
		options []option
		reason  string
	}{
		{"anthropic overloaded", []option{messages, inBand(call.ShapeAnthropic, "overloaded_error", "Overloaded")}, "server_error"},
		{"anthropic rate", []option{messages, inBand(call.ShapeAnthropic, "rate_limit_error", "slow down")}, "rate_limited"},
		{"anthropic request", []option{messages, inBand(call.ShapeAnthropic, "invalid_request_error", "messages: at least one")}, "validation"},
		{"anthropic prompt", []option{messages, inBand(call.ShapeAnthropic, "invalid_request_error", long)}, "context_length"},
		{"responses failed", []option{responses, inBand(call.ShapeOpenAI, "server_error", "broke"), ended}, "server_error"},
		{"responses without a cause", []option{responses, inBand(call.ShapeUnknown, "", ""), ended}, "server_error"},
		{"responses filter", []option{responses, inBand(call.ShapeFlat, "content_filter", "filtered")}, "content_filter"},
		{"cohere failed", []option{cohere, inBand(call.ShapeString, "ERROR", "backend failure"), ended}, "server_error"},
		{"cohere timeout", []option{cohere, inBand(call.ShapeString, "TIMEOUT", ""), ended}, "server_error"},
		{"cohere rate has words only", []option{cohere, inBand(call.ShapeString, "ERROR", "Rate limit reached, try later")}, "rate_limited"},
		{"words beside another code", []option{inBand(call.ShapeOpenAI, "server_error", "rate limit service is down")}, "server_error"},
	} {
		run(t, []scenario{{tt.name, append([]option{streamOK}, tt.options...), "error_in_stream", tt.reason, failed, nil}})
	}
}

func TestEndsOfDialects(t *testing.T) {
	noMarker := func(r *call.Record) { r.Stream.Done = false }
	noReason := func(r *call.Record) { r.Stream.Finish, r.Response.FinishReasons = false, nil }
	reset := ends(call.SideUpstream, call.EndReset)
	noTokens := func(r *call.Record) { r.Request.Params = []call.Param{{Name: "max_tokens", Value: "0"}} }
	lines := framing(call.FramingNDJSON, "application/stream+json")
	for _, tt := range []struct {
		name    string
		options []option
		want    string // class, reason
		outcome call.Outcome
		tag     string
	}{
		{"anthropic without message_stop", []option{messages, noMarker}, "ok", ok, "done_missing"},
		{"anthropic without stop_reason", []option{messages, noReason}, "ok", ok, "finish_missing"},
		{"anthropic without either", []option{messages, broken}, "stream_incomplete", failed, ""},
		{"responses without an end", []option{responses, broken}, "stream_incomplete", failed, ""},
		{"cohere without an end", []option{cohere, broken}, "stream_incomplete", failed, ""},
		{"anthropic reset", []option{messages, broken, reset}, "stream_truncated", failed, ""},
		{"anthropic reset behind the marker", []option{messages, reset}, "unclean_close after_marker", ok, ""},
		{"anthropic reset behind the reason", []option{messages, noMarker, reset}, "unclean_close after_finish", ok, ""},
		{"client closes at message_stop", []option{messages, ends(call.SideClient, call.EndClosed)}, "ok", ok, ""},
		{"nothing was said", []option{messages, finished("end_turn", 0)}, "empty_stream no_output_stop", ok, ""},
		{"nothing was said, Responses", []option{responses, finished("stop", 0)}, "empty_stream no_output_stop", ok, ""},
		{"nothing was said, Cohere", []option{cohere, finished("COMPLETE", 0)}, "empty_stream no_output_stop", ok, ""},
		{"paused", []option{messages, finished("pause_turn", 0)}, "ok", ok, ""},
		{"tool without text", []option{cohere, finished("TOOL_CALL", 0)}, "ok", ok, ""},
		{"cache warm-up", []option{messages, finished("end_turn", 0), noTokens}, "ok", ok, ""},
		{"refusal", []option{messages, finished("refusal", 0)}, "content_filtered", ok, ""},
		{"limit", []option{messages, finished("max_tokens", 9)}, "ok", ok, "output_limit"},
		{"context window", []option{messages, finished("model_context_window_exceeded", 9)}, "ok", ok, "output_limit"},
		{"limit, Responses", []option{responses, finished("max_output_tokens", 9)}, "ok", ok, "output_limit"},
		{"filter, Responses", []option{responses, finished("content_filter", 0)}, "content_filtered", ok, ""},
		{"limit, Cohere", []option{cohere, finished("MAX_TOKENS", 9)}, "ok", ok, "output_limit"},
		{"an event is missing", []option{responses, oddity("sequence_gap", 1)}, "ok", ok, "sequence_gap"},
		{"lines of Cohere's version 1", []option{dialect("cohere.v1", "cohere"), lines}, "ok", ok, ""},
	} {
		class, reason, _ := strings.Cut(tt.want, " ")
		var tags []string
		if tt.tag != "" {
			tags = []string{tt.tag}
		}
		run(t, []scenario{{tt.name, append([]option{streamOK}, tt.options...), class, reason, tt.outcome, tags}})
	}
}

func TestRefusalsOfDialects(t *testing.T) {
	const long = "prompt is too long: 210000 tokens > 200000 maximum"
	for _, tt := range []struct {
		name          string
		status        int
		code, message string // of Anthropic; without a code of Cohere
		want          string
	}{
		{"key", 401, "authentication_error", "invalid x-api-key", "auth_rejected key"},
		{"billing", 402, "billing_error", "payment required", "auth_rejected billing"},
		{"model", 404, "not_found_error", "model: claude-owl-9", "endpoint_not_found model_unknown"},
		{"path", 404, "not_found_error", "Not Found", "endpoint_not_found other"},
		{"size", 413, "request_too_large", "Request exceeds the maximum size", "request_rejected too_large"},
		{"prompt", 400, "invalid_request_error", long, "request_rejected context_length"},
		{"parameter", 400, "invalid_request_error", "stream_mode: Extra inputs are not permitted", "parameter_unsupported "},
		{"request", 400, "invalid_request_error", "max_tokens: Field required", "request_rejected invalid"},
		{"rate", 429, "rate_limit_error", "This request would exceed your rate limit", "rate_limited rate"},
		{"failure", 500, "api_error", "Internal server error", "provider_error internal"},
		{"timeout", 504, "timeout_error", "Request timed out", "provider_error timeout"},
		{"overloaded", 529, "overloaded_error", "Overloaded", "provider_error overloaded"},
		{"stream", 400, "invalid_request_error", "streaming is not supported for this model", "stream_unsupported model"},
		{"cohere token", 498, "", "invalid api token", "auth_rejected key"},
		{"cohere closed", 499, "", "request cancelled", "request_rejected invalid"},
		{"cohere failure", 500, "", "internal server error", "provider_error internal"},
		{"cohere overloaded", 503, "", "service unavailable", "provider_error overloaded"},
	} {
		options := []option{messages, asked, fails(tt.status, call.Error{Shape: call.ShapeAnthropic, Code: tt.code, Type: tt.code, Message: tt.message})}
		if tt.code == "" {
			options = []option{cohere, asked, fails(tt.status, call.Error{Shape: call.ShapeBare, Message: tt.message})}
		}
		class, reason, _ := strings.Cut(tt.want, " ")
		run(t, []scenario{{tt.name, options, class, reason, failed, nil}})
	}
}

func TestWhoseErrorItIsInDialects(t *testing.T) {
	vertex := dialect("vertex.anthropic", "anthropic")
	unknown := call.Error{
		Shape: call.ShapeOpenAI, Code: "unknown_parameter", Param: "stream_options.include_usage",
		Message: "Unknown parameter: 'stream_options.include_usage'.",
	}
	failedAnswer := func(r *call.Record) {
		r.Stream.Errored, r.Response.FinishReasons = true, []string{"error"}
		r.Response.Error = call.Error{Shape: call.ShapeOpenAI, Code: "server_error", Message: "broke"}
	}
	run(t, []scenario{
		{
			"vertex envelope",
			[]option{vertex, asked, fails(429, call.Error{Shape: call.ShapeGoogle, Code: "RESOURCE_EXHAUSTED", Message: "Too much"})},
			"rate_limited", "rate", failed, nil,
		},
		{
			"an option of chat completions", []option{responses, asked, key("stream_options"), fails(400, unknown)},
			"stream_option_rejected", "client_sent", failed, nil,
		},
		{"a failed response at 200", []option{plainOK, responses, failedAnswer}, "error_in_body", "", failed, nil},
		{
			"a gateway in front of Anthropic",
			[]option{messages, asked, fails(500, call.Error{Shape: call.ShapeBare, Message: "internal server error"})},
			"gateway_error_opaque", "", failed, nil,
		},
	})
}

// TestWhoSeesAnUncleanClose: the sentence names the clients of the dialect.
func TestWhoSeesAnUncleanClose(t *testing.T) {
	r := record(streamOK, messages, ends(call.SideUpstream, call.EndReset))
	d := diagnose.Classify(r)
	if !strings.Contains(d.Text, "anthropic-python") || slices.Contains(d.Tags, "done_missing") {
		t.Errorf("%s %v", d.Text, d.Tags)
	}
}
