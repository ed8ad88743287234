package diagnose

import (
	"slices"
	"strings"

	"llmtap/internal/call"
)

func flagInvalid(f *facts) (finding, bool) {
	r := f.r
	sent := r.Request.StreamFlag == call.StreamInvalid
	bySaying := f.text.aboutStream() && (asksBoolean(&f.text.said) || sent && f.text.said.has(isStream) && (f.text.said.has(isBool) || hasAny(f.text.all, "invalid type", "wrong type", "type error", "invalid value")))
	byParam := f.text.param == "stream" && !f.text.nested &&
		(sent || hasAny(f.text.code, "type", "bool") || f.text.said.has(isBool))
	if r.Response.Status < 400 || !bySaying && !byParam {
		return no()
	}
	if sent {
		what := r.Request.Hints.StreamType
		if what == "" {
			what = "another type"
		}
		return finding{reason: "client_sent", what: what}, true
	}
	return finding{reason: "changed_by_relay", fault: call.FaultNetwork, what: "another type"}, true
}

// options are the names of what only streams carry.
var options = []string{"stream_options", "include_usage"}

func optionRejected(f *facts) (finding, bool) {
	r := f.r
	if !f.stream || r.Response.Status < 400 {
		return no()
	}
	byParam := hasAny(r.Response.Error.Param, options...) || hasAny(r.Response.Error.Code, options...)
	if !byParam && (f.text.otherCause() || !f.text.said.has(isOption)) {
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
	if !f.stream || f.r.Response.Status < 400 || f.text.said.has(isOption) || hasAny(f.text.param, options...) {
		return false
	}
	return wantsPlain(&f.text.said) || !wantsStream(&f.text.said)
}

func streamRefusedByParam(f *facts) (finding, bool) {
	if f.text.param != "stream" || f.text.nested || !refusable(f) {
		return no()
	}
	return refusedBecause(f)
}

func streamRefusedByCode(f *facts) (finding, bool) {
	if !refusesByCode(f.text.code) || f.text.otherCause() || !refusable(f) {
		return no()
	}
	return refusedBecause(f)
}

func streamRefusedByText(f *facts) (finding, bool) {
	if !f.text.aboutStream() || !refusable(f) || !refusesStream(&f.text.said) && !(blamesRequest(f) && negatesStream(&f.text.said)) {
		return no()
	}
	if f.text.said.has(isPassing) && (f.r.Response.Status >= 500 || f.r.Response.Status == 429) {
		return no()
	}
	return refusedBecause(f)
}

// blamesRequest reports a status of a service that works and does not want
// this request.
func blamesRequest(f *facts) bool {
	s := f.r.Response.Status
	return s < 500 && s != 408 && s != 429
}

func plainRefused(f *facts) (finding, bool) {
	if !f.plain || f.r.Response.Status < 400 {
		return no()
	}
	byText := f.text.aboutStream() && wantsStream(&f.text.said) && !wantsPlain(&f.text.said)
	if !byText && !demandsByCode(f.text.code) {
		return no()
	}
	return yes("")
}

// refusedBecause finds the reason of a refused stream.
func refusedBecause(f *facts) (finding, bool) {
	said := &f.text.said
	switch {
	case said.has(isAccount):
		return finding{reason: "account", fault: call.FaultConfig}, true
	case said.has(isCombination):
		return yes("combination")
	case said.has(isModel), strings.Contains(f.text.code, "unsupported value"):
		return yes("model")
	}
	return finding{reason: "gateway", fault: call.FaultNetwork}, true
}

// Codes, as words, that refuse a stream or demand one, and words that make a
// code one about a stream that began.
var (
	codeRefusals = []string{
		"not", "no", "disabled", "disallowed", "denied", "forbidden", "unsupported", "blocked", "prohibited", "refused", "rejected", "off", "un",
		"disallow", "disable", "forbid", "cannot", "denies", "without", "unavailable", "deny", "unimplemented", "restricted", "unallowed",
	}
	codeDemands = []string{"required", "only", "mandatory", "requires", "needs", "must", "need", "require"}
	codeOthers  = []string{
		"option", "usage", "found", "clos", "ended", "time", "limit", "error", "interrupt", "reset", "exceed", "abort", "fail", "exist",
		"broken", "parse", "read", "quota", "rate", "concurren",
	}
)

// refusesByCode reports whether a code, as words, refuses streams.
func refusesByCode(code string) bool { return codeSays(code, codeRefusals, false) }

// demandsByCode reports whether a code, as words, demands a stream.
func demandsByCode(code string) bool {
	return codeSays(code, codeDemands, false) || codeSays(code, codeRefusals, true)
}

// codeSays looks for a stream, plain for what is none, with one of the words
// near it in the same identifier.
func codeSays(code string, near []string, plain bool) bool {
	if !strings.Contains(code, "stream") && !strings.Contains(code, "sse") {
		return false
	}
	for one := range strings.SplitSeq(code, ";") {
		stream, unplain, hit := false, false, false
		last := ""
		for w := range strings.FieldsSeq(one) {
			switch {
			case w == "stream" || w == "streaming" || w == "streams" || w == "streamed" || w == "sse":
				stream, unplain = true, unplain || last == "non"
			case strings.HasPrefix(w, "nonstream"):
				stream, unplain = true, true
			case w == "nostream" || w == "nostreaming":
				stream, hit = true, true
			case slices.Contains(near, w):
				hit = true
			case w == "id":
				return false
			}
			last = w
		}
		if stream && hit && unplain == plain && !hasAny(one, codeOthers...) && (plain || !codeDemanded(one, near)) {
			return true
		}
	}
	return false
}

// codeDemanded keeps "streaming required, not optional" from being a refusal.
func codeDemanded(code string, near []string) bool {
	if slices.Contains(near, "required") {
		return false
	}
	for w := range strings.FieldsSeq(code) {
		if slices.Contains(codeDemands, w) {
			return true
		}
	}
	return false
}

// hasAny reports whether s contains one of parts.
func hasAny(s string, parts ...string) bool {
	if s == "" {
		return false
	}
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// causes are codes and types that name a cause of their own, whatever words
// follow.
var causes = []string{
	"content filter", "content policy", "responsible ai", "safety", "moderation", "jailbreak", "rate limit", "too many", "throttl", "quota",
	"resource exhausted", "context length", "context window", "contextlength", "token limit", "string above", "tool use", "invalid tool",
	"invalid function", "invalid api key", "invalid message", "messages", "authentication", "not found", "overloaded",
}

// streamParams are parameters whose naming leaves room for a refused stream.
var streamParams = []string{
	"", "stream", "streaming", "stream_options", "include_usage", "model", "tools", "tool_choice", "functions", "function_call",
	"response_format", "logprobs", "top_logprobs", "body", "request", "null", "none",
}

// otherCause reports whether code, type or parameter name another cause than
// the stream: then words do not count. A bare "not found" only repeats 404.
func (t *texts) otherCause() bool {
	return t.nested || !slices.Contains(streamParams, t.param) || t.code != "not found" && hasAny(t.code, causes...)
}

// aboutStream reports whether the words may count as words about the stream.
func (t *texts) aboutStream() bool {
	return t.said.has(isStream|isPlain|isRefusal) && !t.otherCause()
}
