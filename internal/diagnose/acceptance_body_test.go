package diagnose_test

import (
	"testing"
	"time"

	"llmtap/internal/call"
)

func TestBodyKindAndLabel(t *testing.T) {
	inBody := func(r *call.Record) {
		r.Stream.Errored = true
		r.Response.Error = call.Error{Shape: call.ShapeOpenAI, Code: "502", Message: "Provider returned error"}
	}
	malformed := func(reason string) option {
		return func(r *call.Record) {
			r.End = call.End{Side: call.SideUpstream, Kind: call.EndShort, Reason: reason}
		}
	}
	sse := framing(call.FramingSSE, "text/event-stream")
	noTarget := func(r *call.Record) { r.Target.API, r.Target.Format = "", "" }
	run(t, []scenario{
		{"mode-json", []option{plainOK, asked}, "stream_downgraded", "", failed, nil},
		{
			"mode-json-ollama",
			[]option{plainOK, asked, dialect("ollama.chat", "ollama")},
			"stream_downgraded",
			"",
			failed,
			nil,
		},
		{"mode-sse-false", []option{plainOK, sse}, "stream_unrequested", "flag_false", failed, nil},
		{
			"mode-sse-absent",
			[]option{plainOK, sse, func(r *call.Record) { r.Request.StreamFlag = call.StreamAbsent }},
			"stream_unrequested",
			"flag_absent",
			failed,
			nil,
		},
		{
			"mode-trailing",
			[]option{plainOK, oddity("trailing_json", 1)},
			"stream_unrequested",
			"trailing_done",
			failed,
			nil,
		},
		{
			"mode-ndjson-false",
			[]option{plainOK, framing(call.FramingNDJSON, "application/x-ndjson")},
			"stream_unrequested",
			"flag_false",
			failed,
			nil,
		},
		{
			"label-empty",
			[]option{streamOK, framing(call.FramingSSE, "")},
			"content_type_mismatch",
			"missing",
			ok,
			nil,
		},
		{
			"label-json",
			[]option{streamOK, framing(call.FramingSSE, "application/json")},
			"content_type_mismatch",
			"wrong",
			ok,
			nil,
		},
		{"label-abort", []option{streamOK, broken, framing(call.FramingSSE, ""), leaves(0.5), func(r *call.Record) {
			r.Stream.ContentEvents, r.Stream.Events = 0, 1
		}}, "content_type_mismatch", "missing", failed, []string{"client_cancelled"}},
		{
			"label-abort-late",
			[]option{streamOK, broken, framing(call.FramingSSE, ""), leaves(2)},
			"client_cancelled",
			"",
			cancelled,
			[]string{"content_type_mismatch"},
		},
		{
			"label-html",
			[]option{page(200), asked, framing(call.FramingHTML, "text/event-stream")},
			"non_api_response",
			"login_page",
			failed,
			[]string{"content_type_mismatch"},
		},
		{
			"label-problem-json",
			[]option{plainOK, framing(call.FramingJSON, "application/problem+json")},
			"ok",
			"",
			ok,
			nil,
		},
		{
			"label-text-json",
			[]option{plainOK, framing(call.FramingJSON, "text/plain")},
			"content_type_mismatch",
			"wrong",
			ok,
			nil,
		},
		{
			"label-ndjson",
			[]option{streamOK, dialect("ollama.chat", "ollama"), framing(call.FramingNDJSON, "application/json")},
			"ok",
			"",
			ok,
			nil,
		},
		{
			"label-unknown-api",
			[]option{plainOK, framing(call.FramingJSON, "text/plain"), noTarget},
			"ok",
			"",
			ok,
			nil,
		},
		{"body-err", []option{plainOK, inBody}, "error_in_body", "", failed, nil},
		{
			"body-err-stream",
			[]option{plainOK, asked, inBody},
			"error_in_body",
			"",
			failed,
			[]string{"error_in_stream"},
		},
		{
			"body-empty",
			[]option{plainOK, framing(call.FramingEmpty, ""), bytes(0)},
			"plain_body_invalid",
			"empty",
			failed,
			nil,
		},
		{
			"body-short",
			[]option{plainOK, func(r *call.Record) { r.End = call.End{Side: call.SideUpstream, Kind: call.EndShort} }},
			"plain_body_invalid",
			"truncated",
			failed,
			nil,
		},
		{
			"body-text",
			[]option{plainOK, framing(call.FramingText, "text/plain")},
			"plain_body_invalid",
			"not_JSON",
			failed,
			nil,
		},
		{
			"body-speech",
			[]option{plainOK, framing(call.FramingOther, "audio/mpeg"), func(r *call.Record) { r.Target.Operation = "speech" }},
			"ok",
			"",
			ok,
			nil,
		},
		{"body-unknown-mode-short", []option{plainOK, func(r *call.Record) {
			r.Request.Mode = call.ModeUnknown
			r.End = call.End{Side: call.SideUpstream, Kind: call.EndShort}
		}}, "plain_body_invalid", "truncated", failed, nil},
		{
			"frame-chunk",
			[]option{streamOK, broken, malformed("chunk size")},
			"framing_invalid",
			"chunk size",
			failed,
			[]string{"stream_truncated"},
		},
		{
			"frame-cl-te",
			[]option{plainOK, malformed("content-length with transfer-encoding")},
			"framing_invalid",
			"content-length with transfer-encoding",
			failed,
			nil,
		},
		{
			"frame-lengths",
			[]option{plainOK, malformed("content-length")},
			"framing_invalid",
			"content-length",
			failed,
			nil,
		},
		{
			"frame-orderly-word",
			[]option{streamOK, broken, malformed("expect")},
			"stream_truncated",
			"",
			failed,
			nil,
		},
		{
			"es-crc",
			[]option{streamOK, dialect("bedrock.converse_stream", "bedrock.converse"), framing(call.FramingEventStream, "application/vnd.amazon.eventstream"), oddity("eventstream_crc", 1)},
			"framing_invalid",
			"eventstream_crc",
			failed,
			nil,
		},
		{
			"filter-200",
			[]option{plainOK, func(r *call.Record) { r.Response.FinishReasons = []string{"content_filter"} }},
			"content_filtered",
			"",
			ok,
			nil,
		},
		{"filter-gemini", []option{streamOK, dialect("gemini.generate", "gemini"), func(r *call.Record) {
			r.Response.FinishReasons, r.Stream.ContentEvents = []string{"SAFETY"}, 0
		}}, "content_filtered", "", ok, nil},
	})
}

func TestErrorsInsideStreams(t *testing.T) {
	event := func(code, typ, message string) option {
		return func(r *call.Record) {
			broken(r)
			r.Stream.Done, r.Stream.Errored, r.End.Terminal = true, true, true
			r.Response.Error = call.Error{Shape: call.ShapeOpenAI, Code: code, Type: typ, Message: message}
		}
	}
	ndjson := framing(call.FramingNDJSON, "application/x-ndjson")
	run(t, []scenario{
		{
			"serr-done",
			[]option{streamOK, event("400", "", "Upstream said no")},
			"error_in_stream",
			"validation",
			failed,
			nil,
		},
		{
			"serr-flat",
			[]option{streamOK, event("server_error", "error", "broke")},
			"error_in_stream",
			"server_error",
			failed,
			nil,
		},
		{
			"serr-failed",
			[]option{streamOK, azure, dialect("azure.openai.responses", "openai.responses"), event("rate_limit_exceeded", "", "Slow down")},
			"error_in_stream",
			"rate_limited",
			failed,
			nil,
		},
		{
			"serr-ndjson",
			[]option{streamOK, dialect("ollama.chat", "ollama"), ndjson, event("", "", "an error was encountered while running the model: unexpected EOF")},
			"error_in_stream",
			"server_error",
			failed,
			nil,
		},
		{
			"serr-field",
			[]option{streamOK, event("", "", "slot unavailable")},
			"error_in_stream",
			"server_error",
			failed,
			nil,
		},
		{
			"serr-aws",
			[]option{streamOK, dialect("bedrock.converse_stream", "bedrock.converse"), event("throttlingException", "", "Too many requests")},
			"error_in_stream",
			"rate_limited",
			failed,
			nil,
		},
		{
			"serr-refused",
			[]option{streamOK, event("400", "BadRequestError", "Tool calling is not supported in streaming mode!")},
			"error_in_stream",
			"stream_refused",
			failed,
			nil,
		},
		{
			"serr-filter",
			[]option{streamOK, event("content_filter", "", "stopped")},
			"error_in_stream",
			"content_filter",
			failed,
			nil,
		},
		{
			"serr-context",
			[]option{streamOK, event("400", "BadRequestError", "This model's maximum context length is 4096 tokens")},
			"error_in_stream",
			"context_length",
			failed,
			nil,
		},
		{"serr-then-cut", []option{streamOK, event("500", "", "broke"), func(r *call.Record) {
			r.Stream.Done, r.End = false, call.End{Side: call.SideUpstream, Kind: call.EndReset}
		}}, "error_in_stream", "server_error", failed, []string{"stream_truncated"}},
		{"serr-client-hung-up", []option{streamOK, event("500", "", "broke"), func(r *call.Record) {
			r.Stream.Done, r.End = false, call.End{Side: call.SideClient, Kind: call.EndClosed}
		}}, "error_in_stream", "server_error", failed, nil},
	})
}

func TestStreamsThatEndBadly(t *testing.T) {
	cutAt := func(kind call.EndKind, seconds float64) option {
		return func(r *call.Record) {
			broken(r)
			r.End = call.End{Side: call.SideUpstream, Kind: kind}
			r.Timing.LastByte, r.Timing.LastData, r.Timing.End = at(seconds), at(seconds), at(seconds)
		}
	}
	empty := func(r *call.Record) {
		broken(r)
		r.Stream = call.Stream{}
		r.Response.Body.Framing, r.Response.Body.Bytes = call.FramingEmpty, 0
		r.Timing.FirstData, r.Timing.FirstContent, r.Timing.LastData = time.Time{}, time.Time{}, time.Time{}
	}
	silent := func(events int, done, finish bool, reasons ...string) option {
		return func(r *call.Record) {
			broken(r)
			r.Stream = call.Stream{Events: events, Bursts: 1, LargestBurst: events, Done: done, Finish: finish}
			r.End.Terminal, r.Response.FinishReasons = done || finish, reasons
		}
	}
	gemini := func(r *call.Record) {
		dialect("gemini.generate", "gemini")(r)
		framing(call.FramingJSONArray, "application/json")(r)
	}
	eventstream := func(r *call.Record) {
		dialect("bedrock.converse_stream", "bedrock.converse")(r)
		framing(call.FramingEventStream, "application/vnd.amazon.eventstream")(r)
	}
	run(t, []scenario{
		{"cut-rst", []option{streamOK, cutAt(call.EndReset, 2)}, "stream_truncated", "", failed, nil},
		{"cut-chunk", []option{streamOK, cutAt(call.EndShort, 2)}, "stream_truncated", "", failed, nil},
		{"cut-h2", []option{streamOK, cutAt(call.EndH2RST, 2)}, "stream_truncated", "", failed, nil},
		{
			"cut-zero",
			[]option{streamOK, empty, cutAt(call.EndReset, 1)},
			"stream_truncated",
			"",
			failed,
			nil,
		},
		{
			"cut-at-60",
			[]option{streamOK, cutAt(call.EndShort, 60.1)},
			"stream_truncated",
			"",
			failed,
			nil,
		},
		{"cut-array", []option{streamOK, gemini, broken}, "stream_truncated", "", failed, nil},
		{
			"cut-frame",
			[]option{streamOK, eventstream, broken, oddity("eventstream_truncated", 1)},
			"stream_truncated",
			"",
			failed,
			nil,
		},
		{
			"cut-unknown-mode",
			[]option{streamOK, cutAt(call.EndReset, 2), func(r *call.Record) { r.Request.Mode = call.ModeUnknown }},
			"stream_truncated",
			"",
			failed,
			nil,
		},
		{"inc-eof", []option{streamOK, broken}, "stream_incomplete", "", failed, nil},
		{
			"inc-close",
			[]option{streamOK, broken, func(r *call.Record) { r.Response.Body.Transfer = call.TransferClose }},
			"stream_incomplete",
			"",
			failed,
			nil,
		},
		{
			"inc-undecoded",
			[]option{streamOK, broken, func(r *call.Record) { r.Agent.Lost = []string{"decode_limit"} }},
			"ok",
			"",
			ok,
			[]string{"decode_limit"},
		},
		{
			"inc-opaque",
			[]option{streamOK, broken, func(r *call.Record) { r.Agent.View = call.ViewOpaque }},
			"ok",
			"",
			ok,
			nil,
		},
		{
			"inc-no-decoder",
			[]option{streamOK, broken, func(r *call.Record) { r.Target.API, r.Target.Format = "", "" }},
			"ok",
			"",
			ok,
			nil,
		},
		{"empty-0", []option{streamOK, empty}, "empty_stream", "zero_bytes", failed, nil},
		{
			"empty-role",
			[]option{streamOK, silent(1, false, false)},
			"empty_stream",
			"no_terminal",
			failed,
			nil,
		},
		{
			"empty-done",
			[]option{streamOK, silent(1, true, false)},
			"empty_stream",
			"done_only",
			failed,
			nil,
		},
		{
			"empty-stop",
			[]option{streamOK, silent(3, true, true, "stop")},
			"empty_stream",
			"no_output_stop",
			ok,
			nil,
		},
		{
			"empty-stop, left at the terminator",
			[]option{streamOK, silent(3, true, true, "stop"), ends(call.SideClient, call.EndClosed), func(r *call.Record) { r.End.Terminal = true }},
			"empty_stream",
			"no_output_stop",
			ok,
			nil,
		},
		{
			"empty-text",
			[]option{streamOK, silent(0, false, false), framing(call.FramingText, "text/plain")},
			"empty_stream",
			"no_terminal",
			failed,
			nil,
		},
		{"empty-tool", []option{streamOK, silent(3, true, true, "tool_calls")}, "ok", "", ok, nil},
		{"empty-pause", []option{streamOK, silent(3, true, true, "pause_turn")}, "ok", "", ok, nil},
		{"empty-asked", []option{streamOK, silent(3, true, true, "stop"), func(r *call.Record) {
			r.Request.Params = []call.Param{{Name: "max_tokens", Value: "0"}}
		}}, "ok", "", ok, nil},
		{"bad-json", []option{streamOK, oddity("bad_json", 1)}, "sse_malformed", "", failed, nil},
		{
			"bad-json-client-left",
			[]option{streamOK, broken, oddity("bad_json", 2), leaves(2)},
			"sse_malformed",
			"",
			failed,
			[]string{"client_cancelled"},
		},
		{
			"tool-index",
			[]option{streamOK, oddity("tool_no_index", 3)},
			"tool_delta_malformed",
			"no_index",
			ok,
			nil,
		},
		{
			"tool-two-ids",
			[]option{streamOK, oddity("tool_two_ids", 1)},
			"tool_delta_malformed",
			"two_ids",
			ok,
			nil,
		},
		{
			"tool-cut-arguments",
			[]option{streamOK, oddity("tool_bad_arguments", 1)},
			"tool_delta_malformed",
			"bad_arguments",
			ok,
			nil,
		},
		{
			"dup-cumul",
			[]option{streamOK, oddity("text_cumulative", 30)},
			"duplicate_output",
			"cumulative",
			ok,
			nil,
		},
		{
			"dup-double",
			[]option{streamOK, oddity("text_doubled", 30)},
			"duplicate_output",
			"doubled",
			ok,
			nil,
		},
	})
}

func TestClientsThatLeave(t *testing.T) {
	early := func(r *call.Record) { r.Stream.ContentEvents, r.Stream.Events = 0, 1 }
	sdk := func(name string) option { return func(r *call.Record) { r.Client.SDK = name } }
	run(t, []scenario{
		{"cl-cancel", []option{streamOK, broken, leaves(7.3)}, "client_cancelled", "", cancelled, nil},
		{
			"cl-cancel-reset",
			[]option{streamOK, broken, leaves(7.3), ends(call.SideClient, call.EndReset)},
			"client_cancelled",
			"",
			cancelled,
			nil,
		},
		{
			"cl-cancel-h2",
			[]option{streamOK, broken, leaves(7.3), ends(call.SideClient, call.EndH2RST)},
			"client_cancelled",
			"",
			cancelled,
			nil,
		},
		{
			"cl-cancel-plain",
			[]option{plainOK, leaves(7.3), func(r *call.Record) { r.End.Terminal = false }},
			"client_cancelled",
			"",
			cancelled,
			nil,
		},
		{
			"cl-timeout",
			[]option{streamOK, broken, leaves(60)},
			"client_timeout",
			"",
			failed,
			[]string{"client_cancelled"},
		},
		{
			"cl-timeout-silence",
			[]option{streamOK, broken, leaves(33.1)},
			"client_timeout",
			"",
			failed,
			nil,
		},
		{
			"cl-timeout-own",
			[]option{streamOK, broken, leaves(45.2), func(r *call.Record) { r.Request.Hints.ReadTimeout = "45.0" }},
			"client_timeout",
			"",
			failed,
			nil,
		},
		{
			"cl-no-timeout",
			[]option{streamOK, broken, leaves(45.2)},
			"client_cancelled",
			"",
			cancelled,
			nil,
		},
		{
			"cl-choke",
			[]option{streamOK, broken, early, oddityAt("choices_empty", 0.3), leaves(0.32)},
			"client_choked",
			"choices_empty",
			failed,
			[]string{"client_cancelled"},
		},
		{
			"cl-choke-known",
			[]option{streamOK, broken, oddityAt("comment_after_id", 2.95), leaves(3)},
			"client_choked",
			"comment_after_id",
			failed,
			nil,
		},
		{
			"cl-choke-node",
			[]option{streamOK, broken, sdk("openai-node"), oddityAt("data_empty", 2.95), leaves(3)},
			"client_choked",
			"data_empty",
			failed,
			nil,
		},
		{
			"cl-choke-encoding",
			[]option{streamOK, broken, oddity("encoding_unoffered", 1), leaves(3.05)},
			"client_choked",
			"encoding_unoffered",
			failed,
			nil,
		},
		{
			"cl-choke-other-sdk",
			[]option{streamOK, broken, sdk("openai-go"), oddityAt("comment_after_id", 2.95), leaves(3)},
			"client_cancelled",
			"",
			cancelled,
			[]string{"after_fragile:comment_after_id"},
		},
		{
			"cl-stop-fragile",
			[]option{streamOK, broken, oddityAt("delta_missing", 2.98), leaves(3)},
			"client_cancelled",
			"",
			cancelled,
			[]string{"after_fragile:delta_missing", "sse_fragile:delta_missing"},
		},
		{
			"cl-stop-later",
			[]option{streamOK, broken, early, oddityAt("choices_empty", 0.3), leaves(0.5)},
			"client_cancelled",
			"",
			cancelled,
			nil,
		},
		{
			"cl-fragile-when-unknown",
			[]option{streamOK, broken, early, oddity("choices_empty", 1), leaves(0.32)},
			"client_cancelled",
			"",
			cancelled,
			[]string{"sse_fragile:choices_empty"},
		},
		{
			"ag-leak",
			[]option{streamOK, broken, leaves(10.3), func(r *call.Record) { r.Timing.LastByte, r.Agent.Overrun = at(10.3), 3*time.Second }},
			"client_cancelled",
			"",
			cancelled,
			[]string{"upstream_not_cancelled"},
		},
	})
}

func TestPace(t *testing.T) {
	// pieces lays out a stream: events in bursts with pauses between.
	pieces := func(events, bursts, largest int, first, last float64, pauses ...time.Duration) option {
		return func(r *call.Record) {
			r.Stream.Events, r.Stream.ContentEvents, r.Stream.Bursts, r.Stream.LargestBurst = events, events-2, bursts, largest
			r.Timing.FirstData, r.Timing.FirstContent = at(first), at(first)
			r.Timing.LastData, r.Timing.LastByte, r.Timing.End = at(last), at(last), at(last)
			r.Stream.Pace = [18]call.PaceBin{}
			for _, p := range pauses {
				r.Stream.AddPace(p)
				r.Stream.MaxGap, r.Stream.MaxDataGap = max(r.Stream.MaxGap, p), max(r.Stream.MaxDataGap, p)
			}
			for range events - 3 - len(pauses) {
				r.Stream.AddPace(time.Millisecond)
			}
		}
	}
	second := time.Second
	lag := func(lag, blocked time.Duration) option {
		return func(r *call.Record) { r.Agent.LagMax, r.Agent.BlockedClient = lag, blocked }
	}
	run(t, []scenario{
		{
			"buf-block",
			[]option{streamOK, pieces(60, 1, 60, 16, 16.01)},
			"stream_buffered",
			"one_block",
			ok,
			nil,
		},
		{
			"buf-most",
			[]option{streamOK, pieces(60, 5, 50, 1, 9, 2*second)},
			"stream_buffered",
			"one_block",
			ok,
			nil,
		},
		{
			"buf-lumps",
			[]option{streamOK, pieces(200, 4, 66, 16.5, 66, 16500*time.Millisecond, 16500*time.Millisecond, 16500*time.Millisecond)},
			"stream_buffered",
			"lumpy",
			ok,
			nil,
		},
		{
			"buf-3",
			[]option{streamOK, pieces(50, 3, 20, 1, 5, 2*second, 2*second)},
			"stream_buffered",
			"lumpy",
			ok,
			nil,
		},
		{"buf-short", []option{streamOK, pieces(5, 1, 5, 3, 3.01)}, "ok", "", ok, nil},
		{"buf-quick", []option{streamOK, pieces(60, 1, 60, 1.5, 1.51)}, "ok", "", ok, nil},
		{
			"buf-even",
			[]option{streamOK, pieces(60, 6, 12, 1, 5, 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond, 2*second)},
			"ok",
			"",
			ok,
			nil,
		},
		{"buf-plain-json", []option{plainOK, after(9)}, "ok", "", ok, nil},
		{
			"stall-70",
			[]option{streamOK, pieces(10, 4, 3, 1, 73, 70*second)},
			"stream_stalled",
			"",
			ok,
			nil,
		},
		{
			"stall-before-first",
			[]option{streamOK, func(r *call.Record) { r.Stream.MaxGap = 70 * second }},
			"ok",
			"",
			ok,
			nil,
		},
		{
			"stall-with-comments",
			[]option{streamOK, func(r *call.Record) { r.Stream.MaxDataGap = 70 * second }},
			"ok",
			"",
			ok,
			nil,
		},
		{
			"hang-done",
			[]option{streamOK, func(r *call.Record) { r.Timing.End = at(9) }},
			"hang_after_done",
			"",
			ok,
			nil,
		},
		{
			"hang-short",
			[]option{streamOK, func(r *call.Record) { r.Timing.End = at(7.9) }},
			"ok",
			"",
			ok,
			nil,
		},
		{"hang-overrun", []option{streamOK, ends(call.SideClient, call.EndClosed), func(r *call.Record) {
			r.Timing.LastByte, r.Timing.End, r.Agent.Overrun = at(9.1), at(9.1), 6*second
		}}, "ok", "", ok, []string{"upstream_not_cancelled"}},
		{"ag-lag", []option{streamOK, lag(300*time.Millisecond, 0)}, "agent_induced", "lag", ok, nil},
		{
			"ag-slowclient",
			[]option{streamOK, lag(300*time.Millisecond, 300*time.Millisecond)},
			"ok",
			"",
			ok,
			nil,
		},
		{"ag-lag-plain", []option{plainOK, lag(300*time.Millisecond, 0)}, "ok", "", ok, nil},
	})
}
