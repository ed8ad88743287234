package wire

import "slices"

// chatPaths select what openai.chat needs of a chunk or of a plain answer;
// Azure, Mistral, Groq, DeepSeek and other compatible services add their own.
var chatPaths = slices.Concat([]path{
	{path: "choices[].delta", slot: oaDelta, keep: keepNone},
	{path: "choices[].message", slot: oaMessage, keep: keepNone},
	{path: "choices[].content_filter_offsets", slot: oaFilter, keep: keepNone},
	{path: "choices[].usage", slot: oaFallback, keep: keepNone}, // Moonshot's
	{path: "choices[].usage.prompt_tokens", slot: oaInput},
	{path: "choices[].usage.completion_tokens", slot: oaOutput},
	{path: "choices[].error.code", slot: oaErrorCode},
	{path: "choices[].error.message", slot: oaErrorMessage},
}, openaiPaths, answerPaths("choices[].delta", oaText, keepText), answerPaths("choices[].message", oaContent, keepNone))

// openaiPaths are common to chat and legacy completions.
var openaiPaths = []path{
	{path: "model", slot: oaModel},
	{path: "id", slot: oaID},
	{path: "service_tier", slot: oaTier},
	{path: "system_fingerprint", slot: oaFingerprint},
	{path: "choices", slot: oaChoices, keep: keepNone},
	{path: "choices[]", slot: oaChoice, keep: keepNone},
	{path: "choices[].index", slot: oaIndex},
	{path: "choices[].finish_reason", slot: oaFinish},
	{path: "usage", slot: oaUsage, keep: keepNone},
	{path: "usage.prompt_tokens", slot: oaInput},
	{path: "usage.completion_tokens", slot: oaOutput},
	{path: "usage.prompt_tokens_details.cached_tokens", slot: oaCached},
	{path: "usage.prompt_cache_hit_tokens", slot: oaCacheHit},
	{path: "usage.prompt_tokens_details.cache_write_tokens", slot: oaCacheWrite},
	{path: "usage.completion_tokens_details.reasoning_tokens", slot: oaThought},
	{path: "x_groq.usage", slot: oaFallback, keep: keepNone},
	{path: "x_groq.usage.prompt_tokens", slot: oaInput},
	{path: "x_groq.usage.completion_tokens", slot: oaOutput},
}

// answerPaths are those of model output below a delta or a message. Only of
// deltas is the text of the answer looked at.
func answerPaths(under string, text slot, k keep) []path {
	return []path{
		{path: under + ".content", slot: text, keep: k},
		{path: under + ".content[].text", slot: text, keep: k},
		{path: under + ".content[].thinking[].text", slot: oaReasoning, keep: keepNone},
		{path: under + ".refusal", slot: oaContent, keep: keepNone},
		{path: under + ".reasoning_content", slot: oaReasoning, keep: keepNone},
		{path: under + ".reasoning", slot: oaReasoning, keep: keepNone},
		{path: under + ".reasoning_details[].text", slot: oaReasoning, keep: keepNone},
		{path: under + ".reasoning_details[].summary", slot: oaReasoning, keep: keepNone},
		{path: under + ".audio.data", slot: oaContent, keep: keepNone},
		{path: under + ".audio.transcript", slot: oaContent, keep: keepNone},
		{path: under + ".tool_calls[]", slot: oaToolCall, keep: keepNone},
		{path: under + ".tool_calls[].index", slot: oaToolIndex},
		{path: under + ".tool_calls[].id", slot: oaToolID},
		{path: under + ".tool_calls[].function.name", slot: oaToolName, keep: keepNone},
		{path: under + ".tool_calls[].function.arguments", slot: oaToolArguments, keep: k},
		{path: under + ".function_call.name", slot: oaToolName, keep: keepNone},
		{path: under + ".function_call.arguments", slot: oaFunctionArguments, keep: k},
	}
}

func openChat() dialect { return &openai{chat: true} }
