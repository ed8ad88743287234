package diagnose

import (
	"slices"
	"strconv"
	"time"

	"llmtap/internal/call"
)

func errorInStream(f *facts) (finding, bool) {
	if !f.stream || !f.r.Stream.Errored && !saidNothingButError(f) {
		return no()
	}
	return yes(streamError(f))
}

// saidNothingButError reports a stream without content whose finish reason is
// that the answer failed: a call the model could not write, a server that had
// no room.
func saidNothingButError(f *facts) bool {
	return f.dialect && f.r.StreamBody() && f.r.Stream.ContentEvents == 0 && wrongFinish(f.r) != ""
}

// wrongFinish returns the finish reason, as it was sent, of a choice that
// failed; empty if none did.
func wrongFinish(r *call.Record) string {
	for _, raw := range r.Response.FinishReasons {
		if finishOf(raw) == "error" {
			return raw
		}
	}
	return ""
}

// streamError sorts an in-band error by its code, then by its words.
func streamError(f *facts) string {
	code := f.text.code
	switch {
	case hasAny(code, "rate limit", "too many", "throttl", "quota", "resource exhausted", "429"):
		return "rate_limited"
	case f.r.Response.Error.Shape == call.ShapeString && hasAny(f.text.all, "rate limit", "too many requests"):
		return "rate_limited" // Cohere and Ollama have no codes, only words
	case hasAny(code, filterWords...):
		return "content_filter"
	case contextExceeded(f):
		return "context_length"
	case refusesByCode(code), f.text.aboutStream() && refusesStream(&f.text.said):
		return "stream_refused"
	case hasAny(code, "invalid", "validation", "bad request", "badrequest", "400", "422"):
		return "validation"
	}
	return "server_error"
}

// lastInstant is when the answer stopped coming.
func lastInstant(f *facts) time.Time {
	if t := f.r.Timing.LastByte; !t.IsZero() {
		return t
	}
	return f.left
}

// streaming reports whether the answer was to be a stream. Where that is not
// known, what came decides.
func streaming(f *facts) bool {
	return f.stream || !f.plain && f.framing(call.FramingSSE, call.FramingNDJSON, call.FramingEventStream)
}

func streamTruncated(f *facts) (finding, bool) {
	if !streaming(f) || f.terminal || !f.cut() {
		return no()
	}
	found := finding{seconds: max(f.since(f.left).Seconds(), 0.001)} // 0 would read as not known
	if atDeadline(f.since(f.left), hopDeadlines, 0.01) {
		found.fault = call.FaultNetwork
	}
	return found, true
}

func uncleanClose(f *facts) (finding, bool) {
	if !f.stream || !f.terminal || !f.cut() {
		return no()
	}
	if f.r.Stream.Done {
		return finding{reason: "after_marker", what: "openai-python up to 1.60, openai-node, the AI SDK and anthropic-python"}, true
	}
	return finding{reason: "after_finish", what: "nearly all clients (not LiteLLM)"}, true
}

// finishedQuietly are finishes after which no content is no failure.
var finishedQuietly = []string{"length", "content_filter", "tool", "pause", "load"}

func emptyStream(f *facts) (finding, bool) {
	r := f.r
	s := r.Stream
	over := f.end(call.SideUpstream, call.EndEOF) || f.terminal // some clients leave at the terminator
	if !f.stream || !f.dialect || s.ContentEvents > 0 || s.Errored || wrongFinish(r) != "" || !over ||
		!f.framing(call.FramingSSE, call.FramingNDJSON, call.FramingEventStream, call.FramingJSONArray, call.FramingEmpty, call.FramingText) {
		return no()
	}
	if slices.ContainsFunc(finishedQuietly, f.finished) || param(r, "max_tokens") == "0" {
		return no()
	}
	switch {
	case r.Response.Body.Bytes == 0:
		return yes("zero_bytes")
	case s.Finish:
		return finding{reason: "no_output_stop", severity: warn}, true
	case s.Done:
		return yes("done_only")
	}
	return yes("no_terminal")
}

func streamIncomplete(f *facts) (finding, bool) {
	if !f.stream || !f.dialect || f.terminal || f.r.Stream.ContentEvents == 0 || !f.end(call.SideUpstream, call.EndEOF) {
		return no()
	}
	return yes("")
}

func sseMalformed(f *facts) (finding, bool) {
	n := f.odd("bad_json")
	switch {
	case n == 0:
		return no()
	case n == 1:
		return finding{what: "1 event is"}, true
	}
	return finding{what: strconv.Itoa(n) + " events are"}, true
}

// toolOddities are how pieces of tool calls fail to join, as decoders name it.
var toolOddities = []struct{ oddity, reason string }{
	{"tool_no_index", "no_index"}, {"tool_two_ids", "two_ids"}, {"tool_bad_arguments", "bad_arguments"},
}

func toolDelta(f *facts) (finding, bool) {
	for _, o := range toolOddities {
		if f.odd(o.oddity) > 0 {
			return yes(o.reason)
		}
	}
	return no()
}

// duplicateOutput: decoders compare pieces of text as they pass, since no text
// is kept, and name what they saw as an oddity.
func duplicateOutput(f *facts) (finding, bool) {
	for _, reason := range []string{"cumulative", "doubled"} {
		if f.odd("text_"+reason) > 0 {
			return yes(reason)
		}
	}
	return no()
}
