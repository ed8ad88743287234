package diagnose

import (
	"regexp"
	"slices"
	"strings"

	"llmtap/internal/call"
)

func flagInvalid(f *facts) (finding, bool) {
	r := f.r
	bySaying := f.text.aboutStream() && booleans().MatchString(f.text.said)
	byParam := f.text.param == "stream" && !f.text.nested &&
		(r.Request.StreamFlag == call.StreamInvalid || strings.Contains(f.text.code, "type"))
	if r.Response.Status < 400 || !bySaying && !byParam {
		return no()
	}
	if r.Request.StreamFlag == call.StreamInvalid {
		what := r.Request.Hints.StreamType
		if what == "" {
			what = "another type"
		}
		return finding{reason: "client_sent", what: what}, true
	}
	return finding{reason: "changed_by_relay", fault: call.FaultNetwork, what: "another type"}, true
}

func optionRejected(f *facts) (finding, bool) {
	r := f.r
	byParam := options.MatchString(strings.ToLower(r.Response.Error.Param)) || options.MatchString(r.Response.Error.Code)
	if !f.stream || r.Response.Status < 400 || !byParam && (f.text.otherCause() || !options.MatchString(f.text.said)) {
		return no()
	}
	switch {
	case slices.Contains(r.Request.Keys, "stream_options"):
		return yes("client_sent")
	case len(r.Request.Keys) > 0:
		return finding{reason: "injected", fault: call.FaultConfig}, true
	}
	return yes("")
}

// refusable reports whether the answer can be a refused stream at all.
func refusable(f *facts) bool {
	if !f.stream || f.r.Response.Status < 400 || f.text.saysOther(options) {
		return false
	}
	return f.text.plainOnly || !f.text.streamOnly
}

// wantsPlain reports whether the words ask for a plain call: nothing but
// "nonstream" may stand there, for "only streams, not nonstream" says the
// opposite.
func wantsPlain(said string) bool {
	return slices.ContainsFunc(plainWanted().FindAllString(said, -1), func(m string) bool {
		return strings.Count(m, "stream") == 1
	})
}

func streamRefusedByParam(f *facts) (finding, bool) {
	if !refusable(f) || f.text.param != "stream" || f.text.nested {
		return no()
	}
	return refusedBecause(f)
}

var (
	streamCodes = regexp.MustCompile(`\bstream(s|ing|ed)?( \w+){0,3}? (not|disabled|disallowed|denied|forbidden|unsupported|blocked|prohibited|refused|rejected|off)\b|` +
		`\b(not?|un|disallow\w*|forbid\w*|unsupported|disabled?|cannot|denied|denies|without)( \w+){0,2} stream(s|ing|ed)?\b|\bnostream`)
	plainCodes  = regexp.MustCompile(`\bstream(ing)? (is )?(required|only|mandatory)|\b(requires?|needs?|must|only)( \w+){0,1} stream(ing)?\b|\bnon ?stream\w*( \w+)? (not|unsupported|disabled|disallowed|forbidden)`)
	otherStream = regexp.MustCompile(`option|usage|found|clos|ended|time|limit|error|interrupt|reset|exceed|abort|fail|exist|broken|id\b|parse|read`)
)

func streamRefusedByCode(f *facts) (finding, bool) {
	code := f.text.code
	if !strings.Contains(code, "stream") || !refusable(f) || !streamCodes.MatchString(code) || otherStream.MatchString(code) || plainCodes.MatchString(code) || f.text.otherCause() {
		return no()
	}
	return refusedBecause(f)
}

func streamRefusedByText(f *facts) (finding, bool) {
	if !refusable(f) || !f.text.aboutStream() || !refusesStream(f.text.said) {
		return no()
	}
	if passing().MatchString(f.text.said) && (f.r.Response.Status >= 500 || f.r.Response.Status == 429) {
		return no()
	}
	return refusedBecause(f)
}

func plainRefused(f *facts) (finding, bool) {
	if !f.plain || f.r.Response.Status < 400 {
		return no()
	}
	byText := f.text.aboutStream() && f.text.streamOnly
	if !byText && !plainCodes.MatchString(f.text.code) {
		return no()
	}
	return yes("")
}

// refusedBecause finds the reason of a refused stream.
func refusedBecause(f *facts) (finding, bool) {
	said, code := f.text.said, f.text.code
	switch {
	case accountWords().MatchString(said):
		return finding{reason: "account", fault: call.FaultConfig}, true
	case combinationWords().MatchString(said):
		return yes("combination")
	case modelWords().MatchString(said), strings.Contains(code, "unsupported value"):
		return yes("model")
	}
	return finding{reason: "gateway", fault: call.FaultNetwork}, true
}

// causes are codes and types that name a cause of their own, whatever words
// follow.
var causes = regexp.MustCompile(`content (filter|policy)|responsible ai|safety|moderation|jailbreak|rate limit|too many|throttl|quota|` +
	`resource exhausted|context (length|window)|token limit|string above|tool use|invalid (tool|function|api key|message)|` +
	`messages|authentication|not found|overloaded`)

// streamParams are parameters whose naming leaves room for a refused stream.
var streamParams = []string{
	"", "stream", "streaming", "stream_options", "include_usage", "model", "tools", "tool_choice", "functions", "function_call",
	"response_format", "logprobs", "top_logprobs", "body", "request", "null", "none",
}

// otherCause reports whether code, type or parameter name another cause than
// the stream: then words do not count.
func (t texts) otherCause() bool {
	return causes.MatchString(t.code) || t.nested || !slices.Contains(streamParams, t.param)
}

// aboutStream reports whether the words may count as words about the stream.
func (t texts) aboutStream() bool { return t.topic && !t.otherCause() }

// saysOther reports whether the words or the parameter match another topic.
func (t texts) saysOther(topic *regexp.Regexp) bool {
	return topic.MatchString(t.said) || topic.MatchString(t.param)
}

// How far stream and refusal may stand apart, in runes.
const (
	reachAfter  = 80
	reachBefore = 40
	reachWeak   = 15
)

// refusesStream reports whether a sentence says that there are no streams.
func refusesStream(said string) bool {
	if crowd().MatchString(said) {
		return false
	}
	if direct().MatchString(said) || wantsPlain(said) {
		return true
	}
	streams := wordForms().FindAllStringIndex(said, 16)
	if len(streams) == 0 {
		return false
	}
	refused := refusals().FindAllStringIndex(said, 16)
	return slices.ContainsFunc(streams, func(w []int) bool {
		if broke.MatchString(said[w[1]:]) || failing.MatchString(said[:w[0]]) {
			return false
		}
		return slices.ContainsFunc(refused, func(n []int) bool { return refers(said, w, n) }) || weaklyRefused(said, w[1])
	})
}

// refers reports whether the refusal at n is about the stream at w.
func refers(said string, w, n []int) bool {
	switch {
	case n[0] >= w[1]:
		return connected(said[w[1]:n[0]], reachAfter)
	case w[0] >= n[1]:
		gap := said[n[1]:w[0]]
		return connected(gap, reachBefore) && !strings.ContainsAny(gap, ",，、") && !parameterSubject.MatchString(said[:n[0]])
	}
	return true // one expression holds both
}

// weaklyRefused looks for a word right after the stream that refuses it only
// there, and names no other cause.
func weaklyRefused(said string, from int) bool {
	rest := said[from:]
	n := weakRefusals().FindStringIndex(rest)
	return n != nil && connected(rest[:n[0]], reachWeak) && !reasons.MatchString(rest[n[1]:]) && !elsewhere.MatchString(said)
}

// sentenceEnd is a mark that ends a clause; a dot inside a name is none.
var sentenceEnd = regexp.MustCompile(`[;!?\n。；！？]|\.(\s|$)`)

// connected reports whether gap joins two words of one clause.
func connected(gap string, reach int) bool {
	return len([]rune(gap)) <= reach && !sentenceEnd.MatchString(gap) && !broken().MatchString(gap)
}
