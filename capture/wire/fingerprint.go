package wire

import "slices"

// ruleFingerprint is the rule of a match that the body told, not the path.
const ruleFingerprint = "fingerprint"

// Clues of a request body beside the names of its members.
const (
	clueRoles      = "messages:roles" // each message says who speaks
	clueParts      = "contents:parts"
	clueInputText  = "input:text"
	clueInputItems = "input:items"
	clueInputList  = "input:list" // of texts or tokens
	cluePrompt     = "prompt:text"
	clueInputs     = "inputs:text"
	clueNewTokens  = "parameters:max_tokens"
	clueMessage    = "message:text"
	clueTitan      = "inputText:text"
	clueBedrock    = "anthropic_version:bedrock"
	clueVertex     = "anthropic_version:vertex"
	clueAnthropic  = "header:anthropic-version"
)

// fingerprint is one row of the table of bodies that tell a dialect where the
// path does not. Members that every service might have prove nothing: without
// more of them it stays open until the answer is there.
type fingerprint struct {
	row
	asks  string     // the clue that shows where the prompt stands
	tells [][]string // of each list one clue must be there
	not   []string   // none of these may be
	later bool       // the body leaves it open, the answer may tell
	blind bool       // whether a stream is asked for stands in the path only
}

// Rows that several fingerprints share. A host that tells no provider leaves
// it unknown: gateways speak every dialect.
var (
	printedChat        = row{api: openaiChat, azure: "azure.openai.chat", inference: "azure.inference.chat", decoder: openaiChat, operation: chat, provider: compatible}
	printedCompletions = row{api: openaiCompletions, azure: "azure.openai.completions", decoder: openaiCompletions, operation: completion, provider: compatible}
	printedResponses   = row{api: openaiResponses, azure: "azure.openai.responses", decoder: openaiResponses, operation: chat, provider: compatible}
	printedEmbeddings  = row{api: "openai.embeddings", azure: "azure.openai.embeddings", decoder: openaiCompletions, operation: embeddings, provider: compatible}
	printedAnthropic   = row{api: "anthropic.messages", decoder: "anthropic", operation: chat}
	printedConverse    = row{api: "bedrock.converse", decoder: "bedrock.converse", operation: chat}
	printedInvoke      = row{api: "bedrock.invoke", decoder: "bedrock.invoke", operation: chat}
	printedGemini      = row{api: "gemini.generate", decoder: "gemini", operation: generate}
	printedOllamaChat  = row{api: "ollama.chat", decoder: "ollama", operation: chat}
	printedOllama      = row{api: "ollama.generate", decoder: "ollama", operation: completion}
	printedCohere      = row{api: "cohere.chat", decoder: "cohere", operation: chat}
	printedCohere1     = row{api: "cohere.v1", decoder: "cohere", operation: chat}
	printedTGI         = row{api: "tgi.generate", decoder: "tgi", operation: completion}
	printedLlamacpp    = row{api: "llamacpp.completion", decoder: "llamacpp", operation: completion, provider: compatible}
)

// sampling are parameters of OpenAI's requests and those made after them.
var sampling = []string{
	"max_tokens", "temperature", "top_p", "stop", "logprobs", "echo", "best_of", "suffix", "frequency_penalty", "presence_penalty", "stream_options",
}

// pictures are members of requests for images and videos, which have a prompt
// and a model too.
var pictures = []string{"size", "quality", "style", "image", "images", "mask", "aspect_ratio", "negative_prompt", "width", "height", "duration", "seconds", "num_inference_steps"}

// fingerprints are searched from the top.
var fingerprints = []fingerprint{
	{row: printedInvoke, asks: clueRoles, tells: [][]string{{clueBedrock}}, blind: true},
	{row: row{api: "vertex.anthropic", decoder: "anthropic", operation: chat}, asks: clueRoles, tells: [][]string{{clueVertex}}},
	{row: printedAnthropic, asks: clueRoles, tells: [][]string{{clueAnthropic, "anthropic_version"}}},
	{row: printedAnthropic, asks: clueRoles, tells: [][]string{{"max_tokens"}, {"system"}}, not: []string{"inferenceConfig", "options"}},
	{
		row: printedConverse, asks: clueRoles, blind: true, not: []string{"model", "schemaVersion"},
		tells: [][]string{{"inferenceConfig", "toolConfig", "additionalModelRequestFields", "guardrailConfig"}},
	},
	{row: printedOllamaChat, asks: clueRoles, tells: [][]string{{"model"}, {"options", "keep_alive"}}, not: []string{"max_tokens", "temperature"}},
	{row: printedCohere, asks: clueRoles, tells: [][]string{{"model"}, {"safety_mode", "citation_options", "strict_tools"}}},
	{
		row: printedChat, asks: clueRoles, not: []string{"schemaVersion"},
		tells: [][]string{append([]string{"model", "stream", "max_completion_tokens", "response_format", "n"}, sampling...)},
	},
	{row: printedGemini, asks: clueParts, blind: true},
	{row: printedResponses, asks: clueInputItems, tells: [][]string{{"model"}}},
	{
		row: printedResponses, asks: clueInputText, not: []string{"voice", "encoding_format", "dimensions"}, tells: [][]string{
			{"model"}, {"instructions", "previous_response_id", "max_output_tokens", "reasoning", "include", "store", "conversation", "tools"},
		},
	},
	{row: printedEmbeddings, asks: clueInputText, tells: [][]string{{"model"}, {"encoding_format", "dimensions"}}},
	{row: printedEmbeddings, asks: clueInputList, tells: [][]string{{"model"}, {"encoding_format", "dimensions"}}},
	{row: printedLlamacpp, asks: cluePrompt, tells: [][]string{{"n_predict"}}},
	{row: printedOllama, asks: cluePrompt, tells: [][]string{{"model"}, {"options", "keep_alive", "raw"}}, not: sampling},
	{row: printedCompletions, asks: cluePrompt, tells: [][]string{{"model"}, sampling}, not: pictures},
	{row: printedTGI, asks: clueInputs, tells: [][]string{{"stream", clueNewTokens}}},
	{row: printedCohere1, asks: clueMessage, tells: [][]string{{"chat_history", "preamble", "connectors", "search_queries_only"}}},
	{row: printedInvoke, asks: clueTitan, tells: [][]string{{"textGenerationConfig"}}, blind: true},

	{row: printedChat, asks: clueRoles, later: true},
	{row: printedAnthropic, asks: clueRoles, later: true},
	{row: printedOllamaChat, asks: clueRoles, later: true},
	{row: printedCohere, asks: clueRoles, later: true},
	{row: printedConverse, asks: clueRoles, later: true},
	{row: printedResponses, asks: clueInputText, later: true},
	{row: printedEmbeddings, asks: clueInputText, later: true},
	{row: printedEmbeddings, asks: clueInputList, later: true},
	{row: printedCompletions, asks: cluePrompt, later: true},
	{row: printedOllama, asks: cluePrompt, later: true},
	{row: printedLlamacpp, asks: cluePrompt, later: true},
	{row: printedTGI, asks: clueInputs, later: true},
	{row: printedCohere1, asks: clueMessage, later: true},
}

// fits reports whether a body has what the fingerprint wants.
func (f *fingerprint) fits(clues []string) bool {
	has := func(clue string) bool { return slices.Contains(clues, clue) }
	if !has(f.asks) || slices.ContainsFunc(f.not, has) {
		return false
	}
	for _, list := range f.tells {
		if !slices.ContainsFunc(list, has) {
			return false
		}
	}
	return true
}

// printOf returns the first fingerprint that fits, one that only the answer
// completes if there is no other, and nil if the body is no call at all.
func printOf(clues []string) *fingerprint {
	for i := range fingerprints {
		if fingerprints[i].fits(clues) {
			return &fingerprints[i]
		}
	}
	return nil
}

// printedRow returns what a request that asks in some place is if its answer is
// of a dialect; nil if none is known that does both.
func printedRow(asks, decoder string) *row {
	for i := range fingerprints {
		if f := &fingerprints[i]; f.later && f.asks == asks && f.decoder == decoder {
			return &f.row
		}
	}
	return nil
}
