package otlp

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"llmtap/internal/call"
)

// genAI writes the attributes of the GenAI conventions.
func genAI(a *attrs, r *call.Record) {
	a.str(genOperation, r.Target.Operation)
	a.str(genProvider, r.Target.Provider)
	a.str(genRequestModel, r.Target.Model)
	a.yes(genRequestStream, r.Request.Mode == call.ModeStream && r.Request.StreamFlag != call.StreamInvalid)
	a.str(errorType, r.ErrorType())
	a.str(genOutputType, outputType(r.Request.Hints.OutputType))
	parameters(a, r.Request.Params)
	a.str(genResponseID, r.Response.ID)
	a.str(genResponseModel, r.Response.Model)
	a.strs(genFinish, finishReasons(r))
	if d, ok := r.TimeToFirstChunk(); ok {
		a.float(genFirstChunk, d.Seconds())
		a.str(langfuseStart, r.Timing.FirstContent.UTC().Format(time.RFC3339Nano))
	}
	u := r.Usage
	a.amount(genInput, u.Input)
	a.amount(genOutput, u.Output)
	a.amount(genCacheRead, u.Cached)
	a.amount(genCacheWrite, u.CacheWrite)
	a.amount(genCacheCreation, u.CacheWrite)
	a.amount(genReasoning, u.Reasoning)
}

// outputType maps what was asked for to the closed list of the conventions.
func outputType(v string) string {
	switch v {
	case "json", "json_object", "json_schema":
		return "json"
	case "text", "image", "speech":
		return v
	case "audio":
		return "speech"
	}
	return ""
}

// paramKind is how a request parameter becomes an attribute.
type paramKind uint8

const (
	paramInt paramKind = iota
	paramFloat
	paramText
	paramList
)

// paramTable maps body keys to attributes. Rows of one attribute: first wins.
var paramTable = []struct {
	name string
	key  attribute.Key
	kind paramKind
}{
	{"n", genChoices, paramInt},
	{"seed", genSeed, paramInt},
	{"top_k", genTopK, paramInt},
	{"k", genTopK, paramInt}, // Cohere
	{"max_completion_tokens", genMaxTokens, paramInt},
	{"max_output_tokens", genMaxTokens, paramInt},
	{"max_tokens", genMaxTokens, paramInt},
	{"temperature", genTemperature, paramFloat},
	{"top_p", genTopP, paramFloat},
	{"p", genTopP, paramFloat}, // Cohere
	{"frequency_penalty", genFrequencyPenalty, paramFloat},
	{"presence_penalty", genPresencePenalty, paramFloat},
	{"stop", genStop, paramList},
	{"stop_sequences", genStop, paramList},
	{"encoding_format", genEncodings, paramList},
	{"previous_response_id", genPrevious, paramText},
	{"reasoning_effort", genReasoningLevel, paramText},
	{"reasoning.effort", genReasoningLevel, paramText},
	{"output_config.effort", genReasoningLevel, paramText}, // Anthropic
	{"dimensions", genDimensions, paramInt},
	{"service_tier", openaiAskedTier, paramText},
	{"conversation", genConversation, paramText},
	{"conversation_id", genConversation, paramText},
}

func parameters(a *attrs, params []call.Param) {
	var done []attribute.Key
	for _, row := range paramTable {
		i := slices.IndexFunc(params, func(p call.Param) bool { return p.Name == row.name })
		if i < 0 || slices.Contains(done, row.key) {
			continue
		}
		if parameter(a, row.key, row.kind, params[i].Value) {
			done = append(done, row.key)
		}
	}
}

// parameter writes one parameter from its JSON text; false if it has another
// type than the attribute, is null, or is the default that is not worth a word.
func parameter(a *attrs, k attribute.Key, kind paramKind, text string) bool {
	switch kind {
	case paramInt:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || k == genChoices && n == 1 {
			return false
		}
		a.num(k, n)
	case paramFloat:
		var f float64
		if json.Unmarshal([]byte(text), &f) != nil || text == "null" {
			return false
		}
		a.float(k, f)
	case paramText:
		s, ok := jsonText(text)
		if !ok || k == openaiAskedTier && s == "auto" {
			return false
		}
		a.str(k, s)
	case paramList:
		if s, ok := jsonText(text); ok {
			a.strs(k, []string{s})
			return true
		}
		var list []string
		if json.Unmarshal([]byte(text), &list) != nil || len(list) == 0 {
			return false
		}
		a.strs(k, list)
	}
	return true
}

func jsonText(text string) (string, bool) {
	var s string
	if !strings.HasPrefix(text, `"`) || json.Unmarshal([]byte(text), &s) != nil || s == "" {
		return "", false
	}
	return s, true
}

// finishReasons are the reasons as they came, with "error" in each slot whose
// reason was due and did not come.
func finishReasons(r *call.Record) []string {
	good := r.Response.Status >= 200 && r.Response.Status < 300
	due := good && r.Target.Format != "" && r.Target.Operation != "embeddings" && r.Outcome() != call.OutcomeOK
	if len(r.Response.FinishReasons) == 0 {
		if due && !r.End.Terminal {
			return []string{"error"}
		}
		return nil
	}
	out := make([]string, 0, len(r.Response.FinishReasons))
	for _, reason := range r.Response.FinishReasons {
		switch {
		case reason != "":
			out = append(out, reason)
		case due:
			out = append(out, "error")
		}
	}
	return out
}

// finishes maps the raw finish reasons of all dialects to one closed list.
var finishes = []struct {
	value string
	raw   []string
}{
	{"stop", []string{"stop", "eos", "eos_token", "end_turn", "complete", "stop_sequence", "completed", "word"}},
	{"length", []string{"length", "limit", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"}},
	{"tool_calls", []string{"tool_calls", "function_call", "tool_use", "tool_call"}},
	{"content_filter", []string{
		"content_filter", "content_filtered", "refusal", "safety", "prohibited_content", "blocklist", "spii", "recitation", "model_armor",
		"image_safety", "image_prohibited_content", "image_recitation", "guardrail_intervened", "jailbreak",
	}},
	{"pause", []string{"pause_turn", "pause", "continuation"}},
	{"error", []string{
		"error", "error_toxic", "error_limit", "timeout", "failed", "abort", "insufficient_system_resource", "malformed_function_call",
		"malformed_response", "malformed_model_output", "malformed_tool_use", "unexpected_tool_call", "too_many_tool_calls",
		"missing_thought_signature",
	}},
}

func normalFinish(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	raw := strings.ToLower(reasons[0])
	if strings.HasPrefix(raw, "blockreason:") { // a prompt that was blocked
		return "content_filter"
	}
	for _, f := range finishes {
		if slices.Contains(f.raw, raw) {
			return f.value
		}
	}
	return "other"
}
