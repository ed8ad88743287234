package wire

import (
	"slices"
	"strings"
)

// Slots of Gemini.
const (
	gmModel slot = firstOwn + iota
	gmID
	gmTier
	gmCandidates
	gmCandidate
	gmIndex
	gmFinish
	gmParts
	gmPart
	gmText
	gmThought
	gmCall
	gmCallName
	gmData
	gmBlock
	gmUsage
	gmPrompt
	gmToolPrompt
	gmAnswer
	gmThoughts
	gmCached
)

// geminiFields select what is needed of a GenerateContentResponse, which each
// event of a stream is, and of Vertex AI's. Some clients and gateways write the
// names in snake_case.
var geminiFields = withSnake([]path{
	{path: "modelVersion", slot: gmModel},
	{path: "responseId", slot: gmID},
	{path: "candidates", slot: gmCandidates, keep: keepNone},
	{path: "candidates[]", slot: gmCandidate, keep: keepNone},
	{path: "candidates[].index", slot: gmIndex},
	{path: "candidates[].finishReason", slot: gmFinish},
	{path: "candidates[].content.parts", slot: gmParts, keep: keepNone},
	{path: "candidates[].content.parts[]", slot: gmPart, keep: keepNone},
	{path: "candidates[].content.parts[].text", slot: gmText},
	{path: "candidates[].content.parts[].thought", slot: gmThought, keep: keepNone},
	{path: "candidates[].content.parts[].functionCall", slot: gmCall, keep: keepNone},
	{path: "candidates[].content.parts[].functionCall.name", slot: gmCallName, keep: keepNone},
	{path: "candidates[].content.parts[].inlineData.data", slot: gmData, keep: keepNone},
	{path: "candidates[].content.parts[].executableCode", slot: gmData, keep: keepNone},
	{path: "candidates[].content.parts[].codeExecutionResult", slot: gmData, keep: keepNone},
	{path: "promptFeedback.blockReason", slot: gmBlock},
	{path: "usageMetadata", slot: gmUsage, keep: keepNone},
	{path: "usageMetadata.promptTokenCount", slot: gmPrompt},
	{path: "usageMetadata.toolUsePromptTokenCount", slot: gmToolPrompt},
	{path: "usageMetadata.candidatesTokenCount", slot: gmAnswer},
	{path: "usageMetadata.thoughtsTokenCount", slot: gmThoughts},
	{path: "usageMetadata.cachedContentTokenCount", slot: gmCached},
	{path: "usageMetadata.trafficType", slot: gmTier},
})

// withSnake adds to each path the same one in snake_case, where it differs.
func withSnake(list []path) []path {
	out := slices.Clone(list)
	for _, p := range list {
		if snake := snakeCase(p.path); snake != p.path {
			p.path = snake
			out = append(out, p)
		}
	}
	return out
}

func snakeCase(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// geminiParams are the parameters of Gemini's requests under the names that
// other dialects give them.
var geminiParams = withSnakeParams([]param{
	{path: "generationConfig.temperature", name: "temperature"},
	{path: "generationConfig.topP", name: "top_p"},
	{path: "generationConfig.topK", name: "top_k"},
	{path: "generationConfig.maxOutputTokens", name: "max_output_tokens"},
	{path: "generationConfig.candidateCount", name: "n"},
	{path: "generationConfig.seed", name: "seed"},
	{path: "generationConfig.presencePenalty", name: "presence_penalty"},
	{path: "generationConfig.frequencyPenalty", name: "frequency_penalty"},
	{path: "generationConfig.responseMimeType", name: "response_format.type"},
	{path: "generationConfig.responseLogprobs", name: "logprobs"},
	{path: "generationConfig.logprobs", name: "top_logprobs"},
	{path: "generationConfig.thinkingConfig.thinkingLevel", name: "reasoning_effort"},
	{path: "generationConfig.thinkingConfig.thinkingBudget", name: "thinking.budget_tokens"},
	{path: "generationConfig.thinkingConfig.includeThoughts", name: "include_thoughts"},
	{path: "toolConfig.functionCallingConfig.mode", name: "tool_choice"},
	{path: "serviceTier", name: "service_tier"},
})

func withSnakeParams(list []param) []param {
	out := slices.Clone(list)
	for _, p := range list {
		if snake := snakeCase(p.path); snake != p.path {
			out = append(out, param{path: snake, name: p.name})
		}
	}
	return out
}

// geminiAsks are where its requests hold what others have in messages.
var geminiAsks = withSnake([]path{
	{path: "contents", slot: reqMessages},
	{path: "contents[]", slot: reqMessage},
	{path: "contents[].role", slot: reqRole},
	{path: "contents[].parts[].text", slot: reqText, keep: keepEnds},
	{path: "systemInstruction.parts[].text", slot: reqSystem},
	{path: "tools[].functionDeclarations[]", slot: reqDeclaration},
	{path: "generationConfig.stopSequences", slot: reqStop},
	{path: "generationConfig.stopSequences[]", slot: reqStopItem},
	{path: "generationConfig.responseMimeType", slot: reqFormat},
})
