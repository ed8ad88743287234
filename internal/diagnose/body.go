package diagnose

import (
	"slices"
	"strings"

	"llmtap/internal/call"
)

// bodyRules judge 2xx answers: the kind and label of the body, how the stream
// ended, when its pieces came.
var bodyRules = []rule{
	{"non_api_response.page", call.ClassNonAPIResponse, nonAPI},
	{"framing_invalid", call.ClassFramingInvalid, framingInvalid},
	{"error_in_body", call.ClassErrorInBody, errorInBody},
	{"error_in_stream", call.ClassErrorInStream, errorInStream},
	{"stream_truncated", call.ClassStreamTruncated, streamTruncated},
	{"stream_unrequested", call.ClassStreamUnrequested, streamUnrequested},
	{"stream_downgraded", call.ClassStreamDowngraded, streamDowngraded},
	{"content_type_mismatch.abort", call.ClassContentTypeMismatch, mislabelledAbort},
	{"sse_malformed", call.ClassSSEMalformed, sseMalformed},
	{"client_choked", call.ClassClientChoked, clientChoked},
	{"client_timeout", call.ClassClientTimeout, clientTimeout},
	{"client_cancelled", call.ClassClientCancelled, clientCancelled},
	{"plain_body_invalid", call.ClassPlainBodyInvalid, plainBodyInvalid},
	{"empty_stream", call.ClassEmptyStream, emptyStream},
	{"stream_incomplete", call.ClassStreamIncomplete, streamIncomplete},
	{"unclean_close", call.ClassUncleanClose, uncleanClose},
	{"content_filtered.finish", call.ClassContentFiltered, answerFiltered},
	{"content_type_mismatch", call.ClassContentTypeMismatch, mislabelled},
	{"tool_delta_malformed", call.ClassToolDeltaMalformed, toolDelta},
	{"agent_induced.lag", call.ClassAgentInduced, agentLag},
	{"stream_buffered", call.ClassStreamBuffered, streamBuffered},
	{"stream_stalled", call.ClassStreamStalled, streamStalled},
	{"hang_after_done", call.ClassHangAfterDone, hangAfterDone},
	{"duplicate_output", call.ClassDuplicateOutput, duplicateOutput},
}

// errorInBody: a JSON body with a truthy top-level error, in either mode.
func errorInBody(f *facts) (finding, bool) {
	if !f.framing(call.FramingJSON) || !f.r.Stream.Errored && f.r.Response.Error.Shape == call.ShapeUnknown {
		return no()
	}
	return yes("")
}

func streamUnrequested(f *facts) (finding, bool) {
	r := f.r
	trailing := f.framing(call.FramingJSON) && f.odd("trailing_json") > 0
	switch {
	case !f.plain, !trailing && !f.framing(call.FramingSSE, call.FramingNDJSON, call.FramingEventStream):
		return no()
	case trailing:
		return yes("trailing_done")
	case r.Request.StreamFlag == call.StreamFalse:
		return yes("flag_false")
	}
	return yes("flag_absent")
}

// streamDowngraded: one JSON answer to a request for a stream. Ollama's answer
// of one line is a stream of one line unless it is labelled as plain JSON.
func streamDowngraded(f *facts) (finding, bool) {
	if !f.stream || !f.framing(call.FramingJSON) || f.r.Stream.Errored || f.r.Response.Error.Shape != call.ShapeUnknown {
		return no()
	}
	if oneLine(f) {
		return no()
	}
	return yes("")
}

// oneLine reports whether a JSON body is one of Ollama's streams, which are
// lines of JSON, with one line only.
func oneLine(f *facts) bool {
	return f.stream && f.api("ollama") && f.framing(call.FramingJSON) && f.r.Response.Body.ContentType != "application/json" &&
		f.odd("foreign_dialect") == 0
}

// answering are the operations whose plain answer is JSON.
var answering = []string{"chat", "text_completion", "generate_content", "embeddings"}

func plainBodyInvalid(f *facts) (finding, bool) {
	r := f.r
	short := f.end(call.SideUpstream, call.EndShort, call.EndReset, call.EndH2RST, call.EndClosed) && !f.terminal
	switch {
	case streaming(f), r.Request.Method == "HEAD", r.End.Side == call.SideClient:
		return no()
	case r.Response.Status == 204 && !slices.Contains(answering, r.Target.Operation):
		return no()
	case short:
		return yes("truncated") // whatever was asked, this is no whole answer
	case !f.plain:
		return no()
	case f.framing(call.FramingEmpty):
		return yes("empty")
	case f.framing(call.FramingJSON) && f.end(call.SideUpstream, call.EndEOF) && !f.terminal && f.dialect:
		return yes("truncated") // or no JSON after all
	case f.dialect && f.framing(call.FramingText, call.FramingOther) && slices.Contains(answering, r.Target.Operation):
		return yes("not_JSON")
	}
	return no()
}

// labels are the media types that fit a framing.
var labels = map[call.Framing][]string{
	call.FramingSSE:         {"text/event-stream"},
	call.FramingJSON:        {"application/json", "+json"},
	call.FramingJSONArray:   {"application/json", "+json"},
	call.FramingNDJSON:      {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/json", "+json"},
	call.FramingEventStream: {"application/vnd.amazon.eventstream"},
	call.FramingHTML:        {"text/html", "application/xhtml+xml"},
}

// label reports how the media type misses the body; empty if it fits.
func label(f *facts) string {
	framing, mt := f.r.Response.Body.Framing, f.r.Response.Body.ContentType
	if oneLine(f) {
		framing = call.FramingNDJSON
	}
	fitting := labels[framing]
	switch {
	case fitting == nil:
		return ""
	case mt == "":
		return "missing"
	case slices.ContainsFunc(fitting, func(l string) bool { return mt == l || l[0] == '+' && strings.HasSuffix(mt, l) }):
		return ""
	}
	return "wrong"
}

func mislabelled(f *facts) (finding, bool) {
	reason := label(f)
	if reason == "" || !f.dialect {
		return no()
	}
	what := "`" + f.r.Response.Body.ContentType + "`"
	if reason == "missing" {
		what = "not at all"
	}
	return finding{reason: reason, what: what}, true
}

// mislabelledAbort: the client left before any content, so the label probably
// drove it away.
func mislabelledAbort(f *facts) (finding, bool) {
	found, ok := mislabelled(f)
	if !ok || !f.abandoned() || f.r.Stream.ContentEvents > 0 {
		return no()
	}
	found.severity = fail
	return found, true
}

func answerFiltered(f *facts) (finding, bool) {
	if !f.finished("content_filter") {
		return no()
	}
	return finding{what: "answer"}, true
}
