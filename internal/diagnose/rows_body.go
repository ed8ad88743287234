package diagnose

import "llmtap/internal/call"

// bodyRows are the classes of 2xx answers by kind and label of the body.
var bodyRows = []Row{
	{
		Class: call.ClassFramingInvalid, Severity: fail, Fault: call.FaultNetwork,
		Sentence: "The HTTP message is malformed ({reason}).",
		Remedies: []string{"a.ask", "o.label"},
		Reasons:  []string{"*"},
	},
	{
		Class: call.ClassErrorInBody, Severity: fail, Fault: call.FaultProvider,
		Sentence: "Status was {status}, yet the body is an error[: {code}][ {message}].",
		Remedies: []string{"a.ask", "o.err"},
	},
	{
		Class: call.ClassStreamUnrequested, Severity: fail, Fault: call.FaultProvider,
		Sentence: "The client asked for one answer and got a stream.",
		Remedies: []string{"u.flag", "o.label"},
		Reasons:  []string{"flag_false", "flag_absent", "trailing_done"},
	},
	{
		Class: call.ClassStreamDowngraded, Severity: fail, Fault: call.FaultProvider,
		Sentence: "The client asked for a stream and got one JSON answer; some clients then show nothing.",
		Remedies: []string{"u.off", "o.label"},
	},
	{
		Class: call.ClassPlainBodyInvalid, Severity: fail, Fault: call.FaultProvider,
		Sentence: "The answer body is {reason}.",
		Remedies: []string{"u.retry", "a.ask"},
		Reasons:  []string{"empty", "truncated", "not_JSON"},
	},
	{
		Class: call.ClassContentTypeMismatch, Severity: warn, Fault: call.FaultNetwork,
		Sentence: "The body is {framing} but labelled {type}.",
		Remedies: []string{"u.upgrade", "o.label"},
		Reasons:  []string{"missing", "wrong"},
	},
}

// streamRows are the classes of 2xx streams by how they ended.
var streamRows = []Row{
	{
		Class: call.ClassErrorInStream, Severity: fail, Fault: call.FaultProvider,
		Sentence: "The answer failed after {status} was sent[: {code}][ {message}].",
		Remedies: []string{"u.retry", "o.err"},
		Reasons:  []string{"rate_limited", "content_filter", "context_length", "stream_refused", "validation", "server_error"},
	},
	{
		Class: call.ClassStreamTruncated, Severity: fail, Fault: call.FaultProvider,
		Sentence: "The answer was cut after {s} s and {n} events.",
		Remedies: []string{"u.retry", "a.buf", "o.term"},
	},
	{
		Class: call.ClassEmptyStream, Severity: fail, Fault: call.FaultProvider,
		Sentence: "The stream ended without any content ({reason}).",
		Remedies: []string{"u.retry", "o.err"},
		Reasons:  []string{"zero_bytes", "no_terminal", "done_only", "no_output_stop"},
	},
	{
		Class: call.ClassStreamIncomplete, Severity: fail, Fault: call.FaultProvider,
		Sentence: "The answer is cut although HTTP ended cleanly.",
		Remedies: []string{"u.retry", "o.term"},
	},
	{
		Class: call.ClassClientChoked, Severity: fail, Fault: call.FaultClient,
		Sentence: "The client closed right after a legal but unusual event ({kind}): it probably crashed on it.",
		Remedies: []string{"u.upgrade", "o.err"},
		Reasons:  fragile,
	},
	{
		Class: call.ClassClientTimeout, Severity: fail, Fault: call.FaultClient,
		Sentence: "The client gave up at {s} s, its own limit.",
		Remedies: []string{"u.timeout", "o.keepalive"},
	},
	{
		Class: call.ClassClientCancelled, Severity: info, Fault: call.FaultUser,
		Sentence: "The client closed before the answer was complete.",
		Remedies: []string{"u.none"},
	},
	{
		Class: call.ClassSSEMalformed, Severity: fail, Fault: call.FaultProvider,
		Sentence: "{count} not valid JSON.",
		Remedies: []string{"a.ask", "o.err"},
	},
	{
		Class: call.ClassUncleanClose, Severity: warn, Fault: call.FaultNetwork,
		Sentence: "The answer was complete, but the connection then broke; {clients} report an error all the same, " +
			"so the user probably saw one.",
		Remedies: []string{"o.term", "u.upgrade"},
		Reasons:  []string{"after_marker", "after_finish"},
	},
	{
		Class: call.ClassToolDeltaMalformed, Severity: warn, Fault: call.FaultProvider,
		Sentence: "Tool-call pieces cannot be joined ({reason}).",
		Remedies: []string{"u.off", "a.ask"},
		Reasons:  []string{"no_index", "two_ids", "bad_arguments"},
	},
}

// paceRows are the classes of 2xx streams by when their pieces came.
var paceRows = []Row{
	{
		Class: call.ClassStreamBuffered, Severity: warn, Fault: call.FaultNetwork,
		Sentence: "The stream arrives in {one block/lumps}: something holds it back.",
		Remedies: []string{"a.buf", "o.buf"},
		Reasons:  []string{"one_block", "lumpy"},
	},
	{
		Class: call.ClassStreamStalled, Severity: warn, Fault: call.FaultProvider,
		Sentence: "No byte for {s} s in mid-answer.",
		Remedies: []string{"u.retry", "a.buf", "o.keepalive"},
	},
	{
		Class: call.ClassHangAfterDone, Severity: warn, Fault: call.FaultProvider,
		Sentence: "The answer was complete, the connection stayed open {s} s.",
		Remedies: []string{"u.upgrade", "o.term"},
	},
	{
		Class: call.ClassDuplicateOutput, Severity: warn, Fault: call.FaultProvider,
		Sentence: "Pieces of text repeat ({reason}).",
		Remedies: []string{"u.off", "a.ask"},
		Reasons:  []string{"cumulative", "doubled"},
	},
}
