package explain

import (
	"slices"
	"strings"

	"llmtap/internal/call"
)

// change is one difference that may make a failed call work; apply reports
// whether the request had what it changes.
type change struct {
	words string
	apply func(*ask) bool
}

// without takes a member out of the body, if it is there.
func without(q *ask, name string) bool {
	had := q.body.has(name)
	q.body = q.body.without(name)
	return had
}

// modal are the classes in which a streamed call failed and a plain one may
// not: for the others asking differently is no test of anything.
var modal = []call.Class{
	call.ClassStreamUnsupported, call.ClassGatewayErrorOpaque, call.ClassProviderError, call.ClassRequestRejected,
	call.ClassFramingInvalid, call.ClassErrorInBody, call.ClassStreamDowngraded, call.ClassContentTypeMismatch,
	call.ClassErrorInStream, call.ClassStreamTruncated, call.ClassEmptyStream, call.ClassStreamIncomplete,
	call.ClassClientChoked, call.ClassSSEMalformed, call.ClassUncleanClose, call.ClassToolDeltaMalformed,
	call.ClassStreamBuffered, call.ClassStreamStalled, call.ClassHangAfterDone, call.ClassDuplicateOutput,
}

// changeFor picks the change that tests the class.
func changeFor(r *call.Record) (change, bool) {
	switch class := r.Diagnosis.Class; class {
	case call.ClassStreamOptionRejected:
		return change{"without `stream_options`", func(q *ask) bool { return without(q, "stream_options") }}, true
	case call.ClassStreamFlagInvalid:
		return change{"with `stream` as the JSON value true", func(q *ask) bool { q.body = q.body.with("stream", "true"); return true }}, true
	case call.ClassPlainUnsupported, call.ClassStreamUnrequested, call.ClassGatewayTimeout, call.ClassFirstByteTimeout:
		if r.Request.Mode == call.ModePlain {
			return change{"asking for a stream", streamed(r)}, true
		}
	case call.ClassParameterUnsupported, call.ClassAPIVersionIncompatible:
		param := r.Response.Error.Param
		if param != "" {
			return change{"without `" + clip(param) + "`", func(q *ask) bool { return without(q, param) }}, true
		}
	default:
		if r.Request.Mode == call.ModeStream && slices.Contains(modal, class) {
			return change{"asking for one plain answer instead of a stream", plain(r)}, true
		}
	}
	return change{}, false
}

// paths are the services that are asked for a stream by path.
var paths = []struct{ stream, plain string }{
	{":streamGenerateContent", ":generateContent"},
	{":streamRawPredict", ":rawPredict"},
	{"/converse-stream", "/converse"},
	{"/generate_stream", "/generate"},
}

// plain asks for one answer: by path, else by the flag. `stream_options` goes
// with it, because services take it on streams only.
func plain(r *call.Record) func(*ask) bool {
	return func(q *ask) bool {
		for _, p := range paths {
			if rest, ok := strings.CutSuffix(q.path, p.stream); ok {
				q.path = rest + p.plain
				q.query = slices.DeleteFunc(q.query, func(m member) bool { return m.name == "alt" })
				return true
			}
		}
		if r.Request.StreamFlag == call.StreamUnknown {
			return false
		}
		q.body = q.body.without("stream_options").with("stream", "false")
		return true
	}
}

// streamed asks for a stream.
func streamed(r *call.Record) func(*ask) bool {
	return func(q *ask) bool {
		for _, p := range paths {
			if rest, ok := strings.CutSuffix(q.path, p.plain); ok {
				q.path = rest + p.stream
				return true
			}
		}
		if r.Request.StreamFlag == call.StreamUnknown {
			return false
		}
		q.body = q.body.with("stream", "true")
		return true
	}
}
