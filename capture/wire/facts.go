package wire

import (
	"slices"
	"strings"

	"llmtap/internal/call"
)

// Facts are what a response body showed so far. Groups are embedded, so that
// f.Events and f.Done read well.
type Facts struct {
	// Framing is sniffed from the bytes; unknown before the first ones.
	Framing call.Framing
	Counts
	Marks
	Answer
	// Usage is the last one reported, never a sum.
	Usage call.Usage
	// Error is the error body or the last detailed in-band error. Its texts
	// are raw, the message up to 4 KiB: redact before keeping them.
	Error call.Error
	// Oddities are sorted by name.
	Oddities []call.Oddity
}

// Counts of events; zero for bodies that are no stream. Events counts data
// events with their terminal markers; ToolCalls counts distinct calls.
type Counts struct {
	Events        int
	ContentEvents int
	Keepalives    int
	ToolCalls     int
}

// Marks tell how an answer ended.
type Marks struct {
	// Done: the dialect's terminal marker came.
	Done bool
	// Finish: at least one choice was seen and each had a finish reason.
	Finish bool
	// Errored: an error inside a body with a status below 400.
	Errored bool
	// Alien: a whole document that is no error was there, and the first ones
	// told no dialect.
	Alien bool
	// Whole: the body came to its proper end in its own framing: the JSON value
	// or array is closed, no SSE block, line or frame is open.
	Whole bool
}

// Answer is what the service said about itself and its answer.
type Answer struct {
	Model       string
	ID          string
	ServiceTier string
	Fingerprint string
	// Format names the decoder whose documents the first ones are; empty if
	// they told none, or did not have to.
	Format string
	// FinishReasons has one raw reason per choice, in order of the choices; a
	// choice without one holds an empty slot. Nil if no choice had a reason.
	FinishReasons []string
}

// quirk is an oddity by number.
type quirk uint8

const (
	afterTerminal quirk = iota
	asyncFilter
	badJSON
	blockWithoutData
	bom
	choicesEmpty
	choicesNull
	comment
	commentAfterID
	loneCR
	crlf
	dataEmpty
	deltaMissing
	eventstreamCRC
	eventstreamTruncated
	foreignDialect
	idEmpty
	leadingBlank
	lineSeparator
	multiData
	noCharset
	noSpace
	oversize
	repeatedFinish
	sequenceGap
	textCumulative
	textDoubled
	toolBadArguments
	toolNoIndex
	toolTwoIDs
	trailingJSON
	unknownField
	valueTruncated
	quirkCount
)

// quirkNames is in the order of the constants and sorted.
var quirkNames = [quirkCount]string{
	"after_terminal", "async_filter", "bad_json", "block_without_data", "bom", "choices_empty", "choices_null",
	"comment", "comment_after_id", "cr", "crlf", "data_empty", "delta_missing", "eventstream_crc",
	"eventstream_truncated", "foreign_dialect", "id_empty", "leading_blank", "line_separator", "multi_data", "no_charset", "no_space",
	"oversize", "repeated_finish", "sequence_gap", "text_cumulative", "text_doubled", "tool_bad_arguments", "tool_no_index",
	"tool_two_ids", "trailing_json", "unknown_field", "value_truncated",
}

// quirks counts oddities and remembers when each came last, by the clock of
// Response.At.
type quirks struct {
	n, at [quirkCount]int64
	now   int64
}

func (q *quirks) note(k quirk) { q.add(k, 1) }

func (q *quirks) add(k quirk, n int) {
	if n > 0 {
		q.n[k] += int64(n)
		q.at[k] = q.now
	}
}

// list returns those that occurred.
func (q *quirks) list() []call.Oddity {
	var out []call.Oddity
	for i, n := range q.n {
		if n > 0 {
			out = append(out, call.Oddity{Name: quirkNames[i], Count: int(n)})
		}
	}
	return out
}

// keepString makes a kept text: at most limit bytes, valid UTF-8.
func keepString(b []byte, limit int) string {
	if len(b) > limit {
		b = b[:limit]
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// first sets an empty *dst to a short text.
func first(dst *string, v *value) {
	if *dst == "" && v.form == formString && v.some {
		*dst = keepString(v.text, maxShort)
	}
}

// maxShort bounds kept names: models, ids, codes.
const maxShort = 256

// keysOf returns sorted names without repeats.
func keysOf(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
